"""Does a SAF-T file hold together? Elements that must be there, their order, sums, references, dates.

Our own rules, streamed; no replacement for the official schema, which an operator may supply: then the file
is held against that as well. Neither looks anything up elsewhere, nor takes entities.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path

from lxml import etree

from opus_soap.errors import SaftFileUnreadable, SaftSchemaUnusable, mask_cpr
from opus_soap.interfaces.audit_extract.saft import NAMESPACE

MOST_PROBLEMS = 50
_NS = f"{{{NAMESPACE}}}"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# children in their order: + once or more, * any number, ? at most once, else once; a|b: one of them
_BALANCES = "OpeningDebitBalance|OpeningCreditBalance ClosingDebitBalance|ClosingCreditBalance"
RULES = {
    "AuditFile": "Header MasterFiles GeneralLedgerEntries",
    "Header": "AuditFileVersion AuditFileCountry AuditFileRegion? AuditFileDateCreated SoftwareCompanyName "
    "SoftwareID SoftwareVersion Company DefaultCurrencyCode SelectionCriteria HeaderComment? "
    "TaxAccountingBasis? TaxEntity UserID?",
    "Company": "CVR|RegistrationNumber Name Address? Contact* TaxRegistration* BankAccount*",
    "Address": "StreetName City PostalCode Country",
    "SelectionCriteria": "SelectionStartDate SelectionEndDate PeriodStart? PeriodStartYear? PeriodEnd? "
    "PeriodEndYear?",
    "MasterFiles": "GeneralLedgerAccounts Customers? Suppliers? TaxTable AnalysisTypeTable?",
    "GeneralLedgerAccounts": "NameOfStandardAccount? VersionOfStandardAccount? Account+",
    "Account": "AccountID AccountDescription StandardAccountID? AccountType AccountCreationDate? "
    + _BALANCES,
    "Suppliers": "Supplier+",
    "Supplier": f"CVR|RegistrationNumber|? Name Address? SupplierID AccountID {_BALANCES}",
    "TaxRegistration": "TaxRegistrationNumber TaxType Country?",
    "BankAccount": "IBANNumber",
    "TaxTable": "TaxTableEntry+",
    "TaxTableEntry": "TaxType Description TaxCodeDetails+",
    "TaxCodeDetails": "TaxCode StandardTaxCode? EffectiveDate ExpirationDate? Description TaxPercentage "
    "Country",
    "AnalysisTypeTable": "AnalysisTypeTableEntry+",
    "AnalysisTypeTableEntry": "AnalysisType AnalysisTypeDescription AnalysisID AnalysisIDDescription",
    "GeneralLedgerEntries": "NumberOfEntries TotalDebit TotalCredit Journal*",
    "Journal": "JournalID Description Type Transaction*",
    "Transaction": "TransactionID Period PeriodYear TransactionDate SourceID? TransactionType? Description "
    "BatchID? SystemEntryDate GLPostingDate CustomerID? SupplierID? SystemID Line+",
    "Line": "RecordID AccountID Analysis* ValueDate? SourceDocumentID? CustomerID? SupplierID? Description "
    "DebitAmount|CreditAmount TaxInformation*",
    "Analysis": "AnalysisType AnalysisID",
    "TaxInformation": "TaxType TaxCode",
    "DebitAmount": "Amount CurrencyCode CurrencyAmount ExchangeRate",
    "CreditAmount": "Amount CurrencyCode CurrencyAmount ExchangeRate",
}
# what is looked at as soon as it is read, and forgotten
RECORDS = ("Account", "Supplier", "TaxTableEntry", "AnalysisTypeTableEntry", "Line", "Transaction")


def _compiled(rule: str) -> re.Pattern[str]:
    """A rule as a pattern of the children's names, each with a space behind it."""
    parts = []
    for word in rule.split():
        optional = word.endswith("|?")
        many = word[-1] if word[-1] in "+*?" and not optional else ""
        names = word.removesuffix("|?").rstrip("+*?")
        parts.append(f"(?:(?:{names}) ){'?' if optional else many}")
    return re.compile("".join(parts))


_PATTERNS = {name: _compiled(rule) for name, rule in RULES.items()}


@dataclass
class _Seen:
    """What a file has said so far."""

    accounts: set[str] = field(default_factory=set)
    suppliers: set[str] = field(default_factory=set)
    tax_codes: set[str] = field(default_factory=set)
    analysis: set[tuple[str, str]] = field(default_factory=set)
    first_day: str = ""
    last_day: str = ""
    transactions: int = 0
    debit: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)
    named: str = ""  # the transaction before
    open_debit: Decimal = Decimal(0)  # of the lines of the transaction that is being read
    open_credit: Decimal = Decimal(0)
    journals: set[str] = field(default_factory=set)


def check(path: Path) -> list[str]:
    """What does not hold, at most `MOST_PROBLEMS`; raises `SaftFileUnreadable`."""
    problems: list[str] = []
    try:
        with _parsed(path) as elements:
            for problem in islice(_problems(elements), MOST_PROBLEMS):
                problems.append(mask_cpr(problem))
    except (OSError, etree.XMLSyntaxError) as error:
        raise SaftFileUnreadable(element=path.name, value=str(error)[:300]) from None
    return problems


def check_schema(path: Path, schema_file: Path) -> list[str]:
    """What the official schema has against a file, the first of it; raises `SaftSchemaUnusable`."""
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        schema = etree.XMLSchema(etree.parse(schema_file, parser))
    except (OSError, etree.LxmlError) as error:
        raise SaftSchemaUnusable(element=schema_file.name, value=str(error)[:300]) from None
    try:
        with _parsed(path, schema=schema) as elements:
            for _, element in elements:
                _forget(element)
    except etree.XMLSyntaxError as error:
        return [mask_cpr(str(error)[:300])]
    except OSError as error:
        raise SaftFileUnreadable(element=path.name, value=error.strerror or "?") from None
    return []


@contextmanager
def _parsed(path: Path, **more: object) -> Iterator[Iterator[tuple[str, etree._Element]]]:
    tags = [_NS + name for name in (*RECORDS, "Header", "Journal", "GeneralLedgerEntries", "AuditFile")]
    with path.open("rb") as file:
        yield iter(
            etree.iterparse(  # type: ignore[call-overload]
                file,
                events=("end",),
                tag=tags,
                resolve_entities=False,
                no_network=True,
                load_dtd=False,
                huge_tree=True,
                **more,
            )
        )


def _forget(element: etree._Element) -> None:
    """Leave an empty one of each run, so that the order can still be told."""
    element.clear()
    before = element.getprevious()
    parent = element.getparent()
    if before is not None and parent is not None and before.tag == element.tag:
        parent.remove(before)


def _problems(elements: Iterator[tuple[str, etree._Element]]) -> Iterator[str]:
    seen, root = _Seen(), None
    for _, element in elements:
        name = etree.QName(element).localname
        if name in _LOOKS:
            yield from _shape(element)
            yield from _LOOKS[name](element, seen)
            _forget(element)
        elif name == "Header":
            seen.first_day, seen.last_day = (
                _text(element, f"SelectionCriteria/Selection{end}Date") for end in ("Start", "End")
            )
        elif name == "Journal":
            yield from _journal(element, seen)
        elif name == "GeneralLedgerEntries":
            yield from _totals(element, seen)
        else:
            root = element
    if root is None:
        yield f"the root is not AuditFile of {NAMESPACE}"
    else:
        yield from _shape(root)


def _shape(element: etree._Element) -> Iterator[str]:
    """Its children are those of the rule in their order, and theirs; what has no rule is text."""
    name = etree.QName(element).localname
    children = [child for child in element if isinstance(child.tag, str)]
    rule = RULES.get(name)
    if rule is None:
        if children or not (element.text or "").strip():
            yield f"{_where(element)}: must be text"
        return
    said = "".join(f"{_name(child)} " for child in children)
    if _PATTERNS[name].fullmatch(said) is None:
        yield f"{_where(element)}: has {_shown(said)}; must have {rule}"
    for child in children:
        if _name(child) not in RECORDS:
            yield from _shape(child)


def _shown(said: str) -> str:
    words: list[str] = []
    for word in said.split():
        if not words or words[-1] != word:
            words.append(word)
    return " ".join(words)[:500] or "nothing"


def _name(element: etree._Element) -> str:
    found = etree.QName(element)
    return found.localname if found.namespace == NAMESPACE else f"{{{found.namespace}}}{found.localname}"


def _where(element: etree._Element) -> str:
    return f"line {element.sourceline}: {etree.QName(element).localname}"


def _text(element: etree._Element, path: str) -> str:
    return element.findtext("/".join(_NS + step for step in path.split("/"))) or ""


def _amount(element: etree._Element, name: str) -> Decimal | None:
    try:
        return Decimal(_text(element, name))
    except InvalidOperation:
        return None


def _account(element: etree._Element, seen: _Seen) -> Iterator[str]:
    number = _text(element, "AccountID")
    if number in seen.accounts:
        yield f"{_where(element)}: AccountID {number} comes twice"
    seen.accounts.add(number)
    if _text(element, "AccountType") not in ("Asset", "Liability", "Sale", "Expense", "Other"):
        yield f"{_where(element)}: AccountType of {number} is none that there is"


def _supplier(element: etree._Element, seen: _Seen) -> Iterator[str]:
    number, account = _text(element, "SupplierID"), _text(element, "AccountID")
    seen.suppliers.add(number)
    if account not in seen.accounts:
        yield f"{_where(element)}: AccountID {account} of supplier {number} is not in the chart"


def _tax(element: etree._Element, seen: _Seen) -> Iterator[str]:
    seen.tax_codes |= {_text(details, "TaxCode") for details in element.iter(f"{_NS}TaxCodeDetails")}
    yield from ()


def _analysis(element: etree._Element, seen: _Seen) -> Iterator[str]:
    seen.analysis.add((_text(element, "AnalysisType"), _text(element, "AnalysisID")))
    yield from ()


def _transaction(element: etree._Element, seen: _Seen) -> Iterator[str]:
    name = _text(element, "TransactionID")
    where = f"{_where(element)} {name}"
    if name == seen.named:
        yield f"{where}: comes twice"
    seen.named, seen.transactions = name, seen.transactions + 1
    posted = _text(element, "GLPostingDate")
    if not _DAY.fullmatch(posted) or not seen.first_day <= posted <= seen.last_day:
        yield f"{where}: GLPostingDate {posted} is not in {seen.first_day}–{seen.last_day}"
    debit, credit = seen.open_debit, seen.open_credit
    if debit != credit:
        yield f"{where}: debit {debit} is not credit {credit}"
    seen.debit, seen.credit = seen.debit + debit, seen.credit + credit
    seen.open_debit = seen.open_credit = Decimal(0)


def _line(line: etree._Element, seen: _Seen) -> Iterator[str]:
    parent = line.getparent()
    where = f"{_where(line)} of {_text(parent, 'TransactionID') if parent is not None else '?'}"
    for name, known in (
        ("AccountID", seen.accounts),
        ("SupplierID", seen.suppliers),
        ("TaxInformation/TaxCode", seen.tax_codes),
    ):
        said = _text(line, name)
        if said and said not in known:
            yield f"{where}: {name} {said} is not in the master files"
    for one in line.iter(f"{_NS}Analysis"):
        pair = _text(one, "AnalysisType"), _text(one, "AnalysisID")
        if pair not in seen.analysis:
            yield f"{where}: Analysis {' '.join(pair)} is not in the master files"
    debit, credit = _amount(line, "DebitAmount/Amount"), _amount(line, "CreditAmount/Amount")
    if debit is None and credit is None:
        yield f"{where}: has no amount"
    seen.open_debit += debit or 0
    seen.open_credit += credit or 0


def _journal(element: etree._Element, seen: _Seen) -> Iterator[str]:
    name = _text(element, "JournalID")
    if name in seen.journals:
        yield f"{_where(element)}: JournalID {name} comes twice"
    seen.journals.add(name)


def _totals(element: etree._Element, seen: _Seen) -> Iterator[str]:
    counted = {
        "NumberOfEntries": Decimal(seen.transactions),
        "TotalDebit": seen.debit,
        "TotalCredit": seen.credit,
    }
    for name, found in counted.items():
        if _amount(element, name) != found:
            yield f"{name} is {_text(element, name)}; the transactions make {found}"


_LOOKS: dict[str, Callable[[etree._Element, _Seen], Iterator[str]]] = {
    "Account": _account,
    "Supplier": _supplier,
    "TaxTableEntry": _tax,
    "AnalysisTypeTableEntry": _analysis,
    "Line": _line,
    "Transaction": _transaction,
}
