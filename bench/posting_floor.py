"""The floor under a delivered line: parsing it by its schema, and inserting the rows that it becomes.

No receiver on this machine can do without either, in whatever language its rules are written. Everything
above the two together is ours.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from lxml import etree

from opus_soap.database import is_postgresql, proxy, transaction
from opus_soap.interfaces.postings_in.reading import ReadingLimits
from opus_soap.interfaces.postings_in.schema import part_schema
from opus_soap.ledger.models import Posting, Voucher

# what the rows of vouchers point at, or are counted by
_BEFORE = ("posting_file", "number_range")
# table → its column that holds the voucher's place; vouchers and inbox rows of one file have the same ids
_TABLES = {"voucher": "id", "posting": "voucher_id", "posting_document": "id"}

# a table, and its rows as the engine takes them fastest: tuples, or the text of COPY
Rows = tuple[str, Any]


def parse(file: Path) -> float:
    """Seconds to parse a file and validate it part by part, in flat memory."""
    schema = part_schema()
    start = perf_counter()
    for _, node in etree.iterparse(file, tag="POSTING_DOCUMENT", huge_tree=True):
        assert schema.validate(node)
        node.clear()
        while (earlier := node.getprevious()) is not None:
            node.getparent().remove(earlier)  # type: ignore[union-attr]  # it is no root
    return perf_counter() - start


def keep_rows(place: Path) -> None:
    """Write down what a delivery put into the connected books, transaction by transaction."""
    last = Voucher.select().order_by(Voucher.id.desc()).get().id
    batch = ReadingLimits().max_batch
    with place.open("wb") as out:
        pickle.dump([(table, _read(table, "TRUE")) for table in _BEFORE], out)
        for first in range(1, last + 1, batch):
            some = f"BETWEEN {first} AND {first + batch - 1} ORDER BY id"
            pickle.dump([(table, _read(table, f"{key} {some}")) for table, key in _TABLES.items()], out)


def insert_rows(place: Path) -> Iterator[float]:
    """Insert what `keep_rows` wrote, with the same transactions; the seconds of each."""
    batches = _batches(place)
    with transaction():
        _insert(next(batches))
    for batch in batches:
        start = perf_counter()
        with transaction():
            _insert(batch)
        yield perf_counter() - start
    assert Posting.select().count() > Voucher.select().count() > 0


def _batches(place: Path) -> Iterator[list[Rows]]:
    with place.open("rb") as kept:
        while kept.peek(1):
            yield pickle.load(kept)


def _read(table: str, where: str) -> Any:
    query = f"SELECT * FROM {table} WHERE {where}"
    cursor = proxy.obj.cursor()
    if is_postgresql():
        with cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
            return b"".join(copy)
    return cursor.execute(query).fetchall()


def _insert(batch: Iterable[Rows]) -> None:
    cursor = proxy.obj.cursor()
    for table, rows in batch:
        if is_postgresql():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(rows)
        else:
            cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
