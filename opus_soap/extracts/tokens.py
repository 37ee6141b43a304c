"""Tokens that a receiver downloads a subscription's extracts with; they are kept as hashes."""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple

from opus_soap.clock import Clock
from opus_soap.database import transaction
from opus_soap.errors import TokenUnknown
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
    """A token, which nobody can be told again."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with transaction():
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
            found.revoked_at = clock.now()
            found.save(only=[ExtractToken.revoked_at])
            _note(REVOKED, found, actor, clock)
    return found


def find(token: str) -> ExtractToken | None:
    """What is known of a token, with its subscription; None when it was revoked, or is none of ours."""
    found: ExtractToken | None = (
        ExtractToken.select(ExtractToken, Subscription)
        .join(Subscription)
        .where(ExtractToken.value == _hash(token), ExtractToken.revoked_at.is_null())
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
