"""wsu:Timestamp: from when to when a message may be acted on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lxml import etree

from opus_soap.languages import Both
from opus_soap.wss.errors import LifetimeTooLong, MessageExpired, MessageFromTheFuture, TimestampInvalid
from opus_soap.wss.names import CREATED, EXPIRES

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?(Z|[+-]\d\d:\d\d)\Z", re.ASCII)


@dataclass(frozen=True)
class Freshness:
    """Created and Expires of a message, in UTC."""

    created: datetime
    expires: datetime


def read_instant(text: str | None, element: str) -> datetime:
    """An xsd:dateTime with zone, in UTC; digits beyond microseconds are cut off."""
    match = _INSTANT.match((text or "").strip())
    if match is None:
        raise TimestampInvalid(
            element=element,
            value=Both(
                f"{text!r} er ikke dato og tid med zone", f"{text!r} is not a date and time with a zone"
            ),
        )
    zone = "+00:00" if match[3] == "Z" else match[3]
    try:
        instant = datetime.fromisoformat(f"{match[1]}.{(match[2] or '0')[:6].ljust(6, '0')}{zone}")
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise TimestampInvalid(
            element=element, value=Both(f"{text!r} findes ikke", f"{text!r} does not exist")
        ) from None


def write_instant(instant: datetime) -> str:
    """`2026-11-23T12:00:00.000Z`: an xsd:dateTime in UTC, cut to milliseconds as Kombit's parts write it."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}Z"


def read_timestamp(timestamp: etree._Element) -> Freshness:
    """Created and Expires of a verified wsu:Timestamp; raises `TimestampInvalid`."""
    children = list(timestamp)
    if [child.tag for child in children] != [CREATED, EXPIRES] or any(len(child) for child in children):
        raise TimestampInvalid(
            element="Timestamp",
            value=Both(
                "skal indeholde én Created og én Expires, i den rækkefølge",
                "must hold one Created and one Expires, in order",
            ),
        )
    return Freshness(read_instant(children[0].text, "Created"), read_instant(children[1].text, "Expires"))


def check_freshness(freshness: Freshness, *, now: datetime, skew: timedelta, max_lifetime: timedelta) -> None:
    """Raises unless `now` lies between Created and Expires, each widened by `skew`."""
    created, expires = freshness.created, freshness.expires
    if expires <= created:
        raise TimestampInvalid(element="Expires", value=Both("er ikke efter Created", "is not after Created"))
    if expires - created > max_lifetime:
        raise LifetimeTooLong(value=expires - created, expected=max_lifetime)
    if created > now + skew:
        raise MessageFromTheFuture(value=created.isoformat(), expected=now.isoformat())
    if expires <= now - skew:
        raise MessageExpired(value=expires.isoformat(), expected=now.isoformat())
