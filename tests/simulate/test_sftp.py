"""Senders' folders over SFTP: each sees its own, and does there what a sender may."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
import warnings
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from opus_soap.errors import SftpUnusable
from opus_soap.interfaces.postings_in.reading import ReadingLimits
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.interfaces.postings_in.storing import PostingStore
from opus_soap.interfaces.postings_in.sweeping import WatchedFolders
from opus_soap.settings import Settings
from opus_soap.simulate import sftp
from opus_soap.store import credentials
from opus_soap.store.models import PostingSender
from tests.acceptance.sftp import sftp_client

asyncssh = pytest.importorskip("asyncssh")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    paramiko = pytest.importorskip("paramiko")

SECRET = "correct horse battery"


class Running:
    """A server in a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        self.server, self.root = sftp.SftpServer("999", settings), settings.postings_folder
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.started = threading.Event()
        self.thread.start()
        assert self.started.wait(20)

    async def _run(self) -> None:
        def started(port: int) -> None:
            self.port = port
            self.started.set()

        self.loop = asyncio.get_running_loop()
        self.task = asyncio.ensure_future(
            sftp.serve(self.server, "127.0.0.1", 0, started=started, sweep=None)
        )
        with suppress(asyncio.CancelledError):
            await self.task

    def stop(self) -> None:
        """No more."""
        self.loop.call_soon_threadsafe(self.task.cancel)
        self.thread.join(20)

    def client(self, user: str = "KY01", password: str = SECRET):
        """A client that has logged in."""
        return sftp_client(self.port, user, password)


@pytest.fixture
def settings(tmp_path):
    return Settings(
        postings_folder=tmp_path / "senders",
        sftp_host_key_file=tmp_path / "keys" / "sftp.key",
        sftp_max_connections=3,
        sftp_idle_seconds=5,
        sftp_login_seconds=2,
        sftp_max_files=3,
        max_posting_file_bytes=1000_000,
    )


@pytest.fixture
def senders(company, clock):
    made = {}
    for name in ("KY01", "XX01"):
        made[name] = PostingSender.create(municipality="999", sender_id=name, short=name, name=name)
        credentials.set_password(made[name], SECRET + name[:0], "t", actor="t", clock=clock)
    return made


@pytest.fixture
def receiver(settings, clock, tmp_path):
    return Receiver("999", PostingStore(tmp_path / "files"), ReadingLimits(), clock)


@pytest.fixture
def running(settings, senders):
    made = Running(settings)
    yield made
    made.stop()


def put(client, place, data=b"<a/>"):
    with client.open(place, "wb") as out:
        out.write(data)


def test_a_sender_puts_a_file_and_takes_its_receipt(running):
    with running.client() as client:
        assert sorted(client.listdir("/")) == ["archive", "quarantine", "request", "response"]
        put(client, "request/a.xml.part", b"x" * 300_000)
        client.rename("request/a.xml.part", "request/a.xml")
        (running.root / "KY01/response/a.xml").write_text("receipt")
        assert client.open("response/a.xml").read() == b"receipt"
        client.remove("response/a.xml")
        put(client, "request/b.part")
        client.posix_rename("request/b.part", "request/a.xml")  # instead of the one before
        client.utime("request/a.xml", (1, 1))
    assert [path.name for path in (running.root / "KY01/request").iterdir()] == ["a.xml"]
    status = (running.root / "KY01/request/a.xml").stat()
    assert (status.st_size, status.st_mode & 0o777) == (4, 0o600)
    assert status.st_mtime > 1  # or it would count as settled


@pytest.mark.parametrize(
    "attempt",
    [
        lambda client: client.open("../XX01/request/secret.xml"),
        lambda client: client.open("/../XX01/request/secret.xml"),
        lambda client: client.open("request/../../XX01/request/secret.xml"),
        lambda client: client.open("/etc/passwd"),
        lambda client: put(client, "response/a.xml"),
        lambda client: put(client, "archive/a.xml"),
        lambda client: put(client, "a.xml"),
        lambda client: put(client, "request/deep/a.xml"),
        lambda client: client.rename("request/mine.xml", "archive/mine.xml"),
        lambda client: client.rename("request/mine.xml", "../XX01/request/mine.xml"),
        lambda client: client.posix_rename("archive/old.xml", "request/old.xml"),
        lambda client: client.rename("request/mine.xml", "request/other.xml"),
        lambda client: client.remove("archive/old.xml"),
        lambda client: client.mkdir("request/folder"),
        lambda client: client.rmdir("request"),
        lambda client: client.symlink("/etc/passwd", "request/link.xml"),
        lambda client: client.readlink("request/trap.xml"),
        lambda client: client.open("request/trap.xml"),
        lambda client: put(client, "request/trap.xml"),
        lambda client: client.open("request/pipe.xml"),
        lambda client: client.open("request"),
        lambda client: client.chmod("archive/old.xml", 0o777),
        lambda client: client.listdir("archive/away"),
        lambda client: client.open("archive/away/request/secret.xml"),
        lambda client: client.stat("archive/away/request/secret.xml"),
        lambda client: client.lstat("archive/away/request/secret.xml"),
        lambda client: client.stat("archive/away"),
        lambda client: client.normalize("archive/away/request"),
        lambda client: put(client, "archive/away/request/a.xml"),
        lambda client: client.remove("archive/away/request/secret.xml"),
        lambda client: client.listdir("work"),
        lambda client: client.stat("work/busy.xml"),
        lambda client: client.open("/request/../work/busy.xml"),
        lambda client: put(client, "work/busy.xml"),
        lambda client: client.remove("work/busy.xml"),
        lambda client: client.rename("request/mine.xml", "work/mine.xml"),
        lambda client: put(client, "request/" + "x" * 250),
        lambda client: put(client, "request/large.xml", b"x" * 1_000_001),
        lambda client: [put(client, f"request/{number}.xml") for number in range(9)],
    ],
)
def test_what_a_sender_may_not_has_no_effect(running, attempt):
    home, other = running.root / "KY01", running.root / "XX01"
    with running.client() as client:
        client.listdir("/")  # the folders are there now
        (other / "request").mkdir(parents=True)
        (other / "request/secret.xml").write_text("secret")
        (home / "archive/old.xml").write_text("old")
        for name in ("mine", "other"):
            (home / f"request/{name}.xml").write_text(name)
        (home / "request/trap.xml").symlink_to(other / "request/secret.xml")
        (home / "archive/away").symlink_to(other)
        (home / "work/busy.xml").write_text("busy")
        if "pipe.xml" in attempt.__code__.co_consts:
            os.mkfifo(home / "request/pipe.xml")
        with pytest.raises(OSError):  # noqa: PT011  paramiko's errors say little
            attempt(client)
    assert [path.name for path in (other / "request").iterdir()] == ["secret.xml"]
    assert (other / "request/secret.xml").read_text() == "secret"
    assert sorted(path.name for path in (home / "archive").iterdir()) == ["away", "old.xml"]
    assert (home / "work/busy.xml").read_text() == "busy"
    assert (home / "request/other.xml").read_text() == "other"
    assert not list((home / "response").iterdir())


@pytest.mark.parametrize(
    ("user", "secret"), [("KY01", "wrong"), ("nobody", SECRET), ("", SECRET), ("../KY01", SECRET)]
)
def test_who_shows_nothing_good_stays_outside(running, user, secret):
    with capture_logs() as logs, pytest.raises(paramiko.SSHException), running.client(user, secret):
        pass
    assert any(entry["event"] == "login refused" for entry in logs)
    assert secret not in str(logs)


def test_a_link_shows_in_a_listing_and_leads_nowhere(running):
    with running.client() as client:
        client.listdir("/")
        (running.root / "KY01/archive/away").symlink_to(running.root)
        assert client.listdir("archive") == ["away"]
        assert client.normalize("archive") == "/archive"


def test_a_folder_that_somebody_made_a_link_leads_nowhere(running):
    with running.client() as client:
        client.listdir("/")
        secret = running.root / "XX01/archive"
        secret.mkdir(parents=True)
        (secret / "secret.xml").write_text("secret")
        (running.root / "KY01/archive").rmdir()
        (running.root / "KY01/archive").symlink_to(secret)
        for ask in (client.listdir, client.stat):
            with pytest.raises(OSError):  # noqa: PT011
                ask("archive")
        with pytest.raises(OSError):  # noqa: PT011
            client.open("archive/secret.xml")


@pytest.mark.parametrize("name", [b"\xff.xml", b"a\x01b.xml", "\ufffe.xml".encode(), b"0101901234.xml"])
def test_whatever_a_file_is_called_the_server_goes_on(running, receiver, name):
    """With `--watch` it also deals with the files: no name may end it."""
    folders = WatchedFolders(running.root, receiver, settle_seconds=0)
    with running.client() as client:
        put(client, b"/request/" + name)
        os.utime(os.fsencode(running.root / "KY01/request") + b"/" + name, (1, 1))
        assert folders.go_round(running.root / "no.key")
        assert os.listdir(os.fsencode(running.root / "KY01/response")) == [name]
        assert client.listdir("request") == []


def test_a_login_is_logged_without_what_it_may_hold(running):
    with capture_logs() as logs, pytest.raises(paramiko.SSHException), running.client("0101901234", "x"):
        pass
    assert "0101901234" not in str(logs)


def test_a_stopped_sender_and_a_revoked_password_stay_outside(running, senders, clock):
    with running.client() as client:
        client.listdir("/")
    credentials.revoke(credentials.of_sender(senders["KY01"])[0], actor="t", clock=clock)
    PostingSender.update(active=False).where(PostingSender.sender_id == "XX01").execute()
    for user in ("KY01", "XX01"):
        with pytest.raises(paramiko.SSHException), running.client(user):
            pass


def test_a_key_lets_in_who_holds_it(running, senders, clock):
    key = paramiko.ECDSAKey.generate()
    line = f"{key.get_name()} {key.get_base64()}"
    credentials.add_key(senders["KY01"], line, "t", actor="t", clock=clock)
    for user, good in (("KY01", True), ("XX01", False)):
        transport = paramiko.Transport(("127.0.0.1", running.port))
        try:
            if good:
                transport.connect(username=user, pkey=key)
                assert "request" in paramiko.SFTPClient.from_transport(transport).listdir("/")
            else:
                with pytest.raises(paramiko.SSHException):
                    transport.connect(username=user, pkey=key)
        finally:
            transport.close()


def test_there_is_no_shell_and_no_way_through(running):
    with running.client() as client:
        transport = client.get_channel().get_transport()
        for ask in (lambda channel: channel.invoke_shell(), lambda channel: channel.exec_command("id")):
            with pytest.raises(paramiko.SSHException):
                ask(transport.open_session())
        with pytest.raises(paramiko.SSHException):
            transport.open_channel("direct-tcpip", ("127.0.0.1", running.port), ("127.0.0.1", 1))
        with pytest.raises(paramiko.SSHException):
            transport.request_port_forward("127.0.0.1", 0)


def test_five_wrong_passwords_are_enough(running):
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        transport = paramiko.Transport(sock)
        transport.start_client(timeout=10)
        tried = 0
        with pytest.raises((paramiko.SSHException, EOFError)):  # noqa: PT012
            for tried in range(1, 20):
                try:
                    transport.auth_password("KY01", f"wrong {tried}")
                except paramiko.AuthenticationException:
                    if not transport.is_active():
                        raise
        assert tried <= sftp.MOST_ATTEMPTS + 1
        transport.close()


def test_more_connections_than_allowed_are_closed(running):
    held = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(3)]
    try:
        for sock in held:
            assert sock.recv(3) == b"SSH"
        with socket.create_connection(("127.0.0.1", running.port)) as one_more:
            one_more.settimeout(5)
            assert not one_more.recv(3) or not one_more.recv(1000)
    finally:
        for sock in held:
            sock.close()


def test_who_does_not_log_in_or_does_nothing_is_sent_away(running):
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", running.port)) as sock, running.client() as client:
        sock.settimeout(10)
        while sock.recv(1000):
            pass
        assert time.monotonic() - begun < 5
        client.listdir("/")
        time.sleep(6)
        with pytest.raises((OSError, EOFError)):
            client.listdir("/")


def test_the_host_key_is_made_once_and_only_we_read_it(running, settings):
    first = running.server.fingerprint()
    assert settings.sftp_host_key_file.stat().st_mode & 0o777 == 0o600
    assert sftp.SftpServer("999", settings).fingerprint() == first


def test_a_port_that_is_taken_and_a_key_that_is_none_are_told(running, settings, tmp_path):
    with pytest.raises(SftpUnusable):
        asyncio.run(sftp.SftpServer("999", settings).listen("127.0.0.1", running.port))
    settings.sftp_host_key_file.write_text("no key")
    with pytest.raises(SftpUnusable):
        sftp.SftpServer("999", settings).fingerprint()
