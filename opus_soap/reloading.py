"""What is made from files, made again when they change; what cannot be used leaves the old in place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from opus_soap.errors import OpusSoapError

T = TypeVar("T")
log = structlog.get_logger("opus_soap.reloading")

_State = tuple[str, int, int, int, int]
_Mark = tuple[_State, ...]


class Reloading(Generic[T]):
    """A value and the files it was made from. Threads share it.

    The files are looked at when somebody asks for the value, at most every `seconds`, by one thread
    at a time; the others are given what is there.
    """

    def __init__(
        self, name: str, load: Callable[[], T], files: Callable[[], Iterable[Path]], seconds: float
    ) -> None:
        self._name = name
        self._load = load
        self._files = files
        self._seconds = seconds
        self._lock = threading.Lock()
        self._mark = _mark(files())
        self._value = load()
        self._next = time.monotonic() + seconds

    def current(self) -> T:
        """The value, made again when a file changed since; never raises."""
        if time.monotonic() >= self._next and self._lock.acquire(blocking=False):
            try:
                self._renew()
            finally:
                self._next = time.monotonic() + self._seconds
                self._lock.release()
        return self._value

    def _renew(self) -> None:
        try:
            mark = _mark(self._files())
            if mark == self._mark:
                return
            self._mark = mark  # tried once: another attempt waits for another change
            self._value = self._load()
        except (OpusSoapError, OSError) as error:
            log.error("changed files not taken into use", what=self._name, reason=str(error))
        else:
            log.warning("changed files taken into use", what=self._name)


def _mark(files: Iterable[Path]) -> _Mark:
    """What changes when one of the files does; one that is not there is a state too."""
    return tuple(_state(path) for path in files)


def _state(path: Path) -> _State:
    try:
        status = path.stat()
    except OSError:
        return str(path), 0, 0, 0, 0
    # ctime: what was refused for its permissions is tried again when they are mended
    return str(path), status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
