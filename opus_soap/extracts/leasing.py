"""Who is at work on an extract: one worker of several by a lease, one process by a lock.

A lease is renewed while its holder lives, so that another goes on soon after one has died. The lock ends
with its process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import structlog
from peewee import PeeweeException

from opus_soap.clock import Clock
from opus_soap.database import proxy, transaction
from opus_soap.errors import ExtractBusy, ExtractFolderFailed
from opus_soap.file_locks import locked
from opus_soap.store.extract_models import Extract

LEASE = timedelta(minutes=5)
RENEW_SECONDS = 60.0
log = structlog.get_logger("opus_soap.extracts")


@contextmanager
def leased(extract: Extract, clock: Clock) -> Iterator[bool]:
    """Work on an extract until the body is over; False while somebody else does."""
    if not _lease(extract, clock):
        yield False
        return
    over = threading.Event()
    renewing = threading.Thread(target=_renew, args=(extract, clock, over), daemon=True)
    renewing.start()
    try:
        yield True
    finally:
        over.set()
        renewing.join()
        with transaction():
            Extract.update(leased_until=None).where(Extract.id == extract.id).execute()


def _lease(extract: Extract, clock: Clock) -> bool:
    now = clock.now()
    free = Extract.leased_until.is_null() | (Extract.leased_until < now)
    with transaction():
        taken = Extract.update(leased_until=now + LEASE).where(Extract.id == extract.id, free).execute()
    return bool(taken)


def _renew(extract: Extract, clock: Clock, over: threading.Event) -> None:
    """In a thread, with a connection of its own: what the holder reads may be in a transaction."""
    while not over.wait(RENEW_SECONDS):
        try:
            with proxy.obj.connection_context(), transaction():
                until = clock.now() + LEASE
                Extract.update(leased_until=until).where(Extract.id == extract.id).execute()
        except PeeweeException:  # it may come back; if not, the lease ends
            log.exception("lease not renewed", extract=extract.name)


@contextmanager
def alone(lock_file: Path, name: str) -> Iterator[None]:
    """Be the only one at work on the extract `name`; raises `ExtractBusy`, `ExtractFolderFailed`."""
    with ExitStack() as held:
        try:
            lock_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            ours = held.enter_context(locked(lock_file))
        except OSError as error:
            raise ExtractFolderFailed(element=str(lock_file.parent), value=error.strerror or "?") from None
        if not ours:
            raise ExtractBusy(element=name)
        yield
