"""An answer as plain values, read from the contract's shape; and its form to compare repetitions by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

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
    """One Postering: `amount` in kroner, debit positive; dimensions by the contract's element name."""

    uuid: UUID
    amount: Decimal
    text: str
    supplementary_text: str | None
    posting_date: date
    value_date: date | None
    due_date: date | None
    currency: str | None
    reference: tuple[UUID, str | None] | None
    account: UUID
    dimensions: dict[str, UUID]
    secondary: tuple[UUID, ...]


@dataclass(frozen=True)
class AnswerVoucher:
    """Kontering: the head of the voucher, and its lines."""

    uuid: UUID
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
class AnswerMessage:
    """AfsendFakturaInformationSvar_I without its header: what two sendings of the same answer share."""

    uuid: UUID
    lending: UUID
    decided_at: str
    result: str
    contact: dict[str, str | None] | None
    correspondence: tuple[dict[str, str], ...]
    authority_cvr: str | None
    supplier_cvr: str | None
    employee: str | None
    voucher: AnswerVoucher | None
    accepted: bool
    reasons: tuple[dict[str, str | None], ...] | None

    def canonical(self) -> bytes:
        """JSON of everything, keys sorted: equal bytes mean the same answer."""
        return json.dumps(asdict(self), default=_plain, ensure_ascii=False, sort_keys=True).encode("utf-8")


def _plain(value: object) -> str:
    # 100.0 and 100.00 are the same amount
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


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
    handled = message.FakturaInformationBehandling
    refusal = message.AfvisningStruktur
    return AnswerMessage(
        uuid=message.FakturaInformationSvarIdentifikation,
        lending=message.FakturaInformationIdentifikation,
        decided_at=handled.FakturaInformationBehandlingDatoTid.isoformat(),
        result=handled.FakturaInformationBehandlingResultat,
        contact=_contact(message.Kontakt),
        correspondence=tuple(
            {
                "uuid": str(remark.KorrespondanceIdentifikation),
                "date": remark.KorrespondanceDato.isoformat(),
                "text": remark.KorrespondanceTekst,
            }
            for remark in message.Korrespondance or ()
        ),
        authority_cvr=message.MyndighedAktør and message.MyndighedAktør.MyndighedAktørCVRNummer,
        supplier_cvr=message.LeverandørAktør and message.LeverandørAktør.LeverandørAktørCVRNummer,
        employee=message.Medarbejder and message.Medarbejder.MedarbejderNavn,
        voucher=_voucher(message.Kontering) if message.Kontering else None,
        accepted=message.AcceptStruktur is not None,
        reasons=tuple(_reason(reason) for reason in refusal.ResultatÅrsagStruktur) if refusal else None,
    )


def _contact(contact: Any) -> dict[str, str | None] | None:
    if contact is None:
        return None
    return {
        "email": contact.Emailadresse,
        "phone": contact.Telefonnummer,
        "name": contact.MedarbejderNavn,
    }


def _reason(reason: Any) -> dict[str, str | None]:
    return {
        "uuid": str(reason.ÅrsagIdentifikation),
        "element": reason.ElementNavn,
        "value": reason.ElementVærdi,
        "text": reason.LokalÅrsagTekst,
        "code": reason.LokalÅrsagKode,
    }


def _voucher(accounting: Any) -> AnswerVoucher:
    head = accounting.Finansbilag
    return AnswerVoucher(
        uuid=head.FinansbilagIdentifikation,
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
    sign = 1 if data.DebetKreditIndikator == DEBIT else -1
    return AnswerLine(
        uuid=data.PosteringsdataIdentifikation,
        amount=sign * data.PosteringsdataBeløb,
        text=data.PosteringsdataTekst,
        supplementary_text=data.PosteringsdataSupplerendeTekst,
        posting_date=data.PosteringsdataDato,
        value_date=data.PosteringsdataValørDato,
        due_date=data.PosteringsdataForfaldDato,
        currency=posting.Valuta.ValutaKode if posting.Valuta else None,
        reference=(key.ReferencenøgleIdentifikation, key.ReferencenøgleTekst) if key else None,
        account=primary.ArtskontoIdentifikation,
        dimensions={
            name: uuid for name in DIMENSION_ELEMENTS if (uuid := getattr(primary, name, None)) is not None
        },
        secondary=tuple(posting.SekundærDimensionVærdiIdentifikation or ()),
    )
