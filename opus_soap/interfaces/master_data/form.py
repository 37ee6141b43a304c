"""What master data look like on their way out and in: tables, their columns, the form of each value.

SAP's names where there are such. The contract is `wsdl/Udtraek/Stamdata.xsd`; a test holds the two together.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from opus_soap.errors import Both
from opus_soap.extracts.output import Form
from opus_soap.texts import is_hidden

NAMESPACE = "urn:opus-soap:udtraek:stamdata:1"
STAMDATA = Form("Stamdata", NAMESPACE, "Stamdata.xsd")
KREDITORER = Form("Kreditorer", NAMESPACE, "Stamdata.xsd")
ACTION = "ACTION"  # first in every record; of an extract that is not full, and of what is taken away
NEW, CHANGED, DELETED = "NY", "RETTET", "SLETTET"
MARK = "X"  # yes; no is empty
RECORD = "_RECORD"  # what an element of a record is called behind its table
# kinds of the ledger's dimensions, by table
DIMENSIONS = {
    "COSTCENTER": "cost_center",
    "WBS_ELEMENT": "wbs_element",
    "PROFIT_CTR": "profit_center",
    "ORDERID": "order",
    "NETWORK": "network",
    "FUNC_AREA": "functional_area",
}
SAP_NAMES = {kind: name for name, kind in DIMENSIONS.items()}
Texts = tuple[str, ...]  # by a table's columns; empty: nothing
Key = tuple[str | int, ...]  # in the order of records


@dataclass(frozen=True)
class ValueType:
    """What a text must be: as long as this, like this."""

    name: str  # in the schema
    longest: int
    pattern: str = ""
    expected: str | Both = ""  # for people

    def is_met(self, text: str) -> bool:
        """Whether a text that is not empty is one of these."""
        if self.pattern:
            like = re.fullmatch(self.pattern, text, re.ASCII) is not None
            return like and (self is not DATE or _is_day(text))
        shown = len(text) <= self.longest and not any(map(is_hidden, text))
        return shown and unicodedata.is_normalized("NFC", text)


def _is_day(text: str) -> bool:
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def _text(longest: int) -> ValueType:
    return ValueType(
        f"Text{longest}",
        longest,
        expected=Both(f"1–{longest} tegn, der kan ses", f"1–{longest} characters that can be seen"),
    )


def _like(name: str, longest: int, pattern: str, expected: str | Both) -> ValueType:
    return ValueType(name, longest, pattern, expected)


DATE = _like("Date", 8, r"[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])", Both("ååååmmdd", "yyyymmdd"))
YES = _like("Mark", 1, "X", Both("X eller tom", "X, or nothing"))
UUID = _like(
    "Identity",
    36,
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    Both("en UUID med små bogstaver", "a UUID in lower case"),
)
AMOUNT = _like(
    "Amount", 17, r"(0|[1-9][0-9]{0,11})\.[0-9]{2}", Both("kroner, fx 25000.00", "kroner, such as 25000.00")
)
RATE = _like("Rate", 6, r"(0|[1-9][0-9]{0,2})\.[0-9]{2}", Both("procent, fx 25.00", "percent, such as 25.00"))
PRIORITY = _like("Priority", 10, r"0|-?[1-9][0-9]{0,8}", Both("et helt tal", "a whole number"))
COMPANY = _like("CompanyCode", 4, r"[A-Z0-9]{4}", Both("4 tegn, A–Z og 0–9", "4 of A–Z, 0–9"))
CURRENCY = _like("Currency", 3, r"[A-Z]{3}", Both("ISO 4217, fx DKK", "ISO 4217, such as DKK"))
DOC_TYPE = _like("DocumentType", 2, r"[A-Z0-9]{2}", Both("2 tegn, A–Z og 0–9", "2 of A–Z, 0–9"))
SERIES = _like("SeriesNumber", 10, r"[1-9][0-9]{0,9}", "1–9999999999")
CHART = _like("ChartString", 16, r"[0-9]{16}", Both("16 cifre", "16 digits"))
KINDS = _like(
    "Dimensions",
    70,
    rf"({'|'.join(DIMENSIONS)})( ({'|'.join(DIMENSIONS)}))*",
    Both(f"{' '.join(DIMENSIONS)}, med mellemrum imellem", f"{' '.join(DIMENSIONS)}, a blank between them"),
)
CVR = _like("Cvr", 8, r"[0-9]{8}", Both("8 cifre", "8 digits"))
COUNTRY = _like("Country", 2, r"[A-Z]{2}", Both("ISO 3166, fx DK", "ISO 3166, such as DK"))
BANK_KEY = _like("BankKey", 4, r"[0-9]{4}", Both("4 cifre", "4 digits"))
BANK_ACCT = _like("BankAccount", 10, r"[0-9]{1,10}", Both("1–10 cifre", "1–10 digits"))
IBAN = _like(
    "Iban", 34, r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", Both("et IBAN uden mellemrum", "an IBAN without blanks")
)
BIC = _like("Bic", 11, r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", Both("8 eller 11 tegn", "8 or 11 characters"))
FIK = _like("FikCreditor", 8, r"[0-9]{8}", Both("8 cifre", "8 digits"))
EAN = _like("Ean", 13, r"[0-9]{13}", Both("13 cifre", "13 digits"))


@dataclass(frozen=True)
class Column:
    """An element of a record, and a column of the CSV file."""

    name: str
    danish: str
    english: str
    type: ValueType
    required: bool = False
    decides: bool = False  # of a new record it must be told, and empty is an answer
    keeps: bool = False  # left out, it stays as it is in the books
    derived: bool = False  # told for the receiver; read back, it is compared and not stored

    @property
    def is_needed(self) -> bool:
        """Whether a new record must have it."""
        return self.required or self.decides


@dataclass(frozen=True)
class Table:
    """A table of master data; the first `keys` columns name a record."""

    name: str
    danish: str
    english: str
    columns: tuple[Column, ...]
    keys: int = 1

    @property
    def names(self) -> list[str]:
        """The columns of its CSV file."""
        return [ACTION, *(column.name for column in self.columns)]

    def key(self, texts: Sequence[str]) -> Key:
        """The key of a record, in the order of records."""
        key = zip(self.columns[: self.keys], texts, strict=False)
        return tuple(int(text) if column.type is PRIORITY else text for column, text in key)

    def values(self, texts: Sequence[str]) -> Mapping[str, str]:
        """The texts of a record, or of its key, by their names."""
        return {column.name: text for column, text in zip(self.columns, texts, strict=False)}


def _name(longest: int = 255) -> Column:
    return Column("NAME", "Navn", "Name", _text(longest), required=True)


_IDENTITY = Column(
    "OBJECT_ID", "UUID, som svar på fakturaer bruger", "UUID, as answers to invoices use", UUID, keeps=True
)
_BLOCKED = Column("BLOCKED", "Spærret", "Nobody uses it any more", YES)
_REQUIRES = ("REQUIRES_ONE_OF", "Kræver præcis én af", "Requires exactly one of", KINDS)
_FORBIDS = ("FORBIDS", "Forbyder", "Forbids any of", KINDS)
_VENDOR_NO = Column("VENDOR_NO", "Kreditornummer", "Supplier", _text(10), required=True)


def _dimension(name: str, danish: str, english: str, longest: int) -> Table:
    return Table(
        name,
        danish,
        english,
        (
            Column(name, danish, english, _text(longest), required=True),
            _name(),
            _IDENTITY,
            Column("PARENT", "Overordnet", "Parent in the hierarchy", _text(24)),
            _BLOCKED,
            Column("VALID_FROM", "Gyldig fra", "First day", DATE),
            Column("VALID_TO", "Gyldig til", "Last day", DATE),
        ),
    )


# in the order in which they stand in a file: none names what comes behind it
TABLES: tuple[Table, ...] = (
    Table(
        "COMP_CODE",
        "Firmakode",
        "Company code",
        (
            Column("COMP_CODE", "Firmakode", "Company code", COMPANY, required=True),
            _name(),
            Column("CURRENCY", "Valuta", "Currency", CURRENCY, required=True),
            Column("VAT_ACCOUNT", "Konto for købsmoms", "Account of refunded VAT", _text(10), required=True),
            Column("RETAINED_ACCOUNT", "Balancekonto", "Account of results", _text(10), required=True),
            Column("VENDOR_ACCOUNT", "Kreditorernes konto", "Suppliers' account", _text(10), required=True),
            Column("BANK_ACCOUNT", "Bankkonto", "Bank account by itself", _text(10)),
        ),
    ),
    Table(
        "TAX_CODE",
        "Momskode",
        "Tax code",
        (
            Column("TAX_CODE", "Momskode", "Tax code", _text(4), required=True),
            _name(),
            Column("TAX_RATE", "Sats i procent", "Rate in percent", RATE, required=True),
        ),
    ),
    Table(
        "DOC_TYPE",
        "Bilagsart",
        "Document type",
        (
            Column("DOC_TYPE", "Bilagsart", "Document type", DOC_TYPE, required=True),
            _name(),
            Column("FIRST_NUMBER", "Første bilagsnummer", "First number of a year", SERIES, required=True),
        ),
    ),
    Table(
        "ACCOUNT_RULE",
        "Kontoregel",
        "Rule of accounts",
        (
            Column("PRIORITY", "Rækkefølge", "The first that matches counts", PRIORITY, required=True),
            Column("PATTERN", "Mønster", "Regular expression", _text(255), required=True),
            Column(*_REQUIRES),
            Column(*_FORBIDS),
        ),
    ),
    Table(
        "GL_ACCOUNT",
        "Artskonto",
        "G/L account",
        (
            Column("GL_ACCOUNT", "Artskonto", "G/L account", _text(10), required=True),
            _name(),
            _IDENTITY,
            Column("BALANCE_ACCOUNT", "Statuskonto", "Carried forward at year-end", YES, decides=True),
            Column("TAX_CODE", "Momskode", "Tax code", _text(4)),
            _BLOCKED,
            Column(
                "ASSIGNABLE", "Må konteres af fagsystemer", "Case systems may post on it", YES, decides=True
            ),
            Column("CHART_STRING", "Autoriseret kontostreng", "Authorised chart", CHART),
            Column("RULE", "Kontoregel", "PRIORITY of the rule that covers it", PRIORITY, derived=True),
            Column(*_REQUIRES, derived=True),
            Column(*_FORBIDS, derived=True),
        ),
    ),
    _dimension("PROFIT_CTR", "Profitcenter", "Profit centre", 10),
    _dimension("COSTCENTER", "Omkostningssted", "Cost centre", 10),
    _dimension("WBS_ELEMENT", "PSP-element", "WBS element", 24),
    _dimension("ORDERID", "Ordre", "Order", 12),
    _dimension("NETWORK", "Netværk", "Network", 12),
    _dimension("FUNC_AREA", "Funktionsområde", "Functional area", 16),
    Table(
        "VENDOR",
        "Kreditor",
        "Supplier",
        (
            _VENDOR_NO,
            _name(),
            _IDENTITY,
            Column("CVR", "CVR-nummer", "CVR number", CVR),
            Column("IDENTIFIERS", "EAN m.m.", "Other identifiers: SCHEME:VALUE|…", _text(4000)),
            Column("STREET", "Adresse", "Street", _text(120)),
            Column("POSTAL_CODE", "Postnummer", "Postal code", _text(10)),
            Column("CITY", "By", "City", _text(80)),
            Column("COUNTRY", "Land", "Country", COUNTRY),
            Column("PURCHASING", "Indkøbskreditor", "For purchasing", YES),
            Column("PERSON", "Person", "A natural person", YES),
            _BLOCKED,
        ),
    ),
    Table(
        "VENDOR_BANK",
        "Kreditors bankoplysninger",
        "Bank details of a supplier",
        (
            _VENDOR_NO,
            Column("BANK_KEY", "Registreringsnummer", "Bank registration", BANK_KEY),
            Column("BANK_ACCT", "Kontonummer", "Account", BANK_ACCT),
            Column("IBAN", "IBAN", "IBAN", IBAN),
            Column("SWIFT_CODE", "BIC", "BIC", BIC),
            Column("FIK_CREDITOR", "FI-kreditornummer", "Creditor number of payment slips", FIK),
        ),
    ),
    Table(
        "USER_RIGHT",
        "Rettighed",
        "What a user may decide",
        (
            Column("USERNAME", "Opus-bruger", "Opus UserID", _text(40), required=True),
            Column("PROFIT_CTR", "Profitcenter; ingen: alle", "Profit centre; none: all", _text(10)),
            Column("EAN", "Fakturaer til dette EAN", "Invoices to this EAN", EAN),
            Column("AMOUNT_LIMIT", "Beløbsgrænse", "Largest amount, kroner", AMOUNT, required=True),
        ),
        keys=3,
    ),
)
BY_NAME: Mapping[str, Table] = {table.name: table for table in TABLES}
PLACES: Mapping[str, int] = {table.name: place for place, table in enumerate(TABLES)}


def joined(identifiers: Sequence[str]) -> str:
    """Identifiers in one text: sorted, `|` between them; one within them is `%7C`."""
    return "|".join(sorted(one.replace("%", "%25").replace("|", "%7C") for one in identifiers))


def split(text: str) -> list[str]:
    """The reverse of `joined`."""
    return [one.replace("%7C", "|").replace("%25", "%") for one in text.split("|") if one]
