"""A record brought into the books, by the same rules as a declaration (`ledger.loading`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from opus_soap.clock import Clock
from opus_soap.database import Prepared
from opus_soap.errors import CompanyCodeUnknown, ImportReferenceUnknown, ImportValueMissing
from opus_soap.interfaces.master_data.books import PERSONAL
from opus_soap.interfaces.master_data.form import BY_NAME, DIMENSIONS, MARK, Key, split
from opus_soap.ledger import loading, parking
from opus_soap.ledger.definition import (
    AccountRow,
    AccountRuleRow,
    CompanyRow,
    DimensionRow,
    DocumentTypeRow,
    SupplierRow,
    TaxCodeRow,
    UserRightRow,
    read_row,
)
from opus_soap.ledger.models import CompanyCode, DimensionValue, Municipality, Supplier
from opus_soap.money import ore_from_kroner
from opus_soap.store.models import AuditEntry

_RIGHT_SET = "right.set"  # how the trail calls what `parking.set_right` does
_RIGHT_KEY = ("user", "profit_center", "ean")
Given = Mapping[str, str]


@dataclass
class Books:
    """What is entered into, by whom."""

    municipality: Municipality
    company: CompanyCode | None  # None until a COMP_CODE record makes it
    actor: str
    clock: Clock

    @property
    def own(self) -> CompanyCode:
        """The company code; raises `CompanyCodeUnknown`."""
        if self.company is None:
            raise CompanyCodeUnknown(value=self.municipality.code)
        return self.company

    def enter(self, table: str, given: Given) -> None:
        """Make a record, or bring it up to date with the texts that are given; raises `MasterDataInvalid`."""
        _ENTER[table](self, _facts(table, given))

    def take_right(self, given: Given) -> None:
        """Take a right away, as people do."""
        user, center, ean = given["USERNAME"], given["PROFIT_CTR"], given["EAN"]
        self._set_right(user, center, ean, 0)

    def has_had(self, table: str, key: Key) -> bool:
        """Whether what is not there was, and has been taken away: rights and bank details leave nothing."""
        if table == "VENDOR_BANK":
            return self._supplier(str(key[0])) is not None
        if table != "USER_RIGHT":
            return False
        return key in self._rights_ever

    @cached_property
    def _rights_ever(self) -> frozenset[Key]:
        return rights_ever(self.municipality.code)

    def _set_right(self, user: str, center: str, ean: str, limit_ore: int) -> None:
        parking.set_right(
            self.municipality.code,
            user,
            center,
            ean=ean,
            limit_ore=limit_ore,
            actor=self.actor,
            clock=self.clock,
        )

    def company_head(self, facts: dict[str, Any]) -> None:
        """A company code."""
        self.company = loading.load_head(self.municipality, read_row(CompanyRow, facts))

    def supplier(self, facts: dict[str, Any]) -> None:
        """A supplier; the numbers of persons that it is known by, which no file tells, stay."""
        before = self._supplier(facts["number"])
        kept = [one for one in before.identifiers if one.startswith(PERSONAL)] if before else []
        loading.load_supplier(self.municipality, read_row(SupplierRow, facts))
        if kept and "identifiers" in facts:
            after = self._supplier(facts["number"])
            assert after is not None
            after.identifiers = [*after.identifiers, *kept]
            after.save(only=[Supplier.identifiers])

    def bank_details(self, facts: dict[str, Any]) -> None:
        """Those of a supplier that is there; raises `ImportReferenceUnknown`."""
        if self._supplier(facts["number"]) is None:
            raise ImportReferenceUnknown(element="VENDOR_NO", value=facts["number"])
        loading.load_supplier(self.municipality, read_row(SupplierRow, facts))

    def right(self, facts: dict[str, Any]) -> None:
        """A right; its profit centre is one of the municipality's, or it raises `ImportReferenceUnknown`."""
        row = read_row(UserRightRow, facts)
        known = DimensionValue.select().join(CompanyCode)
        known = known.where(
            CompanyCode.municipality == self.municipality,
            DimensionValue.kind == "profit_center",
            DimensionValue.code == row.profit_center,
        )
        if row.profit_center and not known.exists():
            raise ImportReferenceUnknown(element="PROFIT_CTR", value=row.profit_center)
        if row.limit_ore is None:
            raise ImportValueMissing(element="AMOUNT_LIMIT")
        self._set_right(row.user, row.profit_center, row.ean, row.limit_ore)

    def _supplier(self, number: str) -> Supplier | None:
        found: Supplier | None = _supplier_of.first(self.municipality.code, number)
        return found


@Prepared
def _supplier_of(municipality: Any, number: Any) -> Any:
    return Supplier.select().where(Supplier.municipality == municipality, Supplier.number == number)


def rights_ever(municipality: str) -> frozenset[Key]:
    """The keys of all rights that somebody has given or taken, and not a declaration."""
    noted: Any = AuditEntry.select(AuditEntry.detail).where(
        AuditEntry.event == _RIGHT_SET, AuditEntry.municipality == municipality
    )
    return frozenset(tuple(detail[name] for name in _RIGHT_KEY) for (detail,) in noted.tuples())


def _or_none(text: str) -> str | None:
    return text or None


def _yes(text: str) -> bool:
    return text == MARK


def _no(text: str) -> bool:
    return text != MARK


def _day(text: str) -> date | None:
    return date(int(text[:4]), int(text[4:6]), int(text[6:])) if text else None


def _ore(text: str) -> int:
    return ore_from_kroner(Decimal(text))


def _kinds(text: str) -> list[str]:
    return [DIMENSIONS[name] for name in text.split()]


# column → the ledger's name, and what makes its value of a text
_Field = tuple[str, Callable[[str], Any]]
_DIMENSION: Mapping[str, _Field] = {
    "NAME": ("name", str),
    "OBJECT_ID": ("uuid", str),
    "PARENT": ("parent_code", _or_none),
    "BLOCKED": ("blocked", _yes),
    "VALID_FROM": ("valid_from", _day),
    "VALID_TO": ("valid_to", _day),
}
_FIELDS: Mapping[str, Mapping[str, _Field]] = {
    "COMP_CODE": {
        "COMP_CODE": ("code", str),
        "NAME": ("name", str),
        "CURRENCY": ("currency", str),
        "VAT_ACCOUNT": ("vat_refund_account", str),
        "RETAINED_ACCOUNT": ("retained_account", str),
        "VENDOR_ACCOUNT": ("supplier_account", str),
        "BANK_ACCOUNT": ("default_bank_account", _or_none),
    },
    "TAX_CODE": {
        "TAX_CODE": ("code", str),
        "NAME": ("name", str),
        "TAX_RATE": ("rate_basis_points", _ore),
    },
    "DOC_TYPE": {
        "DOC_TYPE": ("code", str),
        "NAME": ("name", str),
        "FIRST_NUMBER": ("first_number", int),
    },
    "ACCOUNT_RULE": {
        "PRIORITY": ("priority", int),
        "PATTERN": ("pattern", str),
        "REQUIRES_ONE_OF": ("requires_exactly_one_of", _kinds),
        "FORBIDS": ("forbids_any_of", _kinds),
    },
    "GL_ACCOUNT": {
        "GL_ACCOUNT": ("number", str),
        "NAME": ("name", str),
        "OBJECT_ID": ("uuid", str),
        "BALANCE_ACCOUNT": ("is_balance", _yes),
        "TAX_CODE": ("tax_code", str),
        "BLOCKED": ("blocked", _yes),
        "ASSIGNABLE": ("assignable", _yes),
        "CHART_STRING": ("chart_string", _or_none),
    },
    **{name: {name: ("code", str), **_DIMENSION} for name in DIMENSIONS},
    "VENDOR": {
        "VENDOR_NO": ("number", str),
        "NAME": ("name", str),
        "OBJECT_ID": ("uuid", str),
        "CVR": ("cvr", _or_none),
        "IDENTIFIERS": ("identifiers", split),
        "STREET": ("street", str),
        "POSTAL_CODE": ("postal_code", str),
        "CITY": ("city", str),
        "COUNTRY": ("country", str),
        "PURCHASING": ("purchasing", _yes),
        "PERSON": ("person", _yes),
        "BLOCKED": ("active", _no),
    },
    "VENDOR_BANK": {
        "VENDOR_NO": ("number", str),
        "BANK_KEY": ("bank_registration", str),
        "BANK_ACCT": ("bank_account", str),
        "IBAN": ("iban", str),
        "SWIFT_CODE": ("bic", str),
        "FIK_CREDITOR": ("fik_creditor", str),
    },
    "USER_RIGHT": {
        "USERNAME": ("user", str),
        "PROFIT_CTR": ("profit_center", str),
        "EAN": ("ean", str),
        "AMOUNT_LIMIT": ("limit_ore", _ore),
    },
}


def _facts(table: str, given: Given) -> dict[str, Any]:
    """What the ledger calls what is given; what only the file tells, or keeps, is left out."""
    left_out = {
        column.name
        for column in BY_NAME[table].columns
        if column.derived or (column.keeps and not given.get(column.name))
    }
    fields = _FIELDS[table]
    return {fields[name][0]: fields[name][1](text) for name, text in given.items() if name not in left_out}


def _dimension(kind: str) -> Callable[[Books, dict[str, Any]], None]:
    return lambda books, facts: loading.load_dimension(books.own, kind, read_row(DimensionRow, facts))


_ENTER: Mapping[str, Callable[[Books, dict[str, Any]], None]] = {
    "COMP_CODE": Books.company_head,
    "TAX_CODE": lambda books, facts: loading.load_tax_code(books.own, read_row(TaxCodeRow, facts)),
    "DOC_TYPE": lambda books, facts: loading.load_document_type(books.own, read_row(DocumentTypeRow, facts)),
    "ACCOUNT_RULE": lambda books, facts: loading.load_rule(books.own, read_row(AccountRuleRow, facts)),
    "GL_ACCOUNT": lambda books, facts: loading.load_account(books.own, read_row(AccountRow, facts)),
    **{name: _dimension(kind) for name, kind in DIMENSIONS.items()},
    "VENDOR": Books.supplier,
    "VENDOR_BANK": Books.bank_details,
    "USER_RIGHT": Books.right,
}
