"""Master data read from the books as records: by table, in the order of their keys, some at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from peewee import JOIN, CharField, Field, Tuple

from opus_soap.database import is_any_of, is_postgresql
from opus_soap.interfaces.master_data.form import BY_NAME, DIMENSIONS, MARK, SAP_NAMES, Key, Texts, joined
from opus_soap.ledger.models import (
    Account,
    AccountRule,
    CompanyCode,
    DimensionValue,
    DocumentType,
    Supplier,
    TaxCode,
    UserRight,
)
from opus_soap.money import kroner_from_ore

AT_ONCE = 5000  # rows
PERSONAL = "CPR#"  # what the digest of a person's number begins with: it leaves the books in no extract
_BANK = (
    Supplier.bank_registration,
    Supplier.bank_account,
    Supplier.iban,
    Supplier.bic,
    Supplier.fik_creditor,
)
_HEAD = (
    CompanyCode.code,
    CompanyCode.name,
    CompanyCode.currency,
    CompanyCode.vat_refund_account,
    CompanyCode.retained_account,
    CompanyCode.supplier_account,
    CompanyCode.default_bank_account,
)
_SUPPLIER = (
    Supplier.number,
    Supplier.name,
    Supplier.uuid,
    Supplier.cvr,
    Supplier.identifiers,
    Supplier.street,
    Supplier.postal_code,
    Supplier.city,
    Supplier.country,
    Supplier.purchasing,
    Supplier.person,
    Supplier.active,
)


class Record(NamedTuple):
    """A row of a table in texts, by its columns."""

    table: str
    key: Key
    texts: Texts


@dataclass(frozen=True)
class Source:
    """Whose master data, and which of its suppliers."""

    company: CompanyCode
    persons: bool = True
    purchasing_only: bool = False
    only: Sequence[str | int] | None = None  # what keys begin with; None: all

    def records(self, table: str) -> Iterator[Record]:
        """The records of a table; memory does not grow with them."""
        shape = BY_NAME[table]
        for texts in _READERS[table](self):
            yield Record(table, shape.key(texts), texts)

    def find(self, table: str, keys: Sequence[Key]) -> Mapping[Key, Record]:
        """Those of some keys that there are, by their keys; more come with them that begin alike."""
        some = replace(self, only=sorted({key[0] for key in keys}))
        return {record.key: record for record in some.records(table)}

    def count(self, tables: Sequence[str]) -> int:
        """About how many records that will be; bank details are not counted."""
        dimensions = [DIMENSIONS[name] for name in tables if name in DIMENSIONS]
        own = DimensionValue.select().where(
            DimensionValue.company_code == self.company, DimensionValue.kind.in_(dimensions)
        )
        found: int = own.count() if dimensions else 0
        if "GL_ACCOUNT" in tables:
            found += Account.select().where(Account.company_code == self.company).count()
        if "VENDOR" in tables:
            found += self.suppliers(Supplier.number).count()
        return found

    def suppliers(self, *columns: Any) -> Any:
        """A query of the suppliers that are meant."""
        query = Supplier.select(*columns).where(Supplier.municipality == self.company.municipality_id)
        if not self.persons:
            query = query.where(Supplier.person == False)  # noqa: E712  a column
        if self.purchasing_only:
            query = query.where(Supplier.purchasing == True)  # noqa: E712
        return query

    def own(self, model: Any, *columns: Any) -> Any:
        """A query of what is the company code's own."""
        return model.select(*columns).where(model.company_code == self.company)

    @cached_property
    def rules(self) -> list[tuple[re.Pattern[str], Texts]]:
        """What each rule covers, and its record."""
        return [(re.compile(texts[1]), texts) for texts in _rules(replace(self, only=None))]


def binary(column: Field) -> Any:
    """A column of text in the order of its characters' numbers, as Python and SQLite compare them."""
    if is_postgresql() and isinstance(column, CharField):
        return column.collate('"C"')
    return column


def _paged(source: Source, query: Any, *keys: Field) -> Iterator[tuple[Any, ...]]:
    """Rows in the order of the keys, which are the first columns."""
    if source.only is not None:
        query = query.where(is_any_of(keys[0], source.only))
    order = [binary(key) for key in keys]
    query = query.order_by(*order).limit(AT_ONCE)
    page = list(query.tuples())
    while page:
        yield from page
        last = page[-1][: len(keys)]
        page = list(query.where(Tuple(*order) > Tuple(*last)).tuples()) if len(page) == AT_ONCE else []


def _companies(source: Source) -> Iterator[Texts]:
    query: Any = CompanyCode.select(*_HEAD).where(CompanyCode.id == source.company.id)
    for row in query.tuples():
        yield tuple(value or "" for value in row)


def _tax_codes(source: Source) -> Iterator[Texts]:
    columns = TaxCode.code, TaxCode.name, TaxCode.rate_basis_points
    for code, name, rate in _paged(source, source.own(TaxCode, *columns), TaxCode.code):
        yield code, name, str(kroner_from_ore(rate))


def _document_types(source: Source) -> Iterator[Texts]:
    columns = DocumentType.code, DocumentType.name, DocumentType.first_number
    for code, name, first in _paged(source, source.own(DocumentType, *columns), DocumentType.code):
        yield code, name, str(first)


def _rules(source: Source) -> Iterator[Texts]:
    columns = (
        AccountRule.priority,
        AccountRule.pattern,
        AccountRule.requires_exactly_one_of,
        AccountRule.forbids_any_of,
    )
    query = source.own(AccountRule, *columns)
    for priority, pattern, requires, forbids in _paged(source, query, AccountRule.priority):
        yield str(priority), pattern, _kinds(requires), _kinds(forbids)


def _accounts(source: Source) -> Iterator[Texts]:
    columns = (
        Account.number,
        Account.name,
        Account.uuid,
        Account.is_balance,
        TaxCode.code,
        Account.blocked,
        Account.assignable,
        Account.chart_string,
    )
    query = source.own(Account, *columns).join(TaxCode, JOIN.LEFT_OUTER)
    for number, name, uuid, balance, tax, blocked, assignable, chart in _paged(source, query, Account.number):
        yield (
            number,
            name,
            str(uuid),
            _mark(balance),
            tax or "",
            _mark(blocked),
            _mark(assignable),
            chart or "",
            *covering(source.rules, number),
        )


def covering(rules: Sequence[tuple[re.Pattern[str], Texts]], account: str) -> Texts:
    """RULE, REQUIRES_ONE_OF, FORBIDS of an account: of the first rule that covers it."""
    found = next((texts for pattern, texts in rules if pattern.fullmatch(account)), None)
    return (found[0], found[2], found[3]) if found is not None else ("", "", "")


def _dimensions(kind: str) -> Callable[[Source], Iterator[Texts]]:
    columns = (
        DimensionValue.code,
        DimensionValue.name,
        DimensionValue.uuid,
        DimensionValue.parent_code,
        DimensionValue.blocked,
        DimensionValue.valid_from,
        DimensionValue.valid_to,
    )

    def read(source: Source) -> Iterator[Texts]:
        query = source.own(DimensionValue, *columns).where(DimensionValue.kind == kind)
        for code, name, uuid, parent, blocked, first, last in _paged(source, query, DimensionValue.code):
            yield code, name, str(uuid), parent or "", _mark(blocked), _day(first), _day(last)

    return read


def _suppliers(source: Source) -> Iterator[Texts]:
    for row in _paged(source, source.suppliers(*_SUPPLIER), Supplier.number):
        number, name, uuid, cvr, identifiers, street, code, city, country, purchasing, person, active = row
        known = joined([one for one in identifiers if not one.startswith(PERSONAL)])
        marks = _mark(purchasing), _mark(person), _mark(not active)
        yield number, name, str(uuid), cvr or "", known, street, code, city, country, *marks


def _bank_details(source: Source) -> Iterator[Texts]:
    """Of those suppliers that have any."""
    for row in _paged(source, source.suppliers(Supplier.number, *_BANK), Supplier.number):
        if any(row[1:]):
            yield row


def _rights(source: Source) -> Iterator[Texts]:
    keys = UserRight.user, UserRight.profit_center, UserRight.ean
    query = UserRight.select(*keys, UserRight.limit_ore).where(
        UserRight.municipality == source.company.municipality_id
    )
    for user, profit_center, ean, limit in _paged(source, query, *keys):
        yield user, profit_center, ean, str(kroner_from_ore(limit))


def _kinds(kinds: Sequence[str]) -> str:
    return " ".join(SAP_NAMES[kind] for kind in kinds)


def _mark(yes: bool) -> str:
    return MARK if yes else ""


def _day(day: date | None) -> str:
    return f"{day:%Y%m%d}" if day is not None else ""


_READERS: Mapping[str, Callable[[Source], Iterator[Texts]]] = {
    "COMP_CODE": _companies,
    "TAX_CODE": _tax_codes,
    "DOC_TYPE": _document_types,
    "ACCOUNT_RULE": _rules,
    "GL_ACCOUNT": _accounts,
    **{name: _dimensions(kind) for name, kind in DIMENSIONS.items()},
    "VENDOR": _suppliers,
    "VENDOR_BANK": _bank_details,
    "USER_RIGHT": _rights,
}
