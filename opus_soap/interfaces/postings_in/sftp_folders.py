"""A sender's folders on an SFTP server: the same as on this machine, in the same order."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, BinaryIO, TypeVar, cast
from uuid import uuid4

import asyncssh

from opus_soap.errors import SftpFolderMissing, SftpUnusable
from opus_soap.interfaces.postings_in.folders import REQUEST, RESPONSE, WORK, Facts, beside, is_wanted

T = TypeVar("T")
_STEP = 256 * 1024  # bytes
_LOGIN_SECONDS, _ANSWER_SECONDS = 30, 60
_MOST_FILES = 10_000  # in one folder


@dataclass(frozen=True)
class Account:
    """Where to log in, as whom. The server's key must be known: it is never taken on trust."""

    host: str
    port: int
    user: str
    known_hosts: Path
    key: Path | None = None
    password_file: Path | None = None


class SftpFolders:
    """The folders of one sender; a connection from `with` to its end.

    What goes wrong with the server is an OSError to whoever uses it, as with folders on this machine.
    """

    def __init__(self, account: Account, folder: str, settle_seconds: float) -> None:
        self._account, self._folder, self._settle_seconds = account, folder, settle_seconds
        self._runner = asyncio.Runner()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None
        self._looked_at: dict[str, Facts] = {}

    def __enter__(self) -> SftpFolders:
        """Log in; raises `SftpUnusable`, `SftpFolderMissing`."""
        where = f"{self._account.host}:{self._account.port}"
        try:
            self._runner.run(self._connect())
            self._look_for_folders()
        except SftpFolderMissing:
            self.__exit__(None, None, None)
            raise
        except (OSError, asyncssh.Error, ValueError, TimeoutError) as error:
            self.__exit__(None, None, None)
            raise SftpUnusable(element=where, value=str(error) or type(error).__name__) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.abort()
            with suppress(OSError, asyncssh.Error, TimeoutError):
                self._runner.run(asyncio.wait_for(self._connection.wait_closed(), _LOGIN_SECONDS))
        self._runner.close()

    async def _connect(self) -> None:
        account, secret = self._account, None
        if account.password_file is not None:
            secret = (account.password_file.read_text("utf-8").splitlines() or [""])[0]
        self._connection = await asyncssh.connect(
            account.host,
            account.port,
            username=account.user,
            password=secret,
            client_keys=[str(account.key)] if account.key else None,
            known_hosts=str(account.known_hosts),
            config=None,
            agent_path=None,
            login_timeout=_LOGIN_SECONDS,
            keepalive_interval=15,
        )
        self._client = await self._connection.start_sftp_client(path_errors="surrogateescape", sftp_version=3)

    def _look_for_folders(self) -> None:
        """Those that everything begins with; `work` is made, if we may."""
        for path in (self._folder, self._path(REQUEST)):
            if not self._done(self._sftp.isdir(path)):
                raise SftpFolderMissing(element=path)
        if not self._done(self._sftp.isdir(self._path(WORK))):
            try:
                self._done(self._sftp.mkdir(self._path(WORK)))
            except OSError:
                raise SftpFolderMissing(element=self._path(WORK)) from None

    # --- what `folders.SenderFolders` asks for

    def begun(self) -> list[str]:
        """Names in `work`; raises OSError."""
        return sorted(self._seen(WORK))

    def ready(self) -> list[str]:
        """Names whose size and time are the same after a while: whose clock is right does not matter.

        Raises OSError.
        """
        before = self._seen(REQUEST)
        if not before:
            return []
        time.sleep(self._settle_seconds)
        self._looked_at = self._seen(REQUEST)
        return sorted(name for name, facts in before.items() if self._looked_at.get(name) == facts)

    def _seen(self, folder: str) -> dict[str, Facts]:
        async def look() -> dict[str, Facts]:
            found: dict[str, Facts] = {}
            async for entry in self._sftp.scandir(self._path(folder)):
                name, attrs = str(entry.filename), entry.attrs
                if attrs.type == asyncssh.FILEXFER_TYPE_REGULAR and is_wanted(name):
                    found[name] = (attrs.size, attrs.mtime)
                if len(found) >= _MOST_FILES:
                    break
            return found

        return self._done(look())

    def claim(self, name: str) -> bool:
        """From `request` into `work`; False when it is gone, or has changed since. Raises OSError."""
        if self.has(name, WORK) or not self.has(name, REQUEST):
            return False
        self._done(self._sftp.rename(self._path(REQUEST, name), self._path(WORK, name)))
        return self.facts(name) == self._looked_at.get(name)

    def restore(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        """A file in `work`, unless there is one; raises OSError."""
        if not self.has(name, WORK):
            self._write(WORK, name, write)

    def facts(self, name: str) -> Facts:
        """Size and time; raises OSError."""
        attrs = self._done(self._sftp.lstat(self._path(WORK, name)))
        return attrs.size, attrs.mtime

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """A file in `work`, fetched to this machine; raises OSError."""
        with TemporaryFile() as local:

            async def fetch() -> None:
                async with self._sftp.open(self._path(WORK, name), "rb") as remote:
                    while piece := await asyncio.wait_for(remote.read(_STEP), _ANSWER_SECONDS):
                        local.write(cast("bytes", piece))

            self._done(fetch(), seconds=None)
            local.seek(0)
            yield local

    def came_at(self, name: str) -> datetime:
        """When it was last changed; raises OSError."""
        attrs = self._done(self._sftp.lstat(self._path(WORK, name)))
        return datetime.fromtimestamp(attrs.mtime or 0, UTC)

    def answer(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        """A file in `response`: written beside its place, and renamed; raises OSError."""
        self._write(RESPONSE, name, write)

    def _write(self, folder: str, name: str, write: Callable[[BinaryIO], None]) -> None:
        with TemporaryFile() as local:
            write(local)
            local.seek(0)
            self._done(self._put(local, folder, name), seconds=None)

    async def _put(self, local: io.BufferedIOBase | Any, folder: str, name: str) -> None:
        part, place = self._path(folder, f".{uuid4().hex}.part"), self._path(folder, name)
        async with self._sftp.open(part, "wb") as remote:
            while piece := local.read(_STEP):
                await asyncio.wait_for(remote.write(piece), _ANSWER_SECONDS)
        try:
            await self._sftp.posix_rename(part, place)
        except asyncssh.SFTPOpUnsupported:
            with suppress(asyncssh.SFTPNoSuchFile):
                await self._sftp.remove(place)
            await self._sftp.rename(part, place)

    def move(self, name: str, folder: str) -> None:
        """Out of `work`; raises OSError."""
        target = beside(name) if self.has(name, folder) else name
        self._done(self._sftp.rename(self._path(WORK, name), self._path(folder, target)))

    def has(self, name: str, folder: str) -> bool:
        """Whether a file of this name lies in a folder."""
        return self._done(self._sftp.exists(self._path(folder, name)))

    # --- below

    @property
    def _sftp(self) -> asyncssh.SFTPClient:
        assert self._client is not None
        return self._client

    def _path(self, *names: str) -> str:
        return "/".join((self._folder, *names))

    def _done(self, work: Coroutine[Any, Any, T], seconds: int | None = _ANSWER_SECONDS) -> T:
        try:
            return self._runner.run(asyncio.wait_for(work, seconds))
        except (asyncssh.Error, TimeoutError) as error:
            raise OSError(str(error) or type(error).__name__) from None
