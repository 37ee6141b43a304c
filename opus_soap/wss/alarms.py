"""What is done when its time has come, unless it is called off before: of a hundred alarms none may ring."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import inf
from threading import TIMEOUT_MAX, Condition, Thread
from time import monotonic


class Alarm:
    """Calls `ring` once, `seconds` from now, in a thread that all alarms share: `ring` waits for nothing."""

    def __init__(self, seconds: float, ring: Callable[[], None]) -> None:
        self.due = monotonic() + seconds
        self.ring = ring
        _watch.add(self)

    def cancel(self) -> None:
        """It is not to ring; without effect when it has."""
        _watch.forget(self)


class _Watch:
    """The alarms that are set, and the thread that wakes for the next of them.

    `threading.Timer` starts a thread for each: longer work than to read most messages. The thread is not
    woken for an alarm that is called off; it finds none, and looks for the next.
    """

    def __init__(self) -> None:
        self.renew()
        os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        """A child has none of its parent's threads, and none of its connections to cut."""
        self._alarms: set[Alarm] = set()
        self._changed = Condition()
        self._wakes = inf
        self._thread: Thread | None = None

    def add(self, alarm: Alarm) -> None:
        with self._changed:
            self._alarms.add(alarm)
            if self._thread is None:
                self._begin()
            elif alarm.due < self._wakes:
                self._changed.notify()

    def forget(self, alarm: Alarm) -> None:
        with self._changed:
            self._alarms.discard(alarm)

    def _begin(self) -> None:
        self._thread = Thread(target=self._run, name="alarms", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while True:
                self._ring_next()
        finally:  # an alarm that fails ends its thread; the others ring in the next
            with self._changed:
                self._begin()

    def _ring_next(self) -> None:
        """Wait for the next, and ring it; what is called off meanwhile is not kept, nor what it is for."""
        with self._changed:
            self._wakes = min((alarm.due for alarm in self._alarms), default=inf)
            left = self._wakes - monotonic()
            if left > 0:
                self._changed.wait(min(left, TIMEOUT_MAX))
                return
            alarm = min(self._alarms, key=lambda alarm: alarm.due)
            self._alarms.discard(alarm)
        alarm.ring()


_watch = _Watch()
