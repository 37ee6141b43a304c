"""Huey around the worker: threads, a graceful end, a clock for the sweep.

The outbox table is the queue; Huey only says when to look at it. A task that Huey loses costs nothing:
the next sweep asks again. Its own storage is a SQLite file beside the database, or Redis; what is in it
is JSON, so nothing that comes from outside is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huey
from huey.registry import Message
from huey.serializer import Serializer

from opus_soap.settings import Settings
from opus_soap.transport.worker import Worker

NAME = "opus-soap"
_POLL_SECONDS = 0.5


class JsonSerializer(Serializer):  # type: ignore[misc]
    """Huey's messages as JSON; ours carry no arguments, so nothing else is needed."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(list(data), default=str).encode("utf-8")

    def _deserialize(self, data: bytes) -> Any:
        return Message(*json.loads(data))


def open_queue(settings: Settings) -> Any:
    """Huey on Redis when `queue_url` says so, else on a SQLite file of its own."""
    options = {"results": False, "serializer": JsonSerializer()}
    if settings.queue_url:
        return huey.RedisHuey(NAME, url=settings.queue_url, **options)
    return huey.SqliteHuey(NAME, filename=str(queue_file(settings)), **options)


def queue_file(settings: Settings) -> Path:
    """`DATABASE.queue` beside a SQLite database; for PostgreSQL a file of this machine."""
    url = settings.database_url
    if url.startswith("sqlite:///"):
        return Path(f"{url.removeprefix('sqlite:///')}.queue")
    digest = hashlib.sha256(url.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"opus-soap-{digest}.queue"


def run(worker: Worker, settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; the message under way is finished first."""
    queue = open_queue(settings)
    deliver = _tasks(queue, worker)
    stop = threading.Event()
    sweeper = threading.Thread(target=_sweep, args=(queue, deliver, settings, stop), daemon=True)
    sweeper.start()
    consumer = queue.create_consumer(
        workers=settings.worker_threads,
        max_delay=_POLL_SECONDS,
        graceful_signal="TERM",
        shutdown_timeout=settings.send_timeout_seconds,
    )
    try:
        consumer.run()
    finally:
        stop.set()
        sweeper.join(settings.sweep_seconds)


def _tasks(queue: Any, worker: Worker) -> Callable[[], Any]:
    """The two tasks: look at the outbox; once an hour, forget replays that have expired."""

    @queue.task(name="deliver")  # type: ignore[untyped-decorator]
    def deliver() -> None:
        if worker.run_once():
            deliver()  # there may be more

    @queue.periodic_task(huey.crontab(minute="0"), name="forget_replays")  # type: ignore[untyped-decorator]
    def forget_replays() -> None:
        worker.forget_replays()

    task: Callable[[], Any] = deliver
    return task


def _sweep(queue: Any, deliver: Callable[[], Any], settings: Settings, stop: threading.Event) -> None:
    """Ask for a look every `sweep_seconds`, unless enough already wait to be done."""
    while not stop.is_set():
        if queue.pending_count() < settings.worker_threads:
            deliver()
        stop.wait(settings.sweep_seconds)
