"""What has changed since the extract before: two sorted lists, told apart in one walk.

Each extract leaves behind what it held: a line per record, its table, its key, the SHA-256 of its texts.
The next compares with that, not with what the books may have been: what a receiver has got is what counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import orjson

from opus_soap.errors import MasterDataBeforeUnusable
from opus_soap.interfaces.master_data.books import Record
from opus_soap.interfaces.master_data.form import CHANGED, DELETED, NEW

ENDING = ".held"
_FORM = "opus-soap-stamdata-1"
Key = tuple[str | int, ...]


class Told(NamedTuple):
    """A record as it goes out: whole, or its key alone when it is no more."""

    action: str  # empty in an extract of everything
    texts: Sequence[str]


class Held(NamedTuple):
    """A record that the extract before held."""

    table: str
    key: Key
    sha256: str


@dataclass
class Noted:
    """Notes each record that goes out, for the extract that follows."""

    out: BinaryIO
    tables: Sequence[str]
    count: int = 0

    def __post_init__(self) -> None:
        self.out.write(_head(self.tables))

    def each(self, records: Iterator[Record]) -> Iterator[tuple[Record, str]]:
        """Records with their SHA-256."""
        for record in records:
            sha256 = hashlib.sha256(orjson.dumps([record.table, *record.texts])).hexdigest()
            self.out.write(orjson.dumps([record.table, record.key, sha256]) + b"\n")
            self.count += 1
            yield record, sha256

    def end(self) -> None:
        """Say how many there were: a list that was cut off is seen."""
        self.out.write(orjson.dumps(self.count))


class Before:
    """What the extract before held, read table by table in the order in which it was written."""

    def __init__(self, path: Path, tables: Sequence[str]) -> None:
        self._path, self._tables = path, tables
        self._lines = self._read()
        self._next = next(self._lines, None)

    def of(self, table: str) -> Iterator[Held]:
        """What it held of a table; ask in the order of the tables."""
        while self._next is not None and self._next.table == table:
            held, self._next = self._next, next(self._lines, None)
            yield held

    def _read(self) -> Iterator[Held]:
        try:
            with self._path.open("rb") as file:
                if file.readline() != _head(self._tables):
                    raise ValueError
                count = 0
                while (line := file.readline()).endswith(b"\n"):
                    table, key, sha256 = orjson.loads(line)
                    yield Held(table, tuple(key), sha256)
                    count += 1
                if orjson.loads(line) != count:
                    raise ValueError
        except (OSError, ValueError):
            raise MasterDataBeforeUnusable(element=self._path.name) from None


def everything(records: Iterator[tuple[Record, str]]) -> Iterator[Told]:
    """Records of an extract that is full."""
    for record, _ in records:
        yield Told("", record.texts)


def changes(records: Iterator[tuple[Record, str]], before: Iterator[Held]) -> Iterator[Told]:
    """What is new, what is another, what is no more, in the order of the keys."""
    held = next(before, None)
    for record, sha256 in records:
        while held is not None and held.key < record.key:
            yield _deleted(held)
            held = next(before, None)
        if held is None or held.key != record.key:
            yield Told(NEW, record.texts)
            continue
        if held.sha256 != sha256:
            yield Told(CHANGED, record.texts)
        held = next(before, None)
    while held is not None:
        yield _deleted(held)
        held = next(before, None)


def _deleted(held: Held) -> Told:
    return Told(DELETED, [str(part) for part in held.key])


def _head(tables: Sequence[str]) -> bytes:
    return f"{_FORM} {' '.join(tables)}\n".encode()
