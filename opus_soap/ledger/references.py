"""What drafts refer to: the master data behind their lines, read once for all of them, and held.

Whatever is asked of the time (fiscal year, period) is locked until the transaction ends: nobody closes a
period between the check and the voucher.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from itertools import chain, repeat
from typing import Any

from opus_soap.database import Prepared, is_any_of, is_postgresql
from opus_soap.ledger.drafts import ASSIGNMENT, VoucherDraft, assignment_of
from opus_soap.ledger.master_data import days_of, some_of
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
        self.accounts: dict[str, bool] = {}  # number → whether it is blocked
        # kind and code → the days on which the value may be posted on
        self.dimensions: dict[tuple[str, str], tuple[date, date]] = {}
        self.suppliers: dict[str, bool] = {}  # number → whether it is active
        self.tax_codes = {code for (code,) in _tax_codes.rows(company)}
        self.document_types = {code for (code,) in _document_types.rows(company)}
        self._rules = [(re.compile(row.pattern), row) for row in _rules_of.rows(company)]
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
        assigned = set(map(assignment_of, chain.from_iterable(draft.lines for draft in drafts)))
        columns = zip(*assigned, strict=True) if assigned else repeat((), len(ASSIGNMENT))
        numbers, suppliers, _, _, *dimensions = (set(column) - {None} for column in columns)
        named = (numbers, suppliers, set().union(*dimensions))
        numbers, suppliers, codes = (new - asked for new, asked in zip(named, self._asked, strict=True))
        for new, asked in zip((numbers, suppliers, codes), self._asked, strict=True):
            asked |= new
        for some in some_of(numbers):
            self.accounts |= dict(_accounts.rows(self.company, some))
        for some in some_of(codes):
            for kind, code, *validity in _dimensions.rows(self.company, some):
                self.dimensions[kind, code] = days_of(*validity)
        for some in some_of(suppliers):
            self.suppliers |= dict(_suppliers.rows(self.company.municipality_id, some))

    def rule(self, account: str) -> AccountRule | None:
        """The first rule that covers an account."""
        if account not in self._rule_of:
            covering = (rule for pattern, rule in self._rules if pattern.fullmatch(account))
            self._rule_of[account] = next(covering, None)
        return self._rule_of[account]

    def year(self, year: int) -> FiscalYear | None:
        """A fiscal year, held."""
        if year not in self._years:
            self._years[year] = _year_held.first(self.company, year)
        return self._years[year]

    def period(self, year: FiscalYear, number: int) -> Period | None:
        """A period of a fiscal year, held."""
        key = (year.year, number)
        if key not in self._periods:
            self._periods[key] = _period_held.first(year, number)
        return self._periods[key]


@Prepared
def _tax_codes(company: Any) -> Any:
    return TaxCode.select(TaxCode.code).where(TaxCode.company_code == company).tuples()


@Prepared
def _document_types(company: Any) -> Any:
    return DocumentType.select(DocumentType.code).where(DocumentType.company_code == company).tuples()


@Prepared
def _rules_of(company: Any) -> Any:
    rules = AccountRule.select().where(AccountRule.company_code == company)
    return rules.order_by(AccountRule.priority)


@Prepared
def _accounts(company: Any, numbers: Any) -> Any:
    rows = Account.select(Account.number, Account.blocked)
    return rows.where(Account.company_code == company, is_any_of(Account.number, numbers)).tuples()


@Prepared
def _dimensions(company: Any, codes: Any) -> Any:
    value = DimensionValue
    rows = value.select(value.kind, value.code, value.blocked, value.valid_from, value.valid_to)
    return rows.where(value.company_code == company, is_any_of(value.code, codes)).tuples()


@Prepared
def _suppliers(municipality: Any, numbers: Any) -> Any:
    rows = Supplier.select(Supplier.number, Supplier.active)
    return rows.where(Supplier.municipality == municipality, is_any_of(Supplier.number, numbers)).tuples()


@Prepared
def _year_held(company: Any, year: Any) -> Any:
    return _held(FiscalYear.select().where(FiscalYear.company_code == company, FiscalYear.year == year))


@Prepared
def _period_held(year: Any, number: Any) -> Any:
    return _held(Period.select().where(Period.fiscal_year == year, Period.number == number))


def _held(query: Any) -> Any:
    """Nobody changes the row before the voucher's transaction has ended."""
    return query.for_update("FOR SHARE") if is_postgresql() else query
