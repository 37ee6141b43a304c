"""What an HTTP request may look like before a byte of its XML is read.

Proxies and servers disagree on odd requests; here every oddity is refused with a status that says why.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from typing import Any, NamedTuple

from gunicorn.http.errors import ParseException

from opus_soap.errors import (
    ContentEncodingRefused,
    ContentTypeRefused,
    LengthUnclear,
    RequestEmpty,
    RequestTooLarge,
    RequestTooSlow,
)
from opus_soap.settings import Settings
from opus_soap.wss.alarms import Alarm
from opus_soap.wss.deadlines import stop
from opus_soap.wss.names import SOAP12
from opus_soap.wss.parsing import ParseLimits

MEDIA_TYPE = "text/xml; charset=utf-8"
_SOAP_11, _SOAP_12 = "text/xml", "application/soap+xml"
SOAP_TYPES = (_SOAP_11, _SOAP_12)
_STEP = 64 * 1024
_LONG_STEP = 2 * 1024 * 1024  # bytes; gunicorn moves what it has read ahead for each
_DISCARD_SECONDS, _DISCARD_BYTES = 0.2, 1024 * 1024


def of_messages(settings: Settings) -> ParseLimits:
    """The bounds of a message's XML."""
    return ParseLimits(
        max_bytes=settings.max_request_bytes,
        max_depth=settings.max_xml_depth,
        max_elements=settings.max_xml_elements,
        max_attributes=settings.max_xml_attributes,
    )


def check_headers(
    environ: dict[str, Any], most_bytes: int, media_types: Sequence[str] = ("text/xml",)
) -> None:
    """Refuse what is not plain XML of a known, acceptable size; SOAP 1.1 is text/xml.

    Raises `ContentTypeRefused`, `ContentEncodingRefused`, `LengthUnclear`, `RequestTooLarge`.
    """
    _check_content_type(environ.get("CONTENT_TYPE", ""), media_types)
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
        raise ContentEncodingRefused
    length = environ.get("CONTENT_LENGTH", "")
    coding = environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower()
    if coding not in ("", "chunked") or (coding and length):
        raise LengthUnclear
    if length and not (length.isascii() and length.isdigit()):
        raise LengthUnclear
    if length and int(length) > most_bytes:
        raise RequestTooLarge(expected=most_bytes)


def _check_content_type(value: str, media_types: Sequence[str]) -> None:
    given = _content_type(value)
    if given.media_type not in media_types or given.charset not in ("utf-8", "us-ascii"):
        expected = f"{' / '.join(media_types)}; charset=utf-8"
        raise ContentTypeRefused(element="Content-Type", value=value[:80], expected=expected)


class _ContentType(NamedTuple):
    """What a Content-Type says."""

    media_type: str
    charset: str
    action: str


@lru_cache(maxsize=64)  # every caller sends its own, and always the same
def _content_type(value: str) -> _ContentType:
    parsed = Message()
    parsed["Content-Type"] = value or "missing/missing"
    action = parsed.get_param("action", "")
    return _ContentType(
        parsed.get_content_type(),
        parsed.get_content_charset() or "utf-8",
        action if isinstance(action, str) else "",
    )


def is_soap_12(environ: dict[str, Any]) -> bool:
    """Whether the Content-Type is SOAP 1.2's."""
    return _content_type(environ.get("CONTENT_TYPE", "")).media_type == _SOAP_12


def soap_action(environ: dict[str, Any]) -> str:
    """The operation that the HTTP header names: SOAPAction, or the parameter `action` of SOAP 1.2."""
    action = _content_type(environ.get("CONTENT_TYPE", "")).action if is_soap_12(environ) else ""
    return action or environ.get("HTTP_SOAPACTION", "").strip().strip('"')


def answer_type(soap_namespace: str) -> str:
    """The Content-Type of an answer."""
    return f"{_SOAP_12 if soap_namespace == SOAP12 else _SOAP_11}; charset=utf-8"


def read_body(environ: dict[str, Any], most_bytes: int, seconds: int) -> bytes:
    """The whole body; raises what `Body.read` raises."""
    with body_of(environ, most_bytes, seconds) as body:
        step = _STEP if body.announced is None else _LONG_STEP
        return b"".join(iter(lambda: body.read(step), b""))


@contextmanager
def body_of(environ: dict[str, Any], most_bytes: int, seconds: int) -> Iterator[Body]:
    """The body, to be read within size and time; raises `RequestEmpty` when there is none."""
    announced = int(environ["CONTENT_LENGTH"]) if environ.get("CONTENT_LENGTH") else None
    if announced is None and not environ.get("HTTP_TRANSFER_ENCODING"):
        raise RequestEmpty
    with _deadline(environ, seconds) as expired:
        yield Body(environ["wsgi.input"], announced, most_bytes, seconds, expired)


@dataclass
class Body:
    """A request's body, piece by piece; with no length announced it is read to its end."""

    stream: Any
    announced: int | None
    most_bytes: int
    seconds: int
    expired: threading.Event
    so_far: int = 0

    def read(self, size: int = _STEP) -> bytes:
        """The next bytes, none at the end.

        Raises `RequestTooLarge`, `RequestTooSlow`, `LengthUnclear` (fewer bytes than announced, or a broken
        chunk) and, when there was nothing, `RequestEmpty`.
        """
        wanted = size if self.announced is None else min(size, self.announced - self.so_far)
        try:
            piece: bytes = self.stream.read(wanted) if wanted else b""
        except (OSError, ParseException):  # a broken connection, a broken chunk
            self._check_time()
            raise LengthUnclear from None
        self._check_time()
        self.so_far += len(piece)
        if self.so_far > self.most_bytes:
            raise RequestTooLarge(expected=self.most_bytes)
        if not piece and self.announced not in (None, self.so_far):
            raise LengthUnclear
        if not self.so_far:
            raise RequestEmpty
        return piece

    def _check_time(self) -> None:
        if self.expired.is_set():
            raise RequestTooSlow(expected=self.seconds)


def discard_body(environ: dict[str, Any]) -> None:
    """Read what is left of a refused body, for a moment, and then stop listening.

    A caller that is still sending would lose our answer if we closed on it at once. One that goes on for
    long would keep a thread; gunicorn drops our `Connection: close`, and waits for the rest.
    """
    stream, left, read = environ["wsgi.input"], True, 0
    with _deadline(environ, _DISCARD_SECONDS), suppress(OSError, ParseException):
        while left and read < _DISCARD_BYTES:
            piece = stream.read(_STEP)
            read, left = read + len(piece), bool(piece)
    if left:
        _stop_listening(environ.get("gunicorn.socket"))


def _stop_listening(connection: socket.socket | None) -> None:
    """Read no more from the caller; what we answer then still comes through, except under TLS."""
    if connection is not None:
        stop(connection, socket.SHUT_RD)


@contextmanager
def _deadline(environ: dict[str, Any], seconds: float) -> Iterator[threading.Event]:
    """Stop reading from the connection after `seconds`, however slowly bytes keep coming.

    A socket timeout would start anew with every byte. Only gunicorn shows its socket; another server
    must keep its own deadline, as must a buffering proxy.
    """
    expired = threading.Event()
    connection: socket.socket | None = environ.get("gunicorn.socket")

    def expire() -> None:
        expired.set()
        _stop_listening(connection)

    alarm = Alarm(seconds, expire)
    try:
        yield expired
    finally:
        alarm.cancel()
