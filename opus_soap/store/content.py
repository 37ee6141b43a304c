"""Bytes by their SHA-256: documents, raw messages, renderings. Stored once, verified when read.

The hash stays for ever; the bytes may be purged when their retention is over (the right to erasure),
while whatever the ledger holds about them, their hash and their amounts, is untouched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from peewee import EXCLUDED, fn

from opus_soap.clock import isoformat
from opus_soap.database import Prepared, insert_rows, stored_rows, transaction
from opus_soap.errors import Both, ContentDamaged, ContentMissing
from opus_soap.store.models import Content, Invoice, InvoiceAttachment, PostingFile
from opus_soap.store.organisation_models import Employee

_PAGE, _BATCH_BYTES = 200, 8 * 1024 * 1024  # what is verified at once: rows, bytes
_AFRESH = timedelta(days=1)  # retention is counted in days: no lock on a shared row for less
NEVER_STORED = Both("aldrig gemt", "never stored")


def digest_of(data: bytes) -> str:
    """The hash that bytes are stored under."""
    return hashlib.sha256(data).hexdigest()


def put(data: bytes, media_type: str, *, at: datetime) -> Content:
    """Store bytes under their hash; the same bytes again are the same row.

    Retention counts from the last time: whoever stores them next must find them as long as the first.
    """
    return _put(digest_of(data), data, media_type, at)


def _put(digest: str, data: bytes, media_type: str, at: datetime) -> Content:
    row = Content(sha256=digest, size=len(data), media_type=media_type, data=data, stored_at=at)
    with transaction():
        _insert.do(digest, row.size, media_type, data, isoformat(at), at - _AFRESH)
    return row


@Prepared
def _insert(sha256: Any, size: Any, media_type: Any, data: Any, stored_at: Any, afresh: Any) -> Any:
    new = Content.insert(sha256=sha256, size=size, media_type=media_type, data=data, stored_at=stored_at)
    return new.on_conflict(
        conflict_target=[Content.sha256],
        update={Content.data: EXCLUDED.data, Content.purged_at: None, Content.stored_at: EXCLUDED.stored_at},
        where=Content.data.is_null() | (Content.stored_at < afresh),
    )


def put_all(items: Iterable[tuple[bytes, str]], *, at: datetime) -> list[Content]:
    """Store several (bytes, media type) and return them in their order.

    They are written in the order of their hashes, so that two who store the same wait for each other
    instead of blocking each other for good.
    """
    given = list(items)
    digests = [digest_of(data) for data, _ in given]
    rows = put_hashed(zip(digests, given, strict=True), at=at)
    return [rows[digest] for digest in digests]


def put_hashed(items: Iterable[tuple[str, tuple[bytes, str]]], *, at: datetime) -> dict[str, Content]:
    """The same, by whoever has computed their hashes: to each of them its row."""
    in_order = sorted(items, key=itemgetter(0))
    return {digest: _put(digest, data, media_type, at) for digest, (data, media_type) in in_order}


def put_new(items: Iterable[tuple[bytes, str, datetime]]) -> list[Content]:
    """Store several (bytes, media type, when) at once, in the caller's transaction, as their first.

    They must hold an identifier of their own: peewee's IntegrityError where the same bytes are there already.
    """
    rows = [
        Content(sha256=digest_of(data), size=len(data), media_type=media_type, data=data, stored_at=at)
        for data, media_type, at in items
    ]
    columns = ("sha256", "size", "media_type", "data", "stored_at")
    insert_rows(Content, columns, [[row.__data__[name] for name in columns] for row in rows])
    return rows


def put_back(data: bytes, *, at: datetime) -> bool:
    """Store bytes again that were purged; False, and nothing is stored, when they were not."""
    digest = digest_of(data)
    with transaction():
        changed: int = (
            Content.update(data=data, purged_at=None, stored_at=at)
            .where(Content.sha256 == digest, Content.data.is_null())
            .execute()
        )
    return changed == 1


def note(data: bytes, media_type: str, *, at: datetime) -> Content:
    """Keep the hash and the size alone, as of purged content; what is there already stays."""
    row = Content(
        sha256=digest_of(data),
        size=len(data),
        media_type=media_type,
        stored_at=at,
        purged_at=at,
    )
    with transaction():
        Content.insert(row.__data__).on_conflict_ignore().execute()
    return row


def get(digest: str) -> bytes:
    """The bytes of a hash; raises `ContentMissing`, `ContentDamaged`."""
    row = Content.get_or_none(Content.sha256 == digest)
    if row is None:
        raise ContentMissing(value=digest, expected=NEVER_STORED)
    if row.data is None:
        raise ContentMissing(
            value=digest, expected=Both(f"slettet {row.purged_at}", f"purged {row.purged_at}")
        )
    data = bytes(row.data)
    actual = hashlib.sha256(data).hexdigest()
    if actual != digest:
        raise ContentDamaged(value=actual, expected=digest)
    return data


def verify() -> Iterator[str]:
    """What is no longer what its hash says; of what was purged the hash alone is kept.

    Read by some bytes at a time: PostgreSQL hands over all that is asked for at once.
    """
    for some in _in_batches():
        rows = Content.select(Content.sha256, Content.data).where(Content.sha256.in_(some))
        for row in rows.where(Content.data.is_null(False)).order_by(Content.sha256):
            if digest_of(bytes(row.data or b"")) != row.sha256:
                yield f"content {row.sha256}: has been changed"


def _in_batches() -> Iterator[list[str]]:
    """The hashes of all that is there, in their order, by so many as are not too many bytes; one at least."""
    batch: list[str] = []
    left = _BATCH_BYTES
    for sha256, size in _sizes():
        if batch and size > left:
            yield batch
            batch, left = [], _BATCH_BYTES
        batch.append(sha256)
        left -= size
    if batch:
        yield batch


def _sizes() -> Iterator[tuple[str, int]]:
    after = ""
    there = Content.select(Content.sha256, fn.LENGTH(Content.data)).where(Content.data.is_null(False))
    while page := stored_rows(there.where(Content.sha256 > after).order_by(Content.sha256).limit(_PAGE)):
        yield from page
        after = page[-1][0]


def purge(*, now: datetime, retention: timedelta) -> int:
    """Forget the bytes that are older than their retention; returns how many.

    What an invoice still needs that is not finished with stays, and the number of who is employed; receipts
    of postings stay for ever.
    """
    unfinished = Invoice.select(Invoice.id).where(Invoice.state.in_(Invoice.UNFINISHED))
    employed = Employee.select(Employee.personal_sha256).where(Employee.personal_sha256.is_null(False))
    with transaction():
        purged: int = (
            Content.update(data=None, purged_at=now)
            .where(
                Content.stored_at < now - retention,
                Content.data.is_null(False),
                Content.sha256.not_in(Invoice.select(Invoice.original).where(Invoice.id.in_(unfinished))),
                Content.sha256.not_in(Invoice.select(Invoice.rendering).where(Invoice.id.in_(unfinished))),
                Content.sha256.not_in(
                    InvoiceAttachment.select(InvoiceAttachment.content).where(
                        InvoiceAttachment.invoice.in_(unfinished)
                    )
                ),
                Content.sha256.not_in(employed),
                *(Content.sha256.not_in(some) for some in _of_postings(now - retention)),
            )
            .execute()
        )
    return purged


def _of_postings(before: datetime) -> Iterator[Any]:
    """The hashes of receipts, and of files that are young or not finished with."""
    for receipt in (PostingFile.receipt_sha256, PostingFile.booked_sha256):
        yield PostingFile.select(receipt).where(receipt.is_null(False))
    in_use = (PostingFile.state == PostingFile.UNDER_WAY) | (PostingFile.received_at >= before)
    yield PostingFile.select(PostingFile.sha256).where(in_use)
