"""Handed over in order, whole, once; a receiver that is away for days gets everything afterwards."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from opus_soap import errors
from opus_soap.extracts import delivering, manifest
from opus_soap.extracts.schedule import run_due
from opus_soap.store.extract_models import Extract, ExtractDelivery


def test_files_and_then_their_manifest_are_put_there(desk, monkeypatch):
    put = []
    monkeypatch.setattr(delivering.Folder, "put", lambda self, source: put.append(source.name))
    extract = desk.run(desk.subscribe())
    assert put == [f"{extract.name}{ending}" for ending in (".csv", ".xml", manifest.ENDING)]
    assert extract.state == Extract.DELIVERED


def test_a_receipt_is_noted(desk):
    extract = desk.run(desk.subscribe())
    (delivery,) = ExtractDelivery.select()
    size = sum(path.stat().st_size for path in desk.inbox.iterdir())
    assert (delivery.extract_id, delivery.outcome, delivery.files, delivery.bytes) == (
        extract.id,
        "delivered",
        3,
        size,
    )
    assert delivery.door == f"folder:{desk.inbox}"


def test_a_receiver_that_is_down_is_tried_again_and_gets_all_in_order(desk):
    subscription = desk.subscribe()
    desk.inbox.rmdir()
    for _ in range(3):  # days
        desk.post()
        extract = desk.producer.produce(desk.order(subscription), actor="test")
        if extract.sequence == 1:
            with pytest.raises(errors.ExtractTargetUnreachable):
                desk.deliverer.deliver(extract)
        else:
            assert not desk.deliverer.deliver(extract)  # the first is in its way
        desk.clock.advance(timedelta(days=1))
    first = Extract.get(Extract.sequence == 1)
    assert (first.attempts, first.last_error) == (1, "No such file or directory")
    desk.inbox.mkdir()
    run_due(desk.producer, desk.deliverer)
    assert [row.state for row in Extract.select()] == [Extract.DELIVERED] * 3
    assert len(desk.received()) == len(set(desk.received())) == 3
    outcomes = [row.outcome for row in ExtractDelivery.select().order_by(ExtractDelivery.id)]
    assert outcomes == ["No such file or directory", *["delivered"] * 3]


def test_between_two_attempts_time_passes_ever_longer(desk):
    subscription = desk.subscribe()
    desk.inbox.rmdir()
    extract = desk.producer.produce(desk.order(subscription), actor="test")
    waits = []
    for _ in range(9):
        with pytest.raises(errors.ExtractTargetUnreachable):
            desk.deliverer.deliver(extract)
        assert not desk.deliverer.deliver(extract)  # too soon
        waits.append(Extract.get_by_id(extract.id).next_attempt_at - desk.clock.now())
        desk.clock.advance(waits[-1])
    minutes = [wait // timedelta(minutes=1) for wait in waits]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    desk.inbox.mkdir()
    assert desk.deliverer.deliver(extract, at_once=True)


def test_a_disk_that_fills_up_leaves_no_partial_file_under_its_name(desk, monkeypatch):
    subscription = desk.subscribe()
    extract = desk.producer.produce(desk.order(subscription), actor="test")

    def half(read, out, step):
        out.write(read.read(100))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(delivering.shutil, "copyfileobj", half)
    with pytest.raises(errors.ExtractTargetUnreachable, match="No space left"):
        desk.deliverer.deliver(extract)
    assert list(desk.inbox.iterdir()) == []
    monkeypatch.undo()
    assert desk.deliverer.deliver(extract, at_once=True)
    assert len(list(desk.inbox.iterdir())) == 3


def test_again_it_is_the_same_and_noted_once(desk):
    extract = desk.run(desk.subscribe())
    assert desk.deliverer.deliver(extract)
    desk.deliverer.note(extract, "folder:x", [])
    assert ExtractDelivery.select().count() == 1


def test_what_is_to_be_downloaded_waits(desk):
    extract = desk.run(desk.subscribe(target={}))
    assert extract.state == Extract.PRODUCED
    assert not desk.deliverer.deliver(extract, at_once=True)


def test_what_has_not_been_produced_is_not_handed_over(desk):
    with pytest.raises(errors.ExtractNotReady):
        desk.deliverer.deliver(desk.order(desk.subscribe()))


def test_files_that_are_gone_are_not_handed_over(desk):
    extract = desk.producer.produce(desk.order(desk.subscribe()), actor="test")
    shutil.rmtree(desk.producer.place(extract))
    with pytest.raises(errors.ExtractFolderFailed):
        desk.deliverer.deliver(extract)


@pytest.mark.parametrize("ending", [".xml", ".csv", manifest.ENDING])
def test_what_was_damaged_since_is_not_handed_over(desk, ending):
    extract = desk.producer.produce(desk.order(desk.subscribe()), actor="test")
    path = desk.producer.place(extract) / f"{extract.name}{ending}"
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    with pytest.raises(errors.ExtractDiffers):
        desk.deliverer.deliver(extract)
    assert list(desk.inbox.iterdir()) == []
