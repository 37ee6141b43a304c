"""The worker: sends, waits, parks, and goes on after what nobody foresaw."""

from __future__ import annotations

import time
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest

from opus_soap.errors import EndpointMissing, ReceiverUnreachable
from opus_soap.settings import load
from opus_soap.store import agreements, outbox
from opus_soap.store.models import OutboxEntry
from opus_soap.transport.handlers import Delivery, Handler
from opus_soap.transport.worker import Worker


@pytest.fixture
def system(database):
    return agreements.register_system(
        uuid=UUID(int=9), municipality="999", name="S", cvr="44444449", services=[]
    )


@pytest.fixture
def work(clock):
    """A worker whose handlers do what a list says, in turn; and what they were told they gave up."""
    script: list[Exception | None] = []
    given_up: list[str] = []

    def send(entry, delivery):
        what = script.pop(0) if script else None
        if what is not None:
            raise what
        outbox.delivered(entry, None, at=clock.now())

    handler = Handler(send, lambda entry, error, delivery: given_up.append(error.code))
    settings = load(send_max_attempts=2, send_backoff_seconds=1)
    worker = Worker({"kind": handler}, Delivery(None, clock, settings))
    return SimpleNamespace(run_once=worker.run_once, script=script, given_up=given_up)


def add(system, clock, kind="kind"):
    outbox.enqueue(kind, subject=uuid4(), system=system, payload={}, at=clock.now())


def states():
    return [row.state for row in OutboxEntry.select().order_by(OutboxEntry.id)]


def test_what_is_due_is_sent(work, system, clock):
    add(system, clock)
    add(system, clock)
    assert work.run_once() == 2
    assert states() == ["delivered", "delivered"]
    assert work.run_once() == 0


def test_a_passing_fault_is_tried_again_and_then_given_up(work, system, clock):
    add(system, clock)
    work.script[:] = [ReceiverUnreachable(element="S", value="x")] * 2
    work.run_once()
    assert states() == ["pending"]
    clock.advance(timedelta(seconds=2))
    work.run_once()
    assert states() == ["parked"]
    assert work.given_up == ["TRA-001"]


def test_a_final_fault_is_given_up_at_once(work, system, clock):
    add(system, clock)
    work.script[:] = [EndpointMissing(element="S")]
    work.run_once()
    assert states() == ["parked"]
    assert work.given_up == ["TRA-006"]


def test_an_unknown_kind_is_parked(work, system, clock):
    add(system, clock, "other")
    work.run_once()
    assert states() == ["parked"]
    assert OutboxEntry.get().last_error.startswith("TRA-007")


def test_what_nobody_foresaw_does_not_stop_the_others(work, system, clock):
    add(system, clock)
    add(system, clock)
    work.script[:] = [RuntimeError("boom")]
    work.run_once()
    assert sorted(states()) == ["delivered", "pending"]
    assert "boom" not in OutboxEntry.get(OutboxEntry.state == "pending").last_error


def test_a_message_that_kills_every_worker_is_given_up(work, system, clock):
    add(system, clock)
    for _ in range(2):  # leased, and the worker died
        outbox.lease("dead", 1, now=clock.now(), lease_seconds=1)
        clock.advance(timedelta(seconds=2))
    work.run_once()
    assert states() == ["parked"]
    assert work.given_up == ["TRA-010"]


def test_a_lease_lasts_as_long_as_its_handler(system, clock, database_url):
    """A slow sending keeps its message, although the lease is short and time goes by."""
    settings = load(send_lease_seconds=5)
    seen = []

    def send(entry, delivery):
        for _ in range(4):
            clock.advance(timedelta(seconds=3))
            time.sleep(1.8)  # a third of the lease is less
            seen.append(outbox.lease("other", 1, now=clock.now(), lease_seconds=5))
        assert outbox.delivered(entry, None, at=clock.now())

    worker = Worker({"kind": Handler(send, lambda *_: None)}, Delivery(None, clock, settings))
    add(system, clock)
    worker.run_once()
    assert seen == [[]] * 4
    assert states() == ["delivered"]


def test_a_handler_that_cannot_even_give_up_parks_its_message(system, clock):
    def given_up(entry, error, delivery):
        raise RuntimeError

    def send(entry, delivery):
        raise EndpointMissing(element="S")

    worker = Worker({"kind": Handler(send, given_up)}, Delivery(None, clock, load()))
    add(system, clock)
    worker.run_once()
    assert states() == ["parked"]
    assert OutboxEntry.get().last_error.startswith("TRA-006")
