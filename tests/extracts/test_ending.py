"""A subscription ends: nothing more is ordered, nobody gets in, and what it gave out stays on record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opus_soap import errors
from opus_soap.extracts import ordering, subscribing, tokens
from opus_soap.extracts.ending import end
from opus_soap.extracts.schedule import run_due, upcoming
from opus_soap.store.extract_models import Extract, ExtractDelivery, ExtractToken, Subscription
from opus_soap.store.models import AuditEntry
from tests.extracts.doors import Doors


@pytest.fixture
def doors(company, clock, tmp_path):
    return Doors(tmp_path, clock)


@pytest.fixture
def stop(doors, clock):
    def ended(subscription: Subscription, **how: bool) -> list[str]:
        return [one.name for one in end(doors.producer, subscription, actor="t", clock=clock, **how)]

    return ended


def test_nothing_is_ordered_from_what_has_ended(doors, stop, clock):
    subscription = doors.subscribe(calendar="weekdays")
    clock.advance(timedelta(days=1))
    assert stop(subscription) == []
    assert (upcoming(), run_due(doors.producer, doors.deliverer)) == ([], [])
    with pytest.raises(errors.SubscriptionEnded) as refused:
        doors.ordered(subscription)
    assert "SUB1" in refused.value.text_danish
    with pytest.raises(errors.SubscriptionEnded):
        subscribing.set_active(subscription, True, actor="t", clock=clock)
    with pytest.raises(errors.SubscriptionEnded):  # its name stands in what its receiver has got
        doors.subscribe()
    assert stop(subscription) == []  # once more changes nothing
    events = [row.event for row in AuditEntry.select() if row.subject == str(subscription.uuid)]
    assert events == ["subscription.added", "subscription.ended"]
    row = Subscription.get()
    assert (row.ended_at, row.active, row.due_on) == (clock.now(), False, None)


def test_the_same_may_be_subscribed_to_under_another_name(doors, stop, clock):
    stop(doors.subscribe())
    doors.subscribe("SUB2")
    stop(subscription := doors.subscribe("SUB3"))
    Subscription.update(receiver="Receiver of SUB2").where(Subscription.id == subscription.id).execute()
    doors.subscribe("SUB2")  # what has ended overlaps nothing


def test_nobody_gets_in_any_more(doors, stop, clock):
    subscription = doors.subscribe()
    token = tokens.issue(subscription, "Modtager A/S", actor="t", clock=clock).token
    other = tokens.issue(doors.subscribe("SUB2"), "En anden", actor="t", clock=clock).token
    stop(subscription)
    assert tokens.find(token) is None
    assert tokens.find(other) is not None
    assert ExtractToken.get(ExtractToken.name == "Modtager A/S").revoked_at == clock.now()
    with pytest.raises(errors.SubscriptionEnded):
        tokens.issue(subscription, "Modtager A/S", actor="t", clock=clock)


def test_what_it_gave_out_stays(doors, stop, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    subscription = doors.subscribe(folder=str(inbox))
    extract = doors.produced(subscription)
    assert doors.deliverer.deliver(extract)
    stop(subscription)
    assert Extract.get().state == Extract.DELIVERED
    assert ExtractDelivery.select().count() == 1
    assert len(doors.files(extract)) == 2
    assert ordering.find_extract("999", extract.name).id == extract.id


def test_what_is_under_way_is_told_and_given_up_when_asked_to(doors, stop):
    subscription = doors.subscribe()
    first, second = doors.produced(subscription), doors.ordered(subscription)
    with pytest.raises(errors.SubscriptionUnderWay) as refused:
        stop(subscription)
    assert f"{first.name} (produced), {second.name} (ordered)" in refused.value.text_danish
    assert "--give-up" in refused.value.remedy_danish
    assert Subscription.get().ended_at is None
    assert stop(subscription, give_up=True) == [second.name, first.name]
    assert [row.state for row in Extract.select()] == [Extract.CANCELLED] * 2
    assert Subscription.get().ended_at is not None
    cancelled = [row.subject for row in AuditEntry.select() if row.event == "extract.cancelled"]
    assert cancelled == [str(second.uuid), str(first.uuid)]


def test_what_somebody_is_at_work_on_is_not_given_up(doors, stop, clock):
    subscription = doors.subscribe()
    extract = doors.ordered(subscription)
    with doors.producer.alone(extract), pytest.raises(errors.ExtractBusy):  # on this machine
        stop(subscription, give_up=True)
    Extract.update(leased_until=clock.now() + timedelta(minutes=1)).execute()  # or on another
    with pytest.raises(errors.ExtractBusy):
        stop(subscription, give_up=True)
    assert Subscription.get().ended_at is None
    clock.advance(timedelta(minutes=2))
    assert stop(subscription, give_up=True) == [extract.name]


def test_a_receipt_that_came_meanwhile_stays(doors, clock):
    extract = doors.produced(doors.subscribe())
    Extract.update(state=Extract.DELIVERED).where(Extract.id == extract.id).execute()
    with pytest.raises(errors.ExtractNotReady) as refused:
        ordering.give_up(extract, actor="t", at=clock.now())
    assert refused.value.value == Extract.DELIVERED
    assert Extract.get_by_id(extract.id).state == Extract.DELIVERED
