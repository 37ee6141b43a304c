"""Parking: a voucher that two people must agree on is checked and kept, and posted when the second does.

Whoever releases it is another than entered it and has the right to: for the voucher's whole amount, on each
profit centre that it names, or on all of them. It is checked again when it is released, for time has passed;
what is then wrong with it is told, and it stays parked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Any
from uuid import UUID

from opus_soap.clock import Clock
from opus_soap.database import is_postgresql, new_uuid, transaction
from opus_soap.errors import (
    LedgerError,
    ParkedVoucherDecided,
    ParkedVoucherUnknown,
    ReleaseByTheSame,
    ReleaseNotAllowed,
    VoucherRefused,
)
from opus_soap.ledger.drafts import PostingLine, VoucherDraft
from opus_soap.ledger.models import ParkedVoucher, UserRight, Voucher
from opus_soap.ledger.posting import checked, post
from opus_soap.money import kroner_from_ore
from opus_soap.store import audit

_NOT_KEPT = ("company_code", "lines", "reverses", "uuid")


def park_many(drafts: Sequence[VoucherDraft], clock: Clock) -> list[ParkedVoucher | VoucherRefused]:
    """Check drafts of one company code and keep those that are good; what came of each is in its place."""
    if not drafts:
        return []
    with transaction():
        return [refused or _park(draft, clock) for draft, refused in checked(drafts)]


def release(uuid: UUID, *, user: str, actor: str, clock: Clock) -> Voucher:
    """Post a parked voucher; `user` is who answers for it, `actor` who is at the keyboard.

    Raises `ParkedVoucherUnknown`, `ParkedVoucherDecided`, `VoucherRefused` with everything that hinders it.
    """
    with transaction():
        parked = _held(uuid)
        draft = draft_of(parked)
        errors = list(_check_rights(parked, draft, user))
        if errors:
            raise VoucherRefused(errors)
        voucher = post(replace(draft, details={**(draft.details or {}), "RELEASED_BY": user}), clock)
        _decide(parked, ParkedVoucher.RELEASED, user, actor, clock)
        return voucher


def dismiss(uuid: UUID, *, user: str, actor: str, reason: str, clock: Clock) -> ParkedVoucher:
    """Decide that a parked voucher is never posted; raises `ParkedVoucherUnknown`, `ParkedVoucherDecided`."""
    with transaction():
        parked = _held(uuid)
        parked.reason = reason
        _decide(parked, ParkedVoucher.DISMISSED, user, actor, clock)
        return parked


def set_right(
    municipality: str, user: str, profit_center: str, *, limit_ore: int, actor: str, clock: Clock
) -> None:
    """Let a user release vouchers up to an amount, on a profit centre (empty: all); 0 takes it away."""
    key = {"municipality": municipality, "user": user.casefold(), "profit_center": profit_center}
    with transaction():
        UserRight.delete().where(
            *(getattr(UserRight, name) == value for name, value in key.items())
        ).execute()
        if limit_ore:
            UserRight.create(limit_ore=limit_ore, **key)
        audit.record("right.set", user, actor=actor, at=clock.now(), limit_ore=limit_ore, **key)


def draft_of(parked: ParkedVoucher) -> VoucherDraft:
    """The draft that was parked."""
    kept = dict(parked.draft)
    lines = [{**line, "value_date": _day(line["value_date"])} for line in kept.pop("lines")]
    reverses = kept.pop("reverses")
    return VoucherDraft(
        company_code=parked.company_code,
        lines=tuple(PostingLine(**line) for line in lines),
        reverses=Voucher.get(Voucher.uuid == UUID(reverses)) if reverses else None,
        uuid=parked.uuid,
        document_date=date.fromisoformat(kept.pop("document_date")),
        posting_date=date.fromisoformat(kept.pop("posting_date")),
        **kept,
    )


def amount_of(draft: VoucherDraft) -> int:
    """What a voucher is about, in øre: the sum of its debit lines."""
    return sum(line.amount_ore for line in draft.lines if line.amount_ore > 0)


def _park(draft: VoucherDraft, clock: Clock) -> ParkedVoucher:
    kept: dict[str, Any] = {
        field.name: getattr(draft, field.name) for field in fields(draft) if field.name not in _NOT_KEPT
    }
    kept |= {name: kept[name].isoformat() for name in ("document_date", "posting_date")}
    kept["reverses"] = str(draft.reverses.uuid) if draft.reverses else None
    kept["lines"] = [
        {**line._asdict(), "value_date": line.value_date.isoformat() if line.value_date else None}
        for line in draft.lines
    ]
    parked = ParkedVoucher.create(
        uuid=draft.uuid or new_uuid(),
        company_code=draft.company_code,
        reference=draft.reference,
        document_type=draft.document_type,
        posting_date=draft.posting_date,
        amount_ore=amount_of(draft),
        entered_by=draft.entered_by,
        source=draft.source,
        draft=kept,
        state=ParkedVoucher.PARKED,
        parked_at=clock.now(),
    )
    _note(parked, actor=draft.entered_by, clock=clock)
    return parked


def _decide(parked: ParkedVoucher, state: str, user: str, actor: str, clock: Clock) -> None:
    parked.state, parked.decided_by, parked.decided_at = state, user, clock.now()
    parked.save()
    _note(parked, actor=actor, clock=clock, user=user, reason=parked.reason)


def _note(parked: ParkedVoucher, *, actor: str, clock: Clock, **detail: object) -> None:
    audit.record(
        f"voucher.{parked.state}",
        parked.uuid,
        actor=actor,
        at=clock.now(),
        municipality=parked.company_code.municipality_id,
        reference=parked.reference,
        amount_ore=parked.amount_ore,
        **detail,
    )


def _check_rights(parked: ParkedVoucher, draft: VoucherDraft, user: str) -> Iterator[LedgerError]:
    entered = {parked.entered_by, (draft.details or {}).get("USERNAME", "")}
    if user.casefold() in {name.casefold() for name in entered}:
        yield ReleaseByTheSame(value=user)
    rights = {
        right.profit_center: right.limit_ore
        for right in UserRight.select().where(
            UserRight.municipality == parked.company_code.municipality_id, UserRight.user == user.casefold()
        )
    }
    for center in sorted({line.profit_center or "" for line in draft.lines} - {""}) or [""]:
        limit = max(rights.get(center, -1), rights.get("", -1))
        if parked.amount_ore > limit:
            yield ReleaseNotAllowed(
                element=user,
                value=f"{center or '*'}: {kroner_from_ore(parked.amount_ore)}",
                expected=f"≤ {kroner_from_ore(limit)}" if limit >= 0 else "-",
            )


def _held(uuid: UUID) -> ParkedVoucher:
    query = ParkedVoucher.select().where(ParkedVoucher.uuid == uuid)
    found: ParkedVoucher | None = (query.for_update() if is_postgresql() else query).first()
    if found is None:
        raise ParkedVoucherUnknown(value=uuid)
    if found.state != ParkedVoucher.PARKED:
        raise ParkedVoucherDecided(element=str(uuid), value=found.state, expected=found.decided_by or "-")
    return found


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
