"""An invoice's states, and which action may be taken in which."""

from __future__ import annotations

from opus_soap.errors import TransitionRefused
from opus_soap.store.models import Invoice

ALLOWED: dict[str, tuple[str, ...]] = {
    "send": (Invoice.PARKED,),
    "release": (Invoice.PARKED,),
    "park": (Invoice.QUEUED,),
    "recall": (Invoice.QUEUED, Invoice.AWAITING, Invoice.PARKED),
    "resend": (Invoice.PARKED, Invoice.AWAITING, Invoice.REJECTED, Invoice.RECALLED, Invoice.INFORMED),
}


def require(invoice: Invoice, action: str) -> None:
    """Raise `TransitionRefused` unless the invoice's state allows the action."""
    if invoice.state not in ALLOWED[action]:
        raise TransitionRefused(element=action, value=invoice.state, expected=" / ".join(ALLOWED[action]))


def move(invoice: Invoice, state: str, *, reason: str = "", code: str = "") -> None:
    """Set the state, in the caller's transaction."""
    invoice.state, invoice.state_reason, invoice.state_code = state, reason[:1000], code
    Invoice.update(
        state=invoice.state, state_reason=invoice.state_reason, state_code=invoice.state_code
    ).where(Invoice.id == invoice.id).execute()
