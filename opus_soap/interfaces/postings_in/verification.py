"""Is what was kept of delivered files still what it was? Every file, every receipt, what was said in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from io import BufferedIOBase
from typing import Any, BinaryIO, cast
from uuid import UUID

from peewee import JOIN

from opus_soap.clock import from_isoformat, isoformat
from opus_soap.database import stored_rows
from opus_soap.errors import ContentDamaged, ContentLost, ContentMissing
from opus_soap.interfaces.postings_in.proofs import FINISHED, HASHED, SAID, hash_of, root_after
from opus_soap.interfaces.postings_in.receiving import write_receipt
from opus_soap.ledger.models import ParkedVoucher, Voucher
from opus_soap.store.audit import trail
from opus_soap.store.files import FileStore
from opus_soap.store.models import NOTHING_SAID, PostingDocument, PostingFile

_FACTS = (*HASHED, "hash", "booked_sha256", "purged_at")
_PAGE = 1000
_HEX = re.compile("[0-9a-f]{32}")


def verify_files(
    store: FileStore, municipality: str | None = None, *, unfinished_since: datetime | None = None
) -> Iterator[str]:
    """What does not hold, of one municipality or all; memory does not grow with the files.

    A file that came before `unfinished_since` should have been finished by now.
    """
    query = PostingFile.select(*(getattr(PostingFile, name) for name in ("id", *_FACTS)))
    if municipality is not None:
        query = query.where(PostingFile.municipality == municipality)
    since = isoformat(unfinished_since) if unfinished_since is not None else ""
    for identity, *values in _pages(query, PostingFile.id):
        yield from _check_file(store, identity, dict(zip(_FACTS, values, strict=True)), since)
    if municipality is None:
        strays = PostingDocument.select().join(PostingFile, JOIN.LEFT_OUTER).where(PostingFile.id.is_null())
        if count := strays.count():
            yield f"{count} vouchers were delivered in files that are gone"


def _pages(query: Any, place: Any) -> Iterator[tuple[Any, ...]]:
    """A query's rows in the order of their first column, some at a time."""
    query = query.order_by(place).limit(_PAGE)
    page = stored_rows(query)
    while page:
        yield from page
        page = stored_rows(query.where(place > page[-1][0]))


def _check_file(store: FileStore, identity: int, facts: dict[str, Any], since: str) -> Iterator[str]:
    """Rows as the database holds them: only what holds is read as what it says."""
    name, receipt = facts["name"], facts["receipt_sha256"]
    wrong = [*_check_said(identity, facts), *_check_row(facts), *_check_purged(facts)]
    yield from wrong
    yield from _check_vouchers(identity, name)
    yield from _check_stored(store, name, facts["sha256"], may_be_gone=facts["purged_at"] is not None)
    if facts["state"] == PostingFile.UNDER_WAY and facts["received_at"] < since:
        yield (
            f"{name}: {facts['position']} of {facts['documents']} vouchers dealt with, and then no more "
            "(opus-soap postings resume)"
        )
    if receipt is not None:
        yield from _check_stored(store, f"receipt of {name}", receipt)
        if not wrong and _written_again(PostingFile.get_by_id(identity)) != receipt:
            yield f"receipt of {name}: is not what was said of its vouchers"
    if facts["booked_sha256"] is not None:
        yield from _check_stored(store, f"third receipt of {name}", facts["booked_sha256"])


def _check_said(identity: int, facts: dict[str, Any]) -> Iterator[str]:
    """What was said of the vouchers, each and in their order, as far as the file has come."""
    query = PostingDocument.select(*(getattr(PostingDocument, name) for name in SAID))
    root, count = NOTHING_SAID, 0
    for row in _pages(query.where(PostingDocument.file == identity), PostingDocument.position):
        root, count = root_after(root, [row]), count + 1
    if root != bytes(facts["said_root"]) or count != facts["position"]:
        yield f"{facts['name']}: what was said of its vouchers has been changed"


def _check_row(facts: dict[str, Any]) -> Iterator[str]:
    """The file's own row, from when it was finished on."""
    stored, name = facts["hash"], facts["name"]
    noted = {entry.detail.get("hash") for entry in trail(_uuid(facts["uuid"])) if entry.event == FINISHED}
    if stored is None:
        if noted or facts["state"] == PostingFile.BOOKED or facts["receipt_sha256"] is not None:
            yield f"{name}: has no hash, though it was finished"
        return
    found = bytes(stored)
    if hash_of([facts[column] for column in HASHED]) != found or noted - {found.hex()}:
        yield f"{name}: what is known of the file has been changed"


def _check_purged(facts: dict[str, Any]) -> Iterator[str]:
    """When its bytes were purged is an instant."""
    stored, name = facts["purged_at"], facts["name"]
    if stored is None:
        return
    try:
        from_isoformat(stored)
    except ValueError:
        yield f"{name}: what is known of its purge has been changed"


def _uuid(stored: object) -> object:
    """As the audit trail calls it."""
    return UUID(stored) if isinstance(stored, str) and _HEX.fullmatch(stored) else stored


def _check_vouchers(identity: int, name: str) -> Iterator[str]:
    """Every voucher that was taken is in the books, or was parked."""
    gone = (
        PostingDocument.select(PostingDocument.position, PostingDocument.number)
        .join(Voucher, JOIN.LEFT_OUTER, on=(Voucher.uuid == PostingDocument.voucher_uuid))
        .switch(PostingDocument)
        .join(ParkedVoucher, JOIN.LEFT_OUTER, on=(ParkedVoucher.uuid == PostingDocument.voucher_uuid))
        .where(
            PostingDocument.file == identity,
            PostingDocument.voucher_uuid.is_null(False),
            Voucher.id.is_null(),
            ParkedVoucher.id.is_null(),
        )
    )
    for row in gone.iterator():
        yield f"{name}#{row.position} ({row.number}): its voucher is not in the books"


def _check_stored(store: FileStore, name: str, digest: str, *, may_be_gone: bool = False) -> Iterator[str]:
    """Purged bytes are no damage; those that are there must be the right ones all the same."""
    try:
        store.verify(digest)
    except ContentMissing:
        if may_be_gone:
            return
        yield f"{name}: {digest} is missing"
    except ContentLost:
        yield f"{name}: {digest} cannot be read"
    except ContentDamaged:
        yield f"{name}: {digest} has been changed"


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
