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
            if self._thread is None or not self._thread.is_alive():  # an alarm that fails ends it
                self._thread = Thread(target=self._run, name="alarms", daemon=True)
                self._thread.start()
            elif alarm.due < self._wakes:
                self._changed.notify()

    def forget(self, alarm: Alarm) -> None:
        with self._changed:
            self._alarms.discard(alarm)

    def _run(self) -> None:
        while True:
            with self._changed:
                soonest = min(self._alarms, key=lambda alarm: alarm.due, default=None)
                self._wakes = soonest.due if soonest else inf
                left = self._wakes - monotonic()
                if soonest is None or left > 0:
                    self._changed.wait(min(left, TIMEOUT_MAX))
                    continue
                self._alarms.discard(soonest)
            soonest.ring()


_watch = _Watch()
