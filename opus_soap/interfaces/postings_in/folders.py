"""Watched folders: a sender puts its files into `request`, and finds their receipts in `response`.

Below the root each sender has a folder of its own, called like its SENDERID, with `request`, `response`,
`archive` (files that were dealt with) and `quarantine` (files that were refused as a whole). A file is
dealt with when it is called `*.xml` and has not changed for a while; `*.part` is still being written.
Whatever is interrupted is done again: a file leaves `request` only after its receipt is in `response`.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import structlog
from peewee import PeeweeException

from opus_soap.errors import FolderFailed, OpusSoapError, PostingFileRefused
from opus_soap.failpoints import failpoint
from opus_soap.interfaces.postings_in import receipts
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.store.files import forget_parts, sync_folder
from opus_soap.store.models import PostingFile, PostingSender

REQUEST, RESPONSE, ARCHIVE, QUARANTINE = "request", "response", "archive", "quarantine"
log = structlog.get_logger("opus_soap.postings_in")


@dataclass(frozen=True)
class WatchedFolders:
    """The folders of a municipality's senders."""

    root: Path
    receiver: Receiver
    settle_seconds: float = 2.0  # a file that changed since may still be written

    def prepare(self) -> None:
        """Make the folders of every sender, and clear what killed processes left; raises `FolderFailed`."""
        forget_parts(self.receiver.store.folder)
        for sender in self._senders():
            for name in (REQUEST, RESPONSE, ARCHIVE, QUARANTINE):
                folder = self.root / sender.sender_id / name
                try:
                    folder.mkdir(parents=True, exist_ok=True)
                except OSError as error:
                    raise FolderFailed(element=str(folder), value=error.strerror or "?") from None
            forget_parts(self.root / sender.sender_id / RESPONSE)

    def sweep(self) -> int:
        """Deal with every file that is ready, each sender's in order of name; returns how many.

        One that cannot be dealt with (a full disk, a locked database) stays where it is, for the next sweep.
        """
        done = 0
        for sender in self._senders():
            for path in self._ready(self.root / sender.sender_id / REQUEST):
                try:
                    self._deal_with(path, sender.sender_id)
                    done += 1
                except (OpusSoapError, PeeweeException, OSError) as error:
                    log.error("file left for the next sweep", file=path.name, reason=str(error))
        return done

    def _senders(self) -> Iterator[PostingSender]:
        yield from PostingSender.select().where(
            PostingSender.municipality == self.receiver.municipality, PostingSender.active
        )

    def _ready(self, folder: Path) -> Iterator[Path]:
        before = time.time() - self.settle_seconds
        for path in sorted(folder.glob("*")):
            status = path.lstat()
            plain = stat.S_ISREG(status.st_mode) and not path.name.startswith(".")
            if plain and path.suffix.lower() == ".xml" and status.st_mtime <= before:
                yield path

    def _deal_with(self, path: Path, sender_id: str) -> None:
        home, actor = path.parent.parent, f"folder:{sender_id}"
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as data:
            try:
                file = self.receiver.deliver(data, path.name, actor=actor, as_sender=sender_id)
            except PostingFileRefused as error:
                self._refuse(home, path, error)
                return
        self._answer(home, path, lambda out: self._copy_receipt(file, out))
        _move(path, home / ARCHIVE)
        log.info("file dealt with", file=path.name, vouchers=file.documents)

    def _refuse(self, home: Path, path: Path, refused: PostingFileRefused) -> None:
        failpoint("folders.refused")
        at = datetime.fromtimestamp(path.stat().st_ctime, UTC)  # when it came: told the same after a kill
        self._answer(home, path, lambda out: receipts.refuse(out, refused, at))
        _move(path, home / QUARANTINE)
        log.warning("file refused", file=path.name, codes=[error.code for error in refused.errors])

    def _copy_receipt(self, file: PostingFile, out: BinaryIO) -> None:
        with self.receiver.store.open(str(file.receipt_sha256)) as stored:
            while piece := stored.read(1024 * 1024):
                out.write(piece)

    def _answer(self, home: Path, path: Path, write: Callable[[BinaryIO], None]) -> None:
        """The receipt under the file's own name: there whole, or not yet."""
        place = home / RESPONSE / path.name
        part = place.with_name(f".{uuid4().hex}.part")
        try:
            with part.open("xb") as out:
                write(out)
                out.flush()
                os.fsync(out.fileno())
            failpoint("folders.receipt_written")
            part.replace(place)
            failpoint("folders.receipt_renamed")
            sync_folder(place.parent)
            failpoint("folders.receipt_synced")
        finally:
            part.unlink(missing_ok=True)


def _move(path: Path, folder: Path) -> None:
    """Out of the way, whatever lies there under the name already."""
    place = folder / path.name
    if place.exists():
        place = folder / f"{path.stem}.{uuid4().hex[:8]}{path.suffix}"
    failpoint("folders.moving")
    path.rename(place)
    failpoint("folders.moved")
    sync_folder(folder)
