"""What is due runs by itself, once: after a downtime once for all that was missed, by one worker of several.

The order and the next business date are written in one transaction, under the subscription's lock; a
business date that has been ordered is never ordered again, also when the clock is set back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import structlog
from peewee import PeeweeException

from opus_soap.clock import Clock
from opus_soap.database import transaction
from opus_soap.errors import OpusSoapError
from opus_soap.extracts.calendar import Calendar
from opus_soap.extracts.delivering import Deliverer
from opus_soap.extracts.leasing import leased
from opus_soap.extracts.ordering import order
from opus_soap.extracts.producing import Producer
from opus_soap.failpoints import failpoint
from opus_soap.store.extract_models import Extract, Subscription

ACTOR = "schedule"
log = structlog.get_logger("opus_soap.extracts")


@dataclass(frozen=True)
class Due:
    """A subscription, and the next business date and moment of it."""

    subscription: Subscription
    on: date
    moment: datetime


def upcoming(municipality: str | None = None) -> list[Due]:
    """What comes next of each active subscription, the soonest first."""
    query = Subscription.select().where(Subscription.due_on.is_null(False), Subscription.active == True)  # noqa: E712
    if municipality is not None:
        query = query.where(Subscription.municipality == municipality)
    found = []
    for subscription in list(query):  # nobody writes beside a query that is still being read
        on = date.fromisoformat(str(subscription.due_on))
        moment = Calendar.of(subscription.calendar, subscription.at).moment(on)
        found.append(Due(subscription, on, moment))
    return sorted(found, key=lambda due: (due.moment, due.subscription.name))


def coming(clock: Clock, municipality: str | None = None) -> list[Due]:
    """As they will be ordered: of what was missed, the newest business date alone."""
    now = clock.now()
    found = [_newest(due, now) for due in upcoming(municipality)]
    return sorted(found, key=lambda due: (due.moment, due.subscription.name))


def _newest(due: Due, now: datetime) -> Due:
    """The last business date whose moment has come; while none has, the next."""
    calendar = Calendar.of(due.subscription.calendar, due.subscription.at)
    on = calendar.newest_due(due.on, now) or due.on
    return Due(due.subscription, on, calendar.moment(on))


def order_due(producer: Producer) -> list[Extract]:
    """Order what is due now.

    Of each subscription once, for the newest business date whose moment has come.
    """
    ordered = []
    for due in upcoming():
        if due.moment > producer.clock.now():
            break
        try:
            ordered.append(_order(due, producer))
        except OpusSoapError as error:  # it is due still
            log.error("not ordered", subscription=due.subscription.name, code=error.code, reason=str(error))
        failpoint("extracts.ordered")
    return ordered


def _order(due: Due, producer: Producer) -> Extract:
    subscription = due.subscription
    calendar = Calendar.of(subscription.calendar, subscription.at)
    newest = _newest(due, producer.clock.now()).on
    following = calendar.after(newest)

    def note(_: Extract) -> None:
        text = following.isoformat() if following is not None else None
        Subscription.update(due_on=text).where(Subscription.id == subscription.id).execute()

    return order(
        subscription,
        producer.kinds,
        producer.key_file,
        actor=ACTOR,
        clock=producer.clock,
        due_on=newest,
        note=note,
    )


def run_due(producer: Producer, deliverer: Deliverer) -> list[Extract]:
    """Order what is due, produce what is ordered, hand over what is produced; those that were touched.

    What goes wrong with one is logged, and tried again the next time; the others go on.
    """
    order_due(producer)
    touched = []
    for extract in _waiting():
        with leased(extract, producer.clock) as ours:
            if not ours:
                continue  # another worker has it
            try:
                _forward(extract, producer, deliverer)
                touched.append(extract)
            except OpusSoapError as error:
                log.warning("extract waits", extract=extract.name, code=error.code, reason=str(error))
                _note_why(extract, str(error))
            except Exception as error:  # a defect of ours, a database that is away: the others go on
                log.exception("extract failed", extract=extract.name)
                _note_why(extract, type(error).__name__)
    return touched


def _waiting() -> list[Extract]:
    """All of them at once: a query that is still being read would keep SQLite from writing."""
    states = (Extract.ORDERED, Extract.PRODUCED)
    return list(Extract.select().where(Extract.state.in_(states)).order_by(Extract.id))


def _forward(extract: Extract, producer: Producer, deliverer: Deliverer) -> None:
    fresh = Extract.get_by_id(extract.id)
    if fresh.state == Extract.ORDERED:
        fresh = producer.produce(fresh, actor=ACTOR)
    if fresh.state == Extract.PRODUCED:
        deliverer.deliver(fresh)


def _note_why(extract: Extract, reason: str) -> None:
    """Why it could not be produced; why it could not be handed over the deliverer notes."""
    try:
        with transaction():
            waiting = Extract.id == extract.id, Extract.state == Extract.ORDERED
            Extract.update(last_error=reason[:1000]).where(*waiting).execute()
    except PeeweeException:
        log.exception("not noted", extract=extract.name)
