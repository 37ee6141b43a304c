"""Parking: a voucher that two people must agree on is checked and kept, and posted when the second does.

Whoever releases it is another than entered it and has the right to: for the voucher's whole amount, on each
profit centre that it names, or on all of them; lines that name none need the right to all. Whoever dismisses
it is another, too, with any right that covers its amount. Rights that name an EAN are for its invoices alone:
they release and dismiss nothing. It is checked again when it is released, for time has passed; what is then
wrong with it is told, and it stays parked. So does one that is not what was parked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Any
from uuid import UUID

from opus_soap.clock import Clock
from opus_soap.database import (
    is_postgresql,
    new_uuid,
    retried,
    stored_rows,
    stored_values,
    transaction,
)
from opus_soap.errors import (
    DecisionRefused,
    DismissalNotAllowed,
    LedgerError,
    ParkedVoucherChanged,
    ParkedVoucherDecided,
    ParkedVoucherUnknown,
    ReleaseByTheSame,
    ReleaseNotAllowed,
    VoucherRefused,
)
from opus_soap.ledger.drafts import PostingLine, VoucherDraft
from opus_soap.ledger.hashing import row_hash
from opus_soap.ledger.models import ParkedVoucher, UserRight, Voucher
from opus_soap.ledger.posting import checked, post
from opus_soap.money import danish
from opus_soap.store import audit

FORM = "opus-soap-parked-voucher-1"
# what is hashed when a voucher is parked, and never changes
KEPT = (
    "uuid",
    "company_code",
    "reference",
    "document_type",
    "posting_date",
    "amount_ore",
    "entered_by",
    "source",
    "draft",
    "reverses",
    "parked_at",
)
ALL = ""  # the right to all profit centres, and to lines without one
_NOT_KEPT = ("company_code", "lines", "reverses", "uuid")


def park_many(drafts: Sequence[VoucherDraft], clock: Clock) -> list[ParkedVoucher | VoucherRefused]:
    """Check drafts of one company code and keep those that are good; what came of each is in its place."""
    if not drafts:
        return []
    with transaction():
        judged = checked(drafts, waits=[True] * len(drafts))
        return [refused or park(draft, clock) for draft, refused in judged]


@retried
def release(uuid: UUID, *, user: str, actor: str, clock: Clock) -> Voucher:
    """Post a parked voucher; `user` is who answers for it, `actor` who is at the keyboard.

    Raises `ParkedVoucherUnknown`, `ParkedVoucherDecided`, `ParkedVoucherChanged`, `DecisionRefused` when the
    user may not, `VoucherRefused` with everything else that hinders it.
    """
    with transaction():
        parked = _held(uuid)
        if not is_unchanged(parked):
            raise ParkedVoucherChanged(value=uuid)
        draft = _draft(parked)
        _require(_check_release(parked, draft, user))
        brought = {"DELIVERED_BY": ", ".join(draft.delivered_by)} if draft.delivered_by else {}
        details = {**(draft.details or {}), **brought, "RELEASED_BY": user}
        voucher = post(replace(draft, details=details), clock)
        _decide(parked, ParkedVoucher.RELEASED, user, actor, clock)
        return voucher


@retried
def dismiss(uuid: UUID, *, user: str, actor: str, reason: str, clock: Clock) -> ParkedVoucher:
    """Decide that a parked voucher is never posted, whatever it is by now.

    Raises `ParkedVoucherUnknown`, `ParkedVoucherDecided`, `DecisionRefused`.
    """
    with transaction():
        parked = _held(uuid)
        _require(_check_dismissal(parked, _draft(parked) if is_unchanged(parked) else None, user))
        parked.reason = reason
        _decide(parked, ParkedVoucher.DISMISSED, user, actor, clock)
        return parked


def is_unchanged(parked: ParkedVoucher) -> bool:
    """Whether a parked voucher is what it was when it was parked, to the byte."""
    query = ParkedVoucher.select(*(getattr(ParkedVoucher, name) for name in (*KEPT, "hash")))
    ((*kept, stored),) = stored_rows(query.where(ParkedVoucher.id == parked.id))
    return row_hash(FORM, kept) == bytes(stored)


def set_right(
    municipality: str,
    user: str,
    profit_center: str,
    *,
    limit_ore: int,
    actor: str,
    clock: Clock,
    ean: str = "",
) -> None:
    """Let a user release vouchers up to an amount, on a profit centre (empty: all); 0 takes it away.

    With an EAN it is the right to invoices that are addressed to it, and not to vouchers.
    """
    key = {
        "municipality": municipality,
        "user": user.casefold(),
        "profit_center": profit_center,
        "ean": ean,
    }
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
        delivered_by=tuple(kept.pop("delivered_by", ())),
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


def park(draft: VoucherDraft, clock: Clock) -> ParkedVoucher:
    """Keep a draft that was `checked` in the caller's transaction, and is good."""
    kept: dict[str, Any] = {
        field.name: getattr(draft, field.name) for field in fields(draft) if field.name not in _NOT_KEPT
    }
    kept |= {name: kept[name].isoformat() for name in ("document_date", "posting_date")}
    kept["reverses"] = str(draft.reverses.uuid) if draft.reverses else None
    kept["lines"] = [
        {**line._asdict(), "value_date": line.value_date.isoformat() if line.value_date else None}
        for line in draft.lines
    ]
    parked = ParkedVoucher(
        uuid=draft.uuid or new_uuid(),
        company_code=draft.company_code,
        reference=draft.reference,
        document_type=draft.document_type,
        posting_date=draft.posting_date,
        amount_ore=amount_of(draft),
        entered_by=draft.entered_by,
        source=draft.source,
        draft=kept,
        reverses=draft.reverses,
        parked_at=clock.now(),
        state=ParkedVoucher.PARKED,
    )
    parked.hash = row_hash(FORM, stored_values(parked, KEPT))
    parked.save(force_insert=True)
    _note(parked, actor=draft.entered_by, clock=clock)
    return parked


def _decide(parked: ParkedVoucher, state: str, user: str, actor: str, clock: Clock) -> None:
    parked.state, parked.decided_by, parked.decided_at = state, user, clock.now()
    parked.save(
        only=[
            ParkedVoucher.state,
            ParkedVoucher.decided_by,
            ParkedVoucher.decided_at,
            ParkedVoucher.reason,
        ]
    )
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


def _require(errors: Iterator[LedgerError]) -> None:
    found = list(errors)
    if found:
        raise DecisionRefused(found)


def _check_release(parked: ParkedVoucher, draft: VoucherDraft, user: str) -> Iterator[LedgerError]:
    yield from _check_second(parked, draft, user)
    amount, rights = amount_of(draft), _rights(parked, user)
    for center in sorted({line.profit_center or ALL for line in draft.lines}):
        limit = max(rights.get(center, 0), rights.get(ALL, 0))
        if amount > limit:
            yield ReleaseNotAllowed(
                element=user, value=danish(amount), expected=danish(limit), center=center or "*"
            )


def _check_dismissal(parked: ParkedVoucher, draft: VoucherDraft | None, user: str) -> Iterator[LedgerError]:
    """`draft` is None when it is not what was parked: then what stands beside it must do."""
    yield from _check_second(parked, draft, user)
    amount = parked.amount_ore if draft is None else amount_of(draft)
    limit = max(_rights(parked, user).values(), default=0)
    if amount > limit:
        yield DismissalNotAllowed(element=user, value=danish(amount), expected=danish(limit))


def _check_second(parked: ParkedVoucher, draft: VoucherDraft | None, user: str) -> Iterator[LedgerError]:
    """Another than the sender, than the user that it named, and than whoever brought it in."""
    entered = {parked.entered_by}
    if draft is not None:
        entered |= {draft.entered_by, (draft.details or {}).get("USERNAME", ""), *draft.delivered_by}
    if user.casefold() in {name.casefold() for name in entered}:
        yield ReleaseByTheSame(value=user)


def _rights(parked: ParkedVoucher, user: str) -> dict[str, int]:
    """Profit centre → the largest voucher, in øre; of those that are for vouchers."""
    return {
        right.profit_center: right.limit_ore
        for right in UserRight.select().where(
            UserRight.municipality == parked.company_code.municipality_id,
            UserRight.user == user.casefold(),
            UserRight.ean == "",
        )
    }


def _draft(parked: ParkedVoucher) -> VoucherDraft:
    return draft_of(ParkedVoucher.get_by_id(parked.id))


def _held(uuid: UUID) -> ParkedVoucher:
    """All of it but the draft, which may be unreadable by now."""
    known = [field for field in ParkedVoucher._meta.sorted_fields if field is not ParkedVoucher.draft]
    query = ParkedVoucher.select(*known).where(ParkedVoucher.uuid == uuid)
    found: ParkedVoucher | None = (query.for_update() if is_postgresql() else query).first()
    if found is None:
        raise ParkedVoucherUnknown(value=uuid)
    if found.state != ParkedVoucher.PARKED:
        raise ParkedVoucherDecided(element=str(uuid), value=found.state, expected=found.decided_by or "-")
    return found


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
