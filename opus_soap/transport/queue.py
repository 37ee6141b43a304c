"""Huey around the worker: threads, a graceful end, a clock for the sweep and for chores.

The outbox table is the queue; Huey only says when to look at it. A task that Huey loses costs nothing:
the next sweep asks again. Its own storage is a SQLite file beside the database, or Redis; what is in it
is JSON, so nothing that comes from outside is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import huey
import structlog
from huey.registry import Message
from huey.serializer import Serializer

from opus_soap.database import connected
from opus_soap.errors import QueueFolderUnsafe
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


log = structlog.get_logger("opus_soap.queue")


def open_queue(settings: Settings) -> Any:
    """Huey on Redis when `queue_url` says so, else on a SQLite file of its own."""
    options = {"results": False, "serializer": JsonSerializer()}
    if settings.queue_url:
        return huey.RedisHuey(NAME, url=settings.queue_url, **options)
    return huey.SqliteHuey(NAME, filename=str(queue_file(settings)), **options)


def queue_file(settings: Settings) -> Path:
    """`DATABASE.queue` beside a SQLite database; for PostgreSQL a file of this machine.

    Raises `QueueFolderUnsafe` when somebody else could write what the worker reads.
    """
    url = settings.database_url
    if url.startswith("sqlite:///"):
        return Path(f"{url.removeprefix('sqlite:///')}.queue")
    digest = hashlib.sha256(url.encode()).hexdigest()[:16]
    return _own_folder() / f"{digest}.queue"


def _own_folder() -> Path:
    """A folder in the temporary one that is ours alone: anybody may have made it before us."""
    folder = Path(tempfile.gettempdir()) / f"opus-soap-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise QueueFolderUnsafe(element=folder.name, value=error.strerror or "?") from None
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise QueueFolderUnsafe(element=folder.name, value=f"{status.st_mode & 0o777:03o}")
    return folder


@dataclass(frozen=True)
class Chore:
    """What is done by the clock: `hour` and `minute` as in crontab, UTC. Missed once, it waits for the next.

    Several machines may do it at the same time, so doing it twice must be the same as doing it once.
    """

    name: str
    action: Callable[[], object]
    minute: str
    hour: str = "*"


def run(worker: Worker, settings: Settings, chores: Sequence[Chore] = ()) -> None:
    """Work until SIGTERM or SIGINT; the message under way is finished first."""
    queue = open_queue(settings)
    deliver = _delivery(queue, worker)
    schedule(queue, chores)
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


def _delivery(queue: Any, worker: Worker) -> Callable[[], Any]:
    """The task that looks at the outbox."""

    @queue.task(name="deliver")  # type: ignore[untyped-decorator]
    def deliver() -> None:
        if worker.run_once(limit=1):  # one at a time: SIGTERM is heard between two
            deliver()  # there may be more

    task: Callable[[], Any] = deliver
    return task


def schedule(queue: Any, chores: Sequence[Chore]) -> None:
    """Put chores into Huey's calendar, each in a database connection of its own thread."""
    for chore in chores:
        when = huey.crontab(minute=chore.minute, hour=chore.hour)
        queue.periodic_task(when, name=chore.name)(partial(_do, chore))


def _do(chore: Chore) -> None:
    with connected():
        chore.action()


def _sweep(queue: Any, deliver: Callable[[], Any], settings: Settings, stop: threading.Event) -> None:
    """Ask for a look every `sweep_seconds`, unless enough already wait to be done."""
    while not stop.is_set():
        try:
            if queue.pending_count() < settings.worker_threads:
                deliver()
        except Exception:  # a locked file, a full disk, a server that restarts: asked again
            log.exception("the queue does not answer")
        stop.wait(settings.sweep_seconds)
