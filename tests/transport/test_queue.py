"""Huey's own storage: JSON, where it lies, and that a worker ends gracefully."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from huey.registry import Message

from opus_soap.clock import SystemClock
from opus_soap.demo.scene import prepare
from opus_soap.errors import QueueFolderUnsafe
from opus_soap.settings import load
from opus_soap.transport.queue import JsonSerializer, _sweep, queue_file


def test_messages_are_json_and_come_back():
    message = Message(id="1", name="deliver", args=[], kwargs={}, retries=0)
    written = JsonSerializer().serialize(message)
    assert written.startswith(b"[")
    assert JsonSerializer().deserialize(written) == message


def test_the_file_lies_beside_a_sqlite_database():
    assert str(queue_file(load(database_url="sqlite:////x/y.sqlite3"))) == "/x/y.sqlite3.queue"
    one, other = (queue_file(load(database_url=f"postgresql://h/{name}")) for name in "ab")
    assert one != other


def test_the_folder_for_another_engine_is_ours_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    settings = load(database_url="postgresql://h/a")
    folder = queue_file(settings).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    assert queue_file(settings).parent == folder
    folder.chmod(0o777)
    with pytest.raises(QueueFolderUnsafe):
        queue_file(settings)
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(QueueFolderUnsafe):
        queue_file(settings)


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


def test_a_queue_that_does_not_answer_is_asked_again():
    asked: list[int] = []
    stop = threading.Event()

    class Queue:
        def pending_count(self) -> int:
            asked.append(1)
            if len(asked) < 3:
                raise OSError
            stop.set()
            return 0

    delivered: list[int] = []
    _sweep(Queue(), lambda: delivered.append(1), SimpleNamespace(worker_threads=1, sweep_seconds=0), stop)
    assert (len(asked), delivered) == (3, [1])
