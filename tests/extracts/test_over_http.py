"""Downloads from a real gunicorn: cut and gone on with in constant memory; slow ones keep nobody else out."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from opus_soap.clock import SystemClock
from opus_soap.database import connect, disconnect
from opus_soap.demo.scene import prepare
from opus_soap.extracts import tokens
from opus_soap.store.extract_models import Extract
from tests.cli.test_serve import children, healthy
from tests.extracts.doors import Doors

SIZE = 200 * 1024 * 1024
CUT = 50 * 1024 * 1024
MOST_GROWTH_KB = 20 * 1024


class Served(NamedTuple):
    """Port, pid, and of each subscription a token and an extract, by its name."""

    port: int
    pid: int
    tokens: dict[str, str]
    extracts: dict[str, Extract]


@contextmanager
def serving(tmp_path: Path, size: int, *names: str, **settings: int) -> Iterator[Served]:
    """One process of `serve`, which gives out an extract of `size` bytes of each of these subscriptions."""
    clock, folder = SystemClock(), tmp_path / "receiver"
    folder.mkdir()
    scene = prepare(tmp_path, clock, opus_port=0, case_port=0)
    environment = scene.environment("opus")
    connect(environment["OPUS_SOAP_DATABASE_URL"]).connect(reuse_if_open=True)
    doors = Doors(folder, clock)
    doors.kind.size = size
    shown, extracts = {}, {}
    for name in names:
        subscription = doors.subscribe(name)
        extracts[name] = doors.produced(subscription)
        shown[name] = tokens.issue(subscription, "Modtager A/S", actor="t", clock=clock).token
    disconnect()
    given = {f"OPUS_SOAP_{key.upper()}": str(value) for key, value in settings.items()}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "opus_soap", "serve", "--workers=1", "--threads=2",
             f"--bind=127.0.0.1:{scene.opus_port}"],
            env={"PATH": "", **environment, **given, "OPUS_SOAP_EXTRACTS_FOLDER": str(folder / "extracts")},
            stdout=log,
            stderr=log,
        )  # fmt: skip
    try:
        until = time.monotonic() + 30
        while not healthy(scene):
            assert time.monotonic() < until, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield Served(scene.opus_port, process.pid, shown, extracts)
    finally:
        process.terminate()
        process.wait(30)


def most_memory_kb(pid: int) -> int:
    """The most that the worker has had in memory."""
    (worker,) = children(pid)
    status = Path(f"/proc/{worker}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


@pytest.mark.slow
def test_a_large_file_is_streamed_and_goes_on_after_a_cut(tmp_path):
    with serving(tmp_path, SIZE, "SUB1") as server:
        fetch_in_two_and_confirm(server)


def fetch_in_two_and_confirm(server: Served) -> None:
    port, pid, token, extract = server.port, server.pid, server.tokens["SUB1"], server.extracts["SUB1"]
    place, headers = f"/udtraek/SUB1/{extract.name}", {"Authorization": f"Bearer {token}"}

    @contextmanager
    def ask(path: str, method: str = "GET", body: bytes | None = None, **more: str):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(method, path, body, {**headers, **more})
            with connection.getresponse() as answer:
                yield answer
        finally:
            connection.close()

    with ask("/udtraek/SUB1/") as listed:
        assert json.loads(listed.read())["extracts"][0]["extract"] == extract.name
    before, found, got = most_memory_kb(pid), hashlib.sha256(), 0
    with ask(f"{place}/{extract.name}.txt") as answer:
        etag = answer.headers["ETag"]
        while got < CUT:
            piece = answer.read(1024 * 1024)
            found.update(piece)
            got += len(piece)
    # cut; the rest comes later
    with ask(f"{place}/{extract.name}.txt", Range=f"bytes={got}-", **{"If-Range": etag}) as answer:
        assert (answer.status, answer.headers["Content-Length"]) == (206, str(SIZE - got))
        while piece := answer.read(1024 * 1024):
            found.update(piece)
    assert etag == f'"{found.hexdigest()}"'
    with ask(f"{place}/{extract.name}.txt", "HEAD") as answer:
        assert (answer.status, answer.headers["Content-Length"], answer.read()) == (200, str(SIZE), b"")
    growth = most_memory_kb(pid) - before
    print(f"the worker grew by {growth} KB")
    assert growth < MOST_GROWTH_KB
    confirmed = extract.manifest_sha256.encode()
    with ask(f"{place}/kvittering", "POST", confirmed, **{"Content-Type": "text/plain"}) as answer:
        assert (answer.status, json.loads(answer.read())["state"]) == (200, "delivered")


LISTENED_TO = 4  # SOAP callers at a time
AT_ONCE, OF_ONE = 3, 2  # downloads
UNSIGNED = (
    b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body/></soap:Envelope>'
)


class Slow:
    """A receiver that reads the head of its answer, and then no more."""

    def __init__(self, server: Served, name: str) -> None:
        extract = server.extracts[name]
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.settimeout(20)
        self._socket.connect(("127.0.0.1", server.port))
        self._socket.sendall(
            f"GET /udtraek/{name}/{extract.name}/{extract.name}.txt HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {server.tokens[name]}\r\n\r\n".encode()
        )
        self.said = b""
        while b"\r\n\r\n" not in self.said:
            piece = self._socket.recv(1024)
            assert piece
            self.said += piece
        self.status = int(self.said.split()[1])

    def close(self) -> None:
        """Hang up, whatever is still to come."""
        self._socket.close()


def soap_status(server: Served) -> int:
    """What a SOAP caller gets for a message without security: a fault (500), or 503 when nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        path = "/service/Stamdata/DimensionHent/1"
        connection.request("POST", path, UNSIGNED, {"Content-Type": "text/xml; charset=utf-8"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_slow_downloads_keep_nobody_else_out(tmp_path):
    """More of them than anybody is listened to; then each has its share, and SOAP all of its own."""
    limits = {
        "max_pending_requests": LISTENED_TO,
        "max_pending_downloads": AT_ONCE,
        "max_downloads_of_subscription": OF_ONE,
    }
    slow: list[Slow] = []
    with serving(tmp_path, 64 * 1024 * 1024, "SUB1", "SUB2", **limits) as server:
        try:
            for name in ("SUB1",) * LISTENED_TO + ("SUB2",) * LISTENED_TO:
                slow.append(Slow(server, name))
            assert [soap_status(server) for _ in range(LISTENED_TO)] == [500] * LISTENED_TO
            assert [one.status for one in slow] == [200, 200, 503, 503, 200, 503, 503, 503]
            refused = slow[2].said
            assert b"Retry-After: " in refused
            slow[0].close()  # its place is another's, as soon as the server sees it
            until = time.monotonic() + 20
            while (again := Slow(server, "SUB2")).status == 503 and time.monotonic() < until:
                again.close()
                time.sleep(0.1)
            slow.append(again)
            assert again.status == 200
        finally:
            for one in slow:
                one.close()
