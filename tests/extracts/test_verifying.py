"""Offline: what does not hold is found, also in what was signed by the right key."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opus_soap.extracts import covering, manifest
from opus_soap.extracts.verifying import check_between, verify
from opus_soap.ledger.seals import load_seal_key, seal
from opus_soap.store.extract_models import Extract
from tests.extracts.conftest import Desk

_ADDED = ("form", "key_id", "public_key", "signature")


def path_of(desk: Desk, extract: Extract) -> Path:
    return desk.inbox / f"{extract.name}{manifest.ENDING}"


@pytest.fixture
def again(desk: Desk) -> Callable[..., list[str]]:
    """Sign a manifest again when it has been changed; the problems that are found."""

    def sign(extract: Extract, change: Callable[[dict[str, Any]], object]) -> list[str]:
        path = path_of(desk, extract)
        told = json.loads(path.read_bytes())
        change(told)
        facts = {name: value for name, value in told.items() if name not in _ADDED}
        path.write_bytes(manifest.signed(facts, load_seal_key(desk.producer.key_file)))
        return verify(path).problems

    return sign


@pytest.fixture
def three_seals(desk: Desk) -> Extract:
    """An extract over three seals."""
    key = load_seal_key(desk.producer.key_file)
    for _ in range(3):
        desk.post()
        seal(desk.company, key, clock=desk.clock)
    return desk.run(desk.subscribe())


def test_signed_again_without_a_change_it_holds(three_seals, again):
    assert again(three_seals, lambda told: None) == []


def test_another_length_is_found(three_seals, again):
    (problem,) = again(three_seals, lambda told: told["files"][0].update(bytes=1))
    assert "it must be 1" in problem


def test_a_seal_that_nobody_signed_is_found(three_seals, again):
    (problem,) = again(three_seals, lambda told: told["seals"][1].update(vouchers=9))
    assert problem == "seal 2: its signature is not that of its key"


def test_a_seal_of_a_key_that_is_not_there_is_found(three_seals, again):
    assert len(again(three_seals, lambda told: told.update(seal_keys={}))) == 3


def test_a_seal_that_is_missing_is_found(three_seals, again):
    assert again(three_seals, lambda told: told["seals"].pop(1)) == ["seal 3: does not follow on seal 1"]


def test_everything_begins_with_the_first_seal(three_seals, again):
    (problem,) = again(three_seals, lambda told: told["seals"].pop(0))
    assert "is not the first" in problem


def test_an_extract_that_is_missing_between_two_is_found(desk, again):
    subscription = desk.subscribe()
    made = []
    for _ in range(3):
        desk.post()
        made.append(desk.run(subscription))
    first, _, third = made
    data = path_of(desk, first).read_bytes()
    follows = {"extract": first.name, "sequence": 1, "manifest_sha256": hashlib.sha256(data).hexdigest()}
    (problem,) = again(third, lambda told: told.update(follows=follows))
    assert problem == f"seal 3: does not follow on {first.name}"


def test_another_manifest_under_the_name_of_the_one_before_is_found(desk, again):
    subscription = desk.subscribe()
    first = desk.run(subscription)
    second = desk.run(subscription)
    again(first, lambda told: told.update(receiver="somebody else"))
    (problem,) = verify(path_of(desk, second)).problems
    assert "is not the manifest that this extract follows on" in problem


def test_without_the_one_before_nothing_is_said_of_it(desk):
    subscription = desk.subscribe()
    first = desk.run(subscription)
    second = desk.run(subscription)
    path_of(desk, first).unlink()
    assert verify(path_of(desk, second)).ok


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.update(files=None),
        lambda told: told.update(seals=[1]),
        lambda told: told["files"][0].pop("sha256"),
        lambda told: told.pop("follows"),
        lambda told: told.update(follows=7),
        lambda told: told.update(follows={}),
        lambda told: told.update(sequence="x"),
        lambda told: told.pop("sequence"),
        lambda told: told.pop("subscription"),
        lambda told: told.pop("municipality"),
        lambda told: told.update(files={}),
        lambda told: told.update(mode=5),
        lambda told: told["seal_keys"].update(dict.fromkeys(told["seal_keys"], "zz")),
    ],
)
def test_what_somebody_signed_in_another_shape_is_a_problem_and_no_crash(three_seals, again, change):
    assert again(three_seals, change)


def test_one_of_another_shape_hides_no_other(desk, again):
    subscription = desk.subscribe()
    made = []
    for _ in range(3):
        desk.post()
        made.append(desk.run(subscription))
    again(made[0], lambda told: told.pop("sequence"))
    path_of(desk, made[1]).unlink()
    found = [verify(path_of(desk, extract)) for extract in (made[0], made[2])]
    check_between(found)
    assert not found[0].ok
    assert found[1].ok  # the first of those that can be read


def test_a_gap_is_told_though_the_one_before_it_is_damaged(desk):
    subscription = desk.subscribe()
    made = []
    for _ in range(3):
        desk.post()
        made.append(desk.run(subscription))
    path_of(desk, made[1]).unlink()
    (desk.inbox / f"{made[0].name}.csv").write_bytes(b"")
    found = [verify(path_of(desk, extract)) for extract in (made[0], made[2])]
    check_between(found)
    assert not found[0].ok
    assert found[1].problems == [f"follows on {made[1].name}, which is not here"]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"{}", b'{"form": "opus-soap-extract-1"}', b"\xff", b"[" * 100_000,
     b'{"form": "opus-soap-extract-1", "form": "opus-soap-extract-1"}'],
)  # fmt: skip
def test_what_is_no_manifest_is_told(tmp_path, data):
    path = tmp_path / "x.manifest.json"
    path.write_bytes(data)
    assert len(verify(path).problems) == 1


def test_a_file_that_is_missing_is_found(three_seals, desk):
    (desk.inbox / f"{three_seals.name}.csv").unlink()
    (problem,) = verify(path_of(desk, three_seals)).problems
    assert "No such file" in problem
    (desk.inbox / f"{three_seals.name}.csv").mkdir()
    assert not verify(path_of(desk, three_seals)).ok
    assert not verify(desk.inbox / "nothing").ok


def test_names_lead_out_of_no_folder(three_seals, again, desk):
    outside = desk.inbox.parent / "outside"
    outside.write_bytes(b"")
    empty = hashlib.sha256(b"").hexdigest()
    file = {"name": "../outside", "bytes": 0, "sha256": empty}
    assert again(three_seals, lambda told: told.update(files=[file]))


def test_an_older_manifest_under_a_newer_name_is_found(desk):
    subscription = desk.subscribe()
    first, second = desk.run(subscription), desk.run(subscription)
    path_of(desk, second).write_bytes(path_of(desk, first).read_bytes())
    (problem,) = verify(path_of(desk, second)).problems
    assert "its name" in problem


def test_pipes_and_devices_end(three_seals, desk):
    path = desk.inbox / f"{three_seals.name}.xml"
    path.unlink()
    os.mkfifo(path)
    assert not verify(path_of(desk, three_seals)).ok
    path.unlink()
    path.symlink_to("/dev/zero")
    assert not verify(path_of(desk, three_seals)).ok
    manifest_path = path_of(desk, three_seals)
    manifest_path.unlink()
    manifest_path.symlink_to("/dev/zero")
    (problem,) = verify(manifest_path).problems
    assert "not a regular file" in problem


def test_the_manifest_before_may_be_anything(desk):
    subscription = desk.subscribe()
    first, second = desk.run(subscription), desk.run(subscription)
    before = path_of(desk, first)
    before.unlink()
    before.mkdir()
    assert not verify(path_of(desk, second)).ok
    before.rmdir()
    before.symlink_to("/dev/zero")
    assert not verify(path_of(desk, second)).ok


def test_a_lone_surrogate_is_a_problem_of_one(tmp_path):
    path = tmp_path / "x.manifest.json"
    path.write_bytes(b'{\n  "form": "opus-soap-extract-1",\n  "x": "\\ud800"\n}\n')
    assert len(verify(path).problems) == 1


_VOUCHER = re.compile(rb"<POSTING_DOCUMENT>.*?</POSTING_DOCUMENT>\n", re.DOTALL)


def _swapped(text: bytes) -> bytes:
    """The first voucher behind the second."""
    first, second, *_ = _VOUCHER.findall(text)
    return text.replace(first + second, second + first)


FORGED = {
    "another hash": lambda text: re.sub(rb"<DOC_HASH>.{64}", b"<DOC_HASH>" + b"0" * 64, text, count=1),
    "one is missing": lambda text: _VOUCHER.sub(b"", text, count=1),
    "one comes twice": lambda text: _VOUCHER.sub(lambda found: found[0] * 2, text, count=1),
    "another order": _swapped,
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("chunk", [1024 * 1024, 100])
def test_vouchers_that_are_not_those_sealed_are_found_though_all_is_signed(
    three_seals, again, desk, monkeypatch, forge, chunk
):
    monkeypatch.setattr(covering, "_AT_ONCE", chunk)
    path = desk.inbox / f"{three_seals.name}.xml"
    assert again(three_seals, lambda told: None) == []
    forged = forge(path.read_bytes())
    assert forged != path.read_bytes()
    path.write_bytes(forged)
    (problem,) = again(three_seals, lambda told: _note(told, path))
    assert problem.startswith(f"{path.name}: its vouchers are not those under seal ")


def test_of_vouchers_left_out_only_the_files_are_told(desk, again):
    desk.post(2)
    extract = desk.run(desk.subscribe(options={"conditions": ["DOC_TYPE=KR"]}))
    assert again(extract, lambda told: None) == []


def test_a_delta_is_held_against_its_own_seals(desk, again):
    subscription = desk.subscribe()
    for _ in range(2):
        desk.reverse(desk.post(2)[1])
        extract = desk.run(subscription)
    assert again(extract, lambda told: None) == []
    path = desk.inbox / f"{extract.name}.xml"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"<DOC_HASH>", b"<DOC_HASE>"))
    (problem,) = again(extract, lambda told: _note(told, path))
    assert problem == f"{path.name}: its vouchers are not those under seal 2"


def _note(told: dict[str, Any], path: Path) -> None:
    """A file as it is now."""
    data = path.read_bytes()
    (file,) = (file for file in told["files"] if file["name"] == path.name)
    file.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
