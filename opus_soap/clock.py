"""Time comes from here and nowhere else, so that a test can set it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

COPENHAGEN = ZoneInfo("Europe/Copenhagen")


class Clock(Protocol):
    """A source of time."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved; for tests and simulations."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The instant the clock was last set to, in UTC."""
        return self._now

    def advance(self, step: timedelta) -> None:
        """Move the clock by `step`, which may be negative (a clock set back)."""
        self._now += step


def business_date(instant: datetime) -> date:
    """The date in Copenhagen at an instant: the date that goes on a voucher."""
    return instant.astimezone(COPENHAGEN).date()


@lru_cache(maxsize=256)  # a thousand vouchers are entered at the same instant
def isoformat(instant: datetime) -> str:
    """`2026-11-23T12:00:00.000000Z`: sorts as text in the order of time."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_isoformat(text: str) -> datetime:
    """The reverse of `isoformat`."""
    return datetime.fromisoformat(text).astimezone(UTC)
