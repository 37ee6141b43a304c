"""Fiscal years and periods: opened and closed by people, and noted in the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from opus_soap.clock import Clock, business_date
from opus_soap.database import Prepared, transaction
from opus_soap.errors import FiscalYearClosed, FiscalYearUnknown, PeriodClosed, PeriodUnknown
from opus_soap.ledger.models import CompanyCode, FiscalYear, Period
from opus_soap.store import audit

LAST_MONTH = 12
SUPPLEMENT = (13, 14, 15)  # periods in which the old year may still be posted into


def open_periods(company: CompanyCode, year: int) -> frozenset[int]:
    """The numbers of a fiscal year's open periods; raises `FiscalYearUnknown`, `FiscalYearClosed`."""
    fiscal_year = _year(company, year)
    if fiscal_year.closed:
        raise FiscalYearClosed(element="posting date", value=year)
    return frozenset(number for (number,) in _open_in.rows(fiscal_year))


@Prepared
def _open_in(fiscal_year: Any) -> Any:
    return Period.select(Period.number).where(Period.fiscal_year == fiscal_year, Period.open).tuples()


# how `open_periods` is asked; whoever asks for many days of a year may keep what it said
OpenPeriods = Callable[[CompanyCode, int], frozenset[int]]


def posting_period(
    company: CompanyCode, posting_date: date, *, clock: Clock, open_in: OpenPeriods = open_periods
) -> tuple[int, int]:
    """The fiscal year and period that a date is posted into today, for `VoucherDraft.year` and `.period`.

    Its own month while that is open; after that, once the year is over and until it is closed, the first
    open period of the supplement. Raises `FiscalYearUnknown`, `FiscalYearClosed`, `PeriodClosed`.
    """
    year, month = posting_date.year, posting_date.month
    open_ = open_in(company, year)
    candidates = (month, *SUPPLEMENT) if year < business_date(clock.now()).year else (month,)
    for number in candidates:
        if number in open_:
            return year, number
    raise PeriodClosed(element="posting date", value=f"{month} {year}")


def told_period(
    company: CompanyCode, posting_date: date, *, clock: Clock, open_in: OpenPeriods = open_periods
) -> tuple[int | None, int | None]:
    """`posting_period`, or neither year nor period when there is none: `post()` then says why."""
    try:
        return posting_period(company, posting_date, clock=clock, open_in=open_in)
    except (FiscalYearUnknown, FiscalYearClosed, PeriodClosed):
        return None, None


def set_period(
    company: CompanyCode, year: int, number: int, *, open_: bool, actor: str, clock: Clock
) -> None:
    """Open or close a period (1–15); raises `FiscalYearUnknown`, `PeriodUnknown`."""
    with transaction():
        fiscal_year = _year(company, year)
        changed = (
            Period.update(open=open_)
            .where(Period.fiscal_year == fiscal_year, Period.number == number)
            .execute()
        )
        if not changed:
            raise PeriodUnknown(element="period", value=number, expected="1–15")
        _note("period", open_, f"{company.code} {year}/{number}", company, actor, clock)


def set_year(company: CompanyCode, year: int, *, open_: bool, actor: str, clock: Clock) -> None:
    """Open a fiscal year again, or close it to every posting; raises `FiscalYearUnknown`."""
    with transaction():
        fiscal_year = _year(company, year)
        FiscalYear.update(closed=not open_).where(FiscalYear.id == fiscal_year.id).execute()
        _note("fiscal_year", open_, f"{company.code} {year}", company, actor, clock)


def require_year(company: CompanyCode, year: int) -> None:
    """Raise `FiscalYearUnknown` unless these books have the year."""
    _year(company, year)


def _year(company: CompanyCode, year: int) -> FiscalYear:
    found: FiscalYear | None = _of_company.first(company, year)
    if found is None:
        raise FiscalYearUnknown(element="year", value=year, expected=company.code)
    return found


@Prepared
def _of_company(company: Any, year: Any) -> Any:
    return FiscalYear.select().where(FiscalYear.company_code == company, FiscalYear.year == year)


def _note(what: str, open_: bool, subject: str, company: CompanyCode, actor: str, clock: Clock) -> None:
    audit.record(
        f"{what}.{'opened' if open_ else 'closed'}",
        subject,
        actor=actor,
        at=clock.now(),
        municipality=company.municipality.code,
    )
