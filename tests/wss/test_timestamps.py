"""xsd:dateTime with zone, and the window in which a message is fresh."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from opus_soap.wss.errors import LifetimeTooLong, MessageExpired, MessageFromTheFuture, TimestampInvalid
from opus_soap.wss.timestamps import Freshness, check_freshness, read_instant

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-23T12:00:00Z", NOON),
        (" 2026-11-23T12:00:00Z\n", NOON),
        ("2026-11-23T13:00:00+01:00", NOON),
        ("2026-11-23T12:00:00.5Z", NOON.replace(microsecond=500_000)),
        ("2026-11-23T12:00:00.1234567Z", NOON.replace(microsecond=123_456)),
    ],
)
def test_instants(text: str, instant: datetime):
    assert read_instant(text, "Created") == instant


@pytest.mark.parametrize(
    "text",
    [
        None, "", "2026-11-23T12:00:00", "2026-11-23", "2026-11-23T12:00Z", "2026-13-23T12:00:00Z",
        "2026-11-23T24:61:00Z", "2026-11-23 12:00:00Z", "2026-11-23T12:00:00Z evil", "２026-11-23T12:00:00Z",
        "0001-01-01T00:00:00+14:00",
    ],
)  # fmt: skip
def test_no_instants(text: str | None):
    with pytest.raises(TimestampInvalid):
        read_instant(text, "Created")


@pytest.mark.parametrize(
    ("created", "expires", "error"),
    [
        (0, 5, None),
        (0, 10, None),
        (5, 10, None),
        (-10, -4, None),
        (0, 10.1, LifetimeTooLong),
        (5.1, 10, MessageFromTheFuture),
        (-10, -5, MessageExpired),
        (0, 0, TimestampInvalid),
        (0, -1, TimestampInvalid),
    ],
)
def test_window(created: float, expires: float, error: type[Exception] | None):
    freshness = Freshness(NOON + timedelta(minutes=created), NOON + timedelta(minutes=expires))

    def check() -> None:
        check_freshness(freshness, now=NOON, skew=timedelta(minutes=5), max_lifetime=timedelta(minutes=10))

    if error is None:
        check()
    else:
        with pytest.raises(error):
            check()
