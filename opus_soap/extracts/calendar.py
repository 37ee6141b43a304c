"""When a subscription is due: business dates in Denmark, and the moment of the day in Copenhagen.

A business date comes once, whatever clocks do: in the night when summer time begins, an hour that is not
there is the next that is; when it ends, the first of the two counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import holidays

from opus_soap.clock import COPENHAGEN
from opus_soap.errors import Both, SubscriptionInvalid

MANUAL, WEEKDAYS, WEEKLY, ONCE = "manual", "weekdays", "weekly", "once"
DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_AT = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_ONE = timedelta(days=1)


@dataclass(frozen=True)
class Calendar:
    """Which dates, and at what time of the day."""

    rule: str  # MANUAL, WEEKDAYS, WEEKLY, ONCE
    at: time
    weekday: int = 0  # of WEEKLY: 0 Monday
    on: date | None = None  # of ONCE

    @classmethod
    def of(cls, text: str, at: str) -> Calendar:
        """`manual`, `weekdays`, `weekly:MON`, `once:2026-12-31`, and `06:00`.

        Raises `SubscriptionInvalid`.
        """
        if not (found := _AT.fullmatch(at)):
            raise SubscriptionInvalid(element="at", value=at[:20], expected=Both("TT:MM", "HH:MM"))
        when = time(int(found[1]), int(found[2]))
        rule, _, rest = text.partition(":")
        if text in (MANUAL, WEEKDAYS):
            return cls(text, when)
        if rule == WEEKLY and rest in DAYS:
            return cls(WEEKLY, when, weekday=DAYS.index(rest))
        if rule == ONCE:
            try:
                return cls(ONCE, when, on=date.fromisoformat(rest))
            except ValueError:
                pass
        rules = f"manual, weekdays, weekly:{'|'.join(DAYS)}, once:"
        expected = Both(f"{rules}åååå-mm-dd", f"{rules}yyyy-mm-dd")
        raise SubscriptionInvalid(element="calendar", value=text[:40], expected=expected)

    def first(self, start: date) -> date | None:
        """The first business date that is not before `start`; None when there is none."""
        if self.rule == MANUAL:
            return None
        if self.rule == ONCE:
            return self.on if self.on is not None and self.on >= start else None
        day = start
        while not self._is_due(day):
            day += _ONE
        return day

    def after(self, due: date) -> date | None:
        """The next business date behind one."""
        return self.first(due + _ONE)

    def moment(self, due: date) -> datetime:
        """When what is due on a date may run, in UTC."""
        return datetime.combine(due, self.at, COPENHAGEN).astimezone(UTC)

    def newest_due(self, due: date, now: datetime) -> date | None:
        """The last business date from `due` on whose moment has come; None while none has."""
        newest: date | None = None
        following: date | None = due
        while following is not None and self.moment(following) <= now:
            newest, following = following, self.after(following)
        return newest

    def _is_due(self, day: date) -> bool:
        if self.rule == WEEKLY:
            return day.weekday() == self.weekday
        return is_business_day(day)


def is_business_day(day: date) -> bool:
    """Monday to Friday, no Danish public holiday."""
    return day.weekday() < 5 and day not in _holidays(day.year)


@cache
def _holidays(year: int) -> holidays.HolidayBase:
    return holidays.country_holidays("DK", years=year)
