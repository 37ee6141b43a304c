"""The one connection to the books: engine by URL, safe pragmas read back, short transactions.

Models declare `BaseModel`; `connect()` binds them all at once. One process speaks to one database.
Write transactions are `IMMEDIATE` on SQLite, so that two writers queue instead of failing halfway.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime
from functools import wraps
from inspect import signature
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import orjson
from peewee import (
    AutoField,
    CharField,
    Database,
    DatabaseProxy,
    DateField,
    InterfaceError,
    Model,
    Node,
    OperationalError,
    PeeweeException,
    SqliteDatabase,
    TextField,
    UUIDField,
)
from peewee import __exception_wrapper__ as translated_errors  # type: ignore[attr-defined]
from playhouse.pool import MaxConnectionsExceeded, PooledPostgresqlDatabase

from opus_soap.clock import from_isoformat, isoformat
from opus_soap.errors import DatabaseUnreachable, DatabaseUnsafe, DatabaseUrlUnknown
from opus_soap.settings import shown
from opus_soap.written import Later, StandIn, Written

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound=Model)

proxy = DatabaseProxy()

SQLITE_PRAGMAS: dict[str, object] = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: an acknowledged answer survives a power cut
    "foreign_keys": 1,
    "recursive_triggers": 1,  # or INSERT OR REPLACE slips past the append-only triggers
}


_SQLITE = "sqlite:///"
LOCK_SECONDS = 10  # how long who writes to SQLite waits for other writers, in all

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


def connect(url: str, *, pool_size: int = 16, files: Path | None = None) -> Database:
    """Bind every model to the database at `url` (`sqlite:///path`, `postgresql://…`) and check it.

    `files` is the folder beside it, for what is too large for a row; without one all is in rows.
    Raises `DatabaseUrlUnknown`, `DatabaseUnreachable`, `DatabaseUnsafe`.
    """
    disconnect()
    scheme = urlsplit(url).scheme
    database: Database
    if (file := sqlite_file(url)) is not None:
        database = SqliteDatabase(str(file), pragmas=SQLITE_PRAGMAS, timeout=LOCK_SECONDS)
    elif scheme in ("postgresql", "postgres"):
        database = PooledPostgresqlDatabase(
            url, max_connections=pool_size, stale_timeout=300, timeout=30, prefer_psycopg3=True
        )
    else:
        raise DatabaseUrlUnknown(value=f"{scheme or '?'}://…", expected="sqlite:///, postgresql://")
    proxy.initialize(database)
    _beside.folder = files
    verify_engine(database, shown(url))
    return database


class _Beside:
    """The folder of the database that is bound, for what is too large for it."""

    folder: Path | None = None


_beside = _Beside()


def files_folder() -> Path | None:
    """Where what is too large for a row is kept, beside the database that is bound; None: in rows."""
    return _beside.folder


def sqlite_file(url: str) -> Path | None:
    """The file of a database of SQLite; None when the address is another engine's."""
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


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


_JOINED = nullcontext()


def transaction() -> AbstractContextManager[None]:
    """One write transaction; nested calls join the outer one."""
    return _JOINED if in_transaction() else _outermost_transaction(proxy.obj)


@contextmanager
def _outermost_transaction(database: Database) -> Iterator[None]:
    with connected():
        if isinstance(database, SqliteDatabase):
            with _turn_to_write(database):
                yield
        else:
            with database.atomic():
                yield


@contextmanager
def _turn_to_write(database: SqliteDatabase) -> Iterator[None]:
    """SQLite has one writer at a time: who waits in this process waits here, and begins at once.

    SQLite's own waiting is a sleep of up to a tenth of a second, then a try; so it is between processes, for
    what is left of the time.
    """
    lock, until = _writers.lock, time.monotonic() + LOCK_SECONDS
    waited = not lock.acquire(blocking=False)
    if waited and not lock.acquire(timeout=LOCK_SECONDS):
        raise OperationalError("database is locked")  # as SQLite says it
    try:
        with ExitStack() as written:
            with _waiting_at_most(until - time.monotonic(), database) if waited else nullcontext():
                written.enter_context(database.atomic("IMMEDIATE"))
            yield
    finally:
        lock.release()


@contextmanager
def _waiting_at_most(seconds: float, database: SqliteDatabase) -> Iterator[None]:
    """What is begun within does not wait for longer; what comes after it waits as usual."""
    set_to = "PRAGMA busy_timeout = %d"  # milliseconds
    connection = database.connection()
    connection.execute(set_to % max(0, seconds * 1000))
    try:
        yield
    finally:
        connection.execute(set_to % (LOCK_SECONDS * 1000))


class _Writers:
    """This process's; a child that is forked while a thread writes has no such thread."""

    def __init__(self) -> None:
        self.renew()
        os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        self.lock = Lock()


_writers = _Writers()


def retried(work: Callable[P, R]) -> Callable[P, R]:
    """Do a whole transaction again, a few times, when PostgreSQL ended it in favour of another's.

    Two that wait for each other's locks are told so: one of them has had no effect, and may begin anew.
    Inside another transaction it is done once: nothing of that can be saved.
    """

    @wraps(work)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> R:
        inside = in_transaction()
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


class Prepared:
    """A query that is asked often: its text is made once for each engine, and asked with other values.

    The library takes longer to write a query than SQLite to answer it. What builds it gets a stand-in for
    each value; none of them may be None, which has a text of its own.
    """

    def __init__(self, build: Callable[..., Any]) -> None:
        self._build = build
        self._stand_ins = [StandIn(place) for place in range(len(signature(build).parameters))]
        self._written: dict[type[Database], Written] = {}

    def rows(self, *given: object) -> list[Any]:
        """What it finds, as the query says: models, or tuples."""
        written = self._written.get(type(proxy.obj)) or self._write()
        cursor = proxy.obj.execute_sql(written.text, written.with_values(given))
        return [*map(written.reader(cursor), cursor)]

    def first(self, *given: object) -> Any:
        """The first of them, or None."""
        return next(iter(self.rows(*given)), None)

    def do(self, *given: object) -> int:
        """Of a statement that changes rows: how many. What is inserted is given as the database holds it."""
        written = self._written.get(type(proxy.obj)) or self._write()
        changed: int = proxy.obj.execute_sql(written.text, written.with_values(given)).rowcount
        return changed

    def _write(self) -> Written:
        query = self._build(*self._stand_ins)
        text, values = proxy.obj.get_sql_context().sql(query).query()
        written = self._written[type(proxy.obj)] = Written(query, text, values)
        return written


class _AnyOf(Node):
    """Plain values as one: the text of a query does not depend on how many they are."""

    def __init__(self, values: Sequence[object] | StandIn) -> None:
        self._values = values

    def __sql__(self, ctx: Any) -> Any:
        adapt: Callable[[Any], object] = list if is_postgresql() else encode_json
        opens, closes = ("ANY(", ")") if is_postgresql() else ("(SELECT value FROM json_each(", "))")
        values = self._values
        held = Later(values.place, adapt) if isinstance(values, StandIn) else adapt(values)
        return ctx.literal(opens).value(held, converter=False).literal(closes)


def is_any_of(column: Any, values: Sequence[object] | StandIn) -> Any:
    """`IN` of many plain values: the library's own looks at each of them for longer than the database."""
    return column == _AnyOf(values) if is_postgresql() else column.in_(_AnyOf(values))


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


def in_transaction() -> bool:
    """Whether this thread is within a transaction."""
    return not proxy.obj.is_closed() and bool(proxy.obj.in_transaction())


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
        sequence = "SELECT pg_get_serial_sequence(%s, 'id')::regclass AS name OFFSET 0"  # looked up once
        drawn = f"SELECT nextval(name) FROM ({sequence}) AS sequence, generate_series(1, %s)"  # noqa: S608
        return [row[0] for row in proxy.obj.execute_sql(drawn, (table, count)).fetchall()]
    newest = f'SELECT MAX("id") FROM "{table}"'  # noqa: S608  our names
    highest = proxy.obj.execute_sql(newest).fetchone()[0] or 0
    return range(highest + 1, highest + 1 + count)


def create(model: type[M], **values: Any) -> M:
    """`Model.create` without the library's way to its text: a row, written, with its new id."""
    row = model(**values)
    fields = [model._meta.fields[name] for name in row.__data__]
    returning = ' RETURNING "id"' if is_postgresql() else ""
    cursor = proxy.obj.execute_sql(
        f"{_insert(model, fields)}{returning}",
        [field.db_value(row.__data__[field.name]) for field in fields],
    )
    identity = cursor.fetchone()[0] if is_postgresql() else cursor.lastrowid
    row.id = identity  # type: ignore[attr-defined]  # all that are made so have one
    return row


def update(row: Model, *names: str) -> None:
    """These fields of a row as it has them now, written: `Model.save(only=…)`, in the same way."""
    fields, mark = [row._meta.fields[name] for name in names], proxy.obj.param
    assigned = ", ".join(f'"{field.column_name}" = {mark}' for field in fields)
    values = [field.db_value(row.__data__[field.name]) for field in fields]
    table = row._meta.table_name
    proxy.obj.execute_sql(
        f'UPDATE "{table}" SET {assigned} WHERE "id" = {mark}',  # noqa: S608  our names
        [*values, row.id],  # type: ignore[attr-defined]  # all that are changed so have one
    )


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
    with translated_errors:
        cursor = proxy.obj.cursor()
        if is_postgresql():
            names = ", ".join(f'"{field.column_name}"' for field in fields)
            with cursor.copy(f'COPY "{model._meta.table_name}" ({names}) FROM STDIN') as copy:
                for values in rows:
                    copy.write_row(values)
        else:
            cursor.executemany(_insert(model, fields), rows)


def _insert(model: type[Model], fields: Sequence[Any]) -> str:
    names = ", ".join(f'"{field.column_name}"' for field in fields)
    marks = ", ".join([proxy.obj.param] * len(fields))
    return f'INSERT INTO "{model._meta.table_name}" ({names}) VALUES ({marks})'  # noqa: S608  our names
