"""An invoice or credit note as it was read: amounts as printed, in kroner (Decimal), nothing added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from opus_soap.identifiers import canonical

INVOICE, CREDIT_NOTE = "invoice", "credit_note"


# characters of what is stored and sent on; a test holds them to the columns
LONGEST = {"ID": 64, "PartyName": 255, "Contact/ID": 255, "OrderReference/ID": 255, "filename": 255}


@dataclass(frozen=True)
class DocumentLimits:
    """What a document may be: bytes, counts."""

    max_bytes: int = 25 * 1024 * 1024
    max_attachment_bytes: int = 10 * 1024 * 1024
    max_attachments: int = 50
    max_lines: int = 20_000
    max_depth: int = 100


@dataclass(frozen=True)
class Identifier:
    """An identifier and the scheme it belongs to (`GLN`, `DK:CVR`, `0088`, …)."""

    scheme: str
    value: str


@dataclass(frozen=True)
class Party:
    """Supplier or customer."""

    name: str
    endpoint: Identifier | None
    identifiers: tuple[Identifier, ...]
    contact_id: str | None = None
    contact_name: str | None = None
    address: tuple[str, ...] = ()

    @property
    def all_identifiers(self) -> tuple[Identifier, ...]:
        """The endpoint first, then the others."""
        return (self.endpoint, *self.identifiers) if self.endpoint else self.identifiers

    @property
    def cvr(self) -> str | None:
        """The Danish CVR number, eight digits, from any identifier that says it is one."""
        return self._number("CVR")

    @property
    def gln(self) -> str | None:
        """The GLN (EAN-nummer), thirteen digits."""
        return self._number("GLN")

    @property
    def known_by(self) -> tuple[str, ...]:
        """The identifiers in their canonical form (`opus_soap.identifiers`); a person's as a digest."""
        known = (canonical(identifier.scheme, identifier.value) for identifier in self.all_identifiers)
        return tuple(dict.fromkeys(filter(None, known)))

    def _number(self, kind: str) -> str | None:
        for known in self.known_by:
            if known.startswith(f"{kind}:"):
                return known.partition(":")[2]
        return None


@dataclass(frozen=True)
class AllowanceCharge:
    """A document-level allowance (rabat) or charge (gebyr)."""

    charge: bool
    reason: str
    amount: Decimal


@dataclass(frozen=True)
class TaxSubtotal:
    """VAT (or another tax) of one category."""

    scheme: str
    category: str
    percent: Decimal | None
    taxable: Decimal
    amount: Decimal


@dataclass(frozen=True)
class InvoiceLine:
    """One line. `amount` is net of line allowances, without tax."""

    id: str
    description: str
    quantity: Decimal | None
    unit: str
    price: Decimal | None
    amount: Decimal
    free_of_charge: bool = False


@dataclass(frozen=True)
class PaymentMeans:
    """How to pay: the code, and what it needs."""

    code: str
    channel: str = ""
    payment_id: str = ""  # FIK card type: 71, 73, 75; giro: 01, 04, 15
    instruction_id: str = ""  # FIK reference
    account: str = ""  # creditor number, IBAN, or account number
    branch: str = ""  # BIC or registration number
    due_date: date | None = None

    @property
    def kind(self) -> str:
        """What a Danish reader calls it."""
        if self.channel.upper() == "DK:FIK":
            return f"FIK +{self.payment_id}"
        if self.channel.upper() == "DK:GIRO":
            return "Giro"
        return PAYMENT_NAMES.get(self.code, f"Betalingsmåde {self.code}")


PAYMENT_NAMES: dict[str, str] = {
    "31": "IBAN",
    "42": "Bankkonto",
    "49": "Betalingsservice",
    "58": "IBAN",
    "59": "SEPA",
    "97": "NemKonto",
}


@dataclass(frozen=True)
class Attachment:
    """A file inside the document, decoded."""

    file_name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class DocumentWarning:
    """Something odd that does not stop the document."""

    element: str
    text: str


@dataclass(frozen=True)
class InvoiceDocument:
    """Everything that the house acts on, and what a person wants to see."""

    document_type: str  # INVOICE or CREDIT_NOTE
    standard: str  # "OIOUBL-2.1", "Peppol BIS 3", …
    type_code: str
    number: str
    issue_date: date
    due_date: date | None
    currency: str
    supplier: Party
    customer: Party
    order_number: str | None
    person_reference: str | None
    accounting_cost: str | None
    notes: tuple[str, ...]
    lines: tuple[InvoiceLine, ...]
    allowances_charges: tuple[AllowanceCharge, ...]
    tax_subtotals: tuple[TaxSubtotal, ...]
    line_total: Decimal
    tax_total: Decimal
    allowance_total: Decimal
    charge_total: Decimal
    prepaid: Decimal
    rounding: Decimal
    payable: Decimal
    payment_means: tuple[PaymentMeans, ...]
    attachments: tuple[Attachment, ...]
    warnings: tuple[DocumentWarning, ...] = ()
