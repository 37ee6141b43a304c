"""When made-up vouchers are entered: weekdays, the ends of months, hours of work; most of them in time."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from random import Random
from typing import NamedTuple

from opus_soap.clock import COPENHAGEN
from opus_soap.errors import GeneratedDatesReversed, PeriodClosed
from opus_soap.ledger.models import CompanyCode
from opus_soap.ledger.periods import open_periods

SLOTS = 8  # moments of a day at which vouchers are entered
_DAY = timedelta(days=1)
_OPENS, _APART = time(7, 12, 30), timedelta(minutes=71)
_WEIGHTS = (115, 105, 100, 100, 90, 6, 3)  # Monday to Sunday; at weekends machines alone
_QUIET = {(1, 1), (6, 5), (12, 24), (12, 25), (12, 26), (12, 31)}  # month and day
_SUMMER = 7  # the month
_LATE_UNTIL = 8  # day of a month, until which the month before is caught up with
_LATE_SHARE, _VERY_LATE_SHARE = 0.1, 0.003


class Slot(NamedTuple):
    """A moment at which vouchers are entered, and how many postings there are after it."""

    day: date
    instant: datetime
    until: int


def check_dates(company: CompanyCode, first: date, last: date) -> None:
    """Every month from the first day to the last can be posted into.

    Raises `GeneratedDatesReversed`, `FiscalYearUnknown`, `FiscalYearClosed`, `PeriodClosed`.
    """
    if last < first:
        raise GeneratedDatesReversed(value=last, expected=first)
    for year in range(first.year, last.year + 1):
        open_ = open_periods(company, year)
        months = range(
            first.month if year == first.year else 1, (last.month if year == last.year else 12) + 1
        )
        for month in months:
            if month not in open_:
                raise PeriodClosed(element="posting date", value=f"{month} {year}")


def slots(first: date, last: date, postings: int) -> Iterator[Slot]:
    """The moments from the first day to the last, in order; the last of them ends with all postings."""
    total = sum(map(weight, _days(first, last)))
    before = 0
    for day in _days(first, last):
        share = weight(day)
        opens = datetime.combine(day, _OPENS, COPENHAGEN)
        for slot in range(SLOTS):
            until = postings * (before * SLOTS + share * (slot + 1)) // (total * SLOTS)
            yield Slot(day, opens + slot * _APART, until)
        before += share


def weight(day: date) -> int:
    """How much is entered on a day, beside other days."""
    if (day.month, day.day) in _QUIET:
        return _WEIGHTS[-1]
    usual = _WEIGHTS[day.weekday()]
    if day.day > monthrange(day.year, day.month)[1] - 3:  # the month is to be closed
        usual = usual * 5 // 2
    elif day.day <= 3:
        usual = usual * 3 // 2
    return usual * 2 // 3 if day.month == _SUMMER else usual


def posting_day(entered: date, first: date, random: Random) -> date:
    """The posting date of what is entered on a day: the same, or one of the month before that came late."""
    drawn = random.random()
    last = entered.replace(day=1) - _DAY
    if drawn < _VERY_LATE_SHARE:
        late = last.replace(day=random.randint(1, last.day))
    elif drawn < _LATE_SHARE and entered.day <= _LATE_UNTIL:
        late = last - random.randrange(5) * _DAY
    else:
        return entered
    return late if late >= first else entered


def _days(first: date, last: date) -> Iterator[date]:
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)
