"""gunicorn around a WSGI application: threads, deadlines, no files in anybody's home folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import TConn, ThreadWorker
from peewee import PeeweeException

from opus_soap.errors import OpusSoapError
from opus_soap.settings import Settings
from opus_soap.wss.deadlines import Deadline

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


log = structlog.get_logger("opus_soap.soap")
AGAIN_SECONDS = 2  # before a worker that could not start is followed by another

_running = threading.local()  # the deadline of the connection that this thread works on


class DeadlineWorker(ThreadWorker):  # type: ignore[misc]
    """gthread, in which no caller keeps a thread longer than the settings say.

    A header must be there within its time; from then on runs the time of the whole request, so that
    neither a caller who writes a byte at a time nor one who never reads its answers holds a thread.
    """

    header_seconds = 10

    def handle(self, conn: TConn) -> Any:
        """One request of one connection."""
        deadline = _running.deadline = Deadline(self.header_seconds, conn.sock)
        try:
            return super().handle(conn)
        finally:
            deadline.cancel()


def within(application: WSGIApplication, seconds: int) -> WSGIApplication:
    """The application; its request must be over in so many seconds, its answer read included."""

    def timed(environ: Any, start_response: Any) -> Any:
        _running.deadline.renew(seconds)
        return application(environ, start_response)

    return timed


class WsgiServer(BaseApplication):  # type: ignore[misc]
    """A gunicorn master with gthread workers; `build` makes the application in each worker.

    `build` runs after the fork, so no database connection and no key is shared between processes.
    """

    def __init__(
        self,
        build: Callable[[], WSGIApplication],
        settings: Settings,
        *,
        bind: str,
        workers: int,
        threads: int,
        **options: Any,
    ) -> None:
        self._build = build
        self._seconds = settings.request_timeout_seconds
        self._options = {
            "bind": bind,
            "workers": workers,
            "threads": threads,
            "worker_class": type(
                "Worker", (DeadlineWorker,), {"header_seconds": settings.header_timeout_seconds}
            ),
            "control_socket_disable": True,
            "loglevel": "warning",
            "graceful_timeout": 20,
            "timeout": 60,
            "keepalive": 5,
            "limit_request_line": 2048,
            "limit_request_fields": 50,
            "limit_request_field_size": 8190,
            **options,
        }
        super().__init__()

    def load_config(self) -> None:
        """Take our options, and nothing from files or the environment."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        """The application of one worker.

        When it cannot be made, the worker ends with a status that lets the master start another: a
        database that restarts must not end the server for good.
        """
        try:
            return within(self._build(), self._seconds)
        except (OpusSoapError, PeeweeException, OSError) as error:
            log.error("worker not started", reason=str(error))
            time.sleep(AGAIN_SECONDS)
            raise SystemExit(1) from None
