"""`opus-soap serve` under a flood: what cannot be taken is told so at once."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from opus_soap.clock import SystemClock
from opus_soap.database import disconnect
from opus_soap.demo.scene import Scene, prepare
from opus_soap.interfaces.invoice_approval.service import answer_service

PENDING, CALLERS = 4, 30


@pytest.fixture
def scene(server) -> Scene:
    """The server's own."""
    made: Scene = server[0]
    return made


@pytest.fixture
def server(tmp_path) -> Iterator[tuple[Scene, int]]:
    """One process with two threads at work, that has room for four."""
    made = prepare(tmp_path, SystemClock(), opus_port=0, case_port=0)
    disconnect()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "opus_soap", "serve", "--workers=1", "--threads=2",
             f"--bind=127.0.0.1:{made.opus_port}"],
            env={"PATH": "", "OPUS_SOAP_MAX_PENDING_REQUESTS": str(PENDING), **made.environment("opus")},
            stdout=log,
            stderr=log,
        )  # fmt: skip
    try:
        until = time.monotonic() + 30
        while not healthy(made):
            assert time.monotonic() < until, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield made, process.pid
    finally:
        process.terminate()
        process.wait(30)


def healthy(scene: Scene) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", scene.opus_port, timeout=5)
    try:
        connection.request("GET", "/health", headers={"Connection": "close"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_a_flood_gets_busy_faults_instead_of_a_queue(scene):
    path = answer_service(SystemClock()).path
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n"
    callers = [socket.create_connection(("127.0.0.1", scene.opus_port), 5) for _ in range(CALLERS)]
    try:
        for caller in callers:
            caller.sendall(head.encode() + b"x")  # and the rest does not come
            caller.settimeout(5)
        with ThreadPoolExecutor(CALLERS) as pool:
            health = pool.submit(healthy, scene)
            answers = list(pool.map(first_bytes, callers))
        assert health.result(), "who is busy is not ill"
    finally:
        for caller in callers:
            caller.close()
    busy = [answer for answer in answers if answer]
    assert len(busy) == CALLERS - PENDING
    for answer in busy:
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 5" in answer
        assert b"SOA-008" in answer


def first_bytes(caller: socket.socket) -> bytes:
    """What comes within the time-out; nothing from who is still being listened to."""
    received = b""
    try:
        while b"SOA-008" not in received and (piece := caller.recv(65536)):
            received += piece
    except TimeoutError:
        pass
    return received


def children(pid: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True
    )
    return [int(line) for line in listed.stdout.split()]


def test_a_server_outlives_a_time_in_which_no_worker_can_start(server, tmp_path):
    """The key is away while a worker is to be replaced; when it is back, so is the server."""
    scene, pid = server
    key = next(path for path in tmp_path.rglob("opus.key.pem"))
    away = key.rename(key.with_suffix(".away"))
    (worker,) = children(pid)
    os.kill(worker, signal.SIGKILL)
    time.sleep(5)
    assert not healthy(scene)
    away.rename(key)
    until = time.monotonic() + 30
    while not healthy(scene):
        assert time.monotonic() < until
        time.sleep(0.2)
