"""Invoices of our own making: every kind that the reader must take, the same again for the same seed.

Suppliers, goods and numbers are invented; check digits are right. Amounts are reckoned with Decimal
and rounded to øre as an invoicing system would.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from lxml import etree
from stdnum import luhn

from opus_soap.documents.xml import CAC, CBC

_NUMBERED = re.compile(r"(.+) ([0-9]\S*)")  # a street and the number of a house
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_PEPPOL = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
_GOODS = (
    ("Kopipapir A4, 500 ark", "39.50"),
    ("Økologiske æbler, kg", "18.75"),
    ("Rengøring, timer", "312.00"),
    ("Håndsæbe, 5 l", "89.95"),
    ("Skolebog, dansk 4. klasse", "245.00"),
    ("Vikar, sygeplejerske, timer", "498.00"),
    ("Malerarbejde, m²", "142.25"),
    ("Kontorstol, blå", "1895.00"),
    ("Fuldkornsrugbrød", "22.00"),
    ("Serviceaftale, måned", "2750.00"),
)
_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>"
    b"endobj\n4 0 obj<</Length 52>>stream\nBT /F 18 Tf 72 770 Td (Timeseddel, uge 46) Tj ET      \n"
    b"endstream endobj\n"
    b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


@dataclass(frozen=True)
class SyntheticReceiver:
    """Whom the invoices are for."""

    name: str
    cvr: str
    eans: Sequence[str]
    person_references: Sequence[str]
    order_numbers: Sequence[str]


@dataclass(frozen=True)
class SyntheticAddress:
    """Where somebody lives; what is empty is not told."""

    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = "DK"


@dataclass(frozen=True)
class SyntheticSupplier:
    """Who sends them."""

    name: str
    cvr: str
    address: SyntheticAddress = SyntheticAddress("Havnegade 7", "8000", "Aarhus C")


@dataclass(frozen=True)
class SyntheticInvoice:
    """A file, and what is special about it."""

    file_name: str
    number: str
    data: bytes
    description: str


@dataclass(frozen=True)
class SyntheticLine:
    """A line of a bill: what, how many, and the price of one in kroner, without VAT."""

    text: str
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True)
class SyntheticBill:
    """An invoice, or a credit note, of which everything is said."""

    number: str
    supplier: SyntheticSupplier
    ean: str | None  # None: it is addressed by the receiver's CVR number
    person_reference: str
    order_number: str
    issue_date: date
    lines: Sequence[SyntheticLine]
    vat_percent: Decimal  # of all lines; 0: without VAT
    credit_note: bool = False
    peppol: bool = False
    payment: str = "bank"  # or 71, 73, 75 (FIK), iban, nemkonto


@dataclass
class _Plan:
    """One invoice before it is written; `_KINDS` change what makes each kind special."""

    number: str
    supplier: SyntheticSupplier
    ean: str
    person_reference: str
    order_number: str
    issue_date: date
    lines: list[tuple[str, Decimal, Decimal, str]] = field(default_factory=list)  # text, quantity, price, VAT
    free_line: bool = False
    credit_note: bool = False
    customization: str = "OIOUBL-2.1"
    currency: str = "DKK"
    payment: str = "bank"
    allowances: list[tuple[bool, str, Decimal]] = field(default_factory=list)
    prepaid: Decimal = Decimal(0)
    rounding: bool = False
    attachment: bool = False
    by_cvr: bool = False
    names_cvr: bool = False  # the receiver's, whatever it is addressed by
    percent: Decimal = Decimal(25)

    @property
    def peppol(self) -> bool:
        return self.customization == _PEPPOL


def _kind(
    description: str, change: Callable[[_Plan, Random], None]
) -> tuple[str, Callable[[_Plan, Random], None]]:
    return description, change


def _many_lines(plan: _Plan, random: Random) -> None:
    plan.lines = [_line(random) for _ in range(500)]


def _mixed_vat(plan: _Plan, random: Random) -> None:
    plan.lines = [(*_line(random)[:3], vat) for vat in ("S", "Z", "S")]


def _set(**values: object) -> Callable[[_Plan, Random], None]:
    def change(plan: _Plan, random: Random) -> None:
        for name, value in values.items():
            setattr(plan, name, value)

    return change


_KINDS = (
    _kind("FIK 71", _set(payment="71")),
    _kind("domestic account", _set(payment="bank")),
    _kind("IBAN", _set(payment="iban")),
    _kind("credit note", _set(credit_note=True)),
    _kind("PDF attachment", _set(attachment=True, payment="75")),
    _kind(
        "allowance and charge",
        _set(allowances=[(False, "Mængderabat", Decimal("50.00")), (True, "Fragt", Decimal("79.00"))]),
    ),
    _kind("two VAT categories", _mixed_vat),
    _kind("Peppol BIS 3", _set(customization=_PEPPOL, payment="iban")),
    _kind("FIK 73, OIOUBL 2.02", _set(payment="73", customization="OIOUBL-2.02")),
    _kind("without VAT", lambda plan, random: setattr(plan, "lines", [(*_line(random)[:3], "Z")])),
    _kind("free line, rounding", _set(free_line=True, rounding=True)),
    _kind("NemKonto, prepaid", _set(payment="nemkonto", prepaid=Decimal("25.00"))),
    _kind("Peppol credit note", _set(customization=_PEPPOL, credit_note=True, payment="iban")),
    _kind("addressed by CVR", _set(by_cvr=True, customization="OIOUBL-2.01")),
    _kind("500 lines", _many_lines),
)


def synthetic_invoices(
    seed: int,
    count: int,
    receiver: SyntheticReceiver,
    suppliers: Sequence[SyntheticSupplier],
    issue_date: date,
) -> Iterator[SyntheticInvoice]:
    """`count` documents, the kinds in turn; the same arguments give the same bytes."""
    random = Random(seed)  # noqa: S311  reproducible, not secret
    for index in range(count):
        description, change = _KINDS[index % len(_KINDS)]
        plan = _Plan(
            number=f"{2026000 + seed % 100 * 10000 + index + 1}",
            supplier=random.choice(suppliers),
            ean=random.choice(receiver.eans),
            person_reference=random.choice(receiver.person_references),
            order_number=random.choice(receiver.order_numbers),
            issue_date=issue_date - timedelta(days=random.randint(0, 20)),
            lines=[_line(random) for _ in range(random.randint(1, 4))],
        )
        change(plan, random)
        kind = "kreditnota" if plan.credit_note else "faktura"
        yield SyntheticInvoice(
            f"{kind}-{plan.number}.xml", plan.number, _Writer(plan, receiver).document(), description
        )


def bill_document(bill: SyntheticBill, receiver: SyntheticReceiver) -> bytes:
    """A bill as OIOUBL 2.1 or Peppol BIS 3, on one line."""
    category = "S" if bill.vat_percent else "Z"
    plan = _Plan(
        number=bill.number,
        supplier=bill.supplier,
        ean=bill.ean or "",
        person_reference=bill.person_reference,
        order_number=bill.order_number,
        issue_date=bill.issue_date,
        lines=[(line.text, line.quantity, line.price, category) for line in bill.lines],
        credit_note=bill.credit_note,
        customization=_PEPPOL if bill.peppol else "OIOUBL-2.1",
        payment=bill.payment,
        by_cvr=bill.ean is None,
        names_cvr=True,
        percent=bill.vat_percent,
    )
    return _Writer(plan, receiver).document(pretty=False)


def _line(random: Random) -> tuple[str, Decimal, Decimal, str]:
    text, price = random.choice(_GOODS)
    return text, Decimal(random.randint(1, 12)), Decimal(price), "S"


def _ore(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


class _Writer:
    """A plan as UBL."""

    def __init__(self, plan: _Plan, receiver: SyntheticReceiver) -> None:
        self.plan, self.receiver = plan, receiver
        self.name = "CreditNote" if plan.credit_note else "Invoice"
        namespace = f"{_UBL}{self.name}-2"
        self.root = etree.Element(
            f"{{{namespace}}}{self.name}", nsmap={None: namespace, "cac": CAC, "cbc": CBC}
        )
        amounts = [_ore(quantity * price) for _, quantity, price, _ in plan.lines]
        self.net_by_category: dict[str, Decimal] = {}
        for (_, _, _, category), amount in zip(plan.lines, amounts, strict=True):
            self.net_by_category[category] = self.net_by_category.get(category, Decimal(0)) + amount
        self.line_total = sum(amounts, Decimal(0))
        self.allowance = sum((item[2] for item in plan.allowances if not item[0]), Decimal(0))
        self.charge = sum((item[2] for item in plan.allowances if item[0]), Decimal(0))
        if plan.allowances:
            self.net_by_category["S"] += self.charge - self.allowance
        self.tax = _ore(self.net_by_category.get("S", Decimal(0)) * plan.percent / 100)
        gross = self.line_total + self.charge - self.allowance + self.tax
        self.gross = gross
        due = gross - plan.prepaid
        self.payable = (
            due.quantize(Decimal(1), rounding=ROUND_HALF_UP).quantize(Decimal("0.01"))
            if plan.rounding
            else due
        )
        self.rounding = self.payable - due

    def document(self, *, pretty: bool = True) -> bytes:
        """The file."""
        self._head()
        if self.plan.attachment:
            self._attachment()
        self._supplier()
        self._customer()
        self._payment()
        self._allowances()
        self._tax(self.root)
        self._total()
        self._lines()
        return etree.tostring(self.root, xml_declaration=True, encoding="UTF-8", pretty_print=pretty)

    def _cbc(self, parent: etree._Element, name: str, text: object, **attributes: str) -> etree._Element:
        element: etree._Element = etree.SubElement(parent, f"{{{CBC}}}{name}", attributes)
        element.text = str(text)
        return element

    def _cac(self, parent: etree._Element, *names: str) -> etree._Element:
        for name in names:
            parent = etree.SubElement(parent, f"{{{CAC}}}{name}")
        return parent

    def _money(self, parent: etree._Element, name: str, amount: Decimal) -> None:
        self._cbc(parent, name, f"{amount:.2f}", currencyID=self.plan.currency)

    def _head(self) -> None:
        plan, root = self.plan, self.root
        if not plan.peppol:
            self._cbc(root, "UBLVersionID", "2.1" if plan.customization == "OIOUBL-2.1" else "2.0")
        self._cbc(root, "CustomizationID", plan.customization)
        profile = (
            "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
            if plan.peppol
            else "urn:www.nesubl.eu:profiles:profile5:ver2.0"
        )
        self._cbc(root, "ProfileID", profile)
        self._cbc(root, "ID", plan.number)
        self._cbc(root, "IssueDate", plan.issue_date.isoformat())
        if plan.peppol and not plan.credit_note:
            self._cbc(root, "DueDate", (plan.issue_date + timedelta(days=30)).isoformat())
        if not plan.credit_note:
            self._cbc(root, "InvoiceTypeCode", "380")
        elif plan.peppol:
            self._cbc(root, "CreditNoteTypeCode", "381")
        self._cbc(root, "Note", "Tak for handlen – hilsen fra os alle på lageret")
        self._cbc(root, "DocumentCurrencyCode", plan.currency)
        if plan.peppol:
            self._cbc(root, "BuyerReference", plan.person_reference)
        self._cbc(self._cac(root, "OrderReference"), "ID", plan.order_number)

    def _attachment(self) -> None:
        reference = self._cac(self.root, "AdditionalDocumentReference")
        self._cbc(reference, "ID", "1")
        self._cbc(
            self._cac(reference, "Attachment"),
            "EmbeddedDocumentBinaryObject",
            base64.b64encode(_PDF).decode("ascii"),
            mimeCode="application/pdf",
            filename="timeseddel.pdf",
        )

    def _supplier(self) -> None:
        supplier = self.plan.supplier
        cvr = f"DK{supplier.cvr}"
        party = self._cac(self.root, "AccountingSupplierParty", "Party")
        scheme = "0184" if self.plan.peppol else "DK:CVR"
        self._cbc(party, "EndpointID", cvr, schemeID=scheme)
        self._cbc(self._cac(party, "PartyIdentification"), "ID", cvr, schemeID=scheme)
        self._cbc(self._cac(party, "PartyName"), "Name", supplier.name)
        self._address(party, supplier.address)
        legal = self._cac(party, "PartyLegalEntity")
        self._cbc(legal, "RegistrationName", supplier.name)
        self._cbc(legal, "CompanyID", cvr, schemeID=scheme)

    def _customer(self) -> None:
        plan, receiver = self.plan, self.receiver
        party = self._cac(self.root, "AccountingCustomerParty", "Party")
        if plan.by_cvr:
            identifier, scheme = f"DK{receiver.cvr}", "0184" if plan.peppol else "DK:CVR"
        else:
            identifier, scheme = plan.ean, "0088" if plan.peppol else "GLN"
        self._cbc(party, "EndpointID", identifier, schemeID=scheme)
        self._cbc(self._cac(party, "PartyName"), "Name", receiver.name)
        self._address(party, SyntheticAddress("Rådhuspladsen 1", "9999", "Eksempelby"))
        legal = self._cac(party, "PartyLegalEntity")
        self._cbc(legal, "RegistrationName", receiver.name)
        if plan.names_cvr:
            own = "0184" if plan.peppol else "DK:CVR"
            self._cbc(legal, "CompanyID", f"DK{receiver.cvr}", schemeID=own)
        if not plan.peppol:
            self._cbc(self._cac(party, "Contact"), "ID", plan.person_reference)

    def _address(self, party: etree._Element, told: SyntheticAddress) -> None:
        address = self._cac(party, "PostalAddress")
        street, number = told.street, ""
        if not self.plan.peppol:
            matched = _NUMBERED.fullmatch(street)
            street, number = matched.groups() if matched else (street, "")
            # StructuredDK has a number of the house
            form = "StructuredDK" if number and told.country == "DK" else "StructuredLax"
            self._cbc(address, "AddressFormatCode", form)
        parts = {
            "StreetName": street,
            "BuildingNumber": number,
            "CityName": told.city,
            "PostalZone": told.postal_code,
        }
        for name, text in parts.items():
            if text:
                self._cbc(address, name, text)
        self._cbc(self._cac(address, "Country"), "IdentificationCode", told.country)

    def _payment(self) -> None:
        plan = self.plan
        means = self._cac(self.root, "PaymentMeans")
        due = (plan.issue_date + timedelta(days=30)).isoformat()
        codes = {"71": "93", "73": "93", "75": "93", "bank": "42", "iban": "31", "nemkonto": "97"}
        self._cbc(means, "PaymentMeansCode", codes[plan.payment])
        if not plan.peppol:
            self._cbc(means, "PaymentDueDate", due)
        if plan.payment in ("71", "73", "75"):
            self._cbc(means, "PaymentChannelCode", "DK:FIK")
            if plan.payment != "73":
                body = plan.number.zfill(14 if plan.payment == "71" else 15)
                self._cbc(means, "InstructionID", body + luhn.calc_check_digit(body))
            self._cbc(means, "PaymentID", plan.payment)
            self._cbc(self._cac(means, "CreditAccount"), "AccountID", "81234567")
        elif plan.payment == "iban":
            account = self._cac(means, "PayeeFinancialAccount")
            self._cbc(account, "ID", "DK5000400440116243")
            branch = self._cac(account, "FinancialInstitutionBranch")
            if plan.peppol:
                self._cbc(branch, "ID", "NDEADKKK")
            else:
                self._cbc(self._cac(branch, "FinancialInstitution"), "ID", "NDEADKKK")
        elif plan.payment == "bank":
            self._cbc(means, "PaymentChannelCode", "DK:BANK")
            account = self._cac(means, "PayeeFinancialAccount")
            self._cbc(account, "ID", "0440116243")
            self._cbc(self._cac(account, "FinancialInstitutionBranch"), "ID", "0040")
        else:
            self._cbc(means, "PaymentChannelCode", "DK:NEMKONTO")

    def _allowances(self) -> None:
        for charge, reason, amount in self.plan.allowances:
            node = self._cac(self.root, "AllowanceCharge")
            self._cbc(node, "ChargeIndicator", "true" if charge else "false")
            self._cbc(node, "AllowanceChargeReason", reason)
            self._money(node, "Amount", amount)

    def _tax(self, parent: etree._Element) -> None:
        total = self._cac(parent, "TaxTotal")
        self._money(total, "TaxAmount", self.tax)
        for category, net in self.net_by_category.items():
            subtotal = self._cac(total, "TaxSubtotal")
            self._money(subtotal, "TaxableAmount", net)
            self._money(subtotal, "TaxAmount", self.tax if category == "S" else Decimal(0))
            self._category(self._cac(subtotal, "TaxCategory"), category)

    def _category(self, node: etree._Element, category: str) -> None:
        names = {"S": "StandardRated", "Z": "ZeroRated"}
        self._cbc(node, "ID", category if self.plan.peppol else names[category])
        self._cbc(node, "Percent", f"{self.plan.percent.normalize():f}" if category == "S" else "0")
        scheme = self._cac(node, "TaxScheme")
        self._cbc(scheme, "ID", "VAT" if self.plan.peppol else "63")
        if not self.plan.peppol:
            self._cbc(scheme, "Name", "Moms")

    def _total(self) -> None:
        total = self._cac(self.root, "LegalMonetaryTotal")
        self._money(total, "LineExtensionAmount", self.line_total)
        net = self.line_total + self.charge - self.allowance
        self._money(total, "TaxExclusiveAmount", net if self.plan.peppol else self.tax)
        self._money(total, "TaxInclusiveAmount", self.gross)
        if self.plan.allowances:
            self._money(total, "AllowanceTotalAmount", self.allowance)
            self._money(total, "ChargeTotalAmount", self.charge)
        if self.plan.prepaid:
            self._money(total, "PrepaidAmount", self.plan.prepaid)
        if self.plan.rounding:
            self._money(total, "PayableRoundingAmount", self.rounding)
        self._money(total, "PayableAmount", self.payable)

    def _lines(self) -> None:
        quantity_name = "CreditedQuantity" if self.plan.credit_note else "InvoicedQuantity"
        rows = [(*line, False) for line in self.plan.lines]
        if self.plan.free_line:
            rows.append(("Prøve, uden beregning", Decimal(1), Decimal("10.00"), "Z", True))
        for number, (text, quantity, price, category, free) in enumerate(rows, start=1):
            line = self._cac(self.root, f"{self.name}Line")
            self._cbc(line, "ID", number)
            self._cbc(line, quantity_name, f"{quantity:.2f}", unitCode="EA")
            self._money(line, "LineExtensionAmount", _ore(quantity * price))
            if free:
                self._cbc(line, "FreeOfChargeIndicator", "true")
            item = self._cac(line, "Item")
            self._cbc(item, "Name", text)
            if self.plan.peppol:
                tax = self._cac(item, "ClassifiedTaxCategory")
                self._category(tax, category)
            self._money(self._cac(line, "Price"), "PriceAmount", price)
