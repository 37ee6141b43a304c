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


class Staged(NamedTuple):
    """A record of the files that is good by itself."""

    key: Key
    texts: Mapping[str, str]  # those that were given
    action: str
    file: str
    line: int


class Staging:
    """A table in a file of its own, which nobody else sees and which goes with it."""

    def __init__(self, most: int) -> None:
        self._most, self._count = most, 0
        with _translated():
            self._database = sqlite3.connect("", isolation_level=None)  # a file, deleted at the end
            self._database.execute("PRAGMA journal_mode = OFF")
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.execute(
                "CREATE TABLE record (place, k1, k2, k3, texts, action, file, line, "
                "PRIMARY KEY (place, k1, k2, k3)) WITHOUT ROWID"
            )
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
        row = (PLACES[delivered.table.name], *key, *[""] * (_KEYS - len(key)))
        values = (*row, orjson.dumps(texts), delivered.action, delivered.file, delivered.line)
        with _translated():
            done = self._database.execute("INSERT OR IGNORE INTO record VALUES (?,?,?,?,?,?,?,?)", values)
            if done.rowcount:
                return
            query = "SELECT file, line FROM record WHERE (place, k1, k2, k3) = (?,?,?,?)"
            file, line = self._database.execute(query, row).fetchone()
        raise ImportKeyTwice(element=file, value="/".join(map(str, key)), expected=line)

    def tables(self) -> list[Table]:
        """Those of which there is something, in their order."""
        with _translated():
            found = self._database.execute("SELECT DISTINCT place FROM record ORDER BY place").fetchall()
        return [TABLES[place] for (place,) in found]

    def records(self, table: str) -> Iterator[Staged]:
        """The records of a table, in the order of their keys."""
        query = "SELECT texts, action, file, line, k1, k2, k3 FROM record WHERE place = ? ORDER BY k1, k2, k3"
        keys = BY_NAME[table].keys
        with _translated():
            for texts, action, file, line, *key in self._database.execute(query, (PLACES[table],)):
                yield Staged(tuple(key[:keys]), orjson.loads(texts), action, file, line)


def _key(table: Table, texts: Mapping[str, str]) -> Key:
    return table.key([texts[column.name] for column in table.columns[: table.keys]])


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise ImportDiskFailed(value=error) from None
