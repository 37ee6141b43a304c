"""The way to a responder: limits of time and size, no redirect."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from opus_soap.wss.errors_revocation import ResponderUnreachable
from opus_soap.wss.fetching import HttpFetch
from tests.wss.revoking import responding

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\n"


@contextmanager
def speaking(say: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that takes one connection and says what it will."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    say(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        thread.join(5)


def drip(connection: socket.socket, first: bytes) -> None:
    connection.sendall(first)
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.05)


def test_an_answer():
    with responding(lambda request: request[::-1]) as responder:
        assert HttpFetch()(responder.url, b"abc") == b"cba"
        assert HttpFetch(most_bytes=3)(f"{responder.url}?a=1", b"abc") == b"cba"


@pytest.mark.parametrize("first", [b"", HEAD, HEAD + b"\r\n", HEAD + b"Content-Length: 9999\r\n\r\n"])
def test_a_byte_at_a_time_is_no_way_round_the_limit(first: bytes):
    start = time.monotonic()
    with (
        speaking(lambda connection: drip(connection, first)) as url,
        pytest.raises(ResponderUnreachable),
    ):
        HttpFetch(seconds=0.5)(url, b"")
    assert time.monotonic() - start < 3


def test_silence():
    with speaking(lambda connection: time.sleep(1.5)) as url, pytest.raises(ResponderUnreachable):
        HttpFetch(seconds=0.3)(url, b"")


def test_too_much():
    with (
        responding(lambda _: b"x" * 101) as responder,
        pytest.raises(ResponderUnreachable, match="100 bytes"),
    ):
        HttpFetch(most_bytes=100)(responder.url, b"")


def test_a_redirect_is_not_followed():
    with (
        speaking(lambda it: it.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\n\r\n")) as url,
        pytest.raises(ResponderUnreachable, match="HTTP 302"),
    ):
        HttpFetch()(url, b"")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/", "http://", "http://[", "nothing"])
def test_what_is_no_address(url: str):
    with pytest.raises(ResponderUnreachable):
        HttpFetch()(url, b"")


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    with pytest.raises(ResponderUnreachable, match="refused"):
        HttpFetch()(url, b"")
