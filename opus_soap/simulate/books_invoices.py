"""Made-up invoices that went all the way: an original that came in, was lent out, approved, and booked.

What the house does one by one, over days and messages, is done here by the hundred at one moment; but the
document is written as OIOUBL or Peppol and read by the house's own reader, the voucher's lines are made by
its own rules of booking, and the answer that it follows from is kept. There was no message, so none is in
the archive.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from random import Random
from typing import Any
from uuid import UUID, uuid5

from opus_soap.documents.invoice import DocumentLimits
from opus_soap.documents.reading import read_invoice
from opus_soap.documents.rendering import render_html
from opus_soap.documents.synthetic import (
    SyntheticBill,
    SyntheticLine,
    SyntheticReceiver,
    SyntheticSupplier,
    bill_document,
)
from opus_soap.interfaces.invoice_approval.booking import Assigned, voucher_lines
from opus_soap.interfaces.invoice_approval.importing import facts_of, supplier_key
from opus_soap.interfaces.invoice_approval.messages import DIMENSION_ELEMENTS, AnswerVoucher
from opus_soap.ledger.drafts import PostingLine
from opus_soap.ledger.models import Account, CompanyCode, DimensionValue, Posting
from opus_soap.money import kroner_from_ore
from opus_soap.simulate.books_choices import Place, Postable, Seller, Weighted, long_tail
from opus_soap.store.models import Invoice
from opus_soap.store.organisation_models import Employee, OrgUnit

LEAST_ORE = 1000  # of a line: so that each has VAT, whatever rounding takes from it
LEAST_RATE = 500  # basis points: the same
_LIMITS = DocumentLimits()
_PEPPOL, _BY_CVR = 0.15, 0.04  # shares
_PAYMENTS = Weighted(("71", "bank", "iban", "75", "73"), (50, 30, 8, 8, 4))
_NOBODY = ("5798009800004", "Indkøb")  # whom they are for where no unit has an EAN
_LONGEST_TEXT: int = Posting.text.max_length


@dataclass(frozen=True)
class Item:
    """A line of an invoice: what it is posted on, and how much without VAT."""

    account: Postable
    place: Place
    net_ore: int


@dataclass(frozen=True)
class Wanted:
    """An invoice or credit note as it is drawn."""

    number: str
    seller: Seller
    items: Sequence[Item]
    with_vat: bool
    credit_note: bool
    issued: date
    posted: date
    uuid: UUID  # the voucher's: all the others are derived from it


@dataclass(frozen=True)
class Billed:
    """An invoice as it came, its voucher's lines, and the answer that they follow from."""

    invoice: Invoice  # without its id, its contents, its state
    original: bytes
    rendering: bytes
    lines: tuple[PostingLine, ...]
    text: str  # of the voucher
    approver: str
    accounting: Mapping[str, Any]  # Kontering


class InvoiceMaker:
    """Makes invoices to the municipality's own units, in whose name somebody approves them."""

    def __init__(self, company: CompanyCode, random: Random) -> None:
        municipality = company.municipality
        self._company, self._random = company, random
        self._receiver = SyntheticReceiver(municipality.name, municipality.cvr, (), (), ())
        self._addressees = _addressees(company, random)
        self._accounts = {
            row.number: str(row.uuid) for row in Account.select().where(Account.company_code == company)
        }
        values = DimensionValue.select().where(DimensionValue.company_code == company)
        self._values = {(row.kind, row.code): str(row.uuid) for row in values}

    def make(self, wanted: Wanted) -> Billed:
        """The document, what the house reads in it, and how it is booked."""
        ean, person = self._addressees.pick(self._random)
        data = self._document(wanted, ean, person)
        document = read_invoice(data, _LIMITS)
        invoice = Invoice(
            uuid=uuid5(wanted.uuid, "invoice"),
            municipality=self._company.municipality_id,
            company_code=self._company.code,
            supplier_key=supplier_key(document),
            supplier_number=wanted.seller.number,
            exchange_rate="100",
            file_name=f"{'kreditnota' if wanted.credit_note else 'faktura'}-{wanted.number}.xml",
            **facts_of(document),
        )
        invoice.payable_ore, invoice.tax_ore = invoice.payable_cents, invoice.tax_cents
        assigned = list(self._assigned(wanted, invoice.tax_cents))
        text = f"{'Kreditnota' if wanted.credit_note else 'Faktura'} {wanted.number}"
        answer = _head(text, wanted.posted)
        return Billed(
            invoice=invoice,
            original=data,
            rendering=render_html(document),
            lines=tuple(voucher_lines(assigned, answer, invoice, self._company)),
            text=text,
            approver=person,
            accounting=self._accounting(wanted, text, assigned),
        )

    def _document(self, wanted: Wanted, ean: str, person: str) -> bytes:
        random, rate = self._random, wanted.items[0].account.rate
        bill = SyntheticBill(
            number=wanted.number,
            supplier=SyntheticSupplier(wanted.seller.name, wanted.seller.cvr or "", wanted.seller.address),
            ean=None if random.random() < _BY_CVR else ean,
            person_reference=person,
            order_number=f"R{random.randrange(10**6):06d}",
            issue_date=wanted.issued,
            lines=[_line(item, random) for item in wanted.items],
            vat_percent=Decimal(rate) / 100 if wanted.with_vat else Decimal(0),
            credit_note=wanted.credit_note,
            peppol=random.random() < _PEPPOL,
            payment=_PAYMENTS.pick(random) if wanted.number.isdecimal() else "bank",  # FIK knows digits alone
        )
        return bill_document(bill, self._receiver)

    def _assigned(self, wanted: Wanted, tax_ore: int) -> Iterator[Assigned]:
        """What is approved: each line with its share of the VAT, the last with what rounding left."""
        sign, left = -1 if wanted.credit_note else 1, tax_ore
        total = sum(item.net_ore for item in wanted.items)
        for number, item in enumerate(wanted.items, start=1):
            share = left if number == len(wanted.items) else tax_ore * item.net_ore // total
            left -= share
            account, place = item.account, item.place
            text = f"{account.name}, {wanted.seller.name}"[:_LONGEST_TEXT]
            gross = sign * (item.net_ore + share)
            line = PostingLine(account.number, gross, None, *place, account.tax_code, None, text)
            yield Assigned(line, account.rate)

    def _accounting(self, wanted: Wanted, text: str, assigned: Sequence[Assigned]) -> dict[str, Any]:
        """Kontering by the contract's names, as an answer is kept."""
        posted = wanted.posted.isoformat()
        head = {
            "FinansbilagIdentifikation": str(uuid5(wanted.uuid, "accounting")),
            "FinansbilagTekst": text,
            "FinansbilagDato": posted,
        }
        lines = [self._posting(wanted, place, item.line, posted) for place, item in enumerate(assigned)]
        return {"Finansbilag": head, "Postering": lines}

    def _posting(self, wanted: Wanted, place: int, line: PostingLine, posted: str) -> dict[str, Any]:
        primary = {"ArtskontoIdentifikation": self._accounts[line.account]}
        for element, kind in DIMENSION_ELEMENTS.items():
            if code := getattr(line, kind):
                primary[element] = self._values[kind, code]
        found: dict[str, Any] = {
            "Posteringsdata": {
                "PosteringsdataIdentifikation": str(uuid5(wanted.uuid, f"line {place}")),
                "PosteringsdataBeløb": f"{kroner_from_ore(abs(line.amount_ore)).normalize():f}",
                "DebetKreditIndikator": "Debet" if line.amount_ore >= 0 else "Kredit",
                "PosteringsdataDato": posted,
                "PosteringsdataTekst": line.text,
            },
            "PrimæreDimensioner": primary,
        }
        if line.functional_area:
            found["SekundærDimensionVærdiIdentifikation"] = [
                self._values["functional_area", line.functional_area]
            ]
        return found


def approval(billed: Billed, *, answer: UUID, lending: UUID, at: datetime) -> bytes:
    """The answer that approves an invoice, as the house keeps it (`AnswerMessage.canonical`)."""
    content = {
        "FakturaInformationSvarIdentifikation": str(answer),
        "FakturaInformationIdentifikation": str(lending),
        "FakturaInformationBehandling": {
            "FakturaInformationBehandlingDatoTid": at.isoformat(),
            "FakturaInformationBehandlingResultat": "Godkendt",
        },
        "Medarbejder": {"MedarbejderNavn": billed.approver},
        "Kontering": billed.accounting,
        "AcceptStruktur": {"AccepteretUdenBemærkninger": True},
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True).encode("utf-8")


def _line(item: Item, random: Random) -> SyntheticLine:
    """As many as the amount can be divided by."""
    quantity = random.choice((1, 1, 2, 3, 4, 5, 8, 10, 12, 20))
    if item.net_ore % quantity:
        quantity = 1
    return SyntheticLine(item.account.name, Decimal(quantity), kroner_from_ore(item.net_ore // quantity))


def _head(text: str, posted: date) -> AnswerVoucher:
    """An answer's head that says no more than it must; its lines are told apart from it."""
    return AnswerVoucher(text, posted, None, None, None, None, None, None, None, ())


def _addressees(company: CompanyCode, random: Random) -> Weighted[tuple[str, str]]:
    """EAN and user of those who get invoices in the units that have one; a few of them get most."""
    code = company.municipality_id
    units = OrgUnit.select().where(OrgUnit.municipality == code)
    eans = {unit.number: unit.ean for unit in units if unit.ean}
    people = Employee.select().where(Employee.municipality == code, Employee.invoice_recipient)
    found = [
        (eans[row.org_unit], row.user_id or row.number)
        for row in sorted(people, key=attrgetter("number"))
        if row.org_unit in eans
    ]
    return long_tail(found or [_NOBODY], random)
