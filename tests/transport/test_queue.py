"""Huey's own storage: JSON, where it lies, and that a worker ends gracefully."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

from huey.registry import Message

from opus_soap.clock import SystemClock
from opus_soap.demo.scene import prepare
from opus_soap.settings import load
from opus_soap.transport.queue import JsonSerializer, queue_file


def test_messages_are_json_and_come_back():
    message = Message(id="1", name="deliver", args=[], kwargs={}, retries=0)
    written = JsonSerializer().serialize(message)
    assert written.startswith(b"[")
    assert JsonSerializer().deserialize(written) == message


def test_the_file_lies_beside_a_sqlite_database():
    assert str(queue_file(load(database_url="sqlite:////x/y.sqlite3"))) == "/x/y.sqlite3.queue"
    one, other = (queue_file(load(database_url=f"postgresql://h/{name}")) for name in "ab")
    assert one != other


def test_a_worker_ends_with_sigterm(tmp_path):
    scene = prepare(tmp_path, SystemClock(), opus_port=0, case_port=0)
    process = subprocess.Popen(
        [sys.executable, "-m", "opus_soap", "worker"],
        env={"PATH": "", **scene.environment("opus")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert "is running" in process.stdout.readline()
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
