"""What is no longer kept of contents: their bytes, when their retention is over, and what nobody asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from opus_soap.database import is_any_of, is_postgresql, proxy, retried, stored_rows, transaction
from opus_soap.store.content import files_bound, folder_of_files, hashes_of
from opus_soap.store.files import FileStore, forget_each, forget_parts
from opus_soap.store.models import Content, ContentPart, Invoice, InvoiceAttachment, PostingFile
from opus_soap.store.organisation_models import Employee

_PAGE = 200  # files that are looked at together
_ABANDONED = timedelta(days=1)  # nobody is still at work on a file without a row
_LONGEST_WAIT = 2000  # milliseconds for a lock, behind which all who write wait


def purge(*, now: datetime, retention: timedelta) -> int:
    """Forget the bytes that are older than their retention; returns how many. Raises `FileStoreFailed`.

    What an invoice still needs that is not finished with stays, the number of who is employed, and what is
    attached to something that stays; receipts of postings stay for ever.
    """
    purged = _purge_rows(now, now - retention)
    while _forget_parts():  # and now nobody may need what was attached
        purged += _purge_rows(now, now - retention)
    _forget_files()
    return purged


@retried
def _purge_rows(now: datetime, before: datetime) -> int:
    unfinished = Invoice.select(Invoice.id).where(Invoice.state.in_(Invoice.UNFINISHED))
    employed = Employee.select(Employee.personal_sha256).where(Employee.personal_sha256.is_null(False))
    with transaction():
        purged: int = (
            Content.update(data=None, purged_at=now)
            .where(
                Content.stored_at < before,
                Content.purged_at.is_null(),
                Content.sha256.not_in(Invoice.select(Invoice.original).where(Invoice.id.in_(unfinished))),
                Content.sha256.not_in(Invoice.select(Invoice.rendering).where(Invoice.id.in_(unfinished))),
                Content.sha256.not_in(
                    InvoiceAttachment.select(InvoiceAttachment.content).where(
                        InvoiceAttachment.invoice.in_(unfinished)
                    )
                ),
                Content.sha256.not_in(employed),
                Content.sha256.in_(_not_held(before)),
            )
            .execute()
        )
    return purged


def _forget_parts() -> int:
    """The parts of what was purged, though it may have been whole by then; returns of how many."""
    over = Content.select(Content.sha256).where(Content.purged_at.is_null(False))
    some = ContentPart.select(ContentPart.content).where(ContentPart.position == 0)
    forgotten = 0
    for digest in [row[0] for row in stored_rows(some.where(ContentPart.content.in_(over)))]:
        with transaction():
            held = over.where(Content.sha256 == digest)
            if (held.for_update() if is_postgresql() else held).exists():  # nobody has stored it again
                ContentPart.delete().where(ContentPart.content == digest).execute()
                forgotten += 1
    return forgotten


def _forget_files() -> None:
    """The files of what was purged; whoever is killed before it is done does it the next time."""
    purged = Content.select(Content.sha256).where(Content.in_file, Content.purged_at.is_null(False))

    def forget(digest: str) -> int:
        with transaction():
            held = purged.where(Content.sha256 == digest)
            if not (held.for_update() if is_postgresql() else held).exists():  # somebody has stored it again
                return 0
            files_bound(digest).forget(digest)
            return int(Content.update(in_file=False).where(Content.sha256 == digest).execute())

    forget_each(list(hashes_of(purged)), forget)


def forget_abandoned(*, now: datetime) -> int:
    """Delete the files of transactions that came to nothing; returns how many. Raises `FileStoreFailed`."""
    files = folder_of_files()
    if files is None:
        return 0
    forget_parts(files.folder)
    return forget_each(_abandoned(files, now - _ABANDONED), files.forget)


def _abandoned(files: FileStore, before: datetime) -> Iterator[str]:
    """Their hashes; while one is dealt with nobody stores it."""
    old = files.older_than(before.timestamp())
    while some := list(islice(old, _PAGE)):
        if not _without_row(some):  # as a rule, and then nobody is held up
            continue
        with transaction():
            if is_postgresql():  # SQLite has one writer at a time
                proxy.obj.execute_sql(f"SET LOCAL lock_timeout = {_LONGEST_WAIT}")
                proxy.obj.execute_sql('LOCK TABLE "content" IN SHARE ROW EXCLUSIVE MODE')
            yield from _without_row(some)


def _without_row(digests: list[str]) -> set[str]:
    """Those of which no row says that they are files."""
    there = Content.select(Content.sha256).where(is_any_of(Content.sha256, digests), Content.in_file)
    return set(digests) - {row[0] for row in stored_rows(there)}


def _not_held(before: datetime) -> Any:
    """The hashes of what is old and in nothing, but for receipts, and files of postings that are in use.

    Sets taken from a set: PostgreSQL looks through all of a long `NOT IN` for each row.
    """
    old: Any = Content.select(Content.sha256).where(Content.stored_at < before, Content.purged_at.is_null())
    for receipt in (PostingFile.receipt_sha256, PostingFile.booked_sha256):
        old -= PostingFile.select(receipt).where(receipt.is_null(False))
    old -= ContentPart.select(ContentPart.attached).where(ContentPart.attached.is_null(False))
    in_use = (PostingFile.state == PostingFile.UNDER_WAY) | (PostingFile.received_at >= before)
    return old - PostingFile.select(PostingFile.sha256).where(in_use)
