"""Folders on somebody else's SFTP server: the same order of things, and nobody is trusted unseen."""

from __future__ import annotations

import os

import pytest
from lxml import etree
from structlog.testing import capture_logs

from opus_soap.errors import SftpFolderMissing, SftpUnusable
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.interfaces.postings_in.sweeping import Sweeper
from opus_soap.ledger.models import Voucher
from opus_soap.store.models import PostingSender
from tests.interfaces.postings_in.conftest import NAME, document, request

pytest.importorskip("asyncssh")
from opus_soap.interfaces.postings_in.sftp_folders import SftpFolders
from opus_soap.transport.sftp import Account
from tests.acceptance.sftp import plain_sftp

SECRET = "correct horse battery"
FOLDERS = ("request", "response", "archive", "quarantine")


@pytest.fixture
def elsewhere(tmp_path):
    root = tmp_path / "elsewhere"
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    return root


@pytest.fixture
def account(elsewhere, tmp_path):
    with plain_sftp(elsewhere, "opus", SECRET) as (port, host_key):
        (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
        (tmp_path / "password").write_text(SECRET)
        yield Account(
            "127.0.0.1", port, "opus", tmp_path / "known_hosts", password_file=tmp_path / "password"
        )


@pytest.fixture
def sweep(receiver, sender, account):
    def once() -> int:
        with SftpFolders(account, ".", 0) as folders:
            done = Sweeper(receiver).sweep(PostingSender.get(), folders)
            Sweeper(receiver).tell_booked(PostingSender.get(), folders)
            return done

    return once


def there(root):
    return {folder: sorted(path.name for path in (root / folder).iterdir()) for folder in FOLDERS}


def test_a_file_is_dealt_with_once(sweep, elsewhere):
    (elsewhere / "request" / NAME).write_bytes(request(document()))
    (elsewhere / "request" / f"{NAME}.part").write_bytes(b"half")
    assert sweep() == 1
    assert there(elsewhere) == {
        "request": [f"{NAME}.part"],
        "response": [NAME],
        "archive": [NAME],
        "quarantine": [],
    }
    assert b"<MESSAGE_NUM>305" in (elsewhere / "response" / NAME).read_bytes()
    assert sweep() == 0


def test_a_file_that_is_refused_goes_aside(sweep, elsewhere):
    (elsewhere / "request" / NAME).write_bytes(b"no xml")
    (elsewhere / "quarantine" / NAME).write_bytes(b"one before")
    sweep()
    assert there(elsewhere)["request"] == []
    assert len(there(elsewhere)["quarantine"]) == 2
    assert there(elsewhere)["response"] == [NAME]


def test_the_third_receipt_comes_once(sweep, elsewhere):
    PostingSender.update(booked_receipts=True).execute()
    (elsewhere / "request" / NAME).write_bytes(request(document()))
    sweep()
    third = NAME.replace(".xml", "_BOGFOERT.xml")
    assert there(elsewhere)["response"] == [NAME, third]
    (elsewhere / "response" / third).unlink()  # the sender has taken it
    sweep()
    assert there(elsewhere)["response"] == [NAME]


def test_what_goes_wrong_there_is_tried_again(sweep, elsewhere):
    (elsewhere / "request" / NAME).write_bytes(request(document()))
    (elsewhere / "response").rmdir()
    assert sweep() == 0
    assert [path.name for path in (elsewhere / "work").iterdir()] == [NAME]
    (elsewhere / "response").mkdir()
    assert sweep() == 1
    assert Voucher.select().count() == 1


@pytest.mark.parametrize("lost", [".", "request", "work"])
def test_a_folder_that_is_not_there_is_named(receiver, sender, account, elsewhere, lost):
    folder = "." if lost != "." else "nowhere"
    if lost == "request":
        (elsewhere / "request").rmdir()
    elif lost == "work":
        (elsewhere / "work").write_text("no folder")
    with pytest.raises(SftpFolderMissing) as raised, SftpFolders(account, folder, 0):
        pass
    assert ("nowhere" if lost == "." else f"./{lost}") in str(raised.value)


def test_a_connection_that_is_lost_ends_the_sweep_alone(receiver, sender, account, elsewhere):
    (elsewhere / "request" / NAME).write_bytes(request(document()))
    with SftpFolders(account, ".", 0) as folders, capture_logs() as logs:
        folders._session.abort()
        assert Sweeper(receiver).sweep(sender, folders) == 0
    assert [entry["event"] for entry in logs] == ["folder left for the next sweep"]
    assert Voucher.select().count() == 0


@pytest.mark.parametrize("name", [b"\xff.xml", b"a\x01b.xml", b"x" * 251 + b".xml", "\ufffe.xml".encode()])
def test_whatever_a_file_is_called_there_it_gets_a_receipt(sweep, elsewhere, name):
    odd = os.fsdecode(name)
    for number in (1, 2):
        (elsewhere / "request" / odd).write_bytes(b"no xml")
        assert sweep() == 1
        assert there(elsewhere)["response"] == [odd]
        assert len(there(elsewhere)["quarantine"]) == number
    etree.parse(os.fsencode(elsewhere / "response" / odd))


def test_a_file_that_is_replaced_there_meanwhile_is_dealt_with_next(sweep, elsewhere, monkeypatch):
    finish, second = Receiver._finish, request(document(RECEIV_DOC="2"))
    (elsewhere / "request" / NAME).write_bytes(request(document()))

    def replaced(self, file, **_):
        finish(self, file)
        (elsewhere / "request" / NAME).write_bytes(second)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Receiver, "_finish", replaced)
        sweep()
    assert there(elsewhere) == {"request": [NAME], "response": [NAME], "archive": [NAME], "quarantine": []}
    sweep()
    assert (elsewhere / "quarantine" / NAME).read_bytes() == second


def test_a_file_that_becomes_another_as_it_is_claimed_is_read_next(sweep, elsewhere, monkeypatch):
    path, look = elsewhere / "request" / NAME, SftpFolders.ready
    path.write_bytes(request(document()))

    def changed_since(self):
        names = look(self)
        path.write_bytes(request(document(), document(RECEIV_DOC="2")))
        return names

    with monkeypatch.context() as late:
        late.setattr(SftpFolders, "ready", changed_since)
        assert sweep() == 0
    assert Voucher.select().count() == 0
    assert sweep() == 1
    assert Voucher.select().count() == 2


def test_what_was_begun_there_is_gone_on_with_also_when_it_is_lost(sweep, elsewhere, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    (elsewhere / "request" / NAME).write_bytes(request(document()))
    for lost in (False, True):
        with monkeypatch.context() as killing:
            killing.setattr(Receiver, "_deal_with", killed)
            with pytest.raises(Killed):
                sweep()
        assert [path.name for path in (elsewhere / "work").iterdir()] == [NAME]
        if lost:
            (elsewhere / "work" / NAME).unlink()
    assert sweep() == 1
    assert there(elsewhere)["archive"] == [NAME]
    assert Voucher.select().count() == 1


@pytest.mark.parametrize("change", ["key", "password", "port"])
def test_a_server_that_is_not_the_one_or_lets_nobody_in_is_told(sweep, account, tmp_path, change):
    if change == "key":
        stranger = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1ksdXgxnTJAnx7Ab6yjDSt6rYnJ9tqM0pZdGzcgGb9"
        (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{account.port} {stranger}\n")
    elif change == "password":
        (tmp_path / "password").write_text("wrong")
    else:
        object.__setattr__(account, "port", 1)
    with pytest.raises(SftpUnusable) as raised:
        sweep()
    assert SECRET not in str(raised.value)
