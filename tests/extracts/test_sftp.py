"""Extracts to a receiver's SFTP server: each file whole under its name or not at all, in their order."""

from __future__ import annotations

import builtins
import errno
from datetime import timedelta

import pytest

from opus_soap.errors import ExtractTargetUnreachable, SftpMissing
from opus_soap.settings import Settings
from opus_soap.store import credentials
from opus_soap.store.extract_models import Extract, ExtractDelivery
from opus_soap.store.models import PostingSender
from tests.extracts.doors import Doors, in_folder

pytest.importorskip("asyncssh")
import asyncssh

from opus_soap.simulate import sftp
from opus_soap.transport.sftp import Session
from tests.acceptance.sftp import plain_sftp
from tests.simulate.test_sftp import Running

SECRET = "correct horse battery"
STRANGER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1ksdXgxnTJAnx7Ab6yjDSt6rYnJ9tqM0pZdGzcgGb9"


@pytest.fixture
def doors(company, clock, tmp_path):
    return Doors(tmp_path, clock)


@pytest.fixture
def settings(tmp_path):
    return Settings(postings_folder=tmp_path / "senders", sftp_host_key_file=tmp_path / "sftp.key")


@pytest.fixture
def running(company, clock, settings):
    """The house's own server; KY01 may write into its `request`."""
    sender = PostingSender.create(municipality="999", sender_id="KY01", short="KY01", name="KY01")
    credentials.set_password(sender, SECRET, "t", actor="t", clock=clock)
    made = Running(settings)
    yield made
    made.stop()


@pytest.fixture
def terms(running, tmp_path, settings):
    host_key = asyncssh.read_private_key(settings.sftp_host_key_file).export_public_key("openssh").decode()
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{running.port} {host_key}")
    (tmp_path / "password").write_text(f"{SECRET}\n")
    return {
        "host": "127.0.0.1",
        "port": running.port,
        "user": "KY01",
        "folder": "request",
        "known_hosts": str(tmp_path / "known_hosts"),
        "password_file": str(tmp_path / "password"),
    }


@pytest.fixture
def request_folder(settings):
    folder = settings.postings_folder / "KY01" / "request"
    folder.mkdir(parents=True)
    return folder


def refused(doors, extract) -> str:
    """Why it could not be handed over."""
    with pytest.raises(ExtractTargetUnreachable):
        doors.deliverer.deliver(extract, at_once=True)
    fresh = Extract.get_by_id(extract.id)
    assert fresh.state == Extract.PRODUCED
    assert SECRET not in fresh.last_error
    return fresh.last_error


def test_files_arrive_under_their_names_and_once(doors, terms, request_folder):
    subscription = doors.subscribe(sftp=terms)
    made = [doors.produced(subscription) for _ in range(2)]
    assert not doors.deliverer.deliver(made[1])  # the first has not been handed over
    assert in_folder(request_folder) == {}
    assert all(doors.deliverer.deliver(extract) for extract in made)
    assert in_folder(request_folder) == {**doors.files(made[0]), **doors.files(made[1])}
    door = f"sftp:KY01@127.0.0.1:{terms['port']}/request"
    assert [(row.door, row.outcome) for row in ExtractDelivery.select()] == [(door, "delivered")] * 2


def test_what_is_there_already_is_left_and_what_differs_is_put_again(
    doors, terms, request_folder, monkeypatch
):
    extract = doors.produced(doors.subscribe(sftp=terms))
    wanted, put, names = doors.files(extract), Session.put, []
    same, other = wanted
    (request_folder / same).write_bytes(wanted[same])
    (request_folder / other).write_bytes(bytes(len(wanted[other])))

    def counted(self, local, part, place):
        names.append(place)
        put(self, local, part, place)

    monkeypatch.setattr(Session, "put", counted)
    assert doors.deliverer.deliver(extract)
    assert names == [f"request/{other}"]
    assert in_folder(request_folder) == wanted


@pytest.mark.parametrize("wrong", ["port", "key", "no known_hosts", "password", "folder", "key file"])
def test_a_receiver_that_cannot_be_used_is_tried_again_later(
    doors, terms, request_folder, tmp_path, clock, wrong
):
    known = tmp_path / "known_hosts"
    good_key, good = known.read_text(), dict(terms)
    if wrong == "port":
        terms["port"] = 1
    elif wrong == "key":
        known.write_text(f"[127.0.0.1]:{terms['port']} {STRANGER}\n")
    elif wrong == "no known_hosts":
        terms["known_hosts"] = str(tmp_path / "nothing")
    elif wrong == "password":
        (tmp_path / "password").write_text("wrong")
    elif wrong == "key file":
        (tmp_path / "key").write_text("no key")
        terms["key"] = str(tmp_path / "key")
    else:
        terms["folder"] = "archive"  # in which a sender may not write
    extract = doors.produced(doors.subscribe(sftp=terms))
    assert refused(doors, extract)
    assert not doors.deliverer.deliver(extract)  # not before its next attempt
    assert in_folder(request_folder) == {}
    known.write_text(good_key)
    (tmp_path / "password").write_text(SECRET)
    doors.subscribe(sftp=good)
    clock.advance(timedelta(minutes=1, seconds=1))
    assert doors.deliverer.deliver(extract)
    assert in_folder(request_folder) == doors.files(extract)


def test_a_full_disk_leaves_nothing(doors, terms, request_folder, monkeypatch):
    extract = doors.produced(doors.subscribe(sftp=terms))

    def full(self, file_obj, offset, data):
        if offset > 300_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, file_obj, offset, data)

    write = sftp._Folders.write
    with monkeypatch.context() as filled:
        filled.setattr(sftp._Folders, "write", full)
        assert "No space left" in refused(doors, extract)
    assert in_folder(request_folder) == {}
    assert doors.deliverer.deliver(extract, at_once=True)
    assert in_folder(request_folder) == doors.files(extract)


def test_a_connection_cut_half_way_leaves_no_file_under_its_name(
    doors, terms, request_folder, running, monkeypatch
):
    subscription = doors.subscribe(sftp=terms)
    extract, following = doors.produced(subscription), doors.produced(subscription)

    def cut(self, file_obj, offset, data):
        if offset > 300_000:
            for connection in tuple(running.server.connections):
                connection.abort()
        return write(self, file_obj, offset, data)

    write = sftp._Folders.write
    with monkeypatch.context() as cutting:
        cutting.setattr(sftp._Folders, "write", cut)
        assert refused(doors, extract)
    assert not set(in_folder(request_folder)) & set(doors.files(extract))
    assert not doors.deliverer.deliver(following, at_once=True)
    assert doors.deliverer.deliver(extract, at_once=True)
    assert in_folder(request_folder) == doors.files(extract)


def test_a_server_that_keeps_fewer_bytes_is_noticed(doors, terms, request_folder, monkeypatch):
    extract = doors.produced(doors.subscribe(sftp=terms))

    def short(self, file_obj, offset, data):
        write(self, file_obj, offset, data[:-1])
        return len(data)

    write = sftp._Folders.write
    monkeypatch.setattr(sftp._Folders, "write", short)
    assert "bytes arrived of 700000" in refused(doors, extract)
    assert in_folder(request_folder) == {}


def test_a_server_without_posix_rename_takes_them_too(doors, tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    with plain_sftp(tmp_path / "there", "opus", SECRET) as (port, host_key):
        monkeypatch.setattr(asyncssh.sftp.SFTPClientHandler, "posix_rename", _unsupported)
        (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
        (tmp_path / "password").write_text(SECRET)
        paths = {name: str(tmp_path / name) for name in ("known_hosts", "password_file")}
        paths["password_file"] = str(tmp_path / "password")
        terms = {"host": "127.0.0.1", "port": port, "user": "opus", "folder": ".", **paths}
        extract = doors.produced(doors.subscribe(sftp=terms))
        wanted = doors.files(extract)
        (tmp_path / "there" / next(iter(wanted))).write_bytes(b"another")
        assert doors.deliverer.deliver(extract)
    assert in_folder(tmp_path / "there") == wanted


async def _unsupported(self, *_):
    raise asyncssh.SFTPOpUnsupported("no")


def test_a_missing_library_is_told_and_noted(doors, terms, monkeypatch):
    extract = doors.produced(doors.subscribe(sftp=terms))
    real = builtins.__import__

    def without(name, *more):
        if name == "opus_soap.transport.sftp":
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SftpMissing):
        doors.deliverer.deliver(extract)
    assert "PIN-467" in Extract.get_by_id(extract.id).last_error
