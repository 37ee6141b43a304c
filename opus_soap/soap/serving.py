"""gunicorn around a WSGI application: threads, safe defaults, no files in anybody's home folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class WsgiServer(BaseApplication):  # type: ignore[misc]
    """A gunicorn master with gthread workers; `build` makes the application in each worker.

    `build` runs after the fork, so no database connection and no key is shared between processes.
    """

    def __init__(
        self, build: Callable[[], WSGIApplication], *, bind: str, workers: int, threads: int, **options: Any
    ) -> None:
        self._build = build
        self._options = {
            "bind": bind,
            "workers": workers,
            "threads": threads,
            "worker_class": "gthread",
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
        """The application of one worker."""
        return self._build()
