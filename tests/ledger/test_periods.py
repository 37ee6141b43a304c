"""Which period a voucher belongs in, and that its date agrees with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from opus_soap.clock import ManualClock
from opus_soap.errors import FiscalYearClosed, FiscalYearUnknown, PeriodClosed, VoucherRefused
from opus_soap.ledger.models import Voucher
from opus_soap.ledger.periods import posting_period, set_period, set_year
from opus_soap.ledger.posting import post

JANUARY = datetime(2027, 1, 15, 11, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"period": 11}, None),
        ({"period": 11, "year": 2026}, None),
        ({"period": 10}, "LED-027"),
        ({"year": 2025}, "LED-027"),
        ({"period": 11, "year": 2025}, "LED-027"),
        ({"period": 0}, "LED-026"),
        ({"period": 16, "year": 2026}, "LED-026"),
        ({"period": 13}, "LED-027"),  # whose supplement period?
        ({"period": 13, "year": 2026}, None),
        ({"period": 15, "year": 2025}, None),
        ({"period": 13, "year": 2027}, "LED-027"),
        ({"period": 13, "year": 2025, "posting_date": date(2027, 1, 5)}, "LED-027"),
        ({"period": 13, "year": 2026, "posting_date": date(2027, 1, 5)}, None),
    ],
)
def test_the_period_agrees_with_the_posting_date(draft, clock, change, expected):
    if expected is None:
        assert post(replace(draft, **change), clock).number
        return
    with pytest.raises(VoucherRefused) as refused:
        post(replace(draft, **change), clock)
    assert [error.code for error in refused.value.errors] == [expected]
    assert Voucher.select().count() == 0


def close(company, clock, *numbers, year=2026):
    for number in numbers:
        set_period(company, year, number, open_=False, actor="test", clock=clock)


def test_the_month_is_the_period_while_it_is_open(company):
    january = ManualClock(JANUARY)
    assert posting_period(company, date(2026, 12, 30), clock=january) == (2026, 12)
    assert posting_period(company, date(2027, 1, 3), clock=january) == (2027, 1)


def test_a_date_in_the_old_year_goes_into_the_first_open_supplement_period(company, draft):
    january = ManualClock(JANUARY)
    close(company, january, 11, 12)
    assert posting_period(company, date(2026, 12, 30), clock=january) == (2026, 13)
    close(company, january, 13)
    year, period = posting_period(company, date(2026, 11, 23), clock=january)
    assert (year, period) == (2026, 14)
    voucher = post(replace(draft, year=year, period=period), january)
    assert (voucher.year, voucher.period, voucher.posting_date) == (2026, 14, date(2026, 11, 23))


def test_the_supplement_period_is_not_for_the_year_that_runs(company, clock):
    close(company, clock, 10)
    with pytest.raises(PeriodClosed, match="10 2026"):
        posting_period(company, date(2026, 10, 1), clock=clock)


def test_nothing_goes_into_a_year_that_is_closed_or_unknown(company):
    january = ManualClock(JANUARY)
    close(company, january, 12)
    set_year(company, 2026, open_=False, actor="test", clock=january)
    with pytest.raises(FiscalYearClosed):
        posting_period(company, date(2026, 12, 30), clock=january)
    with pytest.raises(FiscalYearUnknown):
        posting_period(company, date(2031, 1, 1), clock=january)


def test_when_every_supplement_period_is_closed_the_month_is_named(company):
    january = ManualClock(JANUARY)
    close(company, january, 12, 13, 14, 15)
    with pytest.raises(PeriodClosed, match="12 2026"):
        posting_period(company, date(2026, 12, 30), clock=january)
