"""A sender's folders: it puts its files into `request`, and finds their receipts in `response`.

Beside the two lie `archive` (files that were dealt with), `quarantine` (files that were refused as a whole)
and `work`, which is ours alone: a file is renamed into it before it is read, so that nobody replaces or
removes what is being dealt with. What lies there when a sweep begins is gone on with first.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import uuid4

from opus_soap.errors import FolderFailed
from opus_soap.failpoints import failpoint
from opus_soap.file_locks import locked
from opus_soap.store.files import forget_parts, sync_folder

REQUEST, RESPONSE, ARCHIVE, QUARANTINE, WORK = "request", "response", "archive", "quarantine", "work"
SENDERS = (REQUEST, RESPONSE, ARCHIVE, QUARANTINE)  # what a sender sees
LONGEST_NAME = 255  # bytes, as of every file system that matters
_LOCK = ".lock"  # in `work`
_MOST_SEEN = 10_000  # files of the future that are remembered

Facts = tuple[int | None, ...]


class SenderFolders(Protocol):
    """The folders of one sender, on this machine or another."""

    def begun(self) -> list[str]:
        """The names of the files in `work`, in order: those that nobody writes to any more."""

    def ready(self) -> list[str]:
        """The names of the files in `request` that nobody writes to any more, in order."""

    def claim(self, name: str) -> bool:
        """From `request` into `work`; False when it is not there any more, or is now another."""

    def restore(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        """A file in `work`, there whole or not yet: one that was begun, and lost since."""

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A file in `work`, to read from."""

    def facts(self, name: str) -> Facts:
        """What changes when a file in `work` is written to."""

    def came_at(self, name: str) -> datetime:
        """When a file in `work` came: told the same after a kill."""

    def answer(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        """A file in `response`: there whole, or not yet."""

    def move(self, name: str, folder: str) -> None:
        """From `work` into another, whatever lies there under the name already."""

    def has(self, name: str, folder: str) -> bool:
        """Whether a file of this name lies in a folder."""


@dataclass(frozen=True)
class LocalFolders:
    """Those on this machine, below the sender's own."""

    home: Path
    settle_seconds: float = 2.0  # a file that changed since may still be written
    # files whose time has not come yet, by what changes with them → when they were first seen so
    _future: dict[Facts, float] = field(default_factory=dict, repr=False, compare=False)

    def prepare(self) -> None:
        """Make them, and clear what killed processes left; raises `FolderFailed`."""
        for name in (*SENDERS, WORK):
            folder = self.home / name
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700 if name == WORK else 0o777)
            except OSError as error:
                raise FolderFailed(element=str(folder), value=error.strerror or "?") from None
        for name in (RESPONSE, WORK):
            forget_parts(self.home / name)

    def held(self) -> AbstractContextManager[bool]:
        """True until the block ends, or the process; False when another holds them. Raises OSError."""
        return locked(self.home / WORK / _LOCK)

    def begun(self) -> list[str]:
        """The names of the files in `work` that have not changed for a while; raises OSError."""
        return [path.name for path, status in self._files(WORK) if self._is_settled(status)]

    def ready(self) -> list[str]:
        """The names of the files in `request` that have not changed for a while; raises OSError."""
        return [path.name for path, status in self._files(REQUEST) if self._is_settled(status)]

    def settling(self) -> int:
        """How many files wait until they have not changed for a while; raises OSError."""
        return sum(
            not self._is_settled(status) for name in (REQUEST, WORK) for _, status in self._files(name)
        )

    def _files(self, folder: str) -> Iterator[tuple[Path, os.stat_result]]:
        for path in sorted((self.home / folder).glob("*")):
            with suppress(FileNotFoundError):  # taken by its sender, or another watcher
                status = path.lstat()
                if stat.S_ISREG(status.st_mode) and is_wanted(path.name):
                    yield path, status

    def _is_settled(self, status: os.stat_result) -> bool:
        """Unchanged for a while; of a file whose time is still to come, as it was some time before."""
        if status.st_mtime <= (now := time.time()) - self.settle_seconds:
            return True
        if status.st_mtime <= now:
            return False
        if len(self._future) >= _MOST_SEEN:
            self._future.clear()
        facts, at = _facts(status), time.monotonic()
        known = facts in self._future
        return at - self._future.setdefault(facts, at) >= self.settle_seconds and known

    def claim(self, name: str) -> bool:
        """From `request` into `work`; raises OSError.

        False when it is gone, when one of this name is in `work`, and when what was renamed has changed since
        it was looked at: then the next sweep finds it there.
        """
        place = self.home / WORK / name
        if os.path.lexists(place):
            return False
        failpoint("folders.claiming")
        try:
            (self.home / REQUEST / name).rename(place)
        except FileNotFoundError:
            return False
        failpoint("folders.claimed")
        return self._is_settled(place.lstat())

    def restore(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        """A file in `work`, unless there is one; raises OSError."""
        if not self.has(name, WORK):
            self._write(self.home / WORK / name, write)
            os.utime(self.home / WORK / name, (0, 0))  # nobody writes to it

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A file in `work`; never through a link. Raises OSError."""
        return open(os.open(self.home / WORK / name, os.O_RDONLY | os.O_NOFOLLOW), "rb")

    def facts(self, name: str) -> Facts:
        """Which file it is, its size and time; raises OSError."""
        return _facts((self.home / WORK / name).lstat())

    def came_at(self, name: str) -> datetime:
        """When its entry last changed, as it was claimed; raises OSError."""
        return datetime.fromtimestamp((self.home / WORK / name).lstat().st_ctime, UTC)

    def answer(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        """A file in `response`, synced; raises OSError."""
        place = self.home / RESPONSE / name
        self._write(place, write)
        failpoint("folders.receipt_renamed")
        sync_folder(place.parent)
        failpoint("folders.receipt_synced")

    def _write(self, place: Path, write: Callable[[BinaryIO], None]) -> None:
        part = place.with_name(f".{uuid4().hex}.part")
        try:
            with part.open("xb") as out:
                write(out)
                out.flush()
                os.fsync(out.fileno())
            failpoint("folders.written")
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)

    def move(self, name: str, folder: str) -> None:
        """Out of `work`; raises OSError."""
        place = self.home / folder / name
        if os.path.lexists(place):
            place = self.home / folder / beside(name)
        failpoint("folders.moving")
        (self.home / WORK / name).rename(place)
        failpoint("folders.moved")
        sync_folder(place.parent)

    def has(self, name: str, folder: str) -> bool:
        """Whether a file of this name lies in a folder."""
        return (self.home / folder / name).exists()


def is_wanted(name: str) -> bool:
    """Whether a file is one to deal with, by its name."""
    return name.lower().endswith(".xml") and not name.startswith(".")


def beside(name: str) -> str:
    """Another name, for one that is taken; not longer than a name may be."""
    stem, ending = name[:-4], f".{uuid4().hex[:8]}{name[-4:]}"
    while len(os.fsencode(stem + ending)) > LONGEST_NAME:
        stem = stem[:-1]
    return stem + ending


def _facts(status: os.stat_result) -> Facts:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
