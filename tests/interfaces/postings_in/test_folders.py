"""Watched folders: receipts beside what was sent, nothing lost, nothing twice."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from lxml import etree
from peewee import OperationalError
from structlog.testing import capture_logs

from opus_soap.database import is_postgresql, proxy
from opus_soap.interfaces.postings_in import sweeping as module
from opus_soap.interfaces.postings_in.folders import LocalFolders, beside
from opus_soap.interfaces.postings_in.schema import FOLDER
from opus_soap.interfaces.postings_in.sweeping import Sweeper, WatchedFolders
from opus_soap.ledger import parking
from opus_soap.ledger.models import ParkedVoucher, Voucher
from opus_soap.ledger.seals import create_seal_key
from opus_soap.store.models import PostingFile, PostingRefusal, PostingSender
from tests.conftest import POSTGRES_URL
from tests.interfaces.postings_in.conftest import NAME, document, request

GOOD = request(document())
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


def in_work(folders) -> list[str]:
    return [name for name in there(folders, "work") if not name.startswith(".")]


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
    assert there(folders, "request") == []
    assert in_work(folders) == [NAME]
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


# --- others do what they like with their files meanwhile


def accepted_in(folders, name: str = NAME, sender: str = "KY01") -> list[str]:
    receipt = etree.parse(folders.root / sender / "response" / name)
    return [node.text for node in receipt.iter("MESSAGE_NUM")]


def test_a_file_that_is_replaced_while_it_is_dealt_with_is_dealt_with_next(
    folders, place, monkeypatch, receiver
):
    first, second = request(document()), request(document(RECEIV_DOC="2"))
    place(first)
    finish = type(receiver)._finish

    def replaced(self, file, **_):
        finish(self, file)
        place(second)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(type(receiver), "_finish", replaced)
        folders.sweep()
    assert (folders.root / "KY01/archive" / NAME).read_bytes() == first
    assert "305" in accepted_in(folders)
    folders.sweep()
    assert there(folders, "request") == []
    assert (folders.root / "KY01/quarantine" / NAME).read_bytes() == second
    assert "407" in accepted_in(folders)  # a name is used once


def test_a_file_that_is_removed_while_it_is_dealt_with_gets_its_receipt(
    folders, place, monkeypatch, receiver
):
    path = place(request(document()))
    finish = type(receiver)._finish

    def removed(self, file, **_):
        finish(self, file)
        path.unlink(missing_ok=True)

    monkeypatch.setattr(type(receiver), "_finish", removed)
    assert folders.sweep() == 1
    assert there(folders, "archive") == [NAME]
    assert "305" in accepted_in(folders)


def test_a_file_that_is_written_to_while_it_is_dealt_with_comes_again(folders, place, monkeypatch, receiver):
    path = place(request(document()))
    finish = type(receiver)._finish
    with monkeypatch.context() as meanwhile, path.open("ab") as held:

        def written(self, file, **_):
            finish(self, file)
            held.write(b"<!-- more -->")
            held.flush()

        meanwhile.setattr(type(receiver), "_finish", written)
        folders.sweep()
    assert "305" in accepted_in(folders)
    assert there(folders, "archive") == []
    assert there(folders, "request") == [NAME]
    folders.sweep()
    assert "407" in accepted_in(folders)


@pytest.mark.parametrize("then", ["removed", "replaced"])
def test_a_file_that_was_begun_goes_on_to_its_end_whatever_became_of_it(
    folders, place, monkeypatch, receiver, then
):
    """Its bytes are kept: as a server's whose folders have lost it since."""
    data = request(document(), document(RECEIV_DOC="2"))
    path = place(data)
    with monkeypatch.context() as killed:
        killed.setattr(type(receiver), "_deal_with", _die)
        with pytest.raises(Killed):
            folders.sweep()
    for lost in (folders.root / "KY01").glob("*/*.xml"):
        lost.unlink()
    assert PostingFile.get().state == PostingFile.UNDER_WAY
    if then == "replaced":
        path.write_bytes(request(document(RECEIV_DOC="3")))
        os.utime(path, (1, 1))
    folders.sweep()
    assert PostingFile.get().state == PostingFile.BOOKED
    assert Voucher.select().count() == 2
    assert (folders.root / "KY01/archive" / NAME).read_bytes() == data
    assert there(folders, "quarantine") == ([NAME] if then == "replaced" else [])
    assert folders.sweep() == 0


class Killed(BaseException):
    """As a process is: nobody catches it."""


def _die(*_: object, **__: object) -> None:
    raise Killed


def test_a_file_that_vanishes_while_the_folder_is_read_ends_nothing(folders, place, monkeypatch):
    place(request(document()), "a.xml").unlink()
    place(request(document()))
    glob = Path.glob

    def before(self, pattern):
        return [*glob(self, pattern), self / "a.xml"] if self.name == "request" else glob(self, pattern)

    monkeypatch.setattr(Path, "glob", before)
    assert folders.sweep() == 1


def test_two_that_watch_the_same_folders_leave_each_other_alone(folders, place, receiver):
    place(request(document()))
    home = folders.of(PostingSender.get())
    with home.held() as ours:
        assert ours
        other = WatchedFolders(folders.root, receiver, settle_seconds=0)
        assert other.sweep() == 0
    assert there(folders, "request") == [NAME]
    assert other.sweep() == 1


@pytest.mark.parametrize("broken", ["file", "dangling link", "no request", "unreadable"])
def test_a_senders_broken_folder_stops_nobody_else(folders, place, broken, tmp_path):
    PostingSender.create(municipality="999", sender_id="AB12", short="AB12", name="Løn")
    home = folders.root / "AB12"
    if broken == "file":
        home.write_text("no folder")
    elif broken == "dangling link":
        home.symlink_to(tmp_path / "nowhere")
    else:
        home.mkdir()
        (home / "request").write_text("no folder")
    place(request(document()))
    with capture_logs() as logs:
        folders.go_round(tmp_path / "seal.key.pem")
    assert there(folders, "archive") == [NAME]
    assert any("AB12" in str(entry) for entry in logs if entry["log_level"] == "error")


@pytest.mark.parametrize("where", ["senders", "seals", "receipts"])
def test_a_database_that_is_away_for_a_moment_does_not_end_the_watch(
    folders, place, monkeypatch, tmp_path, where
):
    place(request(document()))

    def away(*_: object, **__: object) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as locked:
        if where == "senders":
            locked.setattr(WatchedFolders, "_senders", away)
        elif where == "seals":
            locked.setattr(module, "seal_all", away)
        else:
            locked.setattr(module.Sweeper, "tell_booked", away)
        with capture_logs() as logs:
            assert not folders.go_round(tmp_path / "seal.key.pem")
    assert "database is locked" in str(logs)
    assert folders.go_round(tmp_path / "seal.key.pem")
    assert there(folders, "archive") == [NAME]


def test_a_mistake_of_ours_in_one_file_stops_nobody_else(folders, place, monkeypatch, receiver):
    PostingSender.create(municipality="999", sender_id="ZZ12", short="ZZ12", name="Løn")
    folders.prepare()
    place(request(document()))
    other = place(b"<a/>", sender="ZZ12")
    deliver = type(receiver).deliver

    def mistaken(self, source, name, **more):
        if more["as_sender"] == "KY01":
            raise ValueError("0101901234")
        return deliver(self, source, name, **more)

    monkeypatch.setattr(type(receiver), "deliver", mistaken)
    with capture_logs() as logs:
        folders.sweep()
    assert not other.exists()
    assert "ValueError" in str(logs)
    assert "0101901234" not in str(logs)


# --- names

ODD = [
    b"\xff.xml",
    b"a\x01b.xml",
    "￾.xml".encode(),
    b"a\nb.xml",
    "‮.xml".encode(),
    b"0101901234.xml",
    b"x" * 251 + b".xml",
    b"%s.xml",
    b"<a>&.xml",
]


@pytest.mark.parametrize("name", ODD, ids=[ascii(name[:12]) for name in ODD])
@pytest.mark.parametrize("good", [True, False])
def test_whatever_a_file_is_called_it_gets_a_receipt_once(folders, place, name, good):
    PostingSender.create(municipality="999", sender_id="ZZ12", short="ZZ12", name="Løn")
    folders.prepare()
    other = place(b"<a/>", sender="ZZ12")
    odd, data = os.fsdecode(name), request(document()) if good else b"<no/>"
    with capture_logs() as logs:
        for number in (1, 2, 3):  # under a name that is taken in quarantine, too
            place(data, odd)
            folders.sweep()
            assert there(folders, "request") == []
            assert len(there(folders, "quarantine")) == number
    assert not other.exists()
    receipt = etree.parse(os.fsencode(folders.root / "KY01/response" / odd))
    assert RESPONSE.validate(receipt)
    said = json.dumps(logs, ensure_ascii=False)
    assert said.encode().count(b"file refused") == 4
    assert "0101901234" not in said
    assert "0101901234" not in "".join(text for row in receipt.iter("RETURN") for text in row.itertext())
    assert sorted(row.times for row in PostingRefusal.select()) == [1, 3]


# --- clocks


def test_a_file_from_the_future_is_dealt_with_when_it_stands_still(folders, place, monkeypatch):
    path = place(request(document()))
    os.utime(path, (4_000_000_000, 4_000_000_000))
    assert folders.sweep() == 0
    path.write_bytes(request(document(), document(RECEIV_DOC="2")))
    os.utime(path, (4_000_000_000, 4_000_000_000))
    assert folders.sweep() == 0  # it has changed
    assert folders.sweep() == 1
    assert there(folders, "archive") == [NAME]


def test_files_that_still_settle_are_counted(folders, place, receiver):
    os.utime(place(request(document()), "future.xml"), (4_000_000_000, 4_000_000_000))
    os.utime(place(request(document())))
    place(request(document()), "a.xml.part")
    slow = WatchedFolders(folders.root, receiver, settle_seconds=3600)
    assert (slow.sweep(), slow.settling()) == (0, 2)
    place(b"<a/>", "old.xml")
    assert (slow.sweep(), slow.settling()) == (1, 2)


# --- third receipts


@pytest.mark.parametrize("change", [str.upper, str.lower])
def test_a_third_receipt_comes_whatever_the_letter_case_of_the_file(folders, place, tmp_path, change):
    PostingSender.update(booked_receipts=True).execute()
    place(request(document()), change(NAME))
    folders.go_round(tmp_path / "no.key")
    stem, ending = change(NAME)[:-4], change(NAME)[-4:]
    assert there(folders, "response") == sorted([change(NAME), f"{stem}_BOGFOERT{ending}"])


def test_a_third_receipt_comes_where_the_file_lies_also_when_it_came_by_another_door_first(
    folders, place, deliver, tmp_path
):
    PostingSender.update(booked_receipts=True).execute()
    deliver(GOOD, NAME)
    place(GOOD, NAME.lower())
    folders.go_round(tmp_path / "no.key")
    assert there(folders, "response") == [NAME.lower(), NAME.lower().replace(".xml", "_BOGFOERT.xml")]


def test_a_third_receipt_waits_for_the_seal(folders, place, tmp_path):
    PostingSender.update(booked_receipts=True).execute()
    key = tmp_path / "seal.key.pem"
    create_seal_key(key)
    watched = replace(folders, receiver=replace(folders.receiver, seal_key_file=key))
    place(request(document()))
    watched.sweep()
    watched.tell_booked()
    assert there(folders, "response") == [NAME]
    watched.go_round(key)
    third = folders.root / "KY01/response" / NAME.replace(".xml", "_BOGFOERT.xml")
    assert b"<SEAL_NO>1</SEAL_NO>" in third.read_bytes()


# --- receipts of what was refused


@pytest.mark.parametrize(
    ("data", "date", "time"),
    [
        (b"no xml", "2026-11-24", "01:30:00"),
        (b"<no/>", "2026-11-24", "01:30:00"),
        (GOOD.replace(b"<SEND_DATE>20261123", b"<SEND_DATE>2026-11-22"), "2026-11-22", "12:00:00"),
        (GOOD.replace(b"<SEND_DATE>20261123", b"<SEND_DATE>23112026"), "2026-11-24", "01:30:00"),
        (GOOD.replace(b"<SEND_TIME>120000", b"<SEND_TIME>256061"), "2026-11-24", "01:30:00"),
        (GOOD.replace(b"<SEND_DATE>20261123", b"<SEND_DATE>20261122"), "2026-11-22", "12:00:00"),
    ],
)  # fmt: skip
def test_the_receipt_of_a_refused_file_says_when_it_came_where_the_file_does_not(
    folders, place, monkeypatch, data, date, time
):
    came = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
    monkeypatch.setattr(module.LocalFolders, "came_at", lambda *_: came)
    place(data)
    folders.sweep()
    receipt = etree.parse(folders.root / "KY01/response" / NAME)
    assert RESPONSE.validate(receipt), RESPONSE.error_log
    said = {node.tag: node.text for node in receipt.getroot().find("CONTROL_FIELDS")}
    assert (said["FILE_NAME"], said["SEND_DATE"], said["SEND_TIME"]) == (NAME, date, time)
    about_file = next(row for row in receipt.iter("RETURN") if row.findtext("MESSAGE_NUM") == "002")
    compact = f"{date} {time}".translate({ord("-"): None, ord(":"): None})
    assert about_file.findtext("MESSAGE_TEXT") == f"Fil: {compact} {NAME}"


# --- claims


def test_a_file_waits_until_one_of_its_name_has_been_dealt_with(folders, place, monkeypatch):
    place(GOOD)
    with monkeypatch.context() as full:

        def no_space(*_: object) -> None:
            raise OSError(28, "No space left on device")

        full.setattr(Sweeper, "_copy", no_space)
        folders.sweep()
        second = place(request(document(RECEIV_DOC="2")))
        folders.sweep()
        assert second.exists()
    assert folders.sweep() == 2
    assert (folders.root / "KY01/archive" / NAME).read_bytes() == GOOD
    assert there(folders, "quarantine") == [NAME]


def test_a_file_that_becomes_another_as_it_is_claimed_settles_first(folders, place, receiver, monkeypatch):
    slow = WatchedFolders(folders.root, receiver, settle_seconds=3600)
    os.utime(place(GOOD))
    with monkeypatch.context() as late, capture_logs() as logs:
        late.setattr(LocalFolders, "ready", lambda _: [NAME, "gone.xml"])
        assert slow.sweep() == 0
    assert logs == [], "a sender may take back its file"
    assert in_work(folders) == [NAME]
    assert slow.sweep() == 0
    assert slow.settling() == 1
    os.utime(folders.root / "KY01/work" / NAME, (1, 1))
    assert slow.sweep() == 1


def test_a_link_in_work_is_not_followed(folders, place, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (folders.root / "KY01/work/a.xml").symlink_to(tmp_path / "secret")
    assert folders.sweep() == 0
    assert folders.go_round(tmp_path / "no.key")


def test_a_database_connection_that_is_dead_is_opened_again(folders, place, tmp_path):
    if not is_postgresql():
        pytest.skip("SQLite has none")
    place(GOOD)
    pid = proxy.obj.execute_sql("SELECT pg_backend_pid()").fetchone()[0]
    with psycopg.connect(POSTGRES_URL, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))
    assert not folders.go_round(tmp_path / "no.key")
    assert folders.go_round(tmp_path / "no.key")
    assert there(folders, "archive") == [NAME]


def test_a_name_beside_another_is_never_too_long():
    for stem in ("x", "x" * 251, "æ" * 125, "\udcff" * 251):
        other = beside(f"{stem}.xml")
        assert len(os.fsencode(other)) <= 255
        assert other.endswith(".xml")
        assert other != beside(f"{stem}.xml")
