"""A signed message counts once: shared by every worker through the database, kept past its expiry."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from opus_soap.clock import isoformat
from opus_soap.database import Prepared, transaction
from opus_soap.errors import MessageReplayed
from opus_soap.store.models import ReplayEntry

_HEALTH = "health"  # no SHA-256
_MARGIN = timedelta(hours=1)  # longer than any request may take


def remember(key: str, expires_at: datetime) -> None:
    """Note that a message was accepted, in the transaction of its effect; raises `MessageReplayed`.

    `key` is the SHA-256 of signer and MessageID; `expires_at` is the message's Expires plus the skew.
    Of several transactions at once with the same key, exactly one commits.
    """
    with transaction():
        if not _insert.do(key, isoformat(expires_at)):
            raise MessageReplayed


@Prepared
def _insert(key: Any, expires_at: Any) -> Any:
    """Of two at once the second waits for the first, and then has no effect if that one had."""
    return ReplayEntry.insert(key=key, expires_at=expires_at).on_conflict_ignore()


def note_health(now: datetime) -> None:
    """Write, and commit, a row that means nothing: does the database take what a message would need?"""
    with transaction():
        ReplayEntry.insert(key=_HEALTH, expires_at=now).on_conflict(
            conflict_target=[ReplayEntry.key], update={ReplayEntry.expires_at: now}
        ).execute()


def forget_expired(now: datetime) -> int:
    """Drop what can no longer be replayed because its message expired a while ago; returns how many.

    A while: a request that is under way has looked at the clock before.
    """
    with transaction():
        forgotten: int = ReplayEntry.delete().where(ReplayEntry.expires_at < now - _MARGIN).execute()
    return forgotten
