"""An answer from a case system: booked, kept as a rejection, or refused with every reason.

Everything runs in the message's transaction. The lending is locked first, so that two answers to one
invoice follow each other. Only an accepted answer is final for its UUID; a refused one leaves the
invoice as it was, and may be sent again under the same UUID.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from opus_soap.clock import Clock, business_date, from_isoformat, isoformat
from opus_soap.database import is_postgresql, proxy, transaction
from opus_soap.errors import (
    AnswerDiffers,
    AnswerNotPossible,
    AuthorityWrong,
    LendingRecalled,
    LendingUnknown,
    LentToAnother,
    OpusSoapError,
    OutcomeUnclear,
    SupplierDiffers,
    VoucherRefused,
)
from opus_soap.interfaces.invoice_approval import states
from opus_soap.interfaces.invoice_approval.booking import draft_voucher
from opus_soap.interfaces.invoice_approval.importing import supplier_of
from opus_soap.interfaces.invoice_approval.messages import AnswerMessage, differences
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import CompanyCode, Municipality, Voucher
from opus_soap.ledger.posting import VoucherDraft, label, post, reverse
from opus_soap.soap.service import CallContext
from opus_soap.store import audit, content, inbox, outbox
from opus_soap.store.models import Answer, InboxEntry, Invoice, Lending, System

INTERFACE = "invoice_approval.answer"
APPROVED, REJECTED = "Godkendt", "Afvist"


@dataclass(frozen=True)
class AnswerReceipt:
    """What the case system is told: accepted, or refused with these errors."""

    answer: UUID
    at: datetime
    errors: tuple[OpusSoapError, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the answer had its effect."""
        return not self.errors


def receive_answer(message: AnswerMessage, context: CallContext, clock: Clock) -> AnswerReceipt:
    """Take an answer; never raises for what is wrong in its content: that is in the receipt."""
    with transaction():
        lending = _locked(message.lending)
        earlier = inbox.find(INTERFACE, str(context.system.uuid), str(message.uuid))
        if earlier is not None:
            return _repeated(message, earlier, context)
        if lending is None:
            unknown = LendingUnknown(element="FakturaInformationIdentifikation", value=message.lending)
            return _refused(message, context, [unknown])
        errors = [*_check_lending(lending, context.system), *_check_parties(message, lending, context)]
        if errors:
            return _refused(message, context, errors)
        return _accept(message, lending, context, clock)


def _locked(uuid: UUID) -> Lending | None:
    query = Lending.select().where(Lending.uuid == uuid)
    found: Lending | None = (query.for_update() if is_postgresql() else query).first()
    return found


def _repeated(message: AnswerMessage, earlier: InboxEntry, context: CallContext) -> AnswerReceipt:
    """The stored answer again; or, for other content, a refusal that names each difference."""
    stored = json.loads(content.get(earlier.answer.sha256))
    now = message.canonical()
    errors = [
        AnswerDiffers(element=path, value=value, expected=before)
        for path, before, value in differences(content.get(earlier.body.sha256), now)
    ]
    if errors:
        return _refused(message, context, errors)
    return AnswerReceipt(message.uuid, from_isoformat(stored["at"]))


def _check_lending(lending: Lending, system: System) -> Iterator[OpusSoapError]:
    if lending.system != system:
        yield LentToAnother(element="FakturaInformationIdentifikation", value=lending.uuid)
    elif lending.state == Lending.INFORMATION:
        yield AnswerNotPossible(element="FakturaInformationIdentifikation", value=lending.uuid)
    elif lending.state in (Lending.RECALLED, Lending.REPLACED):
        yield LendingRecalled(element="FakturaInformationIdentifikation", value=lending.state)


def _check_parties(message: AnswerMessage, lending: Lending, context: CallContext) -> Iterator[OpusSoapError]:
    invoice = lending.invoice
    if invoice.municipality != context.municipality:
        yield LentToAnother(element="FakturaInformationIdentifikation", value=lending.uuid)
        return
    authority = Municipality.get_by_id(invoice.municipality).cvr
    if message.authority_cvr not in (None, authority):
        yield AuthorityWrong(
            element="MyndighedAktørCVRNummer", value=message.authority_cvr, expected=authority
        )
    supplier = supplier_of(invoice)
    if supplier is not None and supplier.cvr and message.supplier_cvr not in (None, supplier.cvr):
        yield SupplierDiffers(
            element="LeverandørAktørCVRNummer", value=message.supplier_cvr, expected=supplier.cvr
        )
    yield from _check_outcome(message)


def _check_outcome(message: AnswerMessage) -> Iterator[OpusSoapError]:
    """Result, Accept- or AfvisningStruktur, and Kontering say the same."""
    approved = message.result == APPROVED
    element = "FakturaInformationBehandlingResultat"
    if approved and message.reasons is not None:
        yield OutcomeUnclear(element=element, value=message.result, expected=REJECTED)
    if not approved and message.accepted:
        yield OutcomeUnclear(element=element, value=message.result, expected=APPROVED)
    if approved and message.voucher is None:
        yield OutcomeUnclear(element="Kontering", value="-", expected="Finansbilag, Postering")
    if not approved and message.voucher is not None:
        yield OutcomeUnclear(element="Kontering", value="Finansbilag", expected="-")


def _accept(message: AnswerMessage, lending: Lending, context: CallContext, clock: Clock) -> AnswerReceipt:
    invoice = lending.invoice
    company = company_code(invoice.municipality, invoice.company_code)
    draft: VoucherDraft | None = None
    if message.voucher is not None:
        actor, source = context.system.name, str(context.correlation_id)
        draft, errors = draft_voucher(message.voucher, invoice, company, entered_by=actor, source=source)
        if errors:
            return _refused(message, context, errors)
    earlier = Answer.select().where(Answer.lending == lending).order_by(Answer.id.desc()).first()
    try:
        with proxy.obj.savepoint():
            voucher = _book(draft, earlier, company, context, clock)
            return _keep(message, lending, earlier, voucher, context)
    except VoucherRefused as refused:
        return _refused(message, context, refused.errors)


def _book(
    draft: VoucherDraft | None,
    earlier: Answer | None,
    company: CompanyCode,
    context: CallContext,
    clock: Clock,
) -> Voucher | None:
    """Reverse what the answer corrects, and post what it approves."""
    if earlier is not None and earlier.voucher_uuid is not None:
        wrong = Voucher.get(Voucher.uuid == earlier.voucher_uuid)
        reverse(
            wrong,
            posting_date=draft.posting_date if draft else business_date(context.now),
            entered_by=context.system.name,
            source=str(context.correlation_id),
            clock=clock,
        )
    return post(draft, clock) if draft is not None else None


def _keep(
    message: AnswerMessage,
    lending: Lending,
    earlier: Answer | None,
    voucher: Voucher | None,
    context: CallContext,
) -> AnswerReceipt:
    """Answer, inbox row, states and audit trail, beside the voucher."""
    now, invoice = context.now, lending.invoice
    Answer.create(
        uuid=message.uuid,
        lending=lending,
        approved=voucher is not None,
        voucher_uuid=voucher.uuid if voucher else None,
        corrects=earlier,
        correspondence=list(message.correspondence),
        reasons=list(message.reasons or ()),
        received_at=now,
    )
    inbox.record(
        INTERFACE,
        str(context.system.uuid),
        str(message.uuid),
        body=message.canonical(),
        answer=json.dumps({"at": isoformat(now)}).encode("utf-8"),
        at=now,
    )
    waiting = outbox.waiting_about(lending.uuid)
    if waiting is not None:  # it has arrived: whoever answers has it
        outbox.cancel(waiting.uuid, at=now)
    Lending.update(state=Lending.ANSWERED, delivered_at=lending.delivered_at or now).where(
        Lending.id == lending.id
    ).execute()
    if voucher is not None:
        states.move(invoice, Invoice.BOOKED, reason=label(voucher))
    else:
        texts = "; ".join(reason["text"] or reason["code"] or "-" for reason in message.reasons or ())
        states.move(invoice, Invoice.REJECTED, reason=texts)
    audit.record(
        "invoice.booked" if voucher else "invoice.rejected",
        invoice.uuid,
        actor=context.system.name,
        at=now,
        municipality=invoice.municipality,
        answer=message.uuid,
        corrects=earlier.uuid if earlier else "",
        voucher=label(voucher) if voucher else "",
        correlation=context.correlation_id,
    )
    return AnswerReceipt(message.uuid, now)


def _refused(message: AnswerMessage, context: CallContext, errors: Sequence[OpusSoapError]) -> AnswerReceipt:
    """Nothing booked and nothing final; the attempt stands in the audit trail."""
    audit.record(
        "answer.refused",
        message.lending,
        actor=context.system.name,
        at=context.now,
        municipality=context.municipality,
        answer=message.uuid,
        codes=" ".join(error.code for error in errors),
        correlation=context.correlation_id,
    )
    return AnswerReceipt(message.uuid, context.now, tuple(errors))
