"""Is what was kept of delivered files still what it was? Every file, every receipt, what was said in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from io import BufferedIOBase
from typing import BinaryIO, cast

from peewee import JOIN

from opus_soap.errors import ContentDamaged, ContentMissing
from opus_soap.interfaces.postings_in.receiving import write_receipt
from opus_soap.ledger.models import ParkedVoucher, Voucher
from opus_soap.store.files import FileStore
from opus_soap.store.models import PostingDocument, PostingFile


def verify_files(
    store: FileStore, municipality: str | None = None, *, unfinished_since: datetime | None = None
) -> Iterator[str]:
    """What does not hold, of one municipality or all; memory does not grow with the files.

    A file that came before `unfinished_since` should have been finished by now.
    """
    query = PostingFile.select()
    if municipality is not None:
        query = query.where(PostingFile.municipality == municipality)
    for file in query.order_by(PostingFile.id).iterator():
        yield from _check_vouchers(file)
        yield from _check_stored(store, file.name, file.sha256, may_be_gone=file.purged_at is not None)
        if file.state == PostingFile.UNDER_WAY and unfinished_since and file.received_at < unfinished_since:
            yield (
                f"{file.name}: {file.position} of {file.documents} vouchers dealt with, and then no more "
                "(opus-soap postings resume)"
            )
        if file.receipt_sha256 is not None:
            yield from _check_stored(store, f"receipt of {file.name}", file.receipt_sha256)
            if _written_again(file) != file.receipt_sha256:
                yield f"receipt of {file.name}: is not what was said of its vouchers"
        if file.booked_sha256 is not None:
            yield from _check_stored(store, f"third receipt of {file.name}", file.booked_sha256)


def _check_vouchers(file: PostingFile) -> Iterator[str]:
    """Every voucher that was taken is in the books, or was parked."""
    gone = (
        PostingDocument.select(PostingDocument.position, PostingDocument.number)
        .join(Voucher, JOIN.LEFT_OUTER, on=(Voucher.uuid == PostingDocument.voucher_uuid))
        .switch(PostingDocument)
        .join(ParkedVoucher, JOIN.LEFT_OUTER, on=(ParkedVoucher.uuid == PostingDocument.voucher_uuid))
        .where(
            PostingDocument.file == file,
            PostingDocument.voucher_uuid.is_null(False),
            Voucher.id.is_null(),
            ParkedVoucher.id.is_null(),
        )
    )
    for row in gone.iterator():
        yield f"{file.name}#{row.position} ({row.number}): its voucher is not in the books"


def _check_stored(store: FileStore, name: str, digest: str, *, may_be_gone: bool = False) -> Iterator[str]:
    """Purged bytes are no damage; those that are there must be the right ones all the same."""
    try:
        store.verify(digest)
    except ContentMissing:
        if may_be_gone:
            return
        yield f"{name}: {digest} is missing from the file store"
    except ContentDamaged:
        yield f"{name}: {digest} has been changed in the file store"


def _written_again(file: PostingFile) -> str:
    digest = _Digest()
    write_receipt(file, cast(BinaryIO, digest))
    return digest.sha256.hexdigest()


class _Digest(BufferedIOBase):
    """A file that only its hash is kept of."""

    def __init__(self) -> None:
        self.sha256 = sha256()

    def write(self, data: object, /) -> int:
        """Take bytes in."""
        assert isinstance(data, bytes)
        self.sha256.update(data)
        return len(data)
