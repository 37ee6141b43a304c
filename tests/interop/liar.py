"""A proxy that changes replies, to see a peer's verification bite; and requests, to see ours."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

from lxml import etree

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
Lie = Callable[[etree._Element], None]


def honest(envelope: etree._Element) -> None:
    """Nothing is changed."""


def changed(envelope: etree._Element) -> None:
    """One character of the Body is another one."""
    body = envelope.find(f"{SOAP}Body")
    assert body is not None
    text = next(node for node in body.iter() if (node.text or "").strip() and not len(node))
    assert text.text
    text.text = text.text[:-1] + ("a" if text.text[-1] != "a" else "b")


def wrapped(envelope: etree._Element) -> None:
    """The signed Body stands in a header that nobody knows; in its place is another with the same id."""
    header, body = envelope.find(f"{SOAP}Header"), envelope.find(f"{SOAP}Body")
    assert header is not None
    assert body is not None
    forged = deepcopy(body)
    etree.SubElement(header, "{urn:wrapper}Wrapper").append(body)
    envelope.append(forged)
    changed(envelope)


def wrapped_elsewhere(envelope: etree._Element) -> None:
    """The same, and the other Body has no id."""
    wrapped(envelope)
    body = envelope.find(f"{SOAP}Body")
    assert body is not None
    del body.attrib[f"{WSU}Id"]


def said_to_be_signed(envelope: etree._Element) -> None:
    """The same, and the other Body has an id that a SignedInfo names, of which nobody has signed anything."""
    wrapped(envelope)
    body = envelope.find(f"{SOAP}Body")
    signature = envelope.find(f"{SOAP}Header/{{*}}Security/{DS}Signature")
    assert body is not None
    assert signature is not None
    body.set(f"{WSU}Id", "another")
    for parent in (envelope[0][-1], etree.SubElement(signature, f"{DS}Object")):
        information = etree.SubElement(parent, f"{DS}SignedInfo")
        etree.SubElement(information, f"{DS}Reference", URI="#another")


def _with(lie: Lie, message: bytes) -> bytes:
    envelope = etree.fromstring(message)
    lie(envelope)
    return etree.tostring(envelope, encoding="UTF-8")


LIES: tuple[Lie, ...] = (changed, wrapped, wrapped_elsewhere, said_to_be_signed)


class Liar:
    """The proxy, while in its `with` block; `lie` is what it does to replies, `lie_to_us` to requests."""

    def __init__(self, upstream: str) -> None:
        self.lie: Lie = honest
        self.lie_to_us: Lie = honest
        self.told = 0  # replies handed on
        self._host = urlsplit(upstream).netloc
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Liar:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        if method == "POST" and self.lie_to_us is not honest:
            body = _with(self.lie_to_us, body)
        connection = http.client.HTTPConnection(self._host, timeout=60)
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        content = reply.read()
        connection.close()
        if method == "POST":
            content = _with(self.lie, content)
            self.told += 1
        return reply.status, content

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                kept = ("content-type", "soapaction", "host")
                headers = {name: value for name, value in self.headers.items() if name.lower() in kept}
                status, content = liar._ask(self.command, self.path, body, headers)
                self.send_response(status)
                self.send_header("Content-Type", "text/xml; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _pass_on

            def log_message(self, format: str, *arguments: object) -> None:
                """Nobody reads it."""

        return Handler
