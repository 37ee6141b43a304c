"""One at a time fills a database with made-up vouchers: two at once would make the same ones.

The lock ends with its process, however that ends: PostgreSQL holds it for the connection; beside SQLite's
file the operating system holds it for a file of its own, which stays there, empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from opus_soap.database import Unavailable, connected, is_postgresql, proxy
from opus_soap.errors import BooksBeingFilled, DatabaseFailed
from opus_soap.file_locks import locked

ENDING = ".filling"  # of the file beside SQLite's
_LOCK = 0x0A05F111  # PostgreSQL's locks have numbers; ours for this


@contextmanager
def alone() -> Iterator[None]:
    """Be the only one that fills the database; raises `BooksBeingFilled`."""
    with connected(), _held_by_server() if is_postgresql() else _held_by_file(Path(proxy.obj.database)):
        yield


@contextmanager
def _held_by_server() -> Iterator[None]:
    if not proxy.obj.execute_sql("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()[0]:
        raise BooksBeingFilled
    try:
        yield
    finally:
        with suppress(*Unavailable):  # a connection that is gone holds nothing
            proxy.obj.execute_sql("SELECT pg_advisory_unlock(%s)", (_LOCK,))


@contextmanager
def _held_by_file(database: Path) -> Iterator[None]:
    file = database.with_name(f"{database.name}{ENDING}")
    with ExitStack() as held:
        try:
            ours = held.enter_context(locked(file))
        except OSError as error:
            raise DatabaseFailed(value=f"{file.name}: {error.strerror}") from None
        if not ours:
            raise BooksBeingFilled
        yield
