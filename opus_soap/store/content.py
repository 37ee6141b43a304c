"""Bytes by their SHA-256: documents, raw messages, renderings. Stored once, verified when read.

The hash stays for ever; the bytes may be purged when their retention is over (the right to erasure),
while whatever the ledger holds about them, their hash and their amounts, is untouched.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from opus_soap.database import transaction
from opus_soap.errors import ContentDamaged, ContentMissing
from opus_soap.store.models import Content


def put(data: bytes, media_type: str, *, at: datetime) -> Content:
    """Store bytes under their hash; storing the same bytes again is the same row, its bytes restored."""
    digest = hashlib.sha256(data).hexdigest()
    with transaction():
        Content.insert(
            sha256=digest, size=len(data), media_type=media_type, data=data, stored_at=at
        ).on_conflict_ignore().execute()
        Content.update(data=data, purged_at=None, stored_at=at).where(
            Content.sha256 == digest, Content.data.is_null()
        ).execute()
    return Content.get_by_id(digest)


def get(digest: str) -> bytes:
    """The bytes of a hash; raises `ContentMissing`, `ContentDamaged`."""
    row = Content.get_or_none(Content.sha256 == digest)
    if row is None:
        raise ContentMissing(value=digest, expected="never stored")
    if row.data is None:
        raise ContentMissing(value=digest, expected=f"purged {row.purged_at}")
    data = bytes(row.data)
    actual = hashlib.sha256(data).hexdigest()
    if actual != digest:
        raise ContentDamaged(value=actual, expected=digest)
    return data


def purge(*, now: datetime, retention: timedelta) -> int:
    """Forget the bytes that are older than their retention; returns how many."""
    with transaction():
        purged: int = (
            Content.update(data=None, purged_at=now)
            .where(Content.stored_at < now - retention, Content.data.is_null(False))
            .execute()
        )
    return purged
