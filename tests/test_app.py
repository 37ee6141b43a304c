"""What the finance system does by the clock, put together in `app`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from opus_soap.app import build_worker, calendar
from opus_soap.database import disconnect, proxy
from opus_soap.errors import TlsTrustInvalid
from opus_soap.settings import load
from opus_soap.store import content, replay
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
    assert set(due(queue, 10, 0)) == {"forget_replays"}
    assert set(due(queue, 10, 15)) == {"remind"}
    assert due(queue, 10, 30) == {}
    assert set(due(queue, 3, 30)) == {"purge"}
    assert set(due(queue, 5, 45)) == {"ending"}


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
