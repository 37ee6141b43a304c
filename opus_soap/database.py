"""The one connection to the books: engine by URL, safe pragmas read back, short transactions.

Models declare `BaseModel`; `connect()` binds them all at once. One process speaks to one database.
Write transactions are `IMMEDIATE` on SQLite, so that two writers queue instead of failing halfway.
"""

from __future__ import annotations

import random
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import orjson
from peewee import (
    SQL,
    AutoField,
    CharField,
    Database,
    DatabaseProxy,
    DateField,
    InterfaceError,
    Model,
    OperationalError,
    PeeweeException,
    SqliteDatabase,
    TextField,
    UUIDField,
    fn,
)
from peewee import __exception_wrapper__ as translated_errors  # type: ignore[attr-defined]
from playhouse.pool import MaxConnectionsExceeded, PooledPostgresqlDatabase

from opus_soap.clock import from_isoformat, isoformat
from opus_soap.errors import DatabaseUnreachable, DatabaseUnsafe, DatabaseUrlUnknown
from opus_soap.settings import shown

P = ParamSpec("P")
R = TypeVar("R")

proxy = DatabaseProxy()

SQLITE_PRAGMAS: dict[str, object] = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: an acknowledged answer survives a power cut
    "foreign_keys": 1,
    "recursive_triggers": 1,  # or INSERT OR REPLACE slips past the append-only triggers
}


LOCK_SECONDS = 10  # how long SQLite waits for another writer

# what passes: a lock, a full disk, a server that restarts; not what a statement itself does wrong
Unavailable = (OperationalError, InterfaceError, MaxConnectionsExceeded)

_COLLIDED = ("40P01", "40001")  # SQLSTATE: deadlock detected, serialization failure
_ATTEMPTS = 6  # each of two that collide lets the other go first; more of them need more
_LONGEST_PAUSE = 0.2  # seconds, before the next attempt


class BaseModel(Model):
    """A table of this house, bound when `connect()` is called."""

    if TYPE_CHECKING:
        id = AutoField()

    class Meta:
        database = proxy
        legacy_table_names = False


class InstantField(CharField):
    """An aware instant in UTC, stored as text that sorts in the order of time on both engines."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 27)
        super().__init__(**kwargs)

    def db_value(self, value: datetime | str | None) -> str | None:
        """`datetime` → ISO text."""
        return isoformat(value) if isinstance(value, datetime) else value

    def python_value(self, value: str | None) -> datetime | None:
        """ISO text → aware `datetime` in UTC."""
        return from_isoformat(value) if value else None


def encode_json(value: object) -> str:
    """A JSON value as `JsonField` stores it: UTF-8, keys sorted, no white space."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


class JsonField(TextField):
    """A JSON value, stored as text with sorted keys."""

    def db_value(self, value: object) -> str | None:
        """Python value → JSON text."""
        return None if value is None else encode_json(value)

    def python_value(self, value: str | None) -> Any:
        """JSON text → Python value."""
        return None if value is None else orjson.loads(value)


_ADAPTED = (InstantField, JsonField, UUIDField, DateField)  # stored otherwise than they are held


def connect(url: str, *, pool_size: int = 16) -> Database:
    """Bind every model to the database at `url` (`sqlite:///path`, `postgresql://…`) and check it.

    Raises `DatabaseUrlUnknown`, `DatabaseUnreachable`, `DatabaseUnsafe`.
    """
    disconnect()
    scheme = urlsplit(url).scheme
    database: Database
    if scheme == "sqlite" and url.startswith("sqlite:///"):
        database = SqliteDatabase(
            url.removeprefix("sqlite:///"), pragmas=SQLITE_PRAGMAS, timeout=LOCK_SECONDS
        )
    elif scheme in ("postgresql", "postgres"):
        database = PooledPostgresqlDatabase(
            url, max_connections=pool_size, stale_timeout=300, timeout=30, prefer_psycopg3=True
        )
    else:
        raise DatabaseUrlUnknown(value=f"{scheme or '?'}://…", expected="sqlite:///, postgresql://")
    proxy.initialize(database)
    verify_engine(database, shown(url))
    return database


def disconnect() -> None:
    """Close what this process has open: before a fork, or before another database is bound."""
    database = proxy.obj
    if isinstance(database, PooledPostgresqlDatabase):
        database.close_all()
    elif database is not None and not database.is_closed():
        database.close()


def verify_engine(database: Database, url: str = "") -> None:
    """Read the SQLite pragmas back; refuse an engine that does not keep them (`DatabaseUnsafe`)."""
    try:
        database.connect()
    except PeeweeException as error:
        raise DatabaseUnreachable(element=url, value=first_line(error)) from None
    try:
        if not isinstance(database, SqliteDatabase):
            return
        for pragma, expected in SQLITE_PRAGMAS.items():
            actual = database.pragma(pragma)
            if actual != expected:
                raise DatabaseUnsafe(element=f"pragma {pragma}", value=actual, expected=expected)
    finally:
        database.close()


def first_line(error: Exception) -> str:
    """What the engine says, without the statement that follows it."""
    return next(iter(str(error).splitlines()), type(error).__name__)


@contextmanager
def connected() -> Iterator[None]:
    """This thread's connection: taken from the pool on PostgreSQL, kept open on SQLite."""
    database = proxy.obj
    if is_postgresql() and database.is_closed():
        with database.connection_context():
            yield
    else:
        database.connect(reuse_if_open=True)
        yield


@contextmanager
def transaction() -> Iterator[None]:
    """One write transaction; nested calls join the outer one."""
    database = proxy.obj
    if not database.is_closed() and database.in_transaction():
        yield
        return
    with connected():
        mode = ("IMMEDIATE",) if isinstance(database, SqliteDatabase) else ()
        with database.atomic(*mode):
            yield


def retried(work: Callable[P, R]) -> Callable[P, R]:
    """Do a whole transaction again, a few times, when PostgreSQL ended it in favour of another's.

    Two that wait for each other's locks are told so: one of them has had no effect, and may begin anew.
    Inside another transaction it is done once: nothing of that can be saved.
    """

    @wraps(work)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> R:
        database = proxy.obj
        inside = not database.is_closed() and database.in_transaction()
        for left in reversed(range(1 if inside else _ATTEMPTS)):
            try:
                return work(*args, **kwargs)
            except OperationalError as error:
                if not left or getattr(error.__context__, "sqlstate", None) not in _COLLIDED:
                    raise
            time.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311  no secret: so that they part ways
        raise AssertionError

    return attempt


@contextmanager
def snapshot() -> Iterator[None]:
    """Everything read inside is of one moment, however long it takes; nothing can be written."""
    database = proxy.obj
    with connected():
        if is_postgresql():
            with database.atomic():
                database.execute_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                yield
        else:
            with database.atomic("DEFERRED"):
                yield


def is_any_of(column: Any, values: Sequence[object]) -> Any:
    """`IN` of many plain values: the library's own looks at each of them for longer than the database."""
    if is_postgresql():
        return column == SQL("ANY(%s)", [list(values)])
    return column.in_(SQL(f"({', '.join('?' * len(values))})", values))


def stored_rows(query: Any) -> list[tuple[Any, ...]]:
    """A query's rows as the engine gives them, not as models read them: what is verified is what is stored.

    Text that is none any more is shown as it can be.
    """
    found: list[tuple[Any, ...]]
    try:
        found = proxy.obj.execute(query).fetchall()
    except sqlite3.OperationalError:  # not UTF-8
        connection = proxy.obj.connection()
        connection.text_factory = lambda text: text.decode("utf-8", "backslashreplace")
        try:
            found = proxy.obj.execute(query).fetchall()
        finally:
            connection.text_factory = str
    return found


def stored_values(row: Model, names: Sequence[str]) -> list[Any]:
    """A model's values as the database holds them."""
    held = [(row._meta.combined[name], row.__data__.get(row._meta.combined[name].name)) for name in names]
    return [field.db_value(value) if isinstance(field, _ADAPTED) else value for field, value in held]


def analyze(*models: type[Model]) -> None:
    """Let PostgreSQL count tables that have grown by much: it has its own calendar for that, or none.

    Until it has, it may read the whole of a large table for a few rows. Roughly is enough: a tenth of the
    usual sample. SQLite does not count.
    """
    if is_postgresql():
        tables = ", ".join(f'"{model._meta.table_name}"' for model in models)
        with proxy.obj.atomic():
            proxy.obj.execute_sql("SET LOCAL default_statistics_target = 10")
            proxy.obj.execute_sql(f"ANALYZE {tables}")


def is_postgresql() -> bool:
    """Whether the bound engine is PostgreSQL."""
    return not isinstance(proxy.obj, SqliteDatabase)


def new_uuid() -> uuid.UUID:
    """A fresh random identifier. Minted once, stored, never minted again for the same thing."""
    return uuid.uuid4()


def new_identities(model: type[Model], count: int) -> Sequence[int]:
    """The next `count` ids of a table, ascending, in the caller's transaction."""
    table = model._meta.table_name
    if is_postgresql():
        drawn = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
        return [row[0] for row in proxy.obj.execute_sql(drawn, (table, count)).fetchall()]
    highest = model.select(fn.MAX(model.id)).scalar() or 0  # type: ignore[attr-defined]  # all have one
    return range(highest + 1, highest + 1 + count)


def insert_rows(model: type[Model], columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write rows of these columns at once, in the caller's transaction: executemany, or COPY.

    Several times as fast as the library's own way, which builds a statement of every value.
    """
    adapted: list[tuple[int, Callable[[Any], object]]] = [
        (place, field.db_value)
        for place, field in enumerate(model._meta.combined[name] for name in columns)
        if isinstance(field, _ADAPTED)
    ]
    plain = []
    for row in rows:
        values = list(row)
        for place, db_value in adapted:
            values[place] = db_value(values[place])
        plain.append(values)
    insert_stored(model, columns, plain)


def insert_stored(model: type[Model], columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """The same, of values that are already as the database holds them: dates and JSON as text."""
    fields = [model._meta.combined[name] for name in columns]
    names = ", ".join(f'"{field.column_name}"' for field in fields)
    table = f'"{model._meta.table_name}"'
    with translated_errors:
        cursor = proxy.obj.cursor()
        if is_postgresql():
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for values in rows:
                    copy.write_row(values)
        else:
            marks = ", ".join("?" * len(fields))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608  our names
