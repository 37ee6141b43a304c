"""A connection's time is a whole, not a pause between two bytes: what a socket timeout cannot say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from opus_soap.wss.alarms import Alarm

_LONGEST_IDLE = 1.0  # seconds; servers close connections after 2, 5 or more


class Deadline:
    """Cuts a connection off when its time is up, however slowly bytes keep coming or going."""

    def __init__(self, seconds: float, connection: socket.socket | None = None) -> None:
        self._connection = connection
        self.passed = False
        self._alarm = Alarm(seconds, self._cut)

    def watch(self, connection: socket.socket | None) -> None:
        """It is about this connection, made or taken again since."""
        self._connection = connection
        if self.passed:
            self._cut()

    def renew(self, seconds: float) -> None:
        """From now on, so many seconds more."""
        self._alarm.cancel()
        self._alarm = Alarm(seconds, self._cut)

    def cancel(self) -> None:
        """The connection is done with."""
        self._alarm.cancel()

    def _cut(self) -> None:
        self.passed = True
        if self._connection is not None:
            stop(self._connection, socket.SHUT_RDWR)


def stop(connection: socket.socket, how: int) -> None:
    """Shut down the connection below TLS: a TLS socket's own shutdown would go on in plain text."""
    with suppress(OSError):  # the other side may have left already
        socket.socket.shutdown(connection, how)


class _Running(threading.local):
    """The deadline of the call that this thread makes; none when it only reads a contract."""

    deadline: Deadline | None = None


_running = _Running()


@contextmanager
def watching(seconds: float) -> Iterator[Deadline]:
    """A call over a `WatchedAdapter`, which has so many seconds for all of it."""
    deadline = _running.deadline = Deadline(seconds)
    try:
        yield deadline
    finally:
        deadline.cancel()
        _running.deadline = None


class _Watched:
    """A connection that shows its socket to the deadline of the call it is used for."""

    sock: socket.socket | None

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._show()

    def request(self, *args: Any, **more: Any) -> None:
        self._show()
        super().request(*args, **more)  # type: ignore[misc]

    def _show(self) -> None:
        if _running.deadline is not None:
            _running.deadline.watch(self.sock)


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = type("Watched", (_Watched, urllib3.connection.HTTPConnection), {})


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = type("Watched", (_Watched, urllib3.connection.HTTPSConnection), {})


class WatchedSession(requests.Session):
    """A session of such connections: nothing from the environment, and no redirect.

    `requests` reads the body of a redirect, unpacked and of any size, even when it is not to follow it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._used = monotonic()
        self.trust_env = False  # no proxy and no credentials
        self.mount("http://", WatchedAdapter())
        self.mount("https://", WatchedAdapter())

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request, through no connection that was idle for long: its server may just be closing it."""
        if monotonic() - self._used > _LONGEST_IDLE:
            self.close()  # what is kept for later; it can be used on
        try:
            return super().send(request, **options)
        finally:
            self._used = monotonic()

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere."""


class WatchedAdapter(HTTPAdapter):
    """Connections of `requests` whose every step, the header's too, keeps to the deadline of the call."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """Pools of such connections."""
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
