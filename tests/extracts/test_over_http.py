"""Downloads from a real gunicorn: 200 MB, cut in the middle, gone on with, in no more memory than before."""

from __future__ import annotations

import hashlib
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


@pytest.fixture
def server(tmp_path) -> Iterator[tuple[int, int, str, Extract]]:
    """Port, pid, token and a large extract."""
    clock, folder = SystemClock(), tmp_path / "receiver"
    folder.mkdir()
    scene = prepare(tmp_path, clock, opus_port=0, case_port=0)
    environment = scene.environment("opus")
    connect(environment["OPUS_SOAP_DATABASE_URL"]).connect(reuse_if_open=True)
    doors = Doors(folder, clock)
    doors.kind.size = SIZE
    subscription = doors.subscribe()
    extract = doors.produced(subscription)
    token = tokens.issue(subscription, "Modtager A/S", actor="t", clock=clock)
    disconnect()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "opus_soap", "serve", "--workers=1", "--threads=2",
             f"--bind=127.0.0.1:{scene.opus_port}"],
            env={"PATH": "", **environment, "OPUS_SOAP_EXTRACTS_FOLDER": str(folder / "extracts")},
            stdout=log,
            stderr=log,
        )  # fmt: skip
    try:
        until = time.monotonic() + 30
        while not healthy(scene):
            assert time.monotonic() < until, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield scene.opus_port, process.pid, token, extract
    finally:
        process.terminate()
        process.wait(30)


def most_memory_kb(pid: int) -> int:
    """The most that the worker has had in memory."""
    (worker,) = children(pid)
    status = Path(f"/proc/{worker}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


@pytest.mark.slow
def test_a_large_file_is_streamed_and_goes_on_after_a_cut(server):
    port, pid, token, extract = server
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
