"""SFTP servers of others: we log in by an account's terms, and put files beside their names first.

The server's key must be known: it is never taken on trust. What goes wrong with the server is an OSError.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, TypeVar, cast

import asyncssh

T = TypeVar("T")
STEP = 256 * 1024  # bytes
ANSWER_SECONDS = 60
_LOGIN_SECONDS = 30


@dataclass(frozen=True)
class Account:
    """Where to log in, as whom."""

    host: str
    port: int
    user: str
    known_hosts: Path
    key: Path | None = None
    password_file: Path | None = None


class Session:
    """A connection from `with` to its end."""

    def __init__(self, account: Account) -> None:
        self._account, self._runner = account, asyncio.Runner()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None

    def __enter__(self) -> Session:
        """Log in; raises OSError, also for a key or a password that cannot be used."""
        try:
            self._runner.run(self._connect())
        except (OSError, asyncssh.Error, ValueError) as error:
            self.__exit__(None, None, None)
            raise OSError(str(error) or type(error).__name__) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.abort()
            with suppress(OSError, asyncssh.Error):
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

    @property
    def client(self) -> asyncssh.SFTPClient:
        """What asks the server, once logged in; its work is `done`."""
        assert self._client is not None
        return self._client

    def done(self, work: Coroutine[Any, Any, T], seconds: int | None = ANSWER_SECONDS) -> T:
        """The outcome of some work, within so many seconds; raises OSError."""
        try:
            return self._runner.run(asyncio.wait_for(work, seconds))
        except asyncssh.Error as error:
            raise OSError(str(error) or type(error).__name__) from None

    def abort(self) -> None:
        """Cut the connection."""
        assert self._connection is not None
        self._connection.abort()

    def put(self, local: BinaryIO, part: str, place: str) -> None:
        """A file: written at `part`, renamed to `place`, also over one that is there; raises OSError."""
        try:
            self.done(self._put(local, part, place), seconds=None)
        except OSError:
            with suppress(OSError):  # what is left would fill a disk that is full
                self.done(self.client.remove(part))
            raise

    async def _put(self, local: BinaryIO, part: str, place: str) -> None:
        sent = 0
        async with self.client.open(part, "wb") as remote:
            while piece := local.read(STEP):
                sent += await asyncio.wait_for(remote.write(piece), ANSWER_SECONDS)
            with suppress(asyncssh.SFTPOpUnsupported):
                await asyncio.wait_for(remote.fsync(), ANSWER_SECONDS)
        there = (await asyncio.wait_for(self.client.stat(part), ANSWER_SECONDS)).size
        if there not in (None, sent):
            raise OSError(f"{there} bytes arrived of {sent}")
        await asyncio.wait_for(self._rename(part, place), ANSWER_SECONDS)

    async def _rename(self, part: str, place: str) -> None:
        try:
            await self.client.posix_rename(part, place)
        except asyncssh.SFTPOpUnsupported:
            with suppress(asyncssh.SFTPNoSuchFile):
                await self.client.remove(place)
            await self.client.rename(part, place)

    def size(self, place: str) -> int | None:
        """Bytes of a file; None when there is none. Raises OSError."""

        async def look() -> int | None:
            try:
                return (await self.client.stat(place)).size
            except asyncssh.SFTPNoSuchFile:
                return None

        return self.done(look())

    def sha256(self, place: str) -> str:
        """SHA-256 of a file, which is read for it, hex; raises OSError."""
        found = hashlib.sha256()

        async def read() -> None:
            async with self.client.open(place, "rb") as remote:
                while piece := await asyncio.wait_for(remote.read(STEP), ANSWER_SECONDS):
                    found.update(cast("bytes", piece))

        self.done(read(), seconds=None)
        return found.hexdigest()
