"""Large files by their SHA-256, in a folder: too large for a database, found by what they are.

A file is there whole or not at all: it is written beside its place, synced, and renamed.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from uuid import uuid4

from opus_soap.errors import Both, ContentDamaged, ContentLost, ContentMissing, FileStoreFailed, FileTooLarge
from opus_soap.failpoints import failpoint

_STEP = 1024 * 1024  # bytes
_HEX_DIGITS = 64
_LONGEST_WRITE = 86_400.0  # seconds; who writes for longer is dead
_NOT_THERE = Both("ikke i fillageret", "not in the file store")


@dataclass(frozen=True)
class StoredFile:
    """A file in the store."""

    sha256: str
    size: int


class _Hashing:
    """A file that is written from its beginning to its end, and hashed on its way."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.digest, self.size = hashlib.sha256(), 0

    def write(self, piece: bytes) -> int:
        self.digest.update(piece)
        self.size += len(piece)
        return self._out.write(piece)

    def writelines(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self.write(piece)


@dataclass(frozen=True)
class FileStore:
    """The files below a folder; made when it is first written to."""

    folder: Path

    def take(self, source: BinaryIO, *, most_bytes: int) -> StoredFile:
        """Store what a stream holds; the same again is the same file.

        Raises `FileTooLarge` (and keeps nothing), `FileStoreFailed`.
        """

        def copy(out: BinaryIO) -> None:
            left = most_bytes
            while piece := source.read(_STEP):
                left -= len(piece)
                if left < 0:
                    raise FileTooLarge(value=f"> {most_bytes}", expected=most_bytes)
                out.write(piece)

        return self.write(copy)

    def write(self, fill: Callable[[BinaryIO], None]) -> StoredFile:
        """Store what a function writes; raises `FileStoreFailed`, and what the function raises."""

        def hashed(out: BinaryIO) -> StoredFile:
            hashing = _Hashing(out)
            fill(cast("BinaryIO", hashing))
            return StoredFile(hashing.digest.hexdigest(), hashing.size)

        return self._write(hashed)

    def put(self, sha256: str, data: bytes) -> None:
        """Store bytes whose hash is known; raises `FileStoreFailed`.

        They are not left in the system's cache, as what a stream or a function gave is, which is read next:
        these were had already, and most of them are an archive that is read seldom.
        """

        def copy(out: BinaryIO) -> StoredFile:
            out.write(data)
            return StoredFile(sha256, len(data))

        self._write(copy, cached=False)

    def _write(self, fill: Callable[[BinaryIO], StoredFile], *, cached: bool = True) -> StoredFile:
        part = self.folder / f".{uuid4().hex}.part"
        try:
            _make_folder(self.folder)
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                stored = fill(out)
                out.flush()
                os.fsync(out.fileno())
                if not cached:
                    _leave_cache(out)
            failpoint("files.written")
            place = self.place(stored.sha256)
            _make_folder(place.parent)
            part.replace(place)
            failpoint("files.renamed")
            sync_folder(place.parent)
            failpoint("files.synced")
        except OSError as error:
            raise FileStoreFailed(element=self.folder.name, value=error.strerror or "?") from None
        finally:
            with suppress(OSError):
                part.unlink()
        return stored

    def open(self, sha256: str) -> BinaryIO:
        """A stored file to read from; raises `ContentMissing`, and `ContentLost` where it cannot be read."""
        try:
            return self.place(sha256).open("rb")
        except FileNotFoundError:
            raise ContentMissing(value=sha256, expected=_NOT_THERE) from None
        except OSError as error:
            raise ContentLost(value=sha256, expected=error.strerror or "?") from None

    def verify(self, sha256: str) -> None:
        """Raise `ContentMissing`, `ContentLost` or `ContentDamaged` unless it is what its name says."""
        with self.open(sha256) as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        if actual != sha256:
            raise ContentDamaged(value=actual, expected=sha256)

    def place(self, sha256: str) -> Path:
        """Where a stored file is, or would be."""
        return self.folder / sha256[:2] / sha256

    def size_of(self, sha256: str) -> int | None:
        """The bytes of a stored file, counted; None where there is none."""
        try:
            return self.place(sha256).stat().st_size
        except OSError:
            return None

    def older_than(self, at: float) -> Iterator[str]:
        """The hashes of the files that were stored (the last time) before a moment, seconds of the epoch."""
        for path in self.folder.glob("??/*"):
            with suppress(OSError):
                if len(path.name) == _HEX_DIGITS and path.lstat().st_mtime < at:
                    yield path.name

    def forget(self, sha256: str) -> bool:
        """Delete a stored file; False when there was none. Raises `FileStoreFailed`."""
        try:
            self.place(sha256).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise FileStoreFailed(element=self.folder.name, value=error.strerror or "?") from None
        return True


def forget_each(names: Iterable[str], forget: Callable[[str], int]) -> int:
    """The sum of what `forget` says of each; one file that cannot be deleted keeps no other.

    Raises the first `FileStoreFailed` when all have been tried.
    """
    forgotten, failed = 0, None
    for name in names:
        try:
            forgotten += forget(name)
        except FileStoreFailed as error:
            failed = failed or error
    if failed is not None:
        raise failed
    return forgotten


def _leave_cache(out: BinaryIO) -> None:
    """Give back the memory that holds a synced file: what is read more often needs it, and each page of
    memory that has never been used costs more than what is written there."""
    if hasattr(os, "posix_fadvise"):  # Linux
        with suppress(OSError):  # a hint, which not every file system takes
            os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _make_folder(folder: Path) -> None:
    """A folder, and those above it, each known to the disk by its name; raises OSError."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """The folder's entries to disk: a renamed file survives a power cut under its name."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def forget_parts(folder: Path, *, older_than_seconds: float = _LONGEST_WRITE) -> int:
    """Delete what killed processes left half-written; returns how many."""
    before, forgotten = time.time() - older_than_seconds, 0
    for part in folder.glob(".*.part"):
        with suppress(OSError):
            if part.lstat().st_mtime < before:
                part.unlink()
                forgotten += 1
    return forgotten
