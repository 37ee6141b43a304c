"""Subscriptions (abonnementer): made, changed, paused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from peewee import fn

from opus_soap.clock import Clock, business_date
from opus_soap.database import new_uuid, transaction
from opus_soap.errors import (
    Both,
    SubscriptionEnded,
    SubscriptionFixed,
    SubscriptionInvalid,
    SubscriptionOverlaps,
)
from opus_soap.extracts.calendar import Calendar
from opus_soap.extracts.delivering import is_fetched, shown_target
from opus_soap.extracts.kinds import Kinds, Options
from opus_soap.extracts.ordering import held
from opus_soap.ledger.master_data import company_code
from opus_soap.store import audit
from opus_soap.store.extract_models import Extract, ExtractDelivery, Subscription
from opus_soap.store.models import System
from opus_soap.texts import is_hidden, visible

ADDED, PAUSED, RESUMED = "subscription.added", "subscription.paused", "subscription.resumed"
_NAME = re.compile(r"[A-Z0-9][A-Z0-9-]{0,19}")
_NAMED = Both("1–20 tegn, A–Z, 0–9 og -", "1–20 of A–Z, 0–9, -")
_RECEIVER = Both("1–120 tegn, der kan ses", "1–120 characters that can be seen")
_ONE_TARGET = Both("én af folder, sftp, system", "one of folder, sftp, system")
_ABSOLUTE = Both("en absolut sti", "an absolute path")
_COMING = Both("i dag eller senere", "today or later")
_AGREEMENT = Both("en aftales UUID", "the UUID of an agreement")
_SFTP = ("host", "port", "user", "folder", "known_hosts", "key", "password_file")


def add(
    kinds: Kinds,
    *,
    municipality: str,
    company: str,
    name: str,
    kind: str,
    receiver: str,
    options: Options,
    calendar: str,
    at: str,
    target: Mapping[str, Any],
    delta: bool,
    starts_on: date,
    actor: str,
    clock: Clock,
    allow_overlap: bool = False,
) -> Subscription:
    """Make a subscription, or give the one of this name the same kind other terms.

    Raises `SubscriptionInvalid`, `SubscriptionOverlaps`, `SubscriptionEnded`, `SubscriptionFixed`,
    `CompanyCodeUnknown`, and what the kind has against the options.
    """
    if kind not in kinds:
        raise SubscriptionInvalid(element="kind", value=kind, expected=", ".join(sorted(kinds)))
    if not _NAME.fullmatch(name := name.upper()):
        raise SubscriptionInvalid(element="name", value=name[:40], expected=_NAMED)
    books = company_code(municipality, company)
    known = _known(municipality, name)
    if known is not None and known.ended_at is None:
        _require_same(known, kind, books.code)
    if known is None or known.calendar != calendar:
        _require_coming(Calendar.of(calendar, at), calendar, starts_on)
    terms = {
        "company_code": books.code,
        "receiver": _receiver(receiver),
        "options": kinds[kind].check(books, options),
        "calendar": calendar,
        "at": at,
        "target": _within(_target(target)),
        "delta": delta and kinds[kind].deltas,
    }
    with transaction():
        if not allow_overlap:
            _check_overlap(municipality, name, kind, terms)
        subscription = _known(municipality, name)
        terms["due_on"] = _first(subscription, calendar, at, starts_on)
        if subscription is None:
            subscription = Subscription.create(
                uuid=new_uuid(),
                municipality=municipality,
                name=name,
                kind=kind,
                created_at=clock.now(),
                **terms,
            )
        else:
            _require_not_ended(subscription)
            _change(subscription, kind, terms)
        said = {"terms": {key: value for key, value in terms.items() if key != "target"}}
        audit.record(ADDED, subscription.uuid, actor=actor, at=clock.now(), municipality=municipality, **said)
    return subscription


def set_active(subscription: Subscription, active: bool, *, actor: str, clock: Clock) -> None:
    """Pause or resume; what was missed meanwhile comes once, with the next.

    Raises `SubscriptionOverlaps`, `SubscriptionEnded`.
    """
    with transaction():
        _require_not_ended(subscription)
        if active and not subscription.active:
            said = {name: getattr(subscription, name) for name in ("company_code", "receiver")}
            _check_overlap(subscription.municipality, subscription.name, subscription.kind, said)
        Subscription.update(active=active).where(Subscription.id == subscription.id).execute()
        subscription.active = active
        audit.record(
            RESUMED if active else PAUSED,
            subscription.uuid,
            actor=actor,
            at=clock.now(),
            municipality=subscription.municipality,
            subscription=subscription.name,
        )


def _require_not_ended(subscription: Subscription) -> None:
    """As it is now, and stays until the transaction ends; its name stands in what its receiver has got."""
    ended_at = held(subscription).ended_at
    if ended_at is not None:
        raise SubscriptionEnded(value=subscription.name, expected=business_date(ended_at))


def _known(municipality: str, name: str) -> Subscription | None:
    found: Subscription | None = Subscription.get_or_none(
        Subscription.municipality == municipality, Subscription.name == name
    )
    return found


def _require_same(subscription: Subscription, kind: str, company: str) -> None:
    for name, value in {"kind": kind, "company_code": company}.items():
        if getattr(subscription, name) != value:
            raise SubscriptionFixed(element=name, expected=getattr(subscription, name))


def _require_coming(calendar: Calendar, text: str, starts_on: date) -> None:
    """The one day of `once` is not over."""
    if calendar.on is not None and calendar.on < starts_on:
        raise SubscriptionInvalid(element="calendar", value=text, expected=_COMING)


def _change(subscription: Subscription, kind: str, terms: Mapping[str, Any]) -> None:
    _require_same(subscription, kind, terms["company_code"])
    ordered = Extract.select().where(Extract.subscription == subscription).exists()
    if ordered and subscription.receiver != terms["receiver"]:  # it stands in what they have got
        raise SubscriptionFixed(element="receiver", expected=subscription.receiver)
    same = not (subscription.delta and terms["delta"]) or subscription.options == terms["options"]
    if not same and ordered:
        # what was left out before would never come
        raise SubscriptionFixed(element="options", expected=json.dumps(subscription.options)[:300])
    for name, value in terms.items():
        setattr(subscription, name, value)
    subscription.save(only=list(terms))


def _check_overlap(municipality: str, name: str, kind: str, terms: Mapping[str, Any]) -> None:
    other = Subscription.get_or_none(
        Subscription.municipality == municipality,
        Subscription.kind == kind,
        Subscription.company_code == terms["company_code"],
        Subscription.receiver == terms["receiver"],
        Subscription.name != name,
        Subscription.active == True,  # noqa: E712  a column
        Subscription.ended_at.is_null(),
    )
    if other is not None:
        raise SubscriptionOverlaps(element=terms["receiver"], value=other.name)


def _receiver(text: str) -> str:
    if not 0 < len(text.strip()) <= 120 or any(map(is_hidden, text)):
        raise SubscriptionInvalid(element="receiver", value=visible(text[:40]), expected=_RECEIVER)
    return text.strip()


def _first(subscription: Subscription | None, text: str, at: str, starts_on: date) -> str | None:
    """What is due and was missed comes still; of another calendar, the first date that was not ordered."""
    if subscription is not None and subscription.calendar == text:
        return subscription.due_on
    calendar = Calendar.of(text, at)
    of_it = Extract.select(fn.MAX(Extract.due_on)).where(Extract.subscription == subscription)
    ordered = of_it.scalar() if subscription is not None else None
    due = calendar.first(starts_on)
    if due is not None and ordered is not None and due <= date.fromisoformat(ordered):
        due = calendar.after(date.fromisoformat(ordered))
    return due.isoformat() if due is not None else None


def _target(target: Mapping[str, Any]) -> dict[str, Any]:
    """Where to put the files: nowhere (they are downloaded, or a system fetches them), a folder, a server."""
    if set(target) - {"folder", "sftp", "system"} or len(target) > 1:
        raise SubscriptionInvalid(element="target", value=", ".join(target), expected=_ONE_TARGET)
    if "folder" in target:
        if not Path(target["folder"]).is_absolute():
            raise SubscriptionInvalid(element="folder", value=target["folder"], expected=_ABSOLUTE)
        return {"folder": str(target["folder"])}
    if "sftp" in target:
        sftp = {key: value for key, value in dict(target["sftp"]).items() if value is not None}
        missing = [key for key in ("host", "user", "known_hosts") if not sftp.get(key)]
        if missing or set(sftp) - set(_SFTP):
            raise SubscriptionInvalid(
                element="sftp", value=", ".join(missing or sorted(sftp)), expected=", ".join(_SFTP)
            )
        port = sftp.setdefault("port", 22)
        if not (isinstance(port, int) and 0 < port < 65_536):
            raise SubscriptionInvalid(element="port", value=port, expected="1–65535")
        return {"sftp": {"folder": ".", **sftp}}
    if "system" in target:
        return {"system": _system(str(target["system"]))}
    return {}


def _within(target: dict[str, Any]) -> dict[str, Any]:
    """A place that its receipts have room for."""
    longest = ExtractDelivery.door.max_length
    if not is_fetched(target) and len(shown := shown_target(target)) > longest:
        expected = Both(f"højst {longest} tegn", f"at most {longest} characters")
        raise SubscriptionInvalid(element="target", value=f"{shown[:40]}…", expected=expected)
    return target


def _system(text: str) -> str:
    """The UUID of an agreement."""
    try:
        uuid = UUID(text)
    except ValueError:
        uuid = None
    if uuid is None or not System.select().where(System.uuid == uuid).exists():
        raise SubscriptionInvalid(element="system", value=text[:40], expected=_AGREEMENT)
    return str(uuid)
