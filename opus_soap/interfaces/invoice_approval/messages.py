"""An answer as plain values, read from the contract's shape; and its form to compare repetitions by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from opus_soap.soap.models import plain

DIMENSION_ELEMENTS = {
    "OmkostningsstedIdentifikation": "cost_center",
    "PSPElementIdentifikation": "wbs_element",
    "ProfitcenterIdentifikation": "profit_center",
    "OrdreIdentifikation": "order",
    "NetværkIdentifikation": "network",
}
DEBIT = "Debet"


@dataclass(frozen=True)
class AnswerLine:
    """One Postering: `amount` in kroner, as written, on the side that `debit` says.

    Dimensions are by the contract's element name.
    """

    amount: Decimal
    debit: bool
    text: str
    supplementary_text: str | None
    posting_date: date
    value_date: date | None
    due_date: date | None
    currency: str | None
    reference: str | None
    account: UUID
    dimensions: dict[str, UUID]
    secondary: tuple[UUID, ...]

    @property
    def signed(self) -> Decimal:
        """Kroner, debit positive."""
        return self.amount if self.debit else -self.amount


@dataclass(frozen=True)
class AnswerVoucher:
    """Kontering: the head of the voucher, and its lines."""

    text: str
    posting_date: date
    document_type: str | None
    company_code: UUID | None
    reference: str | None
    supplementary_text: str | None
    document_date: date | None
    reversal: bool | None
    original: UUID | None
    lines: tuple[AnswerLine, ...]


@dataclass(frozen=True)
class Header:
    """HovedOplysninger as far as it says who speaks for whom to whom; None for what is left out."""

    municipality_cvr: str | None = None
    sender_organisation: str | None = None
    sender_system: str | None = None
    receiver_organisation: str | None = None
    receiver_system: str | None = None


@dataclass(frozen=True)
class AnswerMessage:
    """AfsendFakturaInformationSvar_I as far as it decides anything; `content` is all of it."""

    uuid: UUID
    lending: UUID
    result: str
    authority_cvr: str | None
    supplier_cvr: str | None
    voucher: AnswerVoucher | None
    accepted: bool
    rejected: bool
    header: Header = Header()
    content: Mapping[str, Any] = field(default_factory=dict)  # by the contract's names, without the header

    def canonical(self) -> bytes:
        """JSON of the content, keys sorted: equal bytes mean the same answer."""
        return json.dumps(self.content, ensure_ascii=False, sort_keys=True).encode("utf-8")


def differences(earlier: bytes, now: bytes) -> Iterator[tuple[str, str, str]]:
    """(path, value then, value now) of every difference between two canonical forms."""
    before, after = dict(_leaves("", json.loads(earlier))), dict(_leaves("", json.loads(now)))
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            yield path, before.get(path, "-"), after.get(path, "-")


def _leaves(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _leaves(f"{path}/{name}" if path else name, child)
    elif isinstance(value, list):
        for number, child in enumerate(value, start=1):
            yield from _leaves(f"{path}[{number}]", child)
    else:
        yield path, "-" if value is None else str(value)


def read_answer(message: Any) -> AnswerMessage:
    """The answer in a validated AfsendFakturaInformationSvar_I (a Spyne model)."""
    content = plain(message)
    del content["HovedOplysninger"]  # two sendings of the same answer differ in it
    return AnswerMessage(
        uuid=message.FakturaInformationSvarIdentifikation,
        lending=message.FakturaInformationIdentifikation,
        result=message.FakturaInformationBehandling.FakturaInformationBehandlingResultat,
        authority_cvr=message.MyndighedAktør and message.MyndighedAktør.MyndighedAktørCVRNummer,
        supplier_cvr=message.LeverandørAktør and message.LeverandørAktør.LeverandørAktørCVRNummer,
        voucher=_voucher(message.Kontering) if message.Kontering else None,
        accepted=message.AcceptStruktur is not None,
        rejected=message.AfvisningStruktur is not None,
        header=_header(message.HovedOplysninger),
        content=content,
    )


def _header(given: Any) -> Header:
    context, route = given.AuthorityContext, given.Rute
    return Header(
        municipality_cvr=context and context.MunicipalityCVR,
        sender_organisation=route and route.AfsenderOrganisation,
        sender_system=route and route.AfsenderItSystemInstans,
        receiver_organisation=route and route.ModtagerOrganisation,
        receiver_system=route and route.ModtagerItSystemInstans,
    )


def _voucher(accounting: Any) -> AnswerVoucher:
    head = accounting.Finansbilag
    return AnswerVoucher(
        text=head.FinansbilagTekst,
        posting_date=head.FinansbilagDato,
        document_type=head.FinansbilagBilagsart,
        company_code=head.FinansbilagFirmaIdentifikation,
        reference=head.FinansbilagReference,
        supplementary_text=head.FinansbilagSupplerendeTekst,
        document_date=head.FinansbilagBilagDato,
        reversal=head.FinansbilagTilbageførselMarkering,
        original=head.FinansbilagOprindeligIdentifikation,
        lines=tuple(_line(posting) for posting in accounting.Postering),
    )


def _line(posting: Any) -> AnswerLine:
    data, primary, key = posting.Posteringsdata, posting.PrimæreDimensioner, posting.Referencenøgle
    return AnswerLine(
        amount=data.PosteringsdataBeløb,
        debit=data.DebetKreditIndikator == DEBIT,
        text=data.PosteringsdataTekst,
        supplementary_text=data.PosteringsdataSupplerendeTekst,
        posting_date=data.PosteringsdataDato,
        value_date=data.PosteringsdataValørDato,
        due_date=data.PosteringsdataForfaldDato,
        currency=posting.Valuta.ValutaKode if posting.Valuta else None,
        reference=(key.ReferencenøgleTekst or str(key.ReferencenøgleIdentifikation)) if key else None,
        account=primary.ArtskontoIdentifikation,
        dimensions={
            name: uuid for name in DIMENSION_ELEMENTS if (uuid := getattr(primary, name, None)) is not None
        },
        secondary=tuple(posting.SekundærDimensionVærdiIdentifikation or ()),
    )
