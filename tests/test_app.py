"""What the finance system does by the clock, put together in `app`."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from opus_soap import app
from opus_soap.app import build_worker, calendar
from opus_soap.database import disconnect, proxy
from opus_soap.errors import TlsTrustInvalid
from opus_soap.extracts import subscribing
from opus_soap.interfaces.extract_kinds import KINDS
from opus_soap.ledger.seals import create_seal_key
from opus_soap.settings import load
from opus_soap.store import content, replay
from opus_soap.store.extract_models import Extract
from opus_soap.store.models import Content, ReplayEntry
from opus_soap.transport.queue import open_queue, schedule


@pytest.fixture
def queue(tmp_path, database, clock):
    """Huey with the calendar in it; the models are bound to a fresh database."""
    settings = load(database_url=f"sqlite:///{tmp_path}/queue")
    opened = open_queue(settings)
    schedule(opened, calendar(settings, clock))
    yield opened
    opened.storage.close()


def test_a_worker_does_not_start_without_the_cas_of_those_it_calls(tmp_path, sqlite_url, clock):
    with pytest.raises(TlsTrustInvalid, match=r"none\.pem: No such file"):
        build_worker(load(database_url=sqlite_url, tls_trusted_ca_file=tmp_path / "none.pem"), clock)


def due(queue, hour, minute):
    return {task.name: task for task in queue.read_periodic(datetime(2026, 11, 23, hour, minute, tzinfo=UTC))}


def test_reminders_and_replays_every_hour_and_the_purge_once_a_day(queue):
    assert set(due(queue, 10, 0)) == {"extracts", "forget_replays"}
    assert set(due(queue, 10, 15)) == {"extracts", "remind"}
    assert set(due(queue, 10, 31)) == {"extracts"}
    assert set(due(queue, 3, 30)) == {"extracts", "purge"}
    assert set(due(queue, 5, 45)) == {"extracts", "ending"}


def test_extracts_that_are_due_are_run_by_one_thread_at_a_time(queue, clock, monkeypatch):
    monkeypatch.setattr(app, "run_due", run_slowly)
    begun.clear()
    chore = next(chore for chore in calendar(load(), clock) if chore.name == "extracts")
    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(chore.action) for _ in range(3)]:
            done.result()
    assert len(begun) == 1
    chore.action()
    assert len(begun) == 2


begun: list[object] = []


def run_slowly(*_):
    begun.append(1)
    time.sleep(0.3)


def test_what_is_due_is_ordered_produced_and_handed_over(queue, clock, company, tmp_path):
    settings = load(extracts_folder=tmp_path / "extracts", seal_key_file=tmp_path / "seal.key.pem")
    create_seal_key(settings.seal_key_file)
    (tmp_path / "inbox").mkdir()
    subscribing.add(
        KINDS, municipality="999", company="0020", name="LIS", kind="posteringer-ud", receiver="LIS",
        options={}, calendar="weekdays", at="06:00", target={"folder": str(tmp_path / "inbox")}, delta=True,
        starts_on=date(2026, 11, 23), actor="t", clock=clock,
    )  # fmt: skip
    chore = next(chore for chore in calendar(settings, clock) if chore.name == "extracts")
    for _ in range(2):
        chore.action()
    assert [row.state for row in Extract.select()] == [Extract.DELIVERED]
    assert len(list((tmp_path / "inbox").iterdir())) == 3


def test_each_does_its_work_in_a_connection_of_its_own(queue, clock, monkeypatch):
    reminded = []
    monkeypatch.setattr(
        "opus_soap.interfaces.invoice_approval.lending.remind", lambda **how: reminded.append(how)
    )
    now = clock.now()
    content.put(b"old", "text/plain", at=now - timedelta(days=5 * 366 + 1))
    content.put(b"new", "text/plain", at=now)
    replay.remember("x", now - timedelta(hours=2))
    disconnect()
    for hour, minute, name in ((10, 15, "remind"), (3, 30, "purge"), (10, 0, "forget_replays")):
        queue.enqueue(due(queue, hour, minute)[name])
        queue.execute(queue.dequeue())  # through the storage, as the consumer does it
    proxy.obj.connect(reuse_if_open=True)
    assert reminded == [{"actor": "calendar", "clock": clock}]
    assert [row.data is None for row in Content.select().order_by(Content.stored_at)] == [True, False]
    assert ReplayEntry.select().count() == 0
