"""One worker has an extract at a time, for as long as it lives; one process writes its files."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from opus_soap import errors
from opus_soap.extracts import leasing
from opus_soap.extracts.leasing import alone, leased
from opus_soap.extracts.schedule import run_due
from opus_soap.store.extract_models import Extract


def test_only_one_worker_has_it_at_a_time(desk):
    extract = desk.order(desk.subscribe())
    with leased(extract, desk.clock) as first, leased(extract, desk.clock) as second:
        assert (first, second) == (True, False)
    with leased(extract, desk.clock) as third:
        assert third


def test_the_lease_of_one_that_has_died_ends(desk):
    extract = desk.order(desk.subscribe())
    Extract.update(leased_until=desk.clock.now() + leasing.LEASE).execute()  # and nobody renews it
    with leased(extract, desk.clock) as ours:
        assert not ours
    desk.clock.advance(leasing.LEASE + timedelta(seconds=1))
    with leased(extract, desk.clock) as ours:
        assert ours


def test_the_lease_of_one_that_lives_is_renewed(desk, monkeypatch):
    monkeypatch.setattr(leasing, "RENEW_SECONDS", 0.02)
    extract, renewed = desk.order(desk.subscribe()), threading.Event()
    with leased(extract, desk.clock):
        desk.clock.advance(leasing.LEASE * 10)
        for _ in range(500):
            if Extract.get().leased_until > desk.clock.now():
                break
            renewed.wait(0.02)
        with leased(extract, desk.clock) as second:
            assert not second
    assert Extract.get().leased_until is None


def test_two_processes_do_not_write_into_one_file(desk):
    subscription = desk.subscribe()
    extract = desk.order(subscription)
    with desk.producer.alone(extract), pytest.raises(errors.ExtractBusy):
        desk.producer.produce(extract, actor="test")
    desk.producer.produce(extract, actor="test")
    with desk.producer.alone(extract), pytest.raises(errors.ExtractBusy):
        desk.deliverer.deliver(extract)
    assert list(desk.inbox.iterdir()) == []
    assert desk.deliverer.deliver(extract)


def test_a_folder_that_cannot_be_locked_is_told(desk, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.ExtractFolderFailed), alone(tmp_path / "file" / "lock", "x"):
        pass


def test_why_it_could_not_be_produced_is_noted_until_it_is(desk):
    desk.subscribe(calendar="weekdays", target={})
    desk.producer.folder.write_text("in the way")
    run_due(desk.producer, desk.deliverer)
    assert Extract.get().last_error.startswith("EXT-015")
    desk.producer.folder.unlink()
    run_due(desk.producer, desk.deliverer)
    assert (Extract.get().state, Extract.get().last_error) == (Extract.PRODUCED, "")


def test_an_error_of_another_room_does_not_stop_the_others(desk, monkeypatch):
    first, second = desk.subscribe("AAA", calendar="weekdays"), desk.subscribe("BBB", calendar="weekdays")
    real = desk.deliverer._deliver

    def refused(self, extract, at_once):
        if extract.subscription == first:
            raise errors.SftpMissing
        return real(extract, at_once)

    monkeypatch.setattr(type(desk.deliverer), "_deliver", refused)
    run_due(desk.producer, desk.deliverer)
    assert Extract.get(Extract.subscription == second).state == Extract.DELIVERED
