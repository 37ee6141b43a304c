"""The audit trail: who did what, when, to what."""

from __future__ import annotations

from datetime import datetime

from opus_soap.database import transaction
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
        return AuditEntry.create(
            at=at,
            municipality=municipality,
            actor=actor,
            event=event,
            subject=str(subject),
            detail={name: str(value) for name, value in detail.items()},
        )


def trail(subject: object) -> list[AuditEntry]:
    """Everything that happened to a subject, oldest first."""
    return list(AuditEntry.select().where(AuditEntry.subject == str(subject)).order_by(AuditEntry.id))
