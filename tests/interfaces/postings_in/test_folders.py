"""Watched folders: receipts beside what was sent, nothing lost, nothing twice."""

from __future__ import annotations

import os

import pytest
from lxml import etree

from opus_soap.interfaces.postings_in import folders as module
from opus_soap.interfaces.postings_in.folders import Sweeper, WatchedFolders
from opus_soap.interfaces.postings_in.schema import FOLDER
from opus_soap.ledger import parking
from opus_soap.ledger.models import ParkedVoucher, Voucher
from opus_soap.ledger.seals import create_seal_key
from opus_soap.store.models import PostingSender
from tests.interfaces.postings_in.conftest import NAME, document, request

RESPONSE = etree.XMLSchema(file=str(FOLDER / "FinancePostingResponse.xsd"))


@pytest.fixture
def folders(receiver, tmp_path):
    made = WatchedFolders(tmp_path / "senders", receiver, settle_seconds=0)
    made.prepare()
    return made


@pytest.fixture
def place(folders):
    """A file in a sender's folder."""

    def put(data: bytes, name: str = NAME, sender: str = "KY01"):
        path = folders.root / sender / "request" / name
        path.write_bytes(data)
        os.utime(path, (1, 1))
        return path

    return put


def there(folders, kind: str, sender: str = "KY01") -> list[str]:
    return sorted(path.name for path in (folders.root / sender / kind).iterdir())


def test_a_file_gets_its_receipt_and_is_archived(folders, place):
    place(request(document()))
    assert folders.sweep() == 1
    assert [there(folders, kind) for kind in ("request", "response", "archive", "quarantine")] == [
        [],
        [NAME],
        [NAME],
        [],
    ]
    receipt = etree.parse(folders.root / "KY01/response" / NAME)
    assert RESPONSE.validate(receipt)
    assert receipt.findtext(".//MESSAGE_NUM[.='305']") == "305"
    assert Voucher.select().count() == 1
    assert folders.sweep() == 0


def test_what_is_refused_as_a_whole_goes_into_quarantine_with_a_receipt(folders, place):
    place(b"<no/>")
    folders.sweep()
    assert there(folders, "quarantine") == [NAME]
    receipt = etree.parse(folders.root / "KY01/response" / NAME)
    assert [node.text for node in receipt.iter("MESSAGE_NUM")] == ["200", "002", "402"]


def test_what_is_still_being_written_is_left(folders, place, receiver):
    place(request(document())).rename(folders.root / "KY01/request" / f"{NAME}.part")
    place(b"x", ".hidden.xml")
    (folders.root / "KY01/request/link.xml").symlink_to("/etc/passwd")
    slow = WatchedFolders(folders.root, receiver, settle_seconds=3600)
    path = place(request(document()))
    os.utime(path)
    assert slow.sweep() == 0
    assert len(there(folders, "request")) == 4


def test_a_sender_writing_into_anothers_folder_is_refused(folders, place):
    PostingSender.create(municipality="999", sender_id="AB12", short="AB12", name="Løn")
    folders.prepare()
    place(request(document()), sender="AB12")
    folders.sweep()
    assert there(folders, "quarantine", "AB12") == [NAME]
    assert Voucher.select().count() == 0


def test_a_full_disk_leaves_the_file_for_the_next_sweep(folders, place, monkeypatch):
    place(request(document()))
    with monkeypatch.context() as full:

        def no_space(*_: object) -> None:
            raise OSError(28, "No space left on device")

        full.setattr(Sweeper, "_copy", no_space)
        assert folders.sweep() == 0
    assert there(folders, "request") == [NAME]
    assert there(folders, "response") == []
    assert folders.sweep() == 1
    assert there(folders, "response") == [NAME]
    assert Voucher.select().count() == 1


def test_killed_between_receipt_and_archive_the_same_is_done_again(folders, place, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    data = request(document())
    place(data)
    with monkeypatch.context() as broken:
        broken.setattr(module.LocalFolders, "move", killed)
        with pytest.raises(Killed):
            folders.sweep()
    first = (folders.root / "KY01/response" / NAME).read_bytes()
    folders.sweep()
    assert (folders.root / "KY01/response" / NAME).read_bytes() == first
    place(data)  # and the sender, who did not see it, sends it again
    folders.sweep()
    assert (folders.root / "KY01/response" / NAME).read_bytes() == first
    assert len(there(folders, "archive")) == 2
    assert Voucher.select().count() == 1


def test_third_receipts_come_when_all_is_decided_and_sealed(folders, place, tmp_path):
    PostingSender.update(booked_receipts=True, release_above={"*": 0}).execute()
    create_seal_key(tmp_path / "seal.key.pem")
    place(request(document()))
    folders.go_round(tmp_path / "seal.key.pem")
    assert there(folders, "response") == [NAME]
    clock = folders.receiver.clock
    parking.set_right("999", "anna", "", limit_ore=10**9, actor="t", clock=clock)
    parking.release(ParkedVoucher.get().uuid, user="anna", actor="anna", clock=clock)
    folders.go_round(tmp_path / "seal.key.pem")
    third = NAME.replace(".xml", "_BOGFOERT.xml")
    assert there(folders, "response") == [NAME, third]
    said = (folders.root / "KY01/response" / third).read_bytes()
    assert b"<STATUS>BOGFOERT</STATUS>" in said
    assert b"<SEAL_NO>1</SEAL_NO>" in said
    (folders.root / "KY01/response" / third).unlink()
    folders.go_round(tmp_path / "seal.key.pem")
    assert there(folders, "response") == [NAME]
