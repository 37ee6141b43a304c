"""What is due runs once: after downtime, with several workers, with clocks set back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from opus_soap.database import proxy
from opus_soap.errors import ContentDamaged
from opus_soap.extracts import subscribing
from opus_soap.extracts.schedule import coming, order_due, run_due, upcoming
from opus_soap.interfaces.postings_out.kind import PostingsOut
from opus_soap.store.extract_models import Extract, Subscription

DAY = timedelta(days=1)


def due_on(name: str = "LIS") -> str | None:
    return Subscription.get(Subscription.name == name).due_on


def test_nothing_runs_before_its_time(desk):
    desk.subscribe(calendar="weekdays", at="12:01")  # it is 12:00 in Copenhagen
    assert run_due(desk.producer, desk.deliverer) == []
    desk.clock.advance(timedelta(minutes=1))
    assert len(run_due(desk.producer, desk.deliverer)) == 1
    assert run_due(desk.producer, desk.deliverer) == []
    assert due_on() == "2026-11-24"


def test_what_was_missed_comes_once(desk):
    desk.subscribe(calendar="weekdays")
    desk.post()
    desk.clock.advance(3 * DAY)
    desk.post()
    (extract,) = run_due(desk.producer, desk.deliverer)
    assert (extract.due_on, due_on()) == ("2026-11-26", "2026-11-27")
    assert len(desk.received()) == 2


def test_a_clock_that_is_set_back_repeats_nothing(desk):
    desk.subscribe(calendar="weekdays")
    run_due(desk.producer, desk.deliverer)
    desk.clock.advance(-2 * DAY)
    assert run_due(desk.producer, desk.deliverer) == []
    desk.clock.advance(3 * DAY)
    (extract,) = run_due(desk.producer, desk.deliverer)
    assert extract.sequence == 2


def test_several_workers_run_it_once(desk):
    desk.subscribe(calendar="weekdays")
    desk.post(3)
    ready = threading.Barrier(4)

    def work(_: int) -> None:
        ready.wait()
        with proxy.obj.connection_context():
            run_due(desk.producer, desk.deliverer)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    run_due(desk.producer, desk.deliverer)
    assert [row.state for row in Extract.select()] == [Extract.DELIVERED]
    assert len(desk.received()) == 3


def test_paused_nothing_is_lost(desk):
    subscription = desk.subscribe(calendar="weekdays")
    subscribing.set_active(subscription, False, actor="test", clock=desk.clock)
    assert upcoming() == []
    desk.post()
    desk.clock.advance(2 * DAY)
    assert order_due(desk.producer) == []
    subscribing.set_active(subscription, True, actor="test", clock=desk.clock)
    run_due(desk.producer, desk.deliverer)
    assert len(desk.received()) == 1


def test_one_that_fails_does_not_stop_the_others(desk, tmp_path):
    desk.subscribe("AAA", calendar="weekdays", target={"folder": str(tmp_path / "missing")})
    desk.subscribe("BBB", calendar="weekdays")
    desk.post()
    run_due(desk.producer, desk.deliverer)
    states = {row.subscription.name: row.state for row in Extract.select()}
    assert states == {"AAA": Extract.PRODUCED, "BBB": Extract.DELIVERED}


def test_any_error_of_ours_leaves_the_others_alone(desk, monkeypatch):
    desk.subscribe("AAA", calendar="weekdays")
    desk.subscribe("BBB", calendar="weekdays", target={"folder": str(desk.inbox)}, receiver="b")
    kind, write = type(desk.producer.kinds["posteringer-ud"]), PostingsOut.write

    def damaged(self, job, output):
        if job.receiver == "AAA":
            raise ContentDamaged(value="x", expected="y")
        write(self, job, output)

    monkeypatch.setattr(kind, "write", damaged)
    run_due(desk.producer, desk.deliverer)
    states = {row.subscription.name: row.state for row in Extract.select()}
    assert states == {"AAA": Extract.ORDERED, "BBB": Extract.DELIVERED}


def test_a_defect_of_ours_leaves_the_others_alone(desk, monkeypatch):
    desk.subscribe("AAA", calendar="weekdays")
    desk.subscribe("BBB", calendar="weekdays", receiver="b")
    write = PostingsOut.write

    def broken(self, job, output):
        if job.receiver == "AAA":
            raise KeyError("x")
        write(self, job, output)

    monkeypatch.setattr(PostingsOut, "write", broken)
    run_due(desk.producer, desk.deliverer)
    states = {row.subscription.name: (row.state, row.last_error) for row in Extract.select()}
    assert states == {"AAA": (Extract.ORDERED, "KeyError"), "BBB": (Extract.DELIVERED, "")}


def test_several_wait_and_somebody_else_writes(desk, database_url, monkeypatch):
    """On SQLite whoever reads cannot write when another has written since he began to read."""
    for name in ("AAA", "BBB", "CCC"):
        desk.subscribe(name, calendar="weekdays")
    desk.post()
    write = PostingsOut.write

    def beside(self, job, output):
        write(self, job, output)
        with ThreadPoolExecutor(1) as other:
            other.submit(_post_elsewhere, desk).result()

    monkeypatch.setattr(PostingsOut, "write", beside)
    run_due(desk.producer, desk.deliverer)
    assert {row.state for row in Extract.select()} == {Extract.DELIVERED}


def _post_elsewhere(desk):
    with proxy.obj.connection_context():
        desk.post()


def test_without_a_key_it_stays_due(desk):
    desk.subscribe(calendar="weekdays")
    key = desk.producer.key_file.read_bytes()
    desk.producer.key_file.unlink()
    assert order_due(desk.producer) == []
    assert due_on() == "2026-11-23"
    desk.producer.key_file.write_bytes(key)
    desk.producer.key_file.chmod(0o600)
    assert len(order_due(desk.producer)) == 1


def test_once_is_once(desk):
    desk.subscribe(calendar="once:2026-11-23")
    run_due(desk.producer, desk.deliverer)
    desk.clock.advance(30 * DAY)
    assert run_due(desk.producer, desk.deliverer) == []
    assert due_on() is None


def test_what_was_ordered_is_not_announced_again(desk):
    desk.subscribe(calendar="weekdays")
    run_due(desk.producer, desk.deliverer)
    assert desk.subscribe(calendar="weekdays", at="23:00").due_on == "2026-11-24"
    desk.subscribe("ONCE", calendar="once:2026-11-23")
    run_due(desk.producer, desk.deliverer)
    assert desk.subscribe("ONCE", calendar="once:2026-11-23", at="23:00").due_on is None


def test_what_was_missed_is_announced_as_it_will_come(desk):
    desk.subscribe(calendar="weekdays")
    desk.clock.advance(3 * DAY)
    (due,) = coming(desk.clock)
    assert due.on.isoformat() == "2026-11-26"
    (extract,) = run_due(desk.producer, desk.deliverer)
    assert extract.due_on == "2026-11-26"


def test_the_soonest_comes_first(desk):
    desk.subscribe("LATE", calendar="weekly:FRI")
    desk.subscribe("SOON", calendar="weekdays")
    desk.subscribe("NEVER", calendar="manual")
    assert [due.subscription.name for due in upcoming("999")] == ["SOON", "LATE"]
    assert upcoming("998") == []
