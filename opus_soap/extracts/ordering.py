"""Extracts are ordered: what one covers is fixed then, at a seal, so that it can be produced again and again.

A delta begins where the order before it ended, whether or not that has been handed over: between two orders
of a subscription there is neither a gap nor an overlap. A seal is taken first; vouchers of transactions
that have not ended yet come under the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from opus_soap.clock import Clock, business_date
from opus_soap.database import is_postgresql, new_uuid, transaction
from opus_soap.errors import (
    ApprovalNeeded,
    ExtractKeyMissing,
    ExtractNotReady,
    ExtractUnknown,
    SubscriptionEnded,
    SubscriptionPaused,
    SubscriptionUnknown,
)
from opus_soap.extracts.kinds import Kind, Kinds
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import CompanyCode
from opus_soap.ledger.seals import last_seal, load_seal_key, seal
from opus_soap.store import audit
from opus_soap.store.extract_models import Extract, Subscription

ORDERED, APPROVED, CANCELLED = "extract.ordered", "extract.approved", "extract.cancelled"
# called once in the transaction of an order, with the order
Note = Callable[[Extract], None]


def find_subscription(municipality: str, name: str) -> Subscription:
    """A subscription by its name; raises `SubscriptionUnknown`."""
    found: Subscription | None = Subscription.get_or_none(
        Subscription.municipality == municipality, Subscription.name == name.upper()
    )
    if found is None:
        raise SubscriptionUnknown(value=name[:40], expected=municipality)
    return found


def find_extract(municipality: str, name: str) -> Extract:
    """An extract by its name; raises `ExtractUnknown`."""
    found: Extract | None = (
        Extract.select(Extract, Subscription)
        .join(Subscription)
        .where(Subscription.municipality == municipality, Extract.name == name)
        .get_or_none()
    )
    if found is None:
        raise ExtractUnknown(value=name[:120])
    return found


def order(
    subscription: Subscription,
    kinds: Kinds,
    key_file: Path,
    *,
    actor: str,
    clock: Clock,
    full: bool = False,
    due_on: date | None = None,
    note: Note = lambda extract: None,
) -> Extract:
    """Order the next extract of a subscription; `full` though the subscription asks for deltas.

    What is due on a business date is ordered once: the same again is the order that there is (`note` hears
    of it again). Raises `SubscriptionPaused`, `SubscriptionEnded`, `ExtractKeyMissing`, `SealKeyUnusable`.
    """
    kind = kinds[subscription.kind]
    company = company_code(subscription.municipality, subscription.company_code)
    if not key_file.exists():
        raise ExtractKeyMissing(value=key_file.name)
    key = load_seal_key(key_file)
    with transaction():
        current = held(subscription)
        if current.ended_at is not None:
            raise SubscriptionEnded(value=current.name, expected=f"{business_date(current.ended_at)}")
        if not current.active:
            raise SubscriptionPaused(value=current.name)
        if due_on is not None and (before := _ordered_for(current, due_on)) is not None:
            note(before)
            return before
        seal(company, key, clock=clock)
        extract = _next(current, kind, company, actor, clock.now(), full, due_on)
        audit.record(
            ORDERED,
            extract.uuid,
            actor=actor,
            at=extract.ordered_at,
            municipality=current.municipality,
            extract=extract.name,
        )
        note(extract)
    return extract


def approve(extract: Extract, *, actor: str, clock: Clock) -> Extract:
    """Let a requested extract be produced; raises `ApprovalNeeded` to who requested it, `ExtractNotReady`."""
    with transaction():
        current = _held_extract(extract)
        if current.state != Extract.REQUESTED:
            raise ExtractNotReady(element=current.name, value=current.state, expected=Extract.REQUESTED)
        if actor == current.ordered_by:
            raise ApprovalNeeded(element=current.name, value=actor)
        current.state, current.approved_by, current.approved_at = Extract.ORDERED, actor, clock.now()
        current.save(only=[Extract.state, Extract.approved_by, Extract.approved_at])
        _note(APPROVED, current, actor, current.approved_at)
    return current


def cancel(extract: Extract, *, actor: str, clock: Clock) -> Extract:
    """Give up an extract that waits for approval or cannot be produced; its range goes to the next order.

    One that others follow on is given up after them. Raises `ExtractNotReady`.
    """
    with transaction():
        held(extract.subscription)  # nobody orders what follows on it
        current = _held_extract(extract)
        if current.state not in (Extract.REQUESTED, Extract.ORDERED):
            expected = f"{Extract.REQUESTED}, {Extract.ORDERED}"
            raise ExtractNotReady(element=current.name, value=current.state, expected=expected)
        behind = Extract.get_or_none(Extract.follows == current, Extract.state != Extract.CANCELLED)
        if behind is not None:
            raise ExtractNotReady(element=behind.name, value=behind.state, expected=Extract.CANCELLED)
        give_up(current, actor=actor, at=clock.now())
    return current


def give_up(extract: Extract, *, actor: str, at: datetime) -> None:
    """That nobody waits for it any more, in the caller's transaction.

    Raises `ExtractNotReady` when it has become something else meanwhile: a receipt may have come.
    """
    as_it_was = (Extract.id == extract.id, Extract.state == extract.state)
    if not Extract.update(state=Extract.CANCELLED).where(*as_it_was).execute():
        now = Extract.get_by_id(extract.id).state
        raise ExtractNotReady(element=extract.name, value=now, expected=extract.state)
    extract.state = Extract.CANCELLED
    _note(CANCELLED, extract, actor, at)


def _note(event: str, extract: Extract, actor: str, at: datetime) -> None:
    municipality = extract.subscription.municipality
    audit.record(event, extract.uuid, actor=actor, at=at, municipality=municipality, extract=extract.name)


def held(subscription: Subscription) -> Subscription:
    """The row as it is now, nobody else's until the transaction ends."""
    query = Subscription.select().where(Subscription.id == subscription.id)
    found: Subscription = (query.for_update() if is_postgresql() else query).get()
    return found


def _held_extract(extract: Extract) -> Extract:
    query = Extract.select().where(Extract.id == extract.id)
    found: Extract = (query.for_update() if is_postgresql() else query).get()
    return found


def _ordered_for(subscription: Subscription, due_on: date) -> Extract | None:
    found: Extract | None = Extract.get_or_none(
        Extract.subscription == subscription, Extract.due_on == due_on.isoformat()
    )
    return found


def _next(
    subscription: Subscription,
    kind: Kind,
    company: CompanyCode,
    actor: str,
    now: datetime,
    full: bool,
    due_on: date | None,
) -> Extract:
    everything = (
        Extract.select().where(Extract.subscription == subscription).order_by(Extract.sequence.desc())
    )
    newest = everything.first()
    before = everything.where(Extract.state != Extract.CANCELLED).first()
    newest_seal = last_seal(company)
    sequence = newest.sequence + 1 if newest is not None else 1
    return Extract.create(
        uuid=new_uuid(),
        subscription=subscription,
        sequence=sequence,
        name=_name(subscription, kind, due_on or business_date(now), sequence),
        due_on=due_on.isoformat() if due_on else None,
        # what other options left out before would never come
        full=full or not subscription.delta or before is None or before.options != subscription.options,
        after=before.until if before is not None else 0,
        until=newest_seal.last_voucher_id if newest_seal is not None else 0,
        options=subscription.options,
        follows=before,
        state=Extract.REQUESTED if kind.approval else Extract.ORDERED,
        ordered_at=now,
        ordered_by=actor,
    )


def _name(subscription: Subscription, kind: Kind, on: date, sequence: int) -> str:
    where = f"{subscription.municipality}_{subscription.company_code}_{subscription.name}"
    return f"{kind.prefix}_{where}_{on:%Y%m%d}_{sequence:06d}"
