"""A sender's folders on an SFTP server: the same as on this machine, in the same order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from tempfile import TemporaryFile
from types import TracebackType
from typing import BinaryIO, cast
from uuid import uuid4

import asyncssh

from opus_soap.errors import SftpFolderMissing, SftpUnusable
from opus_soap.interfaces.postings_in.folders import REQUEST, RESPONSE, WORK, Facts, beside, is_wanted
from opus_soap.transport.sftp import ANSWER_SECONDS, STEP, Account, Session

_MOST_FILES = 10_000  # in one folder


class SftpFolders:
    """The folders of one sender; a connection from `with` to its end.

    What goes wrong with the server is an OSError to whoever uses it, as with folders on this machine.
    """

    def __init__(self, account: Account, folder: str, settle_seconds: float) -> None:
        self._account, self._folder, self._settle_seconds = account, folder, settle_seconds
        self._session = Session(account)
        self._looked_at: dict[str, Facts] = {}

    def __enter__(self) -> SftpFolders:
        """Log in; raises `SftpUnusable`, `SftpFolderMissing`."""
        where = f"{self._account.host}:{self._account.port}"
        try:
            self._session.__enter__()
        except OSError as error:
            raise SftpUnusable(element=where, value=str(error)) from None
        try:
            self._look_for_folders()
        except SftpFolderMissing:
            self.__exit__(None, None, None)
            raise
        except OSError as error:
            self.__exit__(None, None, None)
            raise SftpUnusable(element=where, value=str(error)) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.__exit__(kind, error, trace)

    def _look_for_folders(self) -> None:
        """Those that everything begins with; `work` is made, if we may."""
        for path in (self._folder, self._path(REQUEST)):
            if not self._session.done(self._session.client.isdir(path)):
                raise SftpFolderMissing(element=path)
        if not self._session.done(self._session.client.isdir(self._path(WORK))):
            try:
                self._session.done(self._session.client.mkdir(self._path(WORK)))
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
            async for entry in self._session.client.scandir(self._path(folder)):
                name, attrs = str(entry.filename), entry.attrs
                if attrs.type == asyncssh.FILEXFER_TYPE_REGULAR and is_wanted(name):
                    found[name] = (attrs.size, attrs.mtime)
                if len(found) >= _MOST_FILES:
                    break
            return found

        return self._session.done(look())

    def claim(self, name: str) -> bool:
        """From `request` into `work`; False when it is gone, or has changed since. Raises OSError."""
        if self.has(name, WORK) or not self.has(name, REQUEST):
            return False
        self._session.done(self._session.client.rename(self._path(REQUEST, name), self._path(WORK, name)))
        return self.facts(name) == self._looked_at.get(name)

    def restore(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        """A file in `work`, unless there is one; raises OSError."""
        if not self.has(name, WORK):
            self._write(WORK, name, write)

    def facts(self, name: str) -> Facts:
        """Size and time; raises OSError."""
        attrs = self._session.done(self._session.client.lstat(self._path(WORK, name)))
        return attrs.size, attrs.mtime

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """A file in `work`, fetched to this machine; raises OSError."""
        with TemporaryFile() as local:

            async def fetch() -> None:
                async with self._session.client.open(self._path(WORK, name), "rb") as remote:
                    while piece := await asyncio.wait_for(remote.read(STEP), ANSWER_SECONDS):
                        local.write(cast("bytes", piece))

            self._session.done(fetch(), seconds=None)
            local.seek(0)
            yield local

    def came_at(self, name: str) -> datetime:
        """When it was last changed; raises OSError."""
        attrs = self._session.done(self._session.client.lstat(self._path(WORK, name)))
        return datetime.fromtimestamp(attrs.mtime or 0, UTC)

    def answer(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        """A file in `response`: written beside its place, and renamed; raises OSError."""
        self._write(RESPONSE, name, write)

    def _write(self, folder: str, name: str, write: Callable[[BinaryIO], None]) -> None:
        with TemporaryFile() as local:
            write(local)
            local.seek(0)
            part = self._path(folder, f".{uuid4().hex}.part")
            self._session.put(cast("BinaryIO", local), part, self._path(folder, name))

    def move(self, name: str, folder: str) -> None:
        """Out of `work`; raises OSError."""
        target = beside(name) if self.has(name, folder) else name
        self._session.done(self._session.client.rename(self._path(WORK, name), self._path(folder, target)))

    def has(self, name: str, folder: str) -> bool:
        """Whether a file of this name lies in a folder."""
        return self._session.done(self._session.client.exists(self._path(folder, name)))

    # --- below

    def _path(self, *names: str) -> str:
        return "/".join((self._folder, *names))
