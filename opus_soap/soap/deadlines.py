"""A connection's time is a whole, not a pause between two bytes: what a socket timeout cannot say."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Deadline:
    """Cuts a connection off when its time is up, however slowly bytes keep coming or going."""

    def __init__(self, seconds: float, connection: socket.socket | None = None) -> None:
        self._connection = connection
        self.passed = False
        self._timer = self._started(seconds)

    def watch(self, connection: socket.socket | None) -> None:
        """It is about this connection, made or taken again since."""
        self._connection = connection
        if self.passed:
            self._cut()

    def renew(self, seconds: float) -> None:
        """From now on, so many seconds more."""
        self._timer.cancel()
        self._timer = self._started(seconds)

    def cancel(self) -> None:
        """The connection is done with."""
        self._timer.cancel()

    def _started(self, seconds: float) -> threading.Timer:
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        return timer

    def _cut(self) -> None:
        self.passed = True
        if self._connection is not None:
            with suppress(OSError):  # the other side may have left already
                self._connection.shutdown(socket.SHUT_RDWR)
