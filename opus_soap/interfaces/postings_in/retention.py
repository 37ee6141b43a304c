"""Bytes of files of postings whose retention is over: they may hold numbers of persons.

Deleted is what nobody needs any more: refused files, what killed processes left, and files that were dealt
with. Their hashes stay, and so do receipts: no number of a person stands in one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from opus_soap.database import transaction
from opus_soap.store.files import FileStore, forget_each
from opus_soap.store.models import Content, PostingFile


def purge(store: FileStore, *, now: datetime, retention: timedelta) -> int:
    """Delete the files that were stored before their retention began; returns how many.

    It counts from the last time that the same bytes came. What is among the contents is purged there, before,
    and noted here. Raises `FileStoreFailed`.
    """
    before = now - retention
    _note_purged_contents(store, now)

    def forget(sha256: str) -> int:
        if _is_needed(sha256, before):
            return 0
        with transaction():  # told before it is done: whoever is killed between does it the next time
            PostingFile.update(purged_at=now).where(
                PostingFile.sha256 == sha256, PostingFile.purged_at.is_null()
            ).execute()
        return store.forget(sha256)

    return forget_each(list(store.older_than(before.timestamp())), forget)


def _is_needed(sha256: str, before: datetime) -> bool:
    """Whether it is a receipt, or a file that is young or not finished with."""
    receipt = (PostingFile.receipt_sha256 == sha256) | (PostingFile.booked_sha256 == sha256)
    in_use = (PostingFile.state == PostingFile.UNDER_WAY) | (PostingFile.received_at >= before)
    query = PostingFile.select().where(receipt | ((PostingFile.sha256 == sha256) & in_use))
    return bool(query.exists())


def _note_purged_contents(store: FileStore, now: datetime) -> None:
    """What messages stand for is purged among the contents; told so are those that are no file besides."""
    query = PostingFile.select(PostingFile.id, PostingFile.sha256).where(PostingFile.purged_at.is_null())
    contents = query.join(Content, on=(Content.sha256 == PostingFile.sha256))
    for file in list(contents.where(Content.purged_at.is_null(False))):
        if not store.place(file.sha256).exists():
            with transaction():
                PostingFile.update(purged_at=now).where(PostingFile.id == file.id).execute()
