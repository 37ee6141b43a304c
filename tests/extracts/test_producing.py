"""An extract is there whole or not at all, and is the same whenever it is produced."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace

import pytest

from opus_soap import errors
from opus_soap.extracts import manifest, output, producing
from opus_soap.extracts.verifying import verify
from opus_soap.ledger.seals import create_seal_key
from opus_soap.store.audit import trail
from opus_soap.store.extract_models import Extract
from opus_soap.store.organisation_models import OrgUnit


def files_of(place) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.iterdir()}


def told_of(desk, extract) -> dict:
    return manifest.read(desk.producer.manifest_of(extract), "m")


def test_the_manifest_tells_what_is_there(desk):
    first, second = desk.post(2)
    extract = desk.run(desk.subscribe())
    told = told_of(desk, extract)
    assert told["totals"] == {
        "vouchers": 2,
        "postings": 4,
        "debit_ore": 20_000,
        "credit_ore": -20_000,
        "records": 0,
        "vouchers_left_out": 0,
    }
    assert [file["name"] for file in told["files"]] == [f"{extract.name}.csv", f"{extract.name}.xml"]
    assert (told["from_voucher"], told["to_voucher"]) == (str(first.uuid), str(second.uuid))
    assert (told["mode"], told["follows"], len(told["seals"])) == ("full", None, 1)


def test_a_delta_names_what_it_follows_on_and_the_seals_behind_it(desk):
    subscription = desk.subscribe()
    desk.post()
    first = desk.run(subscription)
    desk.post()
    second = desk.run(subscription)
    told = told_of(desk, second)
    assert told["follows"] == {
        "extract": first.name,
        "sequence": 1,
        "manifest_sha256": first.manifest_sha256,
    }
    assert [seal["sequence"] for seal in told["seals"]] == [2]


def test_produced_again_it_is_the_same_though_the_books_went_on(desk):
    voucher, _ = desk.post(2)
    extract = desk.run(desk.subscribe())
    place = desk.producer.place(extract)
    before = files_of(place)
    desk.reverse(voucher)
    desk.post(3)
    for path in place.iterdir():
        path.unlink()
    place.rmdir()
    desk.producer.produce(extract, actor="test")
    assert files_of(place) == before


def test_what_is_there_is_compared(desk):
    desk.post()
    extract = desk.run(desk.subscribe())
    desk.producer.produce(extract, actor="test")
    path = desk.producer.place(extract) / f"{extract.name}{manifest.ENDING}"
    path.write_bytes(path.read_bytes().replace(b'"LIS"', b'"SIL"', 1))
    with pytest.raises(errors.ExtractDiffers):
        desk.producer.produce(extract, actor="test")


def test_files_that_were_damaged_since_are_noticed(desk):
    desk.post()
    extract = desk.run(desk.subscribe())
    path = desk.producer.place(extract) / f"{extract.name}.xml"
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    with pytest.raises(errors.ExtractDiffers):
        desk.producer.produce(extract, actor="test")


def test_with_another_key_it_is_the_same(desk):
    desk.post()
    extract = desk.run(desk.subscribe())
    stored = desk.producer.manifest_of(extract)
    desk.producer.key_file.unlink()
    create_seal_key(desk.producer.key_file)
    desk.producer.produce(extract, actor="test")
    assert desk.producer.manifest_of(extract) == stored


def test_changed_books_are_noticed(desk, monkeypatch):
    desk.post()
    extract = desk.run(desk.subscribe())
    kind = desk.producer.kinds["posteringer-ud"]
    monkeypatch.setattr("opus_soap.interfaces.postings_out.kind.amount", lambda ore: "1.00")
    with pytest.raises(errors.ExtractDiffers):
        desk.producer.produce(extract, actor="test")
    assert kind.repeatable


def test_a_full_disk_leaves_no_file_under_its_final_name(desk, monkeypatch):
    desk.post()
    extract = desk.order(desk.subscribe())

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(output.os, "fsync", full)
    with pytest.raises(errors.ExtractFolderFailed, match="No space left"):
        desk.producer.produce(extract, actor="test")
    assert list(desk.producer.place(extract).parent.iterdir()) == []
    assert Extract.get_by_id(extract.id).state == Extract.ORDERED
    monkeypatch.undo()
    assert desk.producer.produce(extract, actor="test").state == Extract.PRODUCED


def test_what_breaks_its_schema_is_not_handed_over(desk, monkeypatch):
    desk.post(header_text="x" * 70)
    extract = desk.order(desk.subscribe())
    monkeypatch.setattr("opus_soap.interfaces.postings_out.kind.day", lambda stored: "2026-11-23")
    with pytest.raises(errors.ExtractFormWrong, match="2026-11-23"):
        desk.producer.produce(extract, actor="test")
    assert not desk.producer.place(extract).exists()


def test_nobody_produces_the_second_before_the_first(desk):
    subscription = desk.subscribe()
    desk.order(subscription)
    with pytest.raises(errors.ExtractNotReady):
        desk.producer.produce(desk.order(subscription), actor="test")


def test_without_a_folder_what_was_made_cannot_be_told(desk):
    extract = desk.run(desk.subscribe())
    elsewhere = replace(desk.producer, folder=desk.inbox / "no")
    with pytest.raises(errors.ExtractFolderFailed):
        elsewhere.manifest_of(extract)


def test_it_stands_in_the_audit_trail_once(desk):
    extract = desk.run(desk.subscribe())
    desk.producer.produce(extract, actor="test")
    events = [entry.event for entry in trail(extract.uuid)]
    assert events == ["extract.ordered", "extract.produced", "extract.delivered"]


def test_every_byte_of_a_small_extract_counts(desk):
    """One bit turned in every byte of every file: each is found."""
    desk.post(1)
    extract = desk.run(desk.subscribe())
    path = desk.inbox / f"{extract.name}{manifest.ENDING}"
    assert verify(path).ok
    for changed in sorted(desk.inbox.iterdir()):
        whole = changed.read_bytes()
        for place in range(len(whole)):
            changed.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            assert not verify(path).ok, (changed.name, place)
        for other in (whole[:-1], whole + b"\n"):
            changed.write_bytes(other)
            assert not verify(path).ok, changed.name
        changed.write_bytes(whole)
    assert verify(path).ok


def test_somebody_elses_key_is_not_trusted(desk):
    desk.post(1)
    extract = desk.run(desk.subscribe())
    path = desk.inbox / f"{extract.name}{manifest.ENDING}"
    told = json.loads(path.read_bytes())
    assert verify(path, {told["key_id"]}).ok
    problems = verify(path, {"0" * 64}).problems
    assert len(problems) == 2  # the manifest's, and the seal's


def test_what_cannot_be_written_again_is_taken_as_it_is_when_its_writer_died(desk, monkeypatch):
    """Killed between the renaming and the note: what it was made of may have changed since."""
    extract = desk.order(desk.subscribe(kind="organisation"))
    with monkeypatch.context() as killed:
        killed.setattr(producing.Producer, "_note", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            desk.producer.produce(extract, actor="test")
    before = files_of(desk.producer.place(extract))
    facts = {"client": "999", "long_name": "Enhed"}
    days = dict.fromkeys(("last_changed", "start_date", "end_date"), desk.clock.now().date())
    OrgUnit.create(municipality="999", number="10", **facts, **days)
    again = desk.producer.produce(extract, actor="test")
    assert again.state == Extract.PRODUCED
    assert files_of(desk.producer.place(extract)) == before
    assert verify(next(desk.producer.place(extract).glob("*.manifest.json"))).ok


def test_but_not_when_its_manifest_is_another(desk, monkeypatch):
    extract = desk.order(desk.subscribe(kind="organisation"))
    with monkeypatch.context() as killed:
        killed.setattr(producing.Producer, "_note", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            desk.producer.produce(extract, actor="test")
    (path,) = desk.producer.place(extract).glob("*.manifest.json")
    path.write_bytes(path.read_bytes().replace(b'"delta"', b'"dalta"').replace(b'"full"', b'"fall"'))
    with pytest.raises(errors.ExtractUntrue):
        desk.producer.produce(extract, actor="test")


def test_what_a_killed_process_left_is_deleted_after_a_day(desk):
    extract = desk.order(desk.subscribe())
    place = desk.producer.place(extract)
    old, young = (place.with_name(f".{place.name}.{name}.part") for name in ("old", "young"))
    for part in (old, young):
        part.mkdir(parents=True)
    os.utime(old, (0, 0))
    desk.producer.produce(extract, actor="test")
    assert (old.exists(), young.exists()) == (False, True)
