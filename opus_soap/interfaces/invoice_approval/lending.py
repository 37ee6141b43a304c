"""Lending invoices out: send, recall, resend, park, release, remind.

Each is one transaction: the lending, the outbox entry, the invoice's state and the audit entry stand
or fall together. Every identifier of the message is minted here, once.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from opus_soap.clock import Clock, isoformat
from opus_soap.database import new_uuid, transaction
from opus_soap.errors import InvoiceUnknown
from opus_soap.interfaces.invoice_approval import states
from opus_soap.interfaces.invoice_approval.importing import complete
from opus_soap.interfaces.invoice_approval.routing import route
from opus_soap.store import audit, outbox
from opus_soap.store.models import Invoice, Lending, System

KIND = "invoice_approval.send"
REMIND_AGAIN = timedelta(days=1)


def find_invoice(identifier: str) -> Invoice:
    """The invoice with this UUID (or the start of one, 8 characters or more); raises `InvoiceUnknown`."""
    wanted = identifier.replace("-", "").lower()
    if len(wanted) >= 8:
        try:
            whole = UUID(wanted)
        except ValueError:
            matches = [row for row in Invoice.select() if row.uuid.hex.startswith(wanted)]
            if len(matches) == 1:
                return matches[0]
        else:
            found: Invoice | None = Invoice.get_or_none(Invoice.uuid == whole)
            if found is not None:
                return found
    raise InvoiceUnknown(value=identifier)


def open_lending(invoice: Invoice) -> Lending | None:
    """The newest lending of an invoice, or None."""
    newest: Lending | None = (
        Lending.select().where(Lending.invoice == invoice).order_by(Lending.id.desc()).first()
    )
    return newest


def send(invoice: Invoice, *, actor: str, clock: Clock) -> Lending:
    """Lend an invoice to the system that the routing rules name; raises what keeps it from being sent."""
    with transaction():
        states.require(invoice, "send")
        problem = complete(invoice)
        if problem is not None:
            raise problem
        rule = route(invoice)
        return lend(invoice, rule.system, answer_required=rule.answer_required, actor=actor, clock=clock)


def lend(invoice: Invoice, system: System, *, answer_required: bool, actor: str, clock: Clock) -> Lending:
    """Lend an invoice to a system, whatever the rules say; in the caller's transaction."""
    now = clock.now()
    with transaction():
        lending = Lending.create(
            uuid=new_uuid(),
            invoice=invoice,
            system=system,
            answer_required=answer_required,
            state=Lending.OPEN if answer_required else Lending.INFORMATION,
            created_at=now,
        )
        outbox.enqueue(
            KIND,
            subject=lending.uuid,
            system=system,
            payload={"transaction_id": str(new_uuid()), "transaction_time": isoformat(now)},
            at=now,
        )
        states.move(invoice, Invoice.QUEUED, reason=f"→ {system.name}")
        _audit("invoice.queued", invoice, actor, clock, lending=lending.uuid, system=system.name)
    return lending


def recall(invoice: Invoice, *, actor: str, clock: Clock) -> None:
    """Take an invoice back. The contract has no message for it: a late answer is refused instead."""
    with transaction():
        states.require(invoice, "recall")
        _close(invoice, Lending.RECALLED, clock)
        states.move(invoice, Invoice.RECALLED, reason=f"recalled by {actor}")
        _audit("invoice.recalled", invoice, actor, clock)


def resend(invoice: Invoice, system: System, *, actor: str, clock: Clock) -> Lending:
    """Lend an invoice to another system; what the earlier one answers from now on is refused."""
    with transaction():
        states.require(invoice, "resend")
        earlier = open_lending(invoice)
        _close(invoice, Lending.REPLACED, clock)
        required = earlier.answer_required if earlier else True
        return lend(invoice, system, answer_required=required, actor=actor, clock=clock)


def park(invoice: Invoice, reason: str, *, actor: str, clock: Clock) -> None:
    """Hold an invoice that waits to be sent, until somebody releases it."""
    with transaction():
        states.require(invoice, "park")
        lending = open_lending(invoice)
        waiting = outbox.waiting_about(lending.uuid) if lending else None
        if waiting is not None:
            outbox.park(waiting.uuid, reason, at=clock.now())
        states.move(invoice, Invoice.PARKED, reason=reason)
        _audit("invoice.parked", invoice, actor, clock, reason=reason)


def release(invoice: Invoice, *, actor: str, clock: Clock) -> Lending | None:
    """Let a parked invoice go on: the sending it waits in, or, if it has none, a new one by the rules."""
    with transaction():
        states.require(invoice, "release")
        lending = open_lending(invoice)
        waiting = outbox.waiting_about(lending.uuid) if lending else None
        if lending is None or waiting is None:
            return send(invoice, actor=actor, clock=clock)
        outbox.release(waiting.uuid, at=clock.now())
        states.move(invoice, Invoice.QUEUED, reason=f"→ {lending.system.name}")
        _audit("invoice.released", invoice, actor, clock, lending=lending.uuid)
        return lending


def remind(*, actor: str, clock: Clock) -> list[Lending]:
    """The lendings whose answer is overdue; each is noted in the audit trail at most once a day."""
    now = clock.now()
    overdue = list(
        Lending.select(Lending, Invoice)
        .join(Invoice)
        .where(Lending.state == Lending.OPEN, Lending.due_at < now, Invoice.state == Invoice.AWAITING)
        .order_by(Lending.due_at)
    )
    with transaction():
        for lending in overdue:
            if lending.reminded_at is None or lending.reminded_at <= now - REMIND_AGAIN:
                Lending.update(reminded_at=now).where(Lending.id == lending.id).execute()
                _audit("invoice.overdue", lending.invoice, actor, clock, lending=lending.uuid)
    return overdue


def _close(invoice: Invoice, state: str, clock: Clock) -> None:
    """No answer to the invoice's lendings is taken any more, and what waits to be sent never is."""
    for lending in Lending.select().where(
        Lending.invoice == invoice, Lending.state.not_in([Lending.RECALLED, Lending.REPLACED])
    ):
        waiting = outbox.waiting_about(lending.uuid)
        if waiting is not None:
            outbox.cancel(waiting.uuid, at=clock.now())
        Lending.update(state=state).where(Lending.id == lending.id).execute()


def _audit(event: str, invoice: Invoice, actor: str, clock: Clock, **detail: object) -> None:
    audit.record(
        event, invoice.uuid, actor=actor, at=clock.now(), municipality=invoice.municipality, **detail
    )
