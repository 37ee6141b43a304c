"""The message archive: every message in and out, raw, accepted or refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from opus_soap.database import create, transaction
from opus_soap.encoded import LONG, Piece
from opus_soap.encoded import pieces as cut
from opus_soap.errors import ArchivedMessageUnknown
from opus_soap.store import content as contents
from opus_soap.store.models import ArchivedMessage, System

_MEDIA_TYPE = "text/xml"
SENT = "sent"
"""The outcome of what leaves: it is kept before it goes. What came of it is a row of its own."""


def record(
    *,
    direction: str,
    content: bytes,
    pieces: Sequence[Piece] = (),
    correlation_id: UUID,
    at: datetime,
    endpoint: str,
    outcome: str,
    action: str = "",
    message_id: str = "",
    municipality: str | None = None,
    system: System | None = None,
    http_status: int | None = None,
    most_bytes: int | None = None,
) -> ArchivedMessage:
    """Keep one message, in the caller's transaction or one of its own.

    `direction` is `in` or `out`; `correlation_id` is shared by a request and its answer; `outcome` is
    `ok`, `SENT` or the code of the error; `pieces` are those of the content, where they are known. A message
    of more than `most_bytes` is kept by hash and size alone.
    """
    assert not pieces or sum(map(len, pieces)) == len(content)
    with transaction():
        stored = (
            contents.put_pieces(pieces or cut(content, LONG), _MEDIA_TYPE, at=at)
            if most_bytes is None or len(content) <= most_bytes
            else contents.note(content, _MEDIA_TYPE, at=at)
        )
        return create(
            ArchivedMessage,
            correlation_id=correlation_id,
            direction=direction,
            at=at,
            municipality=municipality,
            system=system,
            endpoint=endpoint,
            action=action,
            message_id=message_id,
            content=stored,
            http_status=http_status,
            outcome=outcome,
        )


def find(identifier: str) -> list[ArchivedMessage]:
    """The messages with this number, correlation id or MessageID, oldest first; at least one.

    Raises `ArchivedMessageUnknown`.
    """
    query = ArchivedMessage.message_id == identifier
    if re.fullmatch("[0-9]{1,18}", identifier):
        query |= ArchivedMessage.id == int(identifier)
    with suppress(ValueError):
        query |= ArchivedMessage.correlation_id == UUID(identifier)
    found = list(ArchivedMessage.select().where(query).order_by(ArchivedMessage.id))
    if not found:
        raise ArchivedMessageUnknown(value=identifier)
    return found


def latest(limit: int, *, outcome: str | None = None) -> Iterator[ArchivedMessage]:
    """The newest messages first; with `outcome`, only those that ended so."""
    query = ArchivedMessage.select().order_by(ArchivedMessage.id.desc()).limit(limit)
    if outcome is not None:
        query = query.where(ArchivedMessage.outcome == outcome)
    return iter(query)
