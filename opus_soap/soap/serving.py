"""gunicorn around a WSGI application: threads, deadlines, TLS, no files in anybody's home folder."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.util import close_graceful
from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker
from peewee import PeeweeException

from opus_soap.errors import OpusSoapError
from opus_soap.keys import load_tls, tls_files
from opus_soap.reloading import Reloading
from opus_soap.settings import Settings
from opus_soap.wss.deadlines import Deadline

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


log = structlog.get_logger("opus_soap.soap")
AGAIN_SECONDS = 2  # before a worker that could not start is followed by another

_AT_ONCE_SECONDS = 0.05  # in which a new connection's first bytes come, mostly
_LINGER_SECONDS = 0.1  # for what the other side still sends; a refused body has been waited for before

_running = threading.local()  # the deadline of the connection that this thread works on


def _end(conn: TConn) -> None:
    """Close a connection here, in a thread of the pool.

    gunicorn waits for up to two seconds for the other side to close, in the thread that accepts: who keeps
    some dozens open after their answers would stop the server.
    """
    conn.sock.setblocking(True)
    close_graceful(conn.sock, timeout=_LINGER_SECONDS)
    conn.close = lambda graceful=False: None  # gunicorn's own, which comes next, would fail on what is closed


class _DeadlineOf(Deadline):
    """The deadline of a connection, whose socket is another once TLS has begun."""

    def __init__(self, conn: TConn, seconds: float) -> None:
        self._conn = conn
        super().__init__(seconds)

    def _cut(self) -> None:
        self._connection = self._conn.sock
        super()._cut()


class DeadlineWorker(ThreadWorker):  # type: ignore[misc]
    """gthread, in which no caller keeps a thread longer than the settings say.

    A header must be there within its time; from then on runs the time of the whole request, so that
    neither a caller who writes a byte at a time nor one who never reads its answers holds a thread.
    """

    header_seconds = 10

    def handle(self, conn: TConn) -> Any:
        """One request of one connection."""
        if not (conn.initialized or conn.data_ready or conn.wait_for_data(_AT_ONCE_SECONDS)):
            return _DEFER  # back to the poller: who says nothing holds no thread
        deadline = _running.deadline = _DeadlineOf(conn, self.header_seconds)
        try:
            outcome = super().handle(conn)
        finally:
            deadline.cancel()
        if not outcome:
            _end(conn)
        return outcome


def within(application: WSGIApplication, seconds: int) -> WSGIApplication:
    """The application; its request must be over in so many seconds, its answer read included."""

    def timed(environ: Any, start_response: Any) -> Any:
        _running.deadline.renew(seconds)
        return application(environ, start_response)

    return timed


def _tls(settings: Settings) -> dict[str, Any]:
    """gunicorn's options for TLS of its own; none when no certificate is set.

    gunicorn makes a context for each connection, from files that may just be changing; here it gets the one
    that is in use. Raises `TlsFileInvalid`, `SigningKeyUnusable`.
    """
    if settings.tls_certificate_file is None:
        return {}
    contexts = Reloading(
        "TLS files",
        lambda: load_tls(settings),
        lambda: [path for path in tls_files(settings) if path is not None],
        settings.reload_seconds,
    )
    return {
        "certfile": str(settings.tls_certificate_file),
        "keyfile": str(settings.tls_key_file),
        "ssl_context": lambda _config, _usual: contexts.current(),
        "http_protocols": "h1",
        # not before the deadline knows the connection
        "do_handshake_on_connect": False,
    }


def scheme(settings: Settings) -> str:
    """`https` where the server speaks TLS itself."""
    return "http" if settings.tls_certificate_file is None else "https"


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
            **_tls(settings),
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
            application = within(self._build(), self._seconds)
            gc.freeze()  # what is there now stays: looking through it for garbage stops everybody for long
            return application
        except (OpusSoapError, PeeweeException, OSError) as error:
            log.error("worker not started", reason=str(error))
            time.sleep(AGAIN_SECONDS)
            raise SystemExit(1) from None
