"""A subscription ends: its receiver wants no more. What it has got, and every receipt, stays on record."""

from __future__ import annotations

from contextlib import ExitStack

from opus_soap.clock import Clock
from opus_soap.database import transaction
from opus_soap.errors import ExtractBusy, SubscriptionUnderWay
from opus_soap.extracts import ordering, tokens
from opus_soap.extracts.producing import Producer
from opus_soap.store import audit
from opus_soap.store.extract_models import Extract, Subscription

ENDED = "subscription.ended"
_OPEN = (Extract.REQUESTED, Extract.ORDERED, Extract.PRODUCED)


def end(
    producer: Producer, subscription: Subscription, *, give_up: bool = False, actor: str, clock: Clock
) -> list[Extract]:
    """End a subscription and revoke its tokens; the second time nothing happens.

    `give_up`: also what is under way, the newest first, which is returned. Raises `SubscriptionUnderWay`
    without it, `ExtractBusy` while somebody is at work on it, `ExtractNotReady` when a receipt comes
    meanwhile, `ExtractFolderFailed`.
    """
    with ExitStack() as alone:
        for extract in _under_way(subscription)[:1]:
            alone.enter_context(producer.alone(extract))
        with transaction():
            held = ordering.held(subscription)
            if held.ended_at is not None:
                return []
            open_ones = _under_way(held)
            _check(held, open_ones, give_up, clock)
            for extract in open_ones:
                ordering.give_up(extract, actor=actor, at=clock.now())
            tokens.revoke_all(held, actor=actor, clock=clock)
            held.active, held.due_on, held.ended_at = False, None, clock.now()
            held.save(only=[Subscription.active, Subscription.due_on, Subscription.ended_at])
            audit.record(
                ENDED,
                held.uuid,
                actor=actor,
                at=held.ended_at,
                municipality=held.municipality,
                subscription=held.name,
                given_up=len(open_ones),
            )
    return open_ones


def _under_way(subscription: Subscription) -> list[Extract]:
    """What has not been handed over, the newest first."""
    mine = Extract.subscription == subscription, Extract.state.in_(_OPEN)
    return list(Extract.select().where(*mine).order_by(Extract.sequence.desc()))


def _check(subscription: Subscription, open_ones: list[Extract], give_up: bool, clock: Clock) -> None:
    if open_ones and not give_up:
        names = ", ".join(f"{one.name} ({one.state})" for one in reversed(open_ones))
        raise SubscriptionUnderWay(element=subscription.name, value=names)
    for one in open_ones:
        if one.leased_until is not None and one.leased_until > clock.now():
            raise ExtractBusy(element=one.name)
