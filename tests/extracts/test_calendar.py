"""Business dates in Denmark, and the moments of the day, also in the two nights of the year."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from opus_soap.extracts.calendar import Calendar, is_business_day


def days(text: str, start: date, count: int) -> list[date]:
    calendar, found = Calendar.of(text, "06:00"), []
    following = calendar.first(start)
    while following is not None and len(found) < count:
        found.append(following)
        following = calendar.after(following)
    return found


def test_weekdays_leave_out_weekends_and_holidays():
    # Maundy Thursday, Good Friday, Easter Monday of 2026
    assert days("weekdays", date(2026, 4, 1), 3) == [date(2026, 4, 1), date(2026, 4, 7), date(2026, 4, 8)]


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 1, 1),
        date(2026, 4, 2),
        date(2026, 4, 3),
        date(2026, 4, 6),
        date(2026, 5, 14),  # Ascension
        date(2026, 5, 25),  # Whit Monday
        date(2026, 12, 25),
        date(2026, 11, 28),
    ],
)
def test_nobody_works(day):
    assert not is_business_day(day)


@pytest.mark.parametrize("day", [date(2026, 5, 1), date(2024, 4, 26), date(2026, 12, 23)])
def test_somebody_works(day):  # the great prayer day is none since 2024
    assert is_business_day(day)


def test_weekly_once_and_manual():
    assert days("weekly:SUN", date(2026, 11, 23), 2) == [date(2026, 11, 29), date(2026, 12, 6)]
    assert days("once:2026-12-31", date(2026, 11, 23), 5) == [date(2026, 12, 31)]
    assert days("once:2026-11-22", date(2026, 11, 23), 5) == []
    assert days("manual", date(2026, 11, 23), 5) == []


@pytest.mark.parametrize(
    ("on", "at", "moment"),
    [
        (date(2026, 1, 5), "06:00", datetime(2026, 1, 5, 5, 0, tzinfo=UTC)),
        (date(2026, 7, 6), "06:00", datetime(2026, 7, 6, 4, 0, tzinfo=UTC)),
        (date(2026, 3, 29), "02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # there is none: 03:30
        (date(2026, 10, 25), "02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # there are two: the first
    ],
)
def test_the_moment_of_a_business_date(on, at, moment):
    assert Calendar.of("manual", at).moment(on) == moment


def test_after_a_downtime_the_newest_date_counts():
    calendar = Calendar.of("weekdays", "06:00")
    monday = date(2026, 11, 23)
    assert calendar.newest_due(monday, datetime(2026, 11, 23, 4, 59, tzinfo=UTC)) is None
    assert calendar.newest_due(monday, datetime(2026, 11, 23, 5, 0, tzinfo=UTC)) == monday
    assert calendar.newest_due(monday, datetime(2026, 11, 28, 12, 0, tzinfo=UTC)) == date(2026, 11, 27)
