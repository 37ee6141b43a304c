"""An SFTP server for senders' folders, to test against: each sender sees its own, and nothing else.

A sender logs in as its SENDERID, with a key or a password of its own. It writes into `request` alone, reads
all four folders, and may take its receipts away. There is no shell, no forwarding and no link.
"""

from __future__ import annotations

import asyncio
import os
import posixpath
import stat
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import asyncssh
import structlog

from opus_soap.database import connected
from opus_soap.errors import FolderFailed, SftpUnusable
from opus_soap.interfaces.postings_in.folders import REQUEST, RESPONSE, SENDERS, LocalFolders
from opus_soap.interfaces.postings_in.refusals import in_words
from opus_soap.settings import Settings
from opus_soap.store import credentials
from opus_soap.store.models import PostingSender

log = structlog.get_logger("opus_soap.sftp")
MOST_ATTEMPTS = 5  # logins that fail, on one connection
MOST_HANDLES = 16  # files that one connection has open
_LONGEST_NAME = 200  # bytes
_SEEN = (b"", *(os.fsencode(name) for name in SENDERS))  # in the home; first the home itself
# what a client asks for → what the system is asked for
_FLAGS = (
    (asyncssh.FXF_CREAT, os.O_CREAT),
    (asyncssh.FXF_TRUNC, os.O_TRUNC),
    (asyncssh.FXF_EXCL, os.O_EXCL),
)
_WRITES = asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | sum(asked for asked, _ in _FLAGS)


@dataclass
class SftpServer:
    """The server of a municipality's senders."""

    municipality: str
    settings: Settings
    connections: set[asyncssh.SSHServerConnection] = field(default_factory=set, repr=False)
    _server: asyncssh.SSHAcceptor | None = field(default=None, repr=False)

    async def listen(self, host: str, port: int) -> int:
        """Begin to listen; returns the port. Raises `SftpUnusable`."""
        try:
            self._server = await asyncssh.listen(
                host,
                port,
                server_factory=lambda: _Door(self),
                server_host_keys=[_host_key(self.settings.sftp_host_key_file)],
                sftp_factory=self._session,
                sftp_version=3,
                allow_scp=False,
                agent_forwarding=False,
                x11_forwarding=False,
                gss_host=None,
                compression_algs=None,
                login_timeout=self.settings.sftp_login_seconds,
                keepalive_interval=30,
                keepalive_count_max=4,
            )
        except (OSError, asyncssh.Error) as error:
            raise SftpUnusable(
                element=f"{host}:{port}", value=getattr(error, "strerror", "") or error
            ) from None
        return int(self._server.get_port())

    def fingerprint(self) -> str:
        """Of the server's key, as clients show it."""
        return str(_host_key(self.settings.sftp_host_key_file).get_fingerprint())

    async def close(self) -> None:
        """Listen no more, and end what is under way."""
        if self._server is not None:
            self._server.close()
            for connection in tuple(self.connections):
                connection.abort()
                await connection.wait_closed()
            await self._server.wait_closed()

    def sender(self, name: str) -> PostingSender | None:
        """Who logs in under a name, if there is such a sender and it is not stopped."""
        found: PostingSender | None = PostingSender.get_or_none(
            PostingSender.municipality == self.municipality,
            PostingSender.sender_id == name,
            PostingSender.active,
        )
        return found

    def _session(self, channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        sender_id = channel.get_extra_info("username")
        home = self.settings.postings_folder / sender_id
        try:
            LocalFolders(home).prepare()
        except FolderFailed as error:
            log.error("no folder", sender=in_words(sender_id), reason=in_words(str(error)))
            raise asyncssh.SFTPFailure("no folder") from None
        return _Folders(channel, home, self.settings)


class _Door(asyncssh.SSHServer):
    """One connection until somebody has logged in, and how long it is idle then."""

    def __init__(self, server: SftpServer) -> None:
        self._server, self._attempts = server, 0
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Count it, or send it away."""
        self._connection = conn
        if len(self._server.connections) < self._server.settings.sftp_max_connections:
            self._server.connections.add(conn)
        else:
            log.warning("too many connections")
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for another."""
        if self._connection is not None:
            self._server.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        """Everybody must show something."""
        return True

    def public_key_auth_supported(self) -> bool:
        """Keys are."""
        return True

    def password_auth_supported(self) -> bool:
        """Passwords are."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether it is the sender's; that the caller holds it is looked at after this."""
        line = key.export_public_key("openssh").decode("ascii", "replace")
        with connected():
            return credentials.key_holds(self._server.sender(username), line)

    async def validate_password(self, username: str, password: str) -> bool:
        """Whether it is the sender's; too many wrong ones end the connection."""
        good = await asyncio.to_thread(self._password_holds, username, password)
        if not good:
            self._attempts += 1
            log.warning("login refused", sender=in_words(username)[:40], attempt=self._attempts)
            if self._attempts >= MOST_ATTEMPTS and self._connection is not None:
                self._connection.disconnect(asyncssh.DISC_TOO_MANY_CONNECTIONS, "Too many attempts")
        return good

    def _password_holds(self, username: str, password: str) -> bool:
        with connected():
            return credentials.password_holds(self._server.sender(username), password)


class _Folders(asyncssh.SFTPServer):
    """A sender's folders as it sees them: `/request`, `/response`, `/archive`, `/quarantine`."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], home: Path, settings: Settings) -> None:
        super().__init__(channel, chroot=os.fsencode(home))
        self._channel, self._home, self._settings = channel, home.resolve(), settings
        self._open: set[int] = set()
        self._idle: asyncio.TimerHandle | None = None
        self._stir()

    # --- what may be done where

    def map_path(self, path: bytes) -> bytes:
        """The place on this machine; every request comes through here, so it shows that somebody is there."""
        self._stir()
        if len(posixpath.basename(path)) > _LONGEST_NAME or b"\0" in path:
            raise asyncssh.SFTPFailure("the name is too long")
        place = super().map_path(path)
        self._check_way(place)
        return place

    def _check_way(self, place: bytes) -> None:
        """Only into the sender's own folders, and through no link, wherever on the way it stands."""
        way = self._root
        for depth, part in enumerate(place.removeprefix(way).strip(b"/").split(b"/")):
            if depth == 0 and part not in _SEEN:
                raise asyncssh.SFTPNoSuchFile("there is nothing of this name")
            way = posixpath.join(way, part)
            if os.path.islink(way):
                raise asyncssh.SFTPPermissionDenied("not through a link")

    @property
    def _root(self) -> bytes:
        return cast("bytes", self._chroot)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """What is in a folder; of the home what is the sender's."""
        at_home = self.map_path(path).rstrip(b"/") == self._root
        async for entry in super().scandir(path):
            if not at_home or entry.filename in (b".", b"..", *_SEEN):
                yield entry

    def _file_in(self, path: bytes, *folders: str) -> Path:
        """The place of a file that lies in one of these folders itself; raises `SFTPPermissionDenied`."""
        place = Path(os.fsdecode(self.map_path(path)))
        if place.parent.name not in folders or place.parent.parent != Path(os.fsdecode(self._root)):
            raise asyncssh.SFTPPermissionDenied("not here")
        return place

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Read anywhere, write in `request`; never through a link."""
        if len(self._open) >= MOST_HANDLES:
            raise asyncssh.SFTPFailure("too many open files")
        writes, reads = bool(pflags & _WRITES), bool(pflags & asyncssh.FXF_READ)
        if not writes:
            return self._opened(Path(os.fsdecode(self.map_path(path))), os.O_RDONLY, "rb")
        place = self._file_in(path, REQUEST)
        if not place.exists():
            self._check_room()
        flags = os.O_RDWR if reads else os.O_WRONLY
        for asked, flag in _FLAGS:
            flags |= flag if pflags & asked else 0
        return self._opened(place, flags, "r+b" if reads else "wb")

    def _opened(self, place: Path, flags: int, mode: str) -> object:
        handle = os.open(place, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise asyncssh.SFTPFailure("not a file")
        file = os.fdopen(handle, mode, buffering=0)
        self._open.add(id(file))
        return file

    def _check_room(self) -> None:
        """Raises `SFTPFailure` when a sender has too many files waiting."""
        with os.scandir(self._home / REQUEST) as entries:
            if sum(1 for _ in entries) >= self._settings.sftp_max_files:
                raise asyncssh.SFTPFailure("too many files in request")

    def close(self, file_obj: object) -> None:
        """Close a file."""
        self._open.discard(id(file_obj))
        super().close(file_obj)

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Read, as everybody does."""
        self._stir()
        return cast("bytes", super().read(file_obj, offset, size))

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write, up to the largest file that is taken."""
        self._stir()
        if offset + len(data) > self._settings.max_posting_file_bytes:
            raise asyncssh.SFTPFailure("the file is too large")
        return cast("int", super().write(file_obj, offset, data))

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Within `request`, to a name that is free."""
        old, new = self._file_in(oldpath, REQUEST), self._file_in(newpath, REQUEST)
        if new.exists():
            raise asyncssh.SFTPFailure("there is such a file")
        os.rename(old, new)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Within `request`."""
        os.replace(self._file_in(oldpath, REQUEST), self._file_in(newpath, REQUEST))

    def remove(self, path: bytes) -> None:
        """A file of `request` that has not been dealt with, a receipt that has been fetched."""
        os.remove(self._file_in(path, REQUEST, RESPONSE))

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Times and permissions are not taken over; that is no error, or some clients could not upload."""
        self._file_in(path, REQUEST)

    lsetstat = setstat

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """The same of an open file."""
        self._stir()

    def _refuse(self, *_: object) -> None:
        raise asyncssh.SFTPPermissionDenied("not here")

    mkdir = rmdir = symlink = link = readlink = lock = unlock = _refuse  # type: ignore[assignment]

    # --- idle

    def _stir(self) -> None:
        """Somebody is there: the time begins anew."""
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(self._settings.sftp_idle_seconds, self._channel.close)

    def exit(self) -> None:
        """The connection is over."""
        if self._idle is not None:
            self._idle.cancel()


def reason(error: Exception) -> str:
    """Why it does not work, in the system's words."""
    return getattr(error, "strerror", None) or str(error)


def _host_key(path: Path) -> asyncssh.SSHKey:
    """The server's key, made when there is none; raises `SftpUnusable`."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            made = asyncssh.generate_private_key("ssh-ed25519").export_private_key()
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(made)
        return asyncssh.read_private_key(path)
    except (OSError, asyncssh.KeyImportError) as error:
        raise SftpUnusable(element=str(path), value=reason(error)) from None


async def serve(
    server: SftpServer,
    host: str,
    port: int,
    *,
    started: Callable[[int], None],
    sweep: Callable[[], None] | None,
) -> None:
    """Listen until cancelled; `sweep` is called again and again, in a thread, when it is given."""
    started(await server.listen(host, port))
    try:
        while True:
            if sweep is not None:
                await asyncio.to_thread(sweep)
            await asyncio.sleep(server.settings.sweep_seconds)
    finally:
        await server.close()
