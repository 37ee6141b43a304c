"""FinansbilagModtag, exposed by us: vouchers come in over SOAP (SF1590_A), the receipt is the answer.

A message is written as the file that it stands for, and goes the way of every file: the same checks, the
same books, the same receipt. Sent again with the same TransaktionsTid, it is the same file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

from opus_soap.clock import COPENHAGEN, Clock
from opus_soap.database import Prepared
from opus_soap.errors import (
    OpusSoapError,
    PostingFileRefused,
    SystemHasNoSender,
    TooManyVouchers,
    ValueUnreadable,
    VouchersNotTaken,
)
from opus_soap.interfaces.postings_in.checks import ore
from opus_soap.interfaces.postings_in.reading_ahead import collecting_seldom
from opus_soap.interfaces.postings_in.receipts import ERROR, INFORMATION
from opus_soap.interfaces.postings_in.receiving import Receiver, hold_sender, make
from opus_soap.interfaces.postings_in.soap_contract import (
    HEADER,
    LINE,
    SIDES,
    ModtagFinansbilag_I,
    ModtagFinansbilag_O,
)
from opus_soap.interfaces.postings_in.writing import FileValues, WrittenDocument
from opus_soap.money import kroner_from_ore
from opus_soap.settings import Settings
from opus_soap.soap.contracts import entity_id
from opus_soap.soap.models import answer_header
from opus_soap.soap.results import AcceptStruktur, AfvisningStruktur, fit, reasons
from opus_soap.soap.service import CallContext, PingService, SoapService, operation
from opus_soap.store.models import PostingDocument, PostingSender

from spyne import Service  # isort: skip

NAME = "FinansbilagModtag"
_SIGNED = ("DebetKreditIndikator", "PosteringslinjeBeløb")  # the file says the side by the sign, too
DEBIT, CREDIT = SIDES.values()
# element of the contract → element of the file
_OF_HEADER = {name: element for name, (element, *_) in HEADER.items()}
_OF_LINE = {name: element for name, (element, *_) in LINE.items() if name not in _SIGNED}


def voucher_service(clock: Clock, settings: Settings) -> SoapService:
    """The service at its path, ready for the front."""

    class FinansbilagModtagService(Service):  # type: ignore[misc]
        """The Spyne service."""

        @operation(ModtagFinansbilag_I, ModtagFinansbilag_O)
        def ModtagFinansbilag(ctx: Any, besked: Any) -> Any:
            """Book the vouchers, each for itself, and say what became of it."""
            context: CallContext = ctx.udc
            receiver = Receiver.of(context.municipality, settings, clock)
            with collecting_seldom():
                return receive(besked, context, receiver, settings)

    return SoapService(
        name=NAME,
        path=f"/service/OIR/{NAME}/1",
        entity_id=entity_id(NAME),
        services=[PingService, FinansbilagModtagService],
    )


def receive(
    message: Any, context: CallContext, receiver: Receiver, settings: Settings
) -> ModtagFinansbilag_O:
    """Receive a ModtagFinansbilag_I in the caller's transaction; returns the receipt.

    Raises `SystemHasNoSender`, `TooManyVouchers`, `TooManyAtOnce`, `ValueUnreadable`, `FileStoreFailed`.
    """
    sender = _sender_of(context)
    hold_sender(sender)  # two messages of one sender do not take the same name
    if len(message.Posteringsbilag) > settings.max_message_vouchers:
        most = settings.max_message_vouchers
        raise TooManyVouchers(value=len(message.Posteringsbilag), expected=most)
    documents = [_document(bilag, context.municipality) for bilag in message.Posteringsbilag]
    made = make(documents, sender, _stated(message))
    receiver, actor = replace(receiver, made=True), f"soap:{context.system.uuid}"
    try:
        file = receiver.deliver_made(made, actor=actor, as_sender=sender.sender_id)
    except PostingFileRefused as refused:
        return _answer(message, context, made.name, [], refused.errors)
    rows = [_Said(*row) for row in _vouchers.rows(file)]
    lost = sum(row.voucher is None for row in rows)
    errors = [VouchersNotTaken(value=lost, expected=len(rows))] if lost else []
    return _answer(message, context, made.name, rows, errors)


def _sender_of(context: CallContext) -> PostingSender:
    """The sender whose messages the calling system signs; raises `SystemHasNoSender`."""
    found: PostingSender | None = _signs_for.first(context.system, context.municipality)
    if found is None:
        raise SystemHasNoSender(value=context.system.name)
    return found


@Prepared
def _signs_for(system: Any, municipality: Any) -> Any:
    return PostingSender.select().where(
        PostingSender.system == system, PostingSender.municipality == municipality, PostingSender.active
    )


class _Said(NamedTuple):
    """What was said of a voucher, and its UUID if it was taken."""

    number: str
    voucher: UUID | None
    returns: Sequence[tuple[str, int, str, str]]  # number, line, kind, text


@Prepared
def _vouchers(file: Any) -> Any:
    told = PostingDocument.select(
        PostingDocument.number, PostingDocument.voucher_uuid, PostingDocument.returns
    )
    return told.where(PostingDocument.file == file).order_by(PostingDocument.position).tuples()


# --- the file that a message stands for


def _stated(message: Any) -> datetime:
    """TransaktionsTid in Copenhagen; raises `ValueUnreadable`."""
    try:
        at = datetime.fromisoformat(message.HovedOplysninger.TransaktionsTid.strip())
        return (at if at.tzinfo else at.replace(tzinfo=COPENHAGEN)).astimezone(COPENHAGEN)
    except (ValueError, OverflowError):
        raise ValueUnreadable(element="TransaktionsTid") from None


def _document(bilag: Any, municipality: str) -> WrittenDocument:
    lines = [_line(line) for line in bilag.Posteringslinje]
    header = {
        "NO_DOC_POSITION": str(len(lines)),
        "BALANCE_DEBET": _total(lines, DEBIT),
        "BALANCE_CREDIT": _total(lines, CREDIT),
        "MUNICIPALITY": municipality,
    }
    _add(header, bilag, _OF_HEADER)
    return WrittenDocument(header, lines, [_attached(file) for file in bilag.OirBase64Container or ()])


def _line(line: Any) -> dict[str, str]:
    side, amount = SIDES[line.DebetKreditIndikator], line.PosteringslinjeBeløb
    values = {"DEB_CRED_IND": side, "AMT_DOCCUR": f"{amount if side == DEBIT else -amount:.2f}"}
    _add(values, line, _OF_LINE)
    return values


def _attached(file: Any) -> FileValues:
    return {
        "FILE_NAME": file.FilNavn,
        "FILE_LENGTH": str(len(file.Indhold.content)),
        "FILE_TYPE": file.FilNavn.rpartition(".")[2].upper()[:10],
        "FILE": file.Indhold,
    }


def _add(values: dict[str, str], structure: Any, elements: Mapping[str, str]) -> None:
    """What was given of these: a line has many members, and few of them."""
    for name, value in vars(structure).items():
        if value is not None and name in elements:
            values[elements[name]] = value if isinstance(value, str) else _text(value)


def _text(value: date | Decimal) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else _day(value)


@lru_cache(maxsize=1024)  # many lines, few days
def _day(value: date) -> str:
    return f"{value:%Y%m%d}"


def _total(lines: Sequence[Mapping[str, str]], side: str) -> str:
    total = sum(ore(line["AMT_DOCCUR"]) for line in lines if line["DEB_CRED_IND"] == side)
    return str(kroner_from_ore(total))


# --- the answer


def _answer(
    message: Any,
    context: CallContext,
    name: str,
    rows: Sequence[_Said],
    errors: Sequence[OpusSoapError],
) -> ModtagFinansbilag_O:
    taken = any(row.voucher is not None for row in rows)
    told = list(reasons(errors))
    accepted = AcceptStruktur(AccepteretUdenBemærkninger=True)
    if told:
        accepted = AcceptStruktur(ResultatÅrsagStruktur=told)
    return ModtagFinansbilag_O(
        HovedOplysningerSvar=answer_header(message),
        BehandlingDatoTid=context.now,
        PosteringsfilNavn=name,
        Posteringskvittering=list(_receipts(rows)),
        AcceptStruktur=accepted if taken else None,
        AfvisningStruktur=None if taken else AfvisningStruktur(ResultatÅrsagStruktur=told),
    )


def _receipts(rows: Sequence[_Said]) -> Iterator[SimpleNamespace]:
    """Of each a `Posteringskvittering`, as far as it is written: the models take longer to be made."""
    for row in rows:
        yield SimpleNamespace(
            PosteringsbilagNummer=row.number,
            PosteringskvitteringResultat="Afvist" if row.voucher is None else "Modtaget",
            Posteringsmeddelelse=[
                SimpleNamespace(
                    PosteringsmeddelelseNummer=str(number),
                    PosteringsmeddelelseType=ERROR if kind == ERROR else INFORMATION,
                    PosteringsmeddelelseLinje=str(line),
                    PosteringsmeddelelseTekst=fit(text, 1000),
                )
                for number, line, kind, text in row.returns
            ],
        )
