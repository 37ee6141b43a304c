"""What drafts refer to: the master data behind their lines, read once for all of them, and held.

Whatever is asked of the time (fiscal year, period) is locked until the transaction ends: nobody closes a
period between the check and the voucher.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import repeat
from typing import Any

from peewee import chunked

from opus_soap.database import is_postgresql
from opus_soap.ledger.drafts import ASSIGNMENT, VoucherDraft, assignment_of
from opus_soap.ledger.master_data import AT_ONCE, open_days
from opus_soap.ledger.models import (
    Account,
    AccountRule,
    CompanyCode,
    DimensionValue,
    DocumentType,
    FiscalYear,
    Period,
    Supplier,
    TaxCode,
)


class References:
    """The master data that the drafts of one company code name; more of it when more drafts come.

    For one transaction: what was read is not read again.
    """

    def __init__(self, company: CompanyCode, drafts: Sequence[VoucherDraft] = ()) -> None:
        self.company = company
        self.accounts: dict[str, Account] = {}
        # kind and code → the days on which the value may be posted on
        self.dimensions: dict[tuple[str, str], tuple[date, date]] = {}
        self.suppliers: dict[str, Supplier] = {}
        self.tax_codes = {row.code for row in TaxCode.select().where(TaxCode.company_code == company)}
        types = DocumentType.select(DocumentType.code).where(DocumentType.company_code == company)
        self.document_types = {row.code for row in types}
        rules = AccountRule.select().where(AccountRule.company_code == company)
        self._rules = [(re.compile(row.pattern), row) for row in rules.order_by(AccountRule.priority)]
        # what lines were posted on that kept to every rule, and the days on which that is so
        self.good: dict[tuple[str | None, ...], tuple[date, date]] = {}
        # voucher → the reference of its reversal that was found good, and whether that is to be parked
        self.reversing: dict[int, tuple[str, bool]] = {}
        self._rule_of: dict[str, AccountRule | None] = {}
        self._years: dict[int, FiscalYear | None] = {}
        self._periods: dict[tuple[int, int], Period | None] = {}
        self._asked: tuple[set[str], set[str], set[str]] = (set(), set(), set())
        self.learn(drafts)

    def learn(self, drafts: Sequence[VoucherDraft]) -> None:
        """Read what drafts name that none before them did."""
        assigned = {assignment_of(line) for draft in drafts for line in draft.lines}
        columns = zip(*assigned, strict=True) if assigned else repeat((), len(ASSIGNMENT))
        numbers, suppliers, _, _, *dimensions = (set(column) - {None} for column in columns)
        named = (numbers, suppliers, set().union(*dimensions))
        numbers, suppliers, codes = (new - asked for new, asked in zip(named, self._asked, strict=True))
        for new, asked in zip((numbers, suppliers, codes), self._asked, strict=True):
            asked |= new
        accounts = Account.company_code == self.company
        for some in _some(numbers):
            found = Account.select().where(accounts, Account.number.in_(some))
            self.accounts |= {row.number: row for row in found}
        values = DimensionValue.company_code == self.company
        for some in _some(codes):
            open_ = DimensionValue.select().where(values, DimensionValue.code.in_(some))
            self.dimensions |= {(row.kind, row.code): open_days(row) for row in open_}
        of_municipality = Supplier.municipality == self.company.municipality
        for some in _some(suppliers):
            known = Supplier.select().where(of_municipality, Supplier.number.in_(some))
            self.suppliers |= {row.number: row for row in known}

    def rule(self, account: str) -> AccountRule | None:
        """The first rule that covers an account."""
        if account not in self._rule_of:
            covering = (rule for pattern, rule in self._rules if pattern.fullmatch(account))
            self._rule_of[account] = next(covering, None)
        return self._rule_of[account]

    def year(self, year: int) -> FiscalYear | None:
        """A fiscal year, held."""
        if year not in self._years:
            wanted = (FiscalYear.company_code == self.company) & (FiscalYear.year == year)
            self._years[year] = _held(FiscalYear.select().where(wanted))
        return self._years[year]

    def period(self, year: FiscalYear, number: int) -> Period | None:
        """A period of a fiscal year, held."""
        key = (year.year, number)
        if key not in self._periods:
            wanted = (Period.fiscal_year == year) & (Period.number == number)
            self._periods[key] = _held(Period.select().where(wanted))
        return self._periods[key]


def _some(values: Iterable[str]) -> Iterator[list[str]]:
    return chunked(sorted(set(values)), AT_ONCE)


def _held(query: Any) -> Any:
    """The row, or None; nobody changes it before the voucher's transaction has ended."""
    return (query.for_update("FOR SHARE") if is_postgresql() else query).first()
