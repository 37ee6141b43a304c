"""zeep's way to a service of Kombit's shape: what comes instead of a reply."""

from __future__ import annotations

import socket
import time

import pytest
from lxml import etree

from opus_soap.wss import client
from opus_soap.wss.client import KombitTransport
from opus_soap.wss.errors_tokens import ReplyMissing
from opus_soap.wss.names import SOAP11
from opus_soap.wss.signing import Signer
from tests.wss.forge import NOW, world
from tests.wss.test_fetching import drip, speaking

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
ENVELOPE = f'<s:Envelope xmlns:s="{SOAP11}"><s:Body><k:Send xmlns:k="urn:test"/></s:Body></s:Envelope>'


def say(connection: socket.socket, answer: bytes) -> None:
    """An answer, and what is left of the request read before the connection ends, or it is reset."""
    connection.sendall(answer)
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


def called(url: str, seconds: float = 5) -> None:
    own = world().certificates["case-system"]
    transport = KombitTransport(Signer(own.key, own.certificate), [], seconds=seconds, now=lambda: NOW)
    transport.post_xml(url, etree.fromstring(ENVELOPE), {"SOAPAction": '"urn:a"'})


@pytest.mark.parametrize("first", [b"", HEAD, HEAD + b"\r\n", HEAD + b"Content-Length: 9999\r\n\r\n"])
def test_a_byte_at_a_time_is_no_way_round_the_limit(first: bytes):
    start = time.monotonic()
    with (
        speaking(lambda connection: drip(connection, first)) as url,
        pytest.raises(ReplyMissing, match="too slowly"),
    ):
        called(url, seconds=0.5)
    assert time.monotonic() - start < 3


def test_a_reply_that_is_too_large(monkeypatch):
    monkeypatch.setattr(client, "MOST_BYTES", 10)
    with (
        speaking(lambda connection: say(connection, HEAD + b"\r\n" + b"x" * 11)) as url,
        pytest.raises(ReplyMissing, match="more than 10 bytes"),
    ):
        called(url)


def test_another_status():
    with (
        speaking(lambda connection: say(connection, b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n")) as url,
        pytest.raises(ReplyMissing, match="HTTP 302"),
    ):
        called(url)


def test_nobody_there():
    with pytest.raises(ReplyMissing, match="ConnectionError"):
        called("http://127.0.0.1:9/")
