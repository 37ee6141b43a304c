"""Tokens that a receiver downloads a subscription's extracts with; they are kept as hashes."""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple

from opus_soap.clock import Clock, business_date
from opus_soap.database import transaction
from opus_soap.errors import SubscriptionEnded, TokenUnknown
from opus_soap.store import audit
from opus_soap.store.credentials import TOKEN_PREFIX
from opus_soap.store.extract_models import ExtractToken, Subscription

ADDED, REVOKED = "extract_token.added", "extract_token.revoked"
_LONGEST_NAME = 80


class Issued(NamedTuple):
    """A token, and the number that it is revoked by."""

    number: int
    token: str


def issue(subscription: Subscription, name: str, *, actor: str, clock: Clock) -> Issued:
    """A token, which nobody can be told again; raises `SubscriptionEnded`."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with transaction():
        ended_at = Subscription.get_by_id(subscription.id).ended_at
        if ended_at is not None:
            raise SubscriptionEnded(value=subscription.name, expected=business_date(ended_at))
        made = ExtractToken.create(
            subscription=subscription,
            name=name[:_LONGEST_NAME],
            value=_hash(token),
            created_at=clock.now(),
        )
        _note(ADDED, made, actor, clock)
    return Issued(made.id, token)


def revoke(subscription: Subscription, number: int, *, actor: str, clock: Clock) -> ExtractToken:
    """Let nobody in with it any more; raises `TokenUnknown`."""
    with transaction():
        found: ExtractToken | None = ExtractToken.get_or_none(
            ExtractToken.id == number, ExtractToken.subscription == subscription
        )
        if found is None:
            raise TokenUnknown(value=number, expected=subscription.name)
        if found.revoked_at is None:
            _revoke(found, actor, clock)
    return found


def revoke_all(subscription: Subscription, *, actor: str, clock: Clock) -> None:
    """Those of a subscription, in the caller's transaction."""
    good = ExtractToken.subscription == subscription, ExtractToken.revoked_at.is_null()
    for token in list(ExtractToken.select().where(*good)):
        _revoke(token, actor, clock)


def _revoke(token: ExtractToken, actor: str, clock: Clock) -> None:
    token.revoked_at = clock.now()
    token.save(only=[ExtractToken.revoked_at])
    _note(REVOKED, token, actor, clock)


def find(token: str) -> ExtractToken | None:
    """What is known of a token, with its subscription; None when it is good for nothing."""
    found: ExtractToken | None = (
        ExtractToken.select(ExtractToken, Subscription)
        .join(Subscription)
        .where(
            ExtractToken.value == _hash(token),
            ExtractToken.revoked_at.is_null(),
            Subscription.ended_at.is_null(),
        )
        .first()
    )
    return found


def _hash(token: str) -> str:
    """Not slow: a token has 256 bits. How long it takes to find a hash tells nothing of the token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _note(event: str, token: ExtractToken, actor: str, clock: Clock) -> None:
    subscription = token.subscription
    audit.record(
        event,
        f"{subscription.name}/{token.id}",
        actor=actor,
        at=clock.now(),
        municipality=subscription.municipality,
        name=token.name,
    )
