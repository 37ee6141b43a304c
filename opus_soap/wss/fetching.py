"""Ask an OCSP responder or an STS, within limits: no redirect, no proxy, no cookie, no second try."""

from __future__ import annotations

import ssl
from collections.abc import Collection
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from opus_soap.languages import Both
from opus_soap.wss.deadlines import Deadline
from opus_soap.wss.errors_revocation import ResponderUnreachable

MOST_BYTES = 64 * 1024
"""Of one answer; real ones are two or three kilobytes."""


class HttpFetch:
    """Posts a request and returns the answer's bytes, all of it within `seconds` of connecting.

    `ca_file`: the CAs (PEM) that TLS servers are trusted by; None: the machine's.
    """

    def __init__(
        self,
        seconds: float = 3.0,
        most_bytes: int = MOST_BYTES,
        content_type: str = "application/ocsp-request",
        statuses: Collection[int] = (200,),
        ca_file: Path | None = None,
    ) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._content_type = content_type
        self._statuses = statuses
        self._ca_file = ca_file

    def __call__(self, url: str, request: bytes) -> bytes:
        """Raises `ResponderUnreachable` for everything but an answer with one of the statuses."""
        try:
            return self._answer(url, request)
        except (OSError, HTTPException, ValueError) as error:  # ValueError: an address that is none
            raise ResponderUnreachable(
                element=url, value=str(error) or type(error).__name__, expected=f"{self._seconds} s"
            ) from None

    def _answer(self, url: str, request: bytes) -> bytes:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ResponderUnreachable(element=url, value=Both("er ingen http-adresse", "is no http address"))
        connection = self._connection(parts.scheme, parts.hostname, parts.port)
        connection.connect()
        deadline = Deadline(self._seconds, connection.sock)
        try:
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            headers = {"Content-Type": self._content_type, "Connection": "close"}
            connection.request("POST", path, request, headers)
            with connection.getresponse() as response:
                answer = response.read(self._most_bytes + 1)
                status = response.status
        finally:
            deadline.cancel()
            connection.close()
        if deadline.passed:  # what came until then may look whole
            raise ResponderUnreachable(element=url, value=Both("tager for lang tid", "takes too long"))
        if status not in self._statuses:
            raise ResponderUnreachable(element=url, value=f"HTTP {status}")
        if len(answer) > self._most_bytes:
            raise ResponderUnreachable(
                element=url,
                value=Both(f"mere end {self._most_bytes} byte", f"more than {self._most_bytes} bytes"),
            )
        return answer

    def _connection(self, scheme: str, host: str, port: int | None) -> HTTPConnection:
        if scheme == "http":
            return HTTPConnection(host, port, timeout=self._seconds)
        trusted = ssl.create_default_context(cafile=self._ca_file)  # None: the machine's own
        return HTTPSConnection(host, port, timeout=self._seconds, context=trusted)
