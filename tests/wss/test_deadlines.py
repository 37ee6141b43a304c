"""The session that is watched: what it keeps for the next call."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from opus_soap.wss import deadlines
from opus_soap.wss.deadlines import WatchedSession, watching


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections: ClassVar[list[object]] = []

    def setup(self) -> None:
        super().setup()
        self.connections.append(self.client_address)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Handler.connections.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def test_a_connection_is_used_again_unless_it_was_idle_for_long(address: str, monkeypatch) -> None:
    """Its server may be closing it just when a message is sent, which is lost then or not: who knows."""
    session, now = WatchedSession(), deadlines.monotonic()

    def post_at(at: float) -> int:
        monkeypatch.setattr(deadlines, "monotonic", lambda: now + at)
        with watching(10):
            assert session.post(address, data=b"x").content == b"ok"
        return len(Handler.connections)

    assert [post_at(at) for at in (0.0, 0.9, 1.8, 2.9, 3.0)] == [1, 1, 1, 2, 2]
    session.close()
