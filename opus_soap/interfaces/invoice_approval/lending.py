"""Lending invoices out: send, recall, resend, park, release, remind.

An invoice has at most one live lending: the only one whose answer is taken. Each action is one
transaction that holds the invoice; lending, outbox entry, state and audit entry stand or fall together.
Every identifier of the message is minted here, once.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from opus_soap.clock import Clock, isoformat
from opus_soap.database import new_uuid, transaction
from opus_soap.errors import InvoiceAmbiguous, InvoiceUnknown, OpusSoapError, SystemForeign
from opus_soap.identifiers import number_key
from opus_soap.interfaces.invoice_approval import states
from opus_soap.interfaces.invoice_approval.importing import complete
from opus_soap.interfaces.invoice_approval.routing import route
from opus_soap.store import audit, outbox
from opus_soap.store.models import Invoice, Lending, OutboxEntry, System

KIND = "invoice_approval.send"
REMIND_AGAIN = timedelta(days=1)


def find_invoice(identifier: str) -> Invoice:
    """The invoice with this number, or UUID, or the start of one (8 characters or more).

    A number counts as it is written; where there is none so, as people read it.

    Raises `InvoiceUnknown`; `InvoiceAmbiguous` for a number that several suppliers have used.
    """
    written = list(Invoice.select().where(Invoice.number == identifier).limit(5))
    read_so = Invoice.number_key == number_key(identifier)
    numbered = written or list(Invoice.select().where(read_so).limit(5))
    if len(numbered) > 1:
        listed = ", ".join(f"{row.uuid} ({row.supplier_name})" for row in numbered)
        raise InvoiceAmbiguous(value=identifier, expected=listed)
    if numbered:
        return numbered[0]
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


def live_lending(invoice: Invoice) -> Lending | None:
    """The one lending of an invoice that an answer may still come to, or came to; None when there is none."""
    live: Lending | None = Lending.get_or_none(Lending.invoice == invoice, Lending.state.in_(Lending.LIVE))
    return live


def send(invoice: Invoice, *, actor: str, clock: Clock) -> Lending:
    """Lend an invoice to the system that the routing rules name; raises what keeps it from being sent.

    Where a sending to that system was given up or parked, it goes on: the receiver may have it after
    all, and must know it again. A sending to any other system is closed first.
    """
    with transaction():
        states.begin(invoice, "send")
        _require_complete(invoice)
        rule = route(invoice)
        live = live_lending(invoice)
        if live is not None and live.system == rule.system and live.answer_required == rule.answer_required:
            waiting = outbox.waiting_about(live.uuid)
            if waiting is not None:
                return _go_on(invoice, live, waiting, actor, clock)
        return lend(invoice, rule.system, answer_required=rule.answer_required, actor=actor, clock=clock)


def lend(invoice: Invoice, system: System, *, answer_required: bool, actor: str, clock: Clock) -> Lending:
    """Lend an invoice that is held to a system, whatever the rules say; closes any earlier lending."""
    if system.municipality != invoice.municipality:
        raise SystemForeign(element=system.name, value=system.municipality, expected=invoice.municipality)
    now = clock.now()
    with transaction():
        _close(invoice, Lending.REPLACED, clock)
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
        states.begin(invoice, "recall")
        _close(invoice, Lending.RECALLED, clock)
        states.move(invoice, Invoice.RECALLED, reason=f"recalled by {actor}")
        _audit("invoice.recalled", invoice, actor, clock)


def resend(invoice: Invoice, system: System, *, actor: str, clock: Clock) -> Lending:
    """Lend an invoice to another system; what the earlier one answers from now on is refused."""
    with transaction():
        states.begin(invoice, "resend")
        _require_complete(invoice)
        earlier = live_lending(invoice)
        required = earlier.answer_required if earlier else True
        return lend(invoice, system, answer_required=required, actor=actor, clock=clock)


def park(invoice: Invoice, reason: str, *, actor: str, clock: Clock) -> None:
    """Hold an invoice that waits to be sent, until somebody releases it."""
    with transaction():
        states.begin(invoice, "park")
        waiting = _waiting(live_lending(invoice))
        if waiting is not None:
            outbox.park(waiting.uuid, reason, at=clock.now())
        states.move(invoice, Invoice.PARKED, reason=reason)
        _audit("invoice.parked", invoice, actor, clock, reason=reason)


def release(invoice: Invoice, *, actor: str, clock: Clock) -> Lending:
    """Let a parked invoice go on: the sending it waits in, or, if it has none, a new one by the rules."""
    with transaction():
        states.begin(invoice, "release")
        live = live_lending(invoice)
        waiting = _waiting(live)
        if live is None or waiting is None:
            return send(invoice, actor=actor, clock=clock)
        return _go_on(invoice, live, waiting, actor, clock)


def note_problem(invoice: Invoice, problem: OpusSoapError) -> None:
    """Say of a parked invoice why it could not be sent."""
    with transaction():
        states.hold(invoice)
        if invoice.state == Invoice.PARKED:
            states.move(invoice, Invoice.PARKED, reason=problem.text_danish, code=problem.code)


def _require_complete(invoice: Invoice) -> None:
    problem = complete(invoice)
    if problem is not None:
        raise problem


def _waiting(lending: Lending | None) -> OutboxEntry | None:
    return outbox.waiting_about(lending.uuid) if lending is not None else None


def _go_on(invoice: Invoice, lending: Lending, waiting: OutboxEntry, actor: str, clock: Clock) -> Lending:
    """The sending that waits is tried again, under the ids that it has."""
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
    """No answer to the invoice's lending is taken any more, and what waits to be sent never is."""
    live = live_lending(invoice)
    if live is None:
        return
    waiting = _waiting(live)
    if waiting is not None:
        outbox.cancel(waiting.uuid, at=clock.now())
    Lending.update(state=state).where(Lending.id == live.id).execute()


def _audit(event: str, invoice: Invoice, actor: str, clock: Clock, **detail: object) -> None:
    audit.record(
        event, invoice.uuid, actor=actor, at=clock.now(), municipality=invoice.municipality, **detail
    )
