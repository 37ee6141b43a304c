"""What files deliver, set aside on disk and sorted: whatever its order was, memory does not grow with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import orjson

from opus_soap.errors import Both, ImportDiskFailed, ImportKeyTwice, ImportTooLarge
from opus_soap.interfaces.master_data.form import BY_NAME, PLACES, TABLES, Key, Table
from opus_soap.interfaces.master_data.reading import Delivered

_KEYS = 3  # the longest
_DELIVERED, _PLANNED = "delivered", "planned"  # tables of our own


class Staged(NamedTuple):
    """A record of the files that is good by itself."""

    key: Key
    texts: Mapping[str, str]  # those that were given
    action: str
    file: str
    line: int


class Change(NamedTuple):
    """What becomes of a record."""

    outcome: str
    table: str
    key: str
    columns: Mapping[str, tuple[str, str]]  # what is another: before and after


class Staging:
    """Tables in a file of their own, which nobody else sees and which goes with them."""

    def __init__(self, most: int) -> None:
        self._most, self._count = most, 0
        with _translated():
            self._database = sqlite3.connect("", isolation_level=None)  # a file, deleted at the end
            self._database.execute("PRAGMA journal_mode = OFF")
            self._database.execute("PRAGMA synchronous = OFF")
            for name in (_DELIVERED, _PLANNED):
                self._database.execute(
                    f"CREATE TABLE {name} (place, k1, k2, k3, texts, action, file, line, "
                    "PRIMARY KEY (place, k1, k2, k3)) WITHOUT ROWID"
                )
            self._database.execute("CREATE TABLE noted (number INTEGER PRIMARY KEY, change)")
            self._database.execute("BEGIN")

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def add(self, delivered: Delivered, texts: Mapping[str, str]) -> None:
        """Set a record aside; raises `ImportKeyTwice`, `ImportTooLarge`, `ImportDiskFailed`."""
        self._count += 1
        if self._count > self._most:
            raise ImportTooLarge(
                element=Both("poster", "records"), value=f"> {self._most}", expected=self._most
            )
        key = _key(delivered.table, texts)
        staged = Staged(key, texts, delivered.action, delivered.file, delivered.line)
        if self._insert(_DELIVERED, delivered.table.name, staged):
            return
        with _translated():
            query = f"SELECT file, line FROM {_DELIVERED} WHERE (place, k1, k2, k3) = (?,?,?,?)"  # noqa: S608
            file, line = self._database.execute(query, _row(delivered.table.name, key)).fetchone()
        raise ImportKeyTwice(element=file, value="/".join(map(str, key)), expected=line)

    def plan(self, table: str, staged: Staged) -> None:
        """A record that must be looked at again; raises `ImportDiskFailed`."""
        self._insert(_PLANNED, table, staged)

    def note(self, change: Change) -> None:
        """A change that is to be told later; raises `ImportDiskFailed`."""
        with _translated():
            self._database.execute("INSERT INTO noted (change) VALUES (?)", (orjson.dumps(tuple(change)),))

    def noted(self) -> Iterator[Change]:
        """Those that were noted, in their order."""
        with _translated():
            for (text,) in self._database.execute("SELECT change FROM noted ORDER BY number"):
                outcome, table, key, columns = orjson.loads(text)
                yield Change(outcome, table, key, {name: (was, now) for name, (was, now) in columns.items()})

    def is_settled(self, table: str | None = None) -> bool:
        """Whether nothing is planned, or nothing of a table."""
        query = f"SELECT 1 FROM {_PLANNED} WHERE ? IS NULL OR place = ? LIMIT 1"  # noqa: S608
        place = PLACES[table] if table is not None else None
        with _translated():
            return self._database.execute(query, (place, place)).fetchone() is None

    def _insert(self, name: str, table: str, staged: Staged) -> bool:
        """Whether it was not there before."""
        facts = (orjson.dumps(staged.texts), staged.action, staged.file, staged.line)
        insert = f"INSERT OR IGNORE INTO {name} VALUES (?,?,?,?,?,?,?,?)"  # noqa: S608
        with _translated():
            return bool(self._database.execute(insert, (*_row(table, staged.key), *facts)).rowcount)

    def tables(self) -> list[Table]:
        """Those of which something was delivered, in their order."""
        query = f"SELECT DISTINCT place FROM {_DELIVERED} ORDER BY place"  # noqa: S608
        with _translated():
            found = self._database.execute(query).fetchall()
        return [TABLES[place] for (place,) in found]

    def delivered(self, table: str) -> Iterator[Staged]:
        """The records of a table, in the order of their keys."""
        return self._records(_DELIVERED, table)

    def planned(self, table: str) -> Iterator[Staged]:
        """Those of them that are planned, and what else is."""
        return self._records(_PLANNED, table)

    def _records(self, name: str, table: str) -> Iterator[Staged]:
        columns = "texts, action, file, line, k1, k2, k3"
        query = f"SELECT {columns} FROM {name} WHERE place = ? ORDER BY k1, k2, k3"  # noqa: S608
        keys = BY_NAME[table].keys
        with _translated():
            for texts, action, file, line, *key in self._database.execute(query, (PLACES[table],)):
                yield Staged(tuple(key[:keys]), orjson.loads(texts), action, file, line)


def _row(table: str, key: Key) -> tuple[str | int, ...]:
    return (PLACES[table], *key, *[""] * (_KEYS - len(key)))


def _key(table: Table, texts: Mapping[str, str]) -> Key:
    return table.key([texts[column.name] for column in table.columns[: table.keys]])


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise ImportDiskFailed(value=error) from None
