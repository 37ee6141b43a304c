"""Watched folders: a sender puts its files into `request`, and finds their receipts in `response`.

Below the root each sender has a folder of its own, called like its SENDERID, with `request`, `response`,
`archive` (files that were dealt with) and `quarantine` (files that were refused as a whole). A file is
dealt with when it is called `*.xml` and has not changed for a while; `*.part` is still being written.
Whatever is interrupted is done again: a file leaves `request` only after its receipt is in `response`.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import uuid4

import structlog
from peewee import PeeweeException

from opus_soap.errors import FolderFailed, OpusSoapError, PostingFileRefused
from opus_soap.failpoints import failpoint
from opus_soap.interfaces.postings_in import booked, receipts
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.ledger.seals import seal_all
from opus_soap.store.files import forget_parts, sync_folder
from opus_soap.store.models import PostingFile, PostingSender

REQUEST, RESPONSE, ARCHIVE, QUARANTINE = "request", "response", "archive", "quarantine"
log = structlog.get_logger("opus_soap.postings_in")


class SenderFolders(Protocol):
    """The four folders of one sender, on this machine or another."""

    def ready(self) -> Iterator[str]:
        """The names of the files in `request` that nobody writes to any more, in order."""

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A file in `request`, to read from."""

    def came_at(self, name: str) -> datetime:
        """When it came: told the same after a kill."""

    def answer(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        """A file in `response`: there whole, or not yet."""

    def move(self, name: str, folder: str) -> None:
        """From `request` into `archive` or `quarantine`, whatever lies there under the name already."""

    def has(self, name: str, folder: str) -> bool:
        """Whether a file of this name lies in a folder."""


@dataclass(frozen=True)
class LocalFolders:
    """Those on this machine, below the sender's own."""

    home: Path
    settle_seconds: float = 2.0  # a file that changed since may still be written

    def prepare(self) -> None:
        """Make them, and clear what killed processes left; raises `FolderFailed`."""
        for name in (REQUEST, RESPONSE, ARCHIVE, QUARANTINE):
            folder = self.home / name
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise FolderFailed(element=str(folder), value=error.strerror or "?") from None
        forget_parts(self.home / RESPONSE)

    def ready(self) -> Iterator[str]:
        """The names of the files in `request` that have not changed for a while."""
        before = time.time() - self.settle_seconds
        for path in sorted((self.home / REQUEST).glob("*")):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and is_wanted(path.name) and status.st_mtime <= before:
                yield path.name

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A file in `request`; never through a link. Raises OSError."""
        return open(os.open(self.home / REQUEST / name, os.O_RDONLY | os.O_NOFOLLOW), "rb")

    def came_at(self, name: str) -> datetime:
        """When its entry last changed; raises OSError."""
        return datetime.fromtimestamp((self.home / REQUEST / name).stat().st_ctime, UTC)

    def answer(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        """A file in `response`, synced; raises OSError."""
        place = self.home / RESPONSE / name
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

    def move(self, name: str, folder: str) -> None:
        """Out of the way; raises OSError."""
        place = self.home / folder / name
        if place.exists():
            place = self.home / folder / beside(name)
        failpoint("folders.moving")
        (self.home / REQUEST / name).rename(place)
        failpoint("folders.moved")
        sync_folder(place.parent)

    def has(self, name: str, folder: str) -> bool:
        """Whether a file of this name lies in a folder."""
        return (self.home / folder / name).exists()


@dataclass(frozen=True)
class Sweeper:
    """Deals with what lies in a sender's folders."""

    receiver: Receiver

    def sweep(self, sender: PostingSender, folders: SenderFolders) -> int:
        """Deal with every file that is ready; returns how many.

        One that cannot be dealt with (a full disk, a locked database) stays where it is, for the next sweep.
        """
        done = 0
        for name in folders.ready():
            try:
                self._deal_with(name, sender, folders)
                done += 1
            except (OpusSoapError, PeeweeException, OSError) as error:
                log.error("file left for the next sweep", file=name, reason=str(error))
        return done

    def tell_booked(self, sender: PostingSender, folders: SenderFolders) -> None:
        """The third receipts of files that came by these folders and have been decided since."""
        waiting = PostingFile.select().where(
            PostingFile.sender == sender,
            PostingFile.state == PostingFile.BOOKED,
            PostingFile.booked_sha256.is_null(),
        )
        for file in waiting if sender.booked_receipts else ():
            try:
                if folders.has(file.name, ARCHIVE) and (stored := self.receiver.write_booked(file)):
                    # told before it is noted: whoever is killed between tells it again
                    folders.answer(booked.name_of(file.name), partial(self._copy, stored.sha256))
                    self.receiver.note_booked(file, stored)
            except (OpusSoapError, PeeweeException, OSError) as error:
                log.error("third receipt left for the next sweep", file=file.name, reason=str(error))

    def _deal_with(self, name: str, sender: PostingSender, folders: SenderFolders) -> None:
        sender_id = sender.sender_id
        with folders.open(name) as data:
            try:
                file = self.receiver.deliver(data, name, actor=f"folder:{sender_id}", as_sender=sender_id)
            except PostingFileRefused as error:
                self._refuse(name, folders, error)
                return
        folders.answer(name, partial(self._copy, str(file.receipt_sha256)))
        folders.move(name, ARCHIVE)
        log.info("file dealt with", file=name, vouchers=file.documents)

    def _refuse(self, name: str, folders: SenderFolders, refused: PostingFileRefused) -> None:
        failpoint("folders.refused")
        at = folders.came_at(name)
        folders.answer(name, lambda out: receipts.refuse(out, refused, at))
        folders.move(name, QUARANTINE)
        log.warning("file refused", file=name, codes=[error.code for error in refused.errors])

    def _copy(self, sha256: str, out: BinaryIO) -> None:
        with self.receiver.store.open(sha256) as stored:
            shutil.copyfileobj(stored, out)


@dataclass(frozen=True)
class WatchedFolders:
    """The folders of all of a municipality's senders, on this machine."""

    root: Path
    receiver: Receiver
    settle_seconds: float = 2.0

    def prepare(self) -> None:
        """Make the folders of every sender, and clear what killed processes left; raises `FolderFailed`."""
        forget_parts(self.receiver.store.folder)
        for sender in self._senders():
            self.of(sender).prepare()

    def sweep(self) -> int:
        """Deal with every file that is ready, each sender's in order of name; returns how many."""
        sweeper = Sweeper(self.receiver)
        return sum(sweeper.sweep(sender, self.of(sender)) for sender in self._senders())

    def go_round(self, seal_key_file: Path) -> None:
        """Everything that is to be done now: new senders' folders, files, seals, third receipts."""
        self.prepare()
        self.sweep()
        seal_all(self.receiver.municipality, seal_key_file, clock=self.receiver.clock)
        self.tell_booked()

    def tell_booked(self) -> None:
        """Tell senders who agreed on it what became of their vouchers in the books."""
        for sender in self._senders():
            Sweeper(self.receiver).tell_booked(sender, self.of(sender))

    def of(self, sender: PostingSender) -> LocalFolders:
        """A sender's."""
        return LocalFolders(self.root / sender.sender_id, self.settle_seconds)

    def _senders(self) -> Iterator[PostingSender]:
        yield from PostingSender.select().where(
            PostingSender.municipality == self.receiver.municipality, PostingSender.active
        )


def is_wanted(name: str) -> bool:
    """Whether a file is one to deal with, by its name."""
    return name.lower().endswith(".xml") and not name.startswith(".")


def beside(name: str) -> str:
    """Another name, for one that is taken."""
    return f"{name[:-4]}.{uuid4().hex[:8]}{name[-4:]}"
