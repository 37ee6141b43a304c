"""The audit trail: who did what, when, to what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opus_soap.database import Prepared, create, transaction
from opus_soap.store.models import AuditEntry


def record(
    event: str,
    subject: object,
    *,
    actor: str,
    at: datetime,
    municipality: str | None = None,
    **detail: object,
) -> AuditEntry:
    """Note an event (`invoice.sent`) about a subject (its UUID), in the caller's transaction."""
    with transaction():
        return create(
            AuditEntry,
            at=at,
            municipality=municipality,
            actor=actor,
            event=event,
            subject=str(subject),
            detail={name: _told(value) for name, value in detail.items()},
        )


def _told(value: object) -> object:
    """As JSON holds it; numbers are texts, so that JSON it stays when a part of one is masked."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return {str(name): _told(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_told(part) for part in value]
    return str(value)


def trail(subject: object) -> list[AuditEntry]:
    """Everything that happened to a subject, oldest first."""
    return _about.rows(str(subject))


@Prepared
def _about(subject: Any) -> Any:
    return AuditEntry.select().where(AuditEntry.subject == subject).order_by(AuditEntry.id)
