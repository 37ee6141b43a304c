"""SAF-T DK Financial 2.1, streamed: header, master files, general ledger entries.

What the books do not know (the municipality's address and bank account, unless the order says them;
suppliers' addresses; standard VAT codes) is left out, never made up: a check against the official schema
then says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO

import orjson

from opus_soap import __version__
from opus_soap.errors import mask_cpr
from opus_soap.extracts.books import Booked
from opus_soap.extracts.elements import amount, escaped
from opus_soap.texts import legal_xml

NAMESPACE = "urn:StandardAuditFile-Taxation-Financial:DK"
VERSION = "2.1"
CHART = "Indenrigsministeriets kontoplan"
_FLUSH = 256 * 1024  # characters
# a posting's field → the analysis type, its Danish name
ANALYSIS = {
    "cost_center": ("OMK", "Omkostningssted"),
    "wbs_element": ("PSP", "PSP-element"),
    "profit_center": ("PRC", "Profitcenter"),
    "order": ("ORD", "Ordre"),
    "network": ("NET", "Netværk"),
    "activity": ("OPE", "Operation"),
    "functional_area": ("FUN", "Funktionsområde"),
    "partner_profit_center": ("PPC", "Partner-profitcenter"),
}
_TYPES = tuple(code for code, _ in ANALYSIS.values())
_OF_DRANST = {"8": "Asset", "9": "Liability"}
_INCOME = ("7", "8")  # hovedart
_ADDRESS = (("StreetName", "street"), ("City", "city"), ("PostalCode", "postal_code"))
_DRANST, _HOVEDART = 5, 14  # places in the chart string


@dataclass(frozen=True)
class Totals:
    """What stands before the journals."""

    vouchers: int
    debit_ore: int
    credit_ore: int  # positive


class SaftFile:
    """A SAF-T file that grows from its beginning to its end; whoever writes it keeps the order."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._waiting: list[str] = []
        self._length = 0
        self.add(f'<?xml version="1.0" encoding="UTF-8"?>\n<AuditFile xmlns="{NAMESPACE}">\n')

    def add(self, text: str) -> None:
        """What comes next."""
        self._waiting.append(text)
        self._length += len(text)
        if self._length >= _FLUSH:
            self._flush()

    def end(self) -> None:
        """Close the root."""
        self.add("</AuditFile>\n")
        self._flush()

    def _flush(self) -> None:
        self._out.write("".join(self._waiting).encode())
        self._waiting, self._length = [], 0


def node(name: str, *inner: str) -> str:
    """An element of elements; nothing when nothing is in it."""
    whole = "".join(inner)
    return f"<{name}>{whole}</{name}>" if whole else ""


def leaf(name: str, value: object) -> str:
    """An element of text; nothing for None and for no text."""
    text = "" if value is None else str(value)
    return f"<{name}>{escaped(legal_xml(text))}</{name}>" if text else ""


def balance(name: str, ore: int) -> str:
    """OpeningDebitBalance or OpeningCreditBalance, and so on."""
    return leaf(f"{name}{'Credit' if ore < 0 else 'Debit'}Balance", amount(abs(ore)))


def header(
    company: Any, year: int, last_day: date, created: date, options: Mapping[str, Any], comment: str
) -> str:
    """Header; `created` is the business date of the order."""
    cvr = company.municipality.cvr
    parts = [leaf(name, options.get(key)) for name, key in _ADDRESS]
    address = node("Address", *parts, leaf("Country", "DK")) if any(parts) else ""
    bank = node("BankAccount", leaf("IBANNumber", options.get("iban")))
    return node(
        "Header",
        leaf("AuditFileVersion", VERSION),
        leaf("AuditFileCountry", "DK"),
        leaf("AuditFileDateCreated", created.isoformat()),
        leaf("SoftwareCompanyName", "opus-soap"),
        leaf("SoftwareID", "opus-soap"),
        leaf("SoftwareVersion", __version__),
        node(
            "Company",
            leaf("CVR", cvr),
            leaf("Name", company.name),
            address,
            node(
                "TaxRegistration",
                leaf("TaxRegistrationNumber", cvr),
                leaf("TaxType", "VAT"),
                leaf("Country", "DK"),
            ),
            bank,
        ),
        leaf("DefaultCurrencyCode", company.currency),
        node(
            "SelectionCriteria",
            leaf("SelectionStartDate", f"{year}-01-01"),
            leaf("SelectionEndDate", last_day.isoformat()),
            leaf("PeriodStart", 1),
            leaf("PeriodStartYear", year),
            leaf("PeriodEnd", 15),
            leaf("PeriodEndYear", year),
        ),
        leaf("HeaderComment", comment),
        leaf("TaxEntity", cvr),
    ) + "\n"  # fmt: skip


def account(row: Any, opening_ore: int, closing_ore: int) -> str:
    """An Account of the chart."""
    return node(
        "Account",
        leaf("AccountID", row.number),
        leaf("AccountDescription", mask_cpr(row.name)),
        leaf("StandardAccountID", row.chart_string),
        leaf("AccountType", account_type(row.chart_string)),
        balance("Opening", opening_ore),
        balance("Closing", closing_ore),
    ) + "\n"  # fmt: skip


def account_type(chart_string: str | None) -> str:
    """By dranst and hovedart of the authorised chart; without a chart string nobody can tell."""
    if chart_string is None:
        return "Other"
    known = _OF_DRANST.get(chart_string[_DRANST])
    return known or ("Sale" if chart_string[_HOVEDART] in _INCOME else "Expense")


def supplier(row: Any, account: str, opening_ore: int, closing_ore: int) -> str:
    """A Supplier."""
    return node(
        "Supplier",
        leaf("CVR", row.cvr),
        leaf("Name", mask_cpr(row.name)),
        leaf("SupplierID", row.number),
        leaf("AccountID", account),
        balance("Opening", opening_ore),
        balance("Closing", closing_ore),
    ) + "\n"  # fmt: skip


def tax_table(codes: Iterable[Any], year: int) -> str:
    """TaxTable; a code counts from the first day of the selection, as far as the books know."""
    details = [
        node(
            "TaxCodeDetails",
            leaf("TaxCode", code.code),
            leaf("EffectiveDate", f"{year}-01-01"),
            leaf("Description", code.name),
            leaf("TaxPercentage", amount(code.rate_basis_points)),
            leaf("Country", "DK"),
        )
        for code in codes
    ]
    entry = node("TaxTableEntry", leaf("TaxType", "VAT"), leaf("Description", "Moms"), *details)
    return node("TaxTable", entry) + "\n"


def analysis_entry(kind: str, value: str, name: str) -> str:
    """An AnalysisTypeTableEntry."""
    code, danish = ANALYSIS[kind]
    return node(
        "AnalysisTypeTableEntry",
        leaf("AnalysisType", code),
        leaf("AnalysisTypeDescription", danish),
        leaf("AnalysisID", value),
        leaf("AnalysisIDDescription", mask_cpr(name)),
    ) + "\n"  # fmt: skip


def entries_head(totals: Totals) -> str:
    """What GeneralLedgerEntries begins with; an entry is a transaction."""
    return (
        "<GeneralLedgerEntries>"
        + leaf("NumberOfEntries", totals.vouchers)
        + leaf("TotalDebit", amount(totals.debit_ore))
        + leaf("TotalCredit", amount(totals.credit_ore))
        + "\n"
    )


def journal_head(document_type: str, name: str) -> str:
    """What a Journal begins with: one for each document type."""
    return f"<Journal>{leaf('JournalID', document_type)}{leaf('Description', name)}{leaf('Type', 'GL')}\n"


def transaction(booked: Booked, told: Mapping[str, Any], currency: str, entered_on: date) -> Iterator[str]:
    """A Transaction, line by line: a single one may have a hundred thousand."""
    head = booked.head
    name = head.label
    text = mask_cpr(head.header_text) or name
    reference = mask_cpr(head.reference)
    foreign = told.get("CURRENCY") or head.currency
    yield "".join(
        (
            "<Transaction>",
            leaf("TransactionID", name),
            leaf("Period", head.period),
            leaf("PeriodYear", head.year),
            leaf("TransactionDate", head.document_date),
            leaf("SourceID", head.entered_by),
            leaf("Description", text),
            leaf("SystemEntryDate", entered_on.isoformat()),
            leaf("GLPostingDate", head.posting_date),
            leaf("SystemID", head.number),
            "\n",
        )
    )
    for line in booked.lines:
        yield _line(line, text, reference, currency, foreign)
    yield "</Transaction>\n"


def _line(line: tuple[Any, ...], text: str, reference: str, currency: str, foreign: str) -> str:
    number, _, account_, ore, supplier_, *dimensions, tax_code, value_date, said, _, more = line
    analysis = "".join(
        f"<Analysis><AnalysisType>{kind}</AnalysisType>{leaf('AnalysisID', value)}</Analysis>"
        for kind, value in zip(_TYPES, dimensions, strict=True)
        if value
    )
    delivered = orjson.loads(more).get("AMT_DOCCUR") if more else None
    tax = (
        f"<TaxInformation><TaxType>VAT</TaxType>{leaf('TaxCode', tax_code)}</TaxInformation>"
        if tax_code
        else ""
    )
    return (
        f"<Line><RecordID>{number}</RecordID><AccountID>{account_}</AccountID>{analysis}"
        f"{leaf('ValueDate', value_date)}{leaf('SourceDocumentID', reference)}{leaf('SupplierID', supplier_)}"
        f"{leaf('Description', mask_cpr(said) or text)}"
        f"{_amount(ore, currency, delivered, foreign)}{tax}</Line>\n"
    )


def _amount(ore: int, currency: str, delivered: str | None, foreign: str) -> str:
    name = "DebitAmount" if ore > 0 else "CreditAmount"
    own = amount(abs(ore))
    if delivered is None or foreign == currency:
        inner = f"<Amount>{own}</Amount><CurrencyCode>{currency}</CurrencyCode>"
        inner += f"<CurrencyAmount>{own}</CurrencyAmount><ExchangeRate>1.0</ExchangeRate>"
    else:
        theirs = abs(Decimal(delivered))
        rate = (Decimal(own) / theirs).quantize(Decimal("1.00000000")) if theirs else Decimal(1)
        inner = f"<Amount>{own}</Amount><CurrencyCode>{foreign}</CurrencyCode>"
        inner += f"<CurrencyAmount>{theirs}</CurrencyAmount><ExchangeRate>{rate}</ExchangeRate>"
    return f"<{name}>{inner}</{name}>"
