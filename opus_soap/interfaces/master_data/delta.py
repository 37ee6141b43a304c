"""Records of master data as `extracts.state` compares them, and what a receiver is told of a change.

Each table has a list of its own beside the extract. What the extract before held is what counts, not what
the books may have been meanwhile: that is what a receiver has got.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import orjson

from opus_soap.extracts.state import ADDED, SAME, Change, digest
from opus_soap.interfaces.master_data.books import Record
from opus_soap.interfaces.master_data.form import CHANGED, DELETED, NEW, Key

# Below every character of a text, of which those below the blank stand behind a mark of their own.
_BETWEEN, _MARK, _NUMBER = "\x01", "\x02", "\x03"
_MARKED = {code: f"{_MARK}{chr(code + 64)}" for code in range(32)}
_UNMARKED = re.compile(f"{_MARK}(.)")
_ZERO = 10**19  # above what a database calls an integer: no sum is negative, and none is longer


class Told(NamedTuple):
    """A record as it goes out: whole, or its key alone when it is no more."""

    action: str  # empty in an extract of everything
    texts: Sequence[str]


def ending(table: str) -> str:
    """What a table's list ends with."""
    return f".{table}.state"


def now(records: Iterable[Record]) -> Iterator[tuple[str, str, Record]]:
    """Records with their keys and digests, as `state.changes` takes them."""
    for record in records:
        yield packed(record.key), digest(orjson.dumps([record.table, *record.texts]).decode()), record


def told(change: Change[Record], full: bool) -> Told | None:
    """What a receiver is told of a change; None: nothing."""
    if change.record is None:
        return Told(DELETED, unpacked(change.key))
    if full:
        return Told("", change.record.texts)
    if change.what is SAME:
        return None
    return Told(NEW if change.what is ADDED else CHANGED, change.record.texts)


def packed(key: Key) -> str:
    """A key in one text without tab or line feed; such texts are in the order of the keys."""
    return _BETWEEN.join(
        f"{_NUMBER}{part + _ZERO:020}" if isinstance(part, int) else part.translate(_MARKED) for part in key
    )


def unpacked(text: str) -> list[str]:
    """The texts of a key that was packed."""
    return [
        str(int(part[1:]) - _ZERO)
        if part.startswith(_NUMBER)
        else _UNMARKED.sub(lambda found: chr(ord(found[1]) - 64), part)
        for part in text.split(_BETWEEN)
    ]
