"""An answer from a case system: booked, kept as a rejection, or refused with every reason.

Everything runs in the message's transaction. The invoice is held first, so that two answers to it
follow each other. Only an accepted answer is final for its UUID; a refused one leaves the
invoice as it was, and may be sent again under the same UUID.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from peewee import IntegrityError

from opus_soap.clock import Clock, business_date, isoformat
from opus_soap.database import proxy, transaction
from opus_soap.errors import (
    MASK,
    AlreadyReversed,
    AnswerDiffers,
    AnswerNotPossible,
    AuthorityWrong,
    ContentMissing,
    LendingRecalled,
    LendingUnknown,
    LentToAnother,
    OpusSoapError,
    OutcomeUnclear,
    ReversalNotPossible,
    RouteWrong,
    SupplierDiffers,
    TooManyLines,
    VoucherRefused,
)
from opus_soap.interfaces.invoice_approval import states
from opus_soap.interfaces.invoice_approval.booking import draft_voucher, in_contract_terms
from opus_soap.interfaces.invoice_approval.importing import supplier_of
from opus_soap.interfaces.invoice_approval.messages import AnswerMessage, Header, differences
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import CompanyCode, Municipality, Voucher
from opus_soap.ledger.posting import VoucherDraft, label, post, reverse
from opus_soap.soap.service import CallContext
from opus_soap.store import audit, content, inbox, outbox
from opus_soap.store.models import Answer, InboxEntry, Invoice, Lending, System

INTERFACE = "invoice_approval.answer"
MOST_LINES = 10_000
APPROVED, REJECTED = "Godkendt", "Afvist"
_FREE_TEXTS = ("Tekst", "Navn", "Værdi", "Emailadresse", "Telefonnummer")


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


def receive_answer(
    message: AnswerMessage,
    context: CallContext,
    clock: Clock,
    own_system: UUID | None = None,
    *,
    most_lines: int = MOST_LINES,
) -> AnswerReceipt:
    """Take an answer; never raises for what is wrong in its content: that is in the receipt.

    `own_system` is our own it-systeminstans: an answer that is routed to another one is not for us.
    """
    with transaction():
        lending = _held(message.lending)
        earlier = inbox.find(INTERFACE, str(context.system.uuid), str(message.uuid))
        if earlier is not None:
            return _repeated(message, earlier, context)
        if lending is None:
            unknown = LendingUnknown(element="FakturaInformationIdentifikation", value=message.lending)
            return _refused(message, context, [unknown])
        errors = [
            *_check_lending(lending, context.system),
            *_check_header(message.header, lending, context.system, own_system),
            *_check_parties(message, lending, context),
            *_check_count(message, most_lines),
        ]
        if errors:
            return _refused(message, context, errors)
        return _accept(message, lending, context, clock)


def _held(uuid: UUID) -> Lending | None:
    """The lending, read after its invoice is held: two answers to one invoice follow each other."""
    found = Lending.get_or_none(Lending.uuid == uuid)
    if found is None:
        return None
    invoice = states.hold(found.invoice)
    lending: Lending = Lending.get_by_id(found.id)
    lending.invoice = invoice
    return lending


def _repeated(message: AnswerMessage, earlier: InboxEntry, context: CallContext) -> AnswerReceipt:
    """The stored answer again; or, for other content, a refusal that names each difference."""
    errors = list(_differences(message, earlier))
    if errors:
        return _refused(message, context, errors)
    return AnswerReceipt(message.uuid, earlier.received_at)


def _differences(message: AnswerMessage, earlier: InboxEntry) -> Iterator[AnswerDiffers]:
    """Every element that the answer under this UUID had otherwise."""
    now = message.canonical()
    if hashlib.sha256(now).hexdigest() == earlier.body_sha256:
        return
    try:
        before = content.get(earlier.body_id)
    except ContentMissing:  # its time was over; the hash still says that it was another
        yield AnswerDiffers(element="AfsendFakturaInformationSvar_I", value=MASK, expected=MASK)
        return
    for path, then, value in differences(before, now):
        yield AnswerDiffers(element=path, value=_shown(path, value), expected=_shown(path, then))


def _shown(path: str, value: str) -> str:
    """What people wrote is not repeated."""
    return MASK if value != "-" and path.endswith(_FREE_TEXTS) else value


def _check_lending(lending: Lending, system: System) -> Iterator[OpusSoapError]:
    if lending.system != system:
        yield LentToAnother(element="FakturaInformationIdentifikation", value=lending.uuid)
    elif lending.state == Lending.INFORMATION:
        yield AnswerNotPossible(element="FakturaInformationIdentifikation", value=lending.uuid)
    elif lending.state in (Lending.RECALLED, Lending.REPLACED):
        yield LendingRecalled(element="FakturaInformationIdentifikation", value=lending.state)


def _check_header(
    header: Header, lending: Lending, system: System, own_system: UUID | None
) -> Iterator[OpusSoapError]:
    """What HovedOplysninger says of sender and receiver agrees with the agreement and the invoice."""
    municipality = Municipality.get_by_id(lending.invoice.municipality).cvr
    if header.municipality_cvr not in (None, municipality):
        yield AuthorityWrong(element="MunicipalityCVR", value=header.municipality_cvr, expected=municipality)
    for element, value, expected in (
        ("AfsenderOrganisation", header.sender_organisation, system.cvr),
        ("AfsenderItSystemInstans", header.sender_system, str(system.uuid)),
        ("ModtagerOrganisation", header.receiver_organisation, municipality),
        ("ModtagerItSystemInstans", header.receiver_system, str(own_system) if own_system else None),
    ):
        if value is not None and expected is not None and value != expected:
            yield RouteWrong(element=element, value=value, expected=expected)


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
    if approved and message.rejected:
        yield OutcomeUnclear(element=element, value=message.result, expected=REJECTED)
    if not approved and message.accepted:
        yield OutcomeUnclear(element=element, value=message.result, expected=APPROVED)
    if approved and message.voucher is None:
        yield OutcomeUnclear(element="Kontering", value="-", expected="Finansbilag, Postering")
    if not approved and message.voucher is not None:
        yield OutcomeUnclear(element="Kontering", value="Finansbilag", expected="-")


def _check_count(message: AnswerMessage, most: int) -> Iterator[OpusSoapError]:
    """Before any line is looked at."""
    if message.voucher is not None and len(message.voucher.lines) > most:
        yield TooManyLines(element="Kontering", value=len(message.voucher.lines), expected=most)


def _accept(message: AnswerMessage, lending: Lending, context: CallContext, clock: Clock) -> AnswerReceipt:
    invoice = lending.invoice
    company = company_code(invoice.municipality, invoice.company_code)
    draft: VoucherDraft | None = None
    if message.voucher is not None:
        actor, source = context.system.name, str(context.correlation_id)
        draft, errors = draft_voucher(
            message.voucher, invoice, company, entered_by=actor, source=source, clock=clock
        )
        if errors:
            return _refused(message, context, errors)
    earlier = _newest_answer(invoice)
    try:
        with proxy.obj.savepoint():
            voucher = _book(draft, earlier, company, context, clock)
            return _keep(message, lending, earlier, voucher, context)
    except VoucherRefused as refused:
        return _refused(message, context, in_contract_terms(refused.errors))
    except ReversalNotPossible as refused:
        return _refused(message, context, [refused])
    except IntegrityError:
        quicker = inbox.find(INTERFACE, str(context.system.uuid), str(message.uuid))
        if quicker is None:
            raise
        return _repeated(message, quicker, context)  # the same UUID, for another invoice, at this moment


def _newest_answer(invoice: Invoice) -> Answer | None:
    """The last word on the invoice so far, whichever lending it came to: what stands is booked once."""
    query = Answer.select().join(Lending).where(Lending.invoice == invoice)
    newest: Answer | None = query.order_by(Answer.id.desc()).first()
    return newest


def _book(
    draft: VoucherDraft | None,
    earlier: Answer | None,
    company: CompanyCode,
    context: CallContext,
    clock: Clock,
) -> Voucher | None:
    """Reverse what the answer corrects, and post what it approves."""
    if earlier is not None and earlier.voucher_uuid is not None:
        _reverse(Voucher.get(Voucher.uuid == earlier.voucher_uuid), draft, context, clock)
    return post(draft, clock) if draft is not None else None


def _reverse(wrong: Voucher, draft: VoucherDraft | None, context: CallContext, clock: Clock) -> None:
    """With the correction's date, or today's for a rejection; but never before what it reverses."""
    wanted = draft.posting_date if draft else business_date(context.now)
    try:
        reverse(
            wrong,
            posting_date=max(wanted, wrong.posting_date),
            entered_by=context.system.name,
            source=str(context.correlation_id),
            clock=clock,
        )
    except (AlreadyReversed, VoucherRefused) as refused:  # or somebody reversed it by hand
        errors = refused.errors if isinstance(refused, VoucherRefused) else [refused]
        danish = "; ".join(error.text_danish for error in errors)
        english = "; ".join(error.text_english for error in errors)
        raise ReversalNotPossible(element=label(wrong), value=danish, expected=english) from None


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
        states.move(invoice, Invoice.REJECTED, reason=f"{lending.system.name}: {_codes(message)}")
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


def _codes(message: AnswerMessage) -> str:
    """The codes of a rejection's reasons. Their texts are people's, and stand in the inbox alone."""
    reasons = message.content.get("AfvisningStruktur", {}).get("ResultatÅrsagStruktur", [])
    return ", ".join(reason.get("LokalÅrsagKode", "-") for reason in reasons) or "-"


def content_of(answer: Answer) -> dict[str, Any]:
    """An accepted answer as it was sent, by the contract's names; raises `ContentMissing` when purged."""
    entry = inbox.find(INTERFACE, str(answer.lending.system.uuid), str(answer.uuid))
    if entry is None:
        raise ContentMissing(value=answer.uuid, expected=content.NEVER_STORED)
    found: dict[str, Any] = json.loads(content.get(entry.body.sha256))
    return found


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
