"""A file of postings from its bytes to its receipt: the one way, by whichever door it came.

The file is stored, looked at as a whole, and dealt with in batches of vouchers. Each batch is one
transaction: its vouchers, what was said of each, and how far the file has come. A process that dies
between two batches leaves a file that goes on behind the last one; two that work on the same file follow
each other. When all is dealt with, the receipt is written from what was said, and never again otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from peewee import IntegrityError, fn

from opus_soap.clock import Clock
from opus_soap.database import (
    Prepared,
    analyze,
    create,
    in_transaction,
    is_postgresql,
    new_uuid,
    retried,
    transaction,
    update,
)
from opus_soap.errors import (
    FileTooLarge,
    PostingFileRefused,
    PostingFileTooLarge,
    PostingsInError,
    TooManyAtOnce,
)
from opus_soap.failpoints import failpoint
from opus_soap.interfaces.postings_in import booked, receipts, refusals, storing
from opus_soap.interfaces.postings_in.entering import enter
from opus_soap.interfaces.postings_in.examining import Examined, batches, examine
from opus_soap.interfaces.postings_in.files import check_same, find_file, key_of, sender_of
from opus_soap.interfaces.postings_in.making import Known, Made, known_parts
from opus_soap.interfaces.postings_in.proofs import FINISHED, hash_of_file
from opus_soap.interfaces.postings_in.reading import ReadingLimits, Summary, survey
from opus_soap.interfaces.postings_in.reading_ahead import Task, collecting_seldom, reading
from opus_soap.interfaces.postings_in.receipts import Return
from opus_soap.interfaces.postings_in.writing import (
    END,
    WrittenDocument,
    arranged,
    arranged_control,
    beginning,
    file_name,
    written,
)
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.settings import Settings
from opus_soap.store import audit
from opus_soap.store.files import StoredFile
from opus_soap.store.models import PostingDocument, PostingFile, PostingSender

_MOST_AT_ONCE = 600  # files of one sender that are named after the same second
_CLIENT = "P01CLNT"  # RECEIVER, before the municipality, of what was not addressed to a client
_GROWN = (1, 10, 100)  # batches after which a table is another than the planner knew
_PAGE = 1000  # vouchers of a receipt at once
_RECEIVED = "postings_in.received"  # in the audit trail
_USER = "cli:"  # actors who are people, before their names
_FINISH = ("state", "receipt_sha256", "finished_at", "hash")


@dataclass(frozen=True)
class Receiver:
    """Who takes files in: whose municipality, where files are kept, within which limits."""

    municipality: str
    store: storing.PostingStore
    limits: ReadingLimits
    clock: Clock
    seal_key_file: Path | None = None  # where it exists, third receipts wait for the seals
    made: bool = False  # files are made here, of what came by a door without files

    @classmethod
    def of(cls, municipality: str, settings: Settings, clock: Clock) -> Receiver:
        """A municipality's, by the settings."""
        store = storing.PostingStore(settings.files_folder)
        return cls(municipality, store, limits_of(settings), clock, settings.seal_key_file)

    def deliver(
        self, source: BinaryIO, file_name: str, *, actor: str, as_sender: str | None = None
    ) -> PostingFile:
        """Take a file in and deal with all of it; the same file again is the file it was.

        `as_sender` is the SENDERID that the door has made sure of; None where anybody may deliver.
        Raises a `PostingsInError` when the file as a whole has no effect, `FileStoreFailed`, and
        `ReadingInterrupted`: then the file goes on where it stopped when it is delivered again.
        """
        stored = self.take(source, file_name, actor=actor)
        return self.deal_with(stored, file_name, actor=actor, as_sender=as_sender)

    def deliver_made(self, made: Made, *, actor: str, as_sender: str) -> PostingFile:
        """`deliver` of a file that was made here, in the caller's transaction.

        Where all of it is good it need not be read, nor be there before: whoever holds contents and a
        company's numbers holds the numbers first.
        """
        with refusals.noted(self.municipality, actor, made.name, "", self.clock):
            if made.size > self.limits.max_bytes:
                raise self._too_large(made.size)
            known = known_parts(made, self.limits)
        if known is None or storing.is_large(made):
            stored = self.store.write(made.write)
            return self.deal_with(stored, made.name, actor=actor, as_sender=as_sender, known=known)
        stored = StoredFile(made.sha256, made.size)
        try:
            file = self.deal_with(stored, made.name, actor=actor, as_sender=as_sender, known=known)
        except PostingFileRefused:
            self.store.keep_made(made, at=self.clock.now())
            raise
        self.store.keep_made(made, at=self.clock.now())
        return file

    def take(self, source: BinaryIO, file_name: str, *, actor: str) -> StoredFile:
        """Store a file's bytes; raises `PostingFileRefused`, `FileStoreFailed`, what the source raises."""
        with refusals.noted(self.municipality, actor, file_name, "", self.clock):
            try:
                return self.store.take(source, most_bytes=self.limits.max_bytes)
            except FileTooLarge as error:
                raise self._too_large(error.value) from None

    def _too_large(self, size: object) -> PostingFileRefused:
        expected = self.limits.max_bytes
        return PostingFileRefused([PostingFileTooLarge(element="byte", value=size, expected=expected)])

    def deal_with(
        self,
        stored: StoredFile,
        file_name: str,
        *,
        actor: str,
        as_sender: str | None = None,
        known: Known | None = None,
    ) -> PostingFile:
        """The rest of `deliver`, of a file that has been stored; it is read unless its parts are `known`."""
        failpoint("postings_in.stored")
        with (
            refusals.noted(self.municipality, actor, file_name, stored.sha256, self.clock),
            self._vouchers(stored, known) as found,
        ):
            summary = known.summary if known is not None else self._surveyed(stored)
            failpoint("postings_in.surveyed")
            within = in_transaction()
            file, new = self._file(stored, summary, file_name, actor, as_sender)
            failpoint("postings_in.file_committed")
            if file.state == PostingFile.UNDER_WAY:
                self._deal_with(file, found, actor, new=new and within)
        return file

    def unfinished(self) -> list[PostingFile]:
        """The files that were begun and not finished, in order; somebody may be at work on one."""
        begun = PostingFile.select().where(
            PostingFile.municipality == self.municipality, PostingFile.state == PostingFile.UNDER_WAY
        )
        return list(begun.order_by(PostingFile.id))

    def resume(self, file: PostingFile) -> None:
        """Finish a file that was begun from the bytes that are kept of it, behind the last batch.

        Raises `ContentMissing`, `ContentDamaged`, and what `deliver` raises.
        """
        self.store.verify(file.sha256)
        with reading(Task(self.store.as_file(file.sha256), self.municipality, self.limits)) as found:
            self._deal_with(file, found, "resume")

    def _vouchers(
        self, stored: StoredFile, known: Known | None
    ) -> AbstractContextManager[Iterator[list[Examined]]]:
        if known is None:
            return reading(Task(self.store.as_file(stored.sha256), self.municipality, self.limits))
        vouchers = examine(known.documents, self.municipality, self.limits)
        return nullcontext(batches(vouchers, most=self.limits.max_batch))

    def _surveyed(self, stored: StoredFile) -> Summary:
        with self.store.open(stored.sha256) as data:
            try:
                return survey(data, self.limits)
            except PostingsInError as error:
                raise PostingFileRefused([error]) from None

    def _file(
        self, stored: StoredFile, summary: Summary, file_name: str, actor: str, as_sender: str | None
    ) -> tuple[PostingFile, bool]:
        """The file's row, and whether it was made now: or it is the one that it has."""
        fields = summary.control.fields
        sender = sender_of(summary, self.municipality, file_name, as_sender)
        known = find_file(sender, fields["FILE_NAME"], made=self.made)
        if known is None:
            try:
                with transaction():
                    return self._new_file(stored, summary, sender, file_name, actor), True
            except IntegrityError:  # another process was quicker
                known = find_file(sender, fields["FILE_NAME"], made=self.made)
                if known is None:
                    raise
        check_same(known, stored.sha256, fields)
        return known, False

    def _new_file(
        self, stored: StoredFile, summary: Summary, sender: PostingSender, file_name: str, actor: str
    ) -> PostingFile:
        file = create(
            PostingFile,
            uuid=new_uuid(),
            municipality=self.municipality,
            sender=sender,
            name=summary.control.fields["FILE_NAME"],
            called=file_name,
            name_key=key_of(summary.control.fields["FILE_NAME"], made=self.made),
            sha256=stored.sha256,
            size=stored.size,
            state=PostingFile.UNDER_WAY,
            documents=summary.documents,
            control=summary.control.fields,
            received_at=self.clock.now(),
        )
        audit.record(
            _RECEIVED,
            file.uuid,
            actor=actor,
            at=file.received_at,
            municipality=self.municipality,
            file=file.name,
            sha256=file.sha256,
        )
        failpoint("postings_in.file_made")
        return file

    # --- vouchers

    def _deal_with(
        self, file: PostingFile, found: Iterable[Sequence[Examined]], actor: str, *, new: bool = False
    ) -> None:
        """Every voucher that has not been dealt with, batch by batch; then the receipt.

        A `new` file was made in the caller's transaction: nobody else sees it, so it is as we know it.
        """
        delivered_by = _users([actor] if new else [actor, *_deliverers(file)])
        with collecting_seldom():
            for number, batch in enumerate(found, start=1):
                self._deal_with_batch(file, batch, delivered_by, new=new)
                failpoint("postings_in.batch_committed")
                if number in _GROWN:
                    analyze(PostingDocument, Voucher, Posting)
        self._finish(file, new=new)

    @retried
    def _deal_with_batch(
        self, file: PostingFile, batch: Sequence[Examined], delivered_by: tuple[str, ...], *, new: bool
    ) -> None:
        with transaction():
            hold_sender(file.sender)
            held = file if new else _held(file)
            fresh = [document for document in batch if document.position > held.position]
            if not fresh:
                return  # another process has been here
            failpoint("postings_in.batch_begun")
            file.said_root = held.said_root
            file.said_root = enter(file, fresh, delivered_by, self.clock)
            failpoint("postings_in.batch_booked")
            file.position = fresh[-1].position
            update(file, "position", "said_root")
            failpoint("postings_in.position_saved")

    # --- the receipt

    def _finish(self, file: PostingFile, *, new: bool = False) -> None:
        """The receipt, once; whoever comes second finds it."""
        file.finished_at = self.clock.now()
        stored = self._receipt(file)
        failpoint("postings_in.receipt_stored")
        with transaction():
            held = file if new else _held(file)
            if held.state == PostingFile.UNDER_WAY:
                held.state = PostingFile.BOOKED
                held.receipt_sha256 = stored
                held.finished_at = file.finished_at
                held.hash = hash_of_file(held)
                update(held, *_FINISH)
                self._note_finished(held, file.sender)
                failpoint("postings_in.finish_saved")
        failpoint("postings_in.finish_committed")
        file.state, file.receipt_sha256 = held.state, held.receipt_sha256
        file.finished_at = held.finished_at

    def _receipt(self, file: PostingFile) -> str:
        """The hash of the receipt; a message's is stored with it."""

        def fill(out: BinaryIO) -> None:
            write_receipt(file, out)

        if self.made:
            return self.store.keep(fill, at=self.clock.now())
        return self.store.write(fill).sha256

    def _note_finished(self, file: PostingFile, sender: PostingSender) -> None:
        assert file.hash is not None
        audit.record(
            FINISHED,
            file.uuid,
            actor=sender.sender_id,
            at=file.finished_at,
            municipality=self.municipality,
            hash=file.hash.hex(),
        )

    def finish_booked(self, file: PostingFile) -> str | None:
        """The hash of a file's third receipt, written now or before; None while a voucher waits."""
        if file.booked_sha256 is None and (stored := self.write_booked(file)) is not None:
            self.note_booked(file, stored)
        return file.booked_sha256

    def write_booked(self, file: PostingFile) -> StoredFile | None:
        """The third receipt as it is now; None while a voucher waits for a second person, or for its seal."""
        if file.state != PostingFile.BOOKED or not booked.is_decided(file):
            return None
        seals = self.seal_key_file is not None and self.seal_key_file.exists()
        if not booked.is_sealed(file, expected=seals):
            return None
        return self.store.write(lambda out: booked.write(out, file))

    def note_booked(self, file: PostingFile, stored: StoredFile) -> None:
        """This is the third receipt, and no other."""
        with transaction():
            held = _held(file)
            held.booked_sha256 = held.booked_sha256 or stored.sha256
            held.save(only=[PostingFile.booked_sha256])
        file.booked_sha256 = held.booked_sha256


def as_file(documents: Sequence[WrittenDocument], sender: PostingSender, at: datetime) -> tuple[str, bytes]:
    """The name and the bytes of what `make` makes."""
    made = make(documents, sender, at)
    return made.name, made.data


def make(documents: Sequence[WrittenDocument], sender: PostingSender, at: datetime) -> Made:
    """The file that vouchers from another door stand for: named after a second, or the next that is free.

    The same content finds the name that it had. Raises `TooManyAtOnce`.
    """
    in_order = [arranged(document) for document in documents]
    rest = [*chain.from_iterable(map(written, in_order)), END]
    for later in range(_MOST_AT_ONCE):
        moment = at + timedelta(seconds=later)
        day, second = f"{moment:%Y%m%d}", f"{moment:%H%M%S}"
        name = file_name(sender.municipality, sender.short, day, second)
        control = {
            "SENDERID": sender.sender_id,
            "RECEIVER": f"{_CLIENT}{sender.municipality}",
            "FILE_NAME": name,
            "SEND_DATE": day,
            "SEND_TIME": second,
        }
        control = arranged_control(control)
        made = Made(name, [beginning(control), *rest], control, in_order)
        known = find_file(sender, name, made=True)
        if known is None or _is(known, made):
            return made
    raise TooManyAtOnce(value=at.isoformat(), expected=_MOST_AT_ONCE)


def _is(known: PostingFile, made: Made) -> bool:
    """Whether a file is the one that was made."""
    return known.size == made.size and known.sha256 == made.sha256


def limits_of(settings: Settings) -> ReadingLimits:
    """What the settings allow of a file."""
    return ReadingLimits(
        max_bytes=settings.max_posting_file_bytes,
        max_documents=settings.max_posting_documents,
        max_lines=settings.max_posting_lines,
        max_document_bytes=settings.max_posting_document_bytes,
        max_document_elements=settings.max_posting_document_elements,
        max_attachment_bytes=settings.max_posting_attachment_bytes,
        max_batch=settings.max_posting_batch,
    )


def write_receipt(file: PostingFile, out: BinaryIO) -> None:
    """The receipt of a file that is dealt with, from what was said of its vouchers; always the same bytes."""
    page = _page.rows(file, 0)
    if len(page) < _PAGE:
        accepted = sum(taken is not None for *_, taken in page)
    else:
        ((accepted,),) = _accepted.rows(file)
    of_file = receipts.of_file(receipts.Counts(file.documents, accepted), file.control, file.finished_at)
    receipts.write(out, file.control, _returns(file, of_file, page))


def _returns(file: PostingFile, of_file: Iterator[Return], page: list[Any]) -> Iterator[Return]:
    yield from of_file
    rows = page
    while rows:
        for _, document, returns, _ in rows:
            for number, line, kind, text in returns:
                yield Return(number, text, document, line, kind)
        rows = _page.rows(file, rows[-1][0]) if len(rows) == _PAGE else []


@Prepared
def _accepted(file: Any) -> Any:
    taken = PostingDocument.select(fn.COUNT(PostingDocument.voucher_uuid))
    return taken.where(PostingDocument.file == file).tuples()


@Prepared
def _page(file: Any, after: Any) -> Any:
    told = ("position", "number", "returns", "voucher_uuid")
    said = PostingDocument.select(*(getattr(PostingDocument, name) for name in told))
    behind = said.where(PostingDocument.file == file, PostingDocument.position > after)
    return behind.order_by(PostingDocument.position).limit(_PAGE).tuples()


def _deliverers(file: PostingFile) -> Iterator[str]:
    """The actors who brought a file in."""
    return (entry.actor for entry in audit.trail(file.uuid) if entry.event == _RECEIVED)


def _users(actors: Iterable[str]) -> tuple[str, ...]:
    """Those of them who did so at the command line, or go on with it there: they entered its vouchers."""
    return tuple(sorted({name.removeprefix(_USER) for name in actors if name.startswith(_USER)}))


def hold_sender(sender: PostingSender) -> None:
    """Two files of one sender follow each other: a number in both is taken once. To the transaction's end."""
    if is_postgresql():
        PostingSender.select().where(PostingSender.id == sender.id).for_update().execute()


def _held(file: PostingFile) -> PostingFile:
    found: PostingFile = _file_held.first(file.id)
    return found


@Prepared
def _file_held(identity: Any) -> Any:
    query = PostingFile.select().where(PostingFile.id == identity)
    return query.for_update() if is_postgresql() else query
