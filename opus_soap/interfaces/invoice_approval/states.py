"""An invoice's states, which action may be taken in which, and who may decide: one at a time."""

from __future__ import annotations

from opus_soap.database import is_postgresql, transaction
from opus_soap.errors import TransitionRefused
from opus_soap.store.models import Invoice

ALLOWED: dict[str, tuple[str, ...]] = {
    "send": (Invoice.PARKED,),
    "release": (Invoice.PARKED,),
    "park": (Invoice.QUEUED,),
    "recall": (Invoice.QUEUED, Invoice.AWAITING, Invoice.PARKED),
    "resend": (Invoice.PARKED, Invoice.AWAITING, Invoice.REJECTED, Invoice.RECALLED, Invoice.INFORMED),
}


def hold(invoice: Invoice) -> Invoice:
    """Read the invoice's row again and keep everybody else off it until the transaction ends.

    Whoever decides on an invoice holds it first: before its lendings, before their outbox entries. So
    nobody decides on what was read before, and no two wait for each other.
    """
    query = Invoice.select().where(Invoice.id == invoice.id)
    fresh = (query.for_update() if is_postgresql() else query).get()
    invoice.__data__.update(fresh.__data__)
    return invoice


def begin(invoice: Invoice, action: str) -> None:
    """Hold the invoice for an action; raises `TransitionRefused` unless its state allows it."""
    hold(invoice)
    if invoice.state not in ALLOWED[action]:
        raise TransitionRefused(element=action, value=invoice.state, expected=" / ".join(ALLOWED[action]))


def move(invoice: Invoice, state: str, *, reason: str = "", code: str = "") -> None:
    """Set the state of an invoice that is held, in the caller's transaction."""
    with transaction():
        moved = (
            Invoice.update(state=state, state_reason=reason[:1000], state_code=code)
            .where(Invoice.id == invoice.id, Invoice.state == invoice.state)
            .execute()
        )
        if not moved:  # it was not held
            raise TransitionRefused(element=state, value="changed", expected=invoice.state)
    invoice.state, invoice.state_reason, invoice.state_code = state, reason[:1000], code
