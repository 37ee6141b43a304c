"""Files in senders' folders, dealt with again and again: what is interrupted is gone on with.

A file is claimed, dealt with, answered, and moved out of the way, in this order; after a kill the sweep that
follows goes on where it was. What goes wrong with a file, a sender or a round is told in the log, and the
others are served all the same.
"""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

import structlog
from peewee import PeeweeException

from opus_soap.database import proxy, transaction
from opus_soap.errors import FolderFailed, OpusSoapError, PostingFileRefused
from opus_soap.failpoints import failpoint
from opus_soap.interfaces.postings_in import booked, receipts
from opus_soap.interfaces.postings_in.folders import (
    ARCHIVE,
    QUARANTINE,
    REQUEST,
    LocalFolders,
    SenderFolders,
)
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.interfaces.postings_in.refusals import in_words
from opus_soap.ledger.seals import seal_all
from opus_soap.store.files import forget_parts
from opus_soap.store.models import AuditEntry, PostingFile, PostingSender

DOOR = "folder:"  # before the SENDERID: who delivered
log = structlog.get_logger("opus_soap.postings_in")


@dataclass
class Outcome:
    """How a piece of work went."""

    well: bool = True


@contextmanager
def going_on(event: str, **facts: str) -> Iterator[Outcome]:
    """What goes wrong inside ends there, and is logged: it must not stop the other files and senders."""
    outcome = Outcome(well=False)
    try:
        yield outcome
    except (OpusSoapError, PeeweeException, OSError) as error:
        log.error(event, reason=in_words(str(error)), **facts)
        if isinstance(error, PeeweeException):
            _let_go()
    except Exception as error:  # noqa: BLE001  a mistake of ours; its text may hold anything
        where = traceback.extract_tb(error.__traceback__)[-1]
        log.error(event, reason=f"{type(error).__name__} {where.name}:{where.lineno}", **facts)
    else:
        outcome.well = True


def _let_go() -> None:
    """The database's connection may be dead: whoever asks next gets another."""
    with suppress(PeeweeException):
        if not proxy.obj.in_transaction():
            proxy.obj.close()


@dataclass(frozen=True)
class Sweeper:
    """Deals with what lies in a sender's folders."""

    receiver: Receiver

    def sweep(self, sender: PostingSender, folders: SenderFolders) -> int:
        """Deal with every file that is ready, after those that were begun; returns how many.

        One that cannot be dealt with (a full disk, a locked database) stays in `work`, for the next sweep.
        """
        done = 0
        with going_on("folder left for the next sweep", sender=in_words(sender.sender_id)):
            self._restore(sender, folders)
            for name in folders.begun():
                done += self._tried(name, sender, folders, claimed=True)
            for name in folders.ready():
                done += self._tried(name, sender, folders, claimed=False)
        return done

    def _tried(self, name: str, sender: PostingSender, folders: SenderFolders, *, claimed: bool) -> bool:
        dealt_with = False
        with going_on("file left for the next sweep", file=in_words(name)):
            if claimed or folders.claim(name):
                self._deal_with(name, sender, folders)
                dealt_with = True
        return dealt_with

    def _restore(self, sender: PostingSender, folders: SenderFolders) -> None:
        """Put back what was begun here and is not there any more: its bytes were kept before it was begun."""
        by_folder = AuditEntry.select(AuditEntry.subject).where(
            AuditEntry.event == "postings_in.received",
            AuditEntry.actor == f"{DOOR}{sender.sender_id}",
        )
        begun = PostingFile.select().where(
            PostingFile.sender == sender, PostingFile.state == PostingFile.UNDER_WAY
        )
        for file in list(begun):
            if by_folder.where(AuditEntry.subject == str(file.uuid)).exists():
                folders.restore(file.called or file.name, partial(self._copy, file.sha256))

    def tell_booked(self, sender: PostingSender, folders: SenderFolders) -> None:
        """The third receipts of files that came by these folders and have been decided since."""
        waiting = PostingFile.select().where(
            PostingFile.sender == sender,
            PostingFile.state == PostingFile.BOOKED,
            PostingFile.booked_sha256.is_null(),
        )
        for file in list(waiting) if sender.booked_receipts else ():
            with going_on("third receipt left for the next sweep", file=file.name):
                called = file.called or file.name
                if folders.has(called, ARCHIVE) and (stored := self.receiver.write_booked(file)):
                    # told before it is noted: whoever is killed between tells it again
                    folders.answer(booked.name_of(called), partial(self._copy, stored.sha256))
                    self.receiver.note_booked(file, stored)

    def _deal_with(self, name: str, sender: PostingSender, folders: SenderFolders) -> None:
        """A file in `work`."""
        sender_id, before = sender.sender_id, folders.facts(name)
        with folders.open(name) as data:
            try:
                file = self.receiver.deliver(data, name, actor=f"{DOOR}{sender_id}", as_sender=sender_id)
            except PostingFileRefused as error:
                refused: PostingFileRefused | None = error
            else:
                refused = None
        if refused is not None:
            self._refuse(name, folders, refused)
        else:
            self._note_name(file, name)
            folders.answer(name, partial(self._copy, str(file.receipt_sha256)))
            log.info("file dealt with", file=in_words(name), vouchers=file.documents)
        if folders.facts(name) != before:  # whoever wrote it had it open
            log.warning("file was written to meanwhile", file=in_words(name))
            folders.move(name, REQUEST)
        else:
            folders.move(name, QUARANTINE if refused is not None else ARCHIVE)

    def _note_name(self, file: PostingFile, name: str) -> None:
        """Third receipts come where the file lies, also when it came by another door before."""
        if file.called != name:
            file.called = name
            with transaction():
                file.save(only=[PostingFile.called])

    def _refuse(self, name: str, folders: SenderFolders, refused: PostingFileRefused) -> None:
        failpoint("folders.refused")
        at = folders.came_at(name)
        folders.answer(name, lambda out: receipts.refuse(out, refused, at, name))
        log.warning("file refused", file=in_words(name), codes=[error.code for error in refused.errors])

    def _copy(self, sha256: str, out: BinaryIO) -> None:
        with self.receiver.store.open(sha256) as stored:
            shutil.copyfileobj(stored, out)


@dataclass(frozen=True)
class WatchedFolders:
    """The folders of all of a municipality's senders, on this machine.

    Below the root each has one of its own, called like its SENDERID.
    """

    root: Path
    receiver: Receiver
    settle_seconds: float = 2.0
    _homes: dict[str, LocalFolders] = field(default_factory=dict, repr=False, compare=False)

    def make_root(self) -> None:
        """Make the folder that all are in; raises `FolderFailed`."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FolderFailed(element=str(self.root), value=error.strerror or "?") from None

    def prepare(self) -> bool:
        """Make the folders of every sender, and clear what killed processes left; whether that went well."""
        forget_parts(self.receiver.store.folder)
        well = True
        for sender in self._senders():
            with going_on("no folder", sender=in_words(sender.sender_id)) as outcome:
                self.of(sender).prepare()
            well &= outcome.well
        return well

    def sweep(self) -> int:
        """Deal with every file that is ready, each sender's in order of name; returns how many."""
        sweeper, done = Sweeper(self.receiver), 0
        for sender in self._senders():
            folders = self.of(sender)
            told = in_words(sender.sender_id)
            with going_on("folder left for the next sweep", sender=told), folders.held() as ours:
                if ours:  # or another process is at it
                    done += sweeper.sweep(sender, folders)
        return done

    def go_round(self, seal_key_file: Path) -> bool:
        """Everything that is to be done now: new senders' folders, files, seals, third receipts.

        Raises nothing: what goes wrong is logged. Whether nothing did, files apart.
        """
        with going_on("folders not prepared") as prepared:
            prepared_well = self.prepare()
        with going_on("round not finished") as swept:
            self.sweep()
        sealed = seal(self.receiver, seal_key_file)
        with going_on("third receipts left for the next sweep") as told:
            self.tell_booked()
        return prepared.well and prepared_well and swept.well and sealed and told.well

    def tell_booked(self) -> None:
        """Tell senders who agreed on it what became of their vouchers in the books."""
        for sender in self._senders():
            Sweeper(self.receiver).tell_booked(sender, self.of(sender))

    def settling(self) -> int:
        """How many files were not dealt with because they changed a moment ago."""
        settling = 0
        for sender in self._senders():
            with going_on("folder not read", sender=in_words(sender.sender_id)):
                settling += self.of(sender).settling()
        return settling

    def of(self, sender: PostingSender) -> LocalFolders:
        """A sender's."""
        home = LocalFolders(self.root / sender.sender_id, self.settle_seconds)
        return self._homes.setdefault(sender.sender_id, home)

    def _senders(self) -> list[PostingSender]:
        return list(
            PostingSender.select().where(
                PostingSender.municipality == self.receiver.municipality, PostingSender.active
            )
        )


def seal(receiver: Receiver, seal_key_file: Path) -> bool:
    """Seal what is new, where there is a key; False, and a line in the log, when that does not work now."""
    with going_on("not sealed") as sealed:
        seal_all(receiver.municipality, seal_key_file, clock=receiver.clock)
    return sealed.well
