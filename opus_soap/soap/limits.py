"""What an HTTP request may look like before a byte of its XML is read.

Proxies and servers disagree on odd requests; here every oddity is refused with a status that says why.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from typing import Any

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

MEDIA_TYPE = "text/xml; charset=utf-8"
_STEP = 64 * 1024
_DISCARD_SECONDS, _DISCARD_BYTES = 0.2, 1024 * 1024


def check_headers(environ: dict[str, Any], settings: Settings) -> None:
    """Refuse what is not plain SOAP 1.1 of a known, acceptable size.

    Raises `ContentTypeRefused`, `ContentEncodingRefused`, `LengthUnclear`, `RequestTooLarge`.
    """
    _check_content_type(environ.get("CONTENT_TYPE", ""))
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
        raise ContentEncodingRefused
    length = environ.get("CONTENT_LENGTH", "")
    coding = environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower()
    if coding not in ("", "chunked") or (coding and length):
        raise LengthUnclear
    if length and not (length.isascii() and length.isdigit()):
        raise LengthUnclear
    if length and int(length) > settings.max_request_bytes:
        raise RequestTooLarge(expected=settings.max_request_bytes)


def _check_content_type(value: str) -> None:
    parsed = Message()
    parsed["Content-Type"] = value or "missing/missing"
    charset = parsed.get_content_charset() or "utf-8"
    if parsed.get_content_type() != "text/xml" or charset not in ("utf-8", "us-ascii"):
        raise ContentTypeRefused(element="Content-Type", value=value[:80], expected=MEDIA_TYPE)


def read_body(environ: dict[str, Any], settings: Settings) -> bytes:
    """The whole body, within size and time; with no length given it is read to its end.

    Raises `RequestEmpty`, `RequestTooLarge`, `RequestTooSlow`, `LengthUnclear` (fewer bytes than
    announced, or a broken chunk).
    """
    announced = int(environ["CONTENT_LENGTH"]) if environ.get("CONTENT_LENGTH") else None
    if announced is None and not environ.get("HTTP_TRANSFER_ENCODING"):
        raise RequestEmpty
    with _deadline(environ, settings.read_timeout_seconds) as expired:
        try:
            body = _read(environ["wsgi.input"], announced, settings.max_request_bytes)
        except (OSError, ParseException):  # a broken connection, a broken chunk
            body = None
    if expired.is_set():
        raise RequestTooSlow(expected=settings.read_timeout_seconds)
    if body is None or (announced is not None and len(body) != announced):
        raise LengthUnclear
    if not body:
        raise RequestEmpty
    return body


def _read(stream: Any, announced: int | None, most: int) -> bytes:
    body = bytearray()
    while announced is None or len(body) < announced:
        piece = stream.read(_STEP if announced is None else min(_STEP, announced - len(body)))
        if not piece:
            break
        body += piece
        if len(body) > most:
            raise RequestTooLarge(expected=most)
    return bytes(body)


def discard_body(environ: dict[str, Any]) -> None:
    """Read what is left of a refused body, for a moment, and then stop listening.

    A caller that is still sending would lose our answer if we closed on it at once. One that goes on for
    long would keep a thread; gunicorn drops our `Connection: close`, and waits for the rest.
    """
    left = True
    with _deadline(environ, _DISCARD_SECONDS), suppress(OSError, ParseException, RequestTooLarge):
        _read(environ["wsgi.input"], None, _DISCARD_BYTES)
        left = False
    if left:
        _stop_listening(environ.get("gunicorn.socket"))


def _stop_listening(connection: socket.socket | None) -> None:
    if connection is not None:
        with suppress(OSError):  # the caller may have left already
            connection.shutdown(socket.SHUT_RD)


@contextmanager
def _deadline(environ: dict[str, Any], seconds: float) -> Iterator[threading.Event]:
    """Stop reading from the connection after `seconds`, however slowly bytes keep coming.

    A socket timeout would start anew with every byte. Only gunicorn shows its socket; another server
    must keep its own deadline, as must a buffering proxy.
    """
    expired = threading.Event()
    connection: socket.socket | None = environ.get("gunicorn.socket")

    def stop() -> None:
        expired.set()
        _stop_listening(connection)

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield expired
    finally:
        timer.cancel()
