"""The outbox: what is to be sent. The table is the queue; a row is owned through a lease.

A worker leases rows, sends, and reports. A worker that died loses its lease and another takes over; a
worker that was too slow finds that its lease is gone and changes nothing. A row whose attempts are
used up is parked, where people see it, and never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from opus_soap.clock import Clock
from opus_soap.database import is_postgresql, new_uuid, transaction
from opus_soap.errors import OutboxEntryUnknown, OutboxStateWrong
from opus_soap.settings import LONGEST_LEASE_SECONDS, LONGEST_WAIT_SECONDS, Settings
from opus_soap.store.models import Content, OutboxEntry, System

_SLACK = timedelta(minutes=10)  # between the clocks of two machines
_LONGEST_WAIT = timedelta(seconds=LONGEST_WAIT_SECONDS) + _SLACK  # whatever this machine's settings are
_LONGEST_LEASE = timedelta(seconds=LONGEST_LEASE_SECONDS) + _SLACK
_ERROR_LENGTH = OutboxEntry.last_error.max_length


def enqueue(
    kind: str,
    *,
    subject: object,
    system: System,
    payload: Mapping[str, Any],
    at: datetime,
    not_before: datetime | None = None,
) -> OutboxEntry:
    """Add a message, in the transaction of the effect that it tells of.

    `kind` names the handler; `payload` holds every identifier of the message, minted now and never
    again; `not_before` delays the first attempt, by a week at most.
    """
    with transaction():
        return OutboxEntry.create(
            uuid=new_uuid(),
            municipality=system.municipality,
            kind=kind,
            subject=str(subject),
            system=system,
            payload=dict(payload),
            next_attempt_at=min(not_before or at, at + timedelta(seconds=LONGEST_WAIT_SECONDS)),
            created_at=at,
        )


def lease(worker: str, limit: int, *, now: datetime, lease_seconds: int) -> list[OutboxEntry]:
    """Own up to `limit` messages that are due, or whose owner's lease has run out; oldest first.

    Each lease has a name of its own, so that two threads of one worker are two owners. A time that lies
    further ahead than anything may be put off was written by a clock that was set back since: it is now.
    """
    owner = f"{worker} {new_uuid().hex[:12]}"
    begins, ends = OutboxEntry.next_attempt_at, OutboxEntry.leased_until
    due = (OutboxEntry.state == OutboxEntry.PENDING) & ((begins <= now) | (begins > now + _LONGEST_WAIT))
    lost = (OutboxEntry.state == OutboxEntry.LEASED) & ((ends < now) | (ends > now + _LONGEST_LEASE))
    with transaction():
        query = (
            OutboxEntry.select()
            .where(due | lost)
            .order_by(OutboxEntry.next_attempt_at, OutboxEntry.id)
            .limit(limit)
        )
        if is_postgresql():
            query = query.for_update(skip_locked=True)
        ids = [row.id for row in query]
        OutboxEntry.update(
            state=OutboxEntry.LEASED,
            leased_by=owner,
            leased_until=now + timedelta(seconds=lease_seconds),
            attempts=OutboxEntry.attempts + 1,
        ).where(OutboxEntry.id.in_(ids)).execute()
        return list(OutboxEntry.select().where(OutboxEntry.id.in_(ids)).order_by(OutboxEntry.id))


def delivered(entry: OutboxEntry, receipt: Content | None, *, at: datetime) -> bool:
    """The message arrived; False when the lease was lost, and then nothing is changed."""
    return _finish(
        entry, state=OutboxEntry.DELIVERED, receipt=receipt, finished_at=at, last_error="", leased_until=None
    )


def failed(
    entry: OutboxEntry,
    error: str,
    *,
    retryable: bool,
    clock: Clock,
    settings: Settings,
    wait_seconds: int | None = None,
) -> str | None:
    """An attempt failed: wait and try again, or park. Returns the new state, None for a lost lease.

    The wait doubles with every attempt; the receiver's own Retry-After may lengthen it. Neither goes
    beyond the longest wait of the settings.
    """
    now = clock.now()
    if not retryable or entry.attempts >= settings.send_max_attempts:
        changed = _finish(
            entry,
            state=OutboxEntry.PARKED,
            last_error=error[:_ERROR_LENGTH],
            finished_at=now,
            leased_until=None,
        )
        return OutboxEntry.PARKED if changed else None
    backoff = settings.send_backoff_seconds * 2 ** min(entry.attempts - 1, 30)
    wait = min(max(backoff, wait_seconds or 0), settings.send_backoff_max_seconds)
    changed = _finish(
        entry,
        state=OutboxEntry.PENDING,
        last_error=error[:_ERROR_LENGTH],
        next_attempt_at=now + timedelta(seconds=wait),
        leased_until=None,
    )
    return OutboxEntry.PENDING if changed else None


def extend(entry: OutboxEntry, *, now: datetime, lease_seconds: int) -> bool:
    """Keep a message longer; False when the lease was lost."""
    until = now + timedelta(seconds=lease_seconds)
    return _finish(entry, leased_until=until)


def _finish(entry: OutboxEntry, **change: object) -> bool:
    """Change a row that we still own: same owner, same attempt."""
    with transaction():
        changed: int = (
            OutboxEntry.update(**change)
            .where(
                OutboxEntry.id == entry.id,
                OutboxEntry.state == OutboxEntry.LEASED,
                OutboxEntry.leased_by == entry.leased_by,
                OutboxEntry.attempts == entry.attempts,
            )
            .execute()
        )
    return changed == 1


def release(uuid: UUID, *, at: datetime) -> None:
    """Try a parked message again from the start, its identifiers unchanged."""
    _move(
        uuid,
        {OutboxEntry.PARKED},
        state=OutboxEntry.PENDING,
        attempts=0,
        next_attempt_at=at,
        finished_at=None,
    )


def park(uuid: UUID, reason: str, *, at: datetime) -> None:
    """Stop trying until somebody releases it."""
    _move(
        uuid,
        {OutboxEntry.PENDING, OutboxEntry.LEASED},
        state=OutboxEntry.PARKED,
        last_error=reason[:_ERROR_LENGTH],
        finished_at=at,
    )


def cancel(uuid: UUID, *, at: datetime) -> None:
    """Never send it. A send that is under way right now may still arrive."""
    _move(
        uuid,
        {OutboxEntry.PENDING, OutboxEntry.LEASED, OutboxEntry.PARKED},
        state=OutboxEntry.CANCELLED,
        finished_at=at,
    )


def _move(uuid: UUID, allowed: set[str], **change: object) -> None:
    with transaction():
        changed = (
            OutboxEntry.update(**change)
            .where(OutboxEntry.uuid == uuid, OutboxEntry.state.in_(sorted(allowed)))
            .execute()
        )
        if changed:
            return
        entry = OutboxEntry.get_or_none(OutboxEntry.uuid == uuid)
        if entry is None:
            raise OutboxEntryUnknown(value=uuid)
        raise OutboxStateWrong(element=str(uuid), value=entry.state, expected=" / ".join(sorted(allowed)))


def waiting_about(subject: object) -> OutboxEntry | None:
    """The newest message about a subject that is not finished for good, or None."""
    found: OutboxEntry | None = (
        OutboxEntry.select()
        .where(
            OutboxEntry.subject == str(subject),
            OutboxEntry.state.in_([OutboxEntry.PENDING, OutboxEntry.LEASED, OutboxEntry.PARKED]),
        )
        .order_by(OutboxEntry.id.desc())
        .first()
    )
    return found
