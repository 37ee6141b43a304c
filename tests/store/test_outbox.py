"""The outbox: leases, backoff, parking; one owner at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from opus_soap.database import proxy
from opus_soap.errors import OutboxEntryUnknown, OutboxStateWrong
from opus_soap.settings import load
from opus_soap.store import agreements, outbox
from opus_soap.store.models import OutboxEntry


@pytest.fixture
def system(database):
    return agreements.register_system(
        uuid=UUID(int=9), municipality="999", name="S", cvr="44444449", services=[]
    )


def add(system, clock, **more):
    return outbox.enqueue("kind", subject=uuid4(), system=system, payload={"id": 1}, at=clock.now(), **more)


def lease(clock, worker="a", limit=10):
    return outbox.lease(worker, limit, now=clock.now(), lease_seconds=60)


def test_due_messages_are_leased_once(system, clock):
    add(system, clock)
    add(system, clock, not_before=clock.now() + timedelta(hours=1))
    assert len(lease(clock)) == 1
    assert lease(clock, "b") == []
    clock.advance(timedelta(hours=1, seconds=1))
    assert len(lease(clock, "b")) == 2  # the late one, and the one whose lease ran out


def test_a_lost_lease_changes_nothing(system, clock):
    add(system, clock)
    (slow,) = lease(clock, "slow")
    clock.advance(timedelta(seconds=61))
    (quick,) = lease(clock, "quick")
    assert outbox.delivered(slow, None, at=clock.now()) is False
    assert outbox.failed(slow, "x", retryable=False, clock=clock, settings=load()) is None
    assert outbox.delivered(quick, None, at=clock.now()) is True
    assert OutboxEntry.get().state == OutboxEntry.DELIVERED


def test_waits_double_and_then_it_is_parked(system, clock):
    settings = load(send_max_attempts=4, send_backoff_seconds=10, send_backoff_max_seconds=25)
    add(system, clock)
    waits = []
    for _ in range(3):
        (entry,) = lease(clock)
        assert outbox.failed(entry, "down", retryable=True, clock=clock, settings=settings) == "pending"
        waits.append((OutboxEntry.get().next_attempt_at - clock.now()).total_seconds())
        clock.advance(timedelta(seconds=waits[-1]))
    assert waits == [10, 20, 25]
    (entry,) = lease(clock)
    assert outbox.failed(entry, "down", retryable=True, clock=clock, settings=settings) == "parked"
    assert OutboxEntry.get().last_error == "down"


def test_a_final_error_parks_at_once_and_release_starts_again(system, clock):
    made = add(system, clock)
    (entry,) = lease(clock)
    outbox.failed(entry, "no", retryable=False, clock=clock, settings=load())
    assert lease(clock) == []
    outbox.release(made.uuid, at=clock.now())
    (again,) = lease(clock)
    assert (again.attempts, again.payload) == (1, {"id": 1})


def test_the_receivers_wish_lengthens_the_wait(system, clock):
    add(system, clock)
    (entry,) = lease(clock)
    outbox.failed(entry, "busy", retryable=True, clock=clock, settings=load(), wait_seconds=500)
    assert OutboxEntry.get().next_attempt_at == clock.now() + timedelta(seconds=500)


def test_impossible_moves_are_refused(system, clock):
    made = add(system, clock)
    with pytest.raises(OutboxStateWrong):
        outbox.release(made.uuid, at=clock.now())
    with pytest.raises(OutboxEntryUnknown):
        outbox.cancel(uuid4(), at=clock.now())
    outbox.cancel(made.uuid, at=clock.now())
    assert lease(clock) == []


def test_workers_at_once_never_get_the_same(system, clock):
    for _ in range(60):
        add(system, clock)

    def work(name):
        got = []
        with proxy.obj.connection_context():
            while rows := lease(clock, name, 5):
                got += [row.id for row in rows]
        return got

    with ThreadPoolExecutor(4) as pool:
        leased = [number for got in pool.map(work, "abcd") for number in got]
    assert len(leased) == 60
    assert len(set(leased)) == 60


def test_two_threads_of_one_worker_are_two_owners(system, clock):
    add(system, clock)
    (first,) = lease(clock)
    clock.advance(timedelta(seconds=61))
    (second,) = lease(clock)
    assert outbox.delivered(first, None, at=clock.now()) is False
    assert outbox.delivered(second, None, at=clock.now()) is True


def test_no_wait_is_longer_than_the_settings_say(system, clock):
    settings = load(send_backoff_seconds=10, send_backoff_max_seconds=25)
    add(system, clock)
    (entry,) = lease(clock)
    outbox.failed(entry, "busy", retryable=True, clock=clock, settings=settings, wait_seconds=10**9)
    assert OutboxEntry.get().next_attempt_at == clock.now() + timedelta(seconds=25)


def test_a_clock_set_back_does_not_stop_the_sending(system, clock):
    """Times from what is now far ahead are due: nothing is ever put off for so long."""
    clock.advance(timedelta(days=365))
    add(system, clock)
    add(system, clock)
    assert len(lease(clock, "a", 1)) == 1
    clock.advance(-timedelta(days=365))
    assert len(lease(clock, "b")) == 2
    assert lease(clock, "c") == []


def test_a_lease_longer_than_ones_own_is_left_alone(system, clock):
    add(system, clock)
    outbox.lease("patient", 1, now=clock.now(), lease_seconds=3600)
    assert outbox.lease("quick", 1, now=clock.now(), lease_seconds=10) == []


def test_nothing_is_put_off_for_more_than_a_week(system, clock):
    add(system, clock, not_before=clock.now() + timedelta(days=3))
    add(system, clock, not_before=clock.now() + timedelta(days=300))
    assert lease(clock) == []
    clock.advance(timedelta(days=7, seconds=1))
    assert len(lease(clock)) == 2
