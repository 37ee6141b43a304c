"""Extracts that do not come out: subscriptions that are overdue, and what has not been handed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from opus_soap.clock import COPENHAGEN, Clock
from opus_soap.doctor.finding import BAD, GOOD, WARNING, Finding
from opus_soap.extracts.delivering import is_fetched
from opus_soap.extracts.schedule import Due, upcoming
from opus_soap.store.extract_models import Extract, ExtractDelivery, Subscription

GRACE = timedelta(minutes=15)  # in which a worker that runs has begun
APPROVAL, FETCHING = timedelta(days=1), timedelta(days=3)  # in which people and receivers have acted
_OPEN = (Extract.REQUESTED, Extract.ORDERED, Extract.PRODUCED)


@dataclass(frozen=True)
class Waiting:
    """The first extract of a subscription that has not been handed over."""

    extract: Extract
    since: datetime  # it came so far then
    behind: int  # later ones, which wait for it

    @property
    def label(self) -> tuple[str, str]:
        """Municipality and subscription."""
        subscription = self.extract.subscription
        return subscription.municipality, subscription.name


def overdue(clock: Clock) -> list[Due]:
    """Subscriptions whose moment has come and that have not been ordered, the longest first."""
    return [due for due in upcoming() if due.moment <= clock.now()]


def late_since(due: Due) -> datetime:
    """Its moment; for a subscription that is newer than that, when it was made."""
    made: datetime = due.subscription.created_at
    return max(due.moment, made)


def waiting() -> list[Waiting]:
    """One for each subscription of which something is under way."""
    query = (
        Extract.select(Extract, Subscription)
        .join(Subscription)
        .where(Extract.state.in_(_OPEN))
        .order_by(Subscription.municipality, Subscription.name, Extract.sequence)
    )
    found = []
    for _, extracts in groupby(query, key=lambda extract: extract.subscription_id):
        first, *others = extracts
        since = first.produced_at or first.approved_at or first.ordered_at
        found.append(Waiting(first, since, len(others)))
    return found


def findings(clock: Clock) -> list[Finding]:
    """What an operator must know of extracts."""
    found = [_overdue(due) for due in overdue(clock) if clock.now() - late_since(due) > GRACE]
    for one in waiting():
        found += _stuck(one, clock.now())
    if not found:
        return [Finding(GOOD, "extracts", "nothing is overdue, nothing waits for long")]
    return found


def _overdue(due: Due) -> Finding:
    subscription = due.subscription
    check = f"extracts: {subscription.municipality} {subscription.name}"
    remedy = "Run `opus-soap worker`; `opus-soap schedule run-due` tells why it cannot be ordered."
    return Finding(BAD, check, f"due since {_local(late_since(due))}, and not ordered", remedy)


def _stuck(one: Waiting, now: datetime) -> Iterator[Finding]:
    extract, waited = one.extract, now - one.since
    check, since = f"extracts: {' '.join(one.label)}", _local(one.since)
    behind = f"; {one.behind} more wait for it" if one.behind else ""
    at_work = extract.leased_until is not None and extract.leased_until > now
    if extract.state == Extract.REQUESTED:
        if waited > APPROVAL:
            text = f"{extract.name} waits for approval since {since}{behind}"
            yield Finding(WARNING, check, text, f"opus-soap extracts approve {extract.name}, or cancel.")
    elif extract.state == Extract.PRODUCED and is_fetched(extract.subscription.target):
        if waited > FETCHING:
            text = f"{extract.name} has not been fetched and confirmed since {since}{behind}"
            yield Finding(WARNING, check, text, f"Ask {extract.subscription.receiver}.")
    elif extract.last_error:
        done = "handed over" if extract.state == Extract.PRODUCED else "produced"
        text = f"{extract.name} cannot be {done} since {_local(_first_failure(one))}: {extract.last_error}"
        yield Finding(BAD, check, f"{text}{behind}", f"opus-soap extracts show {extract.name}")
    elif waited > GRACE and not at_work:
        text = f"{extract.name} is {extract.state} since {since}, and nobody has gone on with it{behind}"
        yield Finding(BAD, check, text, "Run `opus-soap worker`.")


def _first_failure(one: Waiting) -> datetime:
    first: ExtractDelivery | None = (
        ExtractDelivery.select()
        .where(ExtractDelivery.extract == one.extract)
        .order_by(ExtractDelivery.id)
        .first()
    )
    return first.at if first is not None else one.since


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(COPENHAGEN):%Y-%m-%d %H:%M}"
