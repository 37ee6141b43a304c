"""What an extract of a kind that changes held, noted for the next one: what is new, changed, gone.

A file beside the extract, never handed over: a line per record, its key and the SHA-256 of what was given
out of it, in ascending order of the keys; last the number of lines and the SHA-256 of them all. Two such
lists are compared in one walk, and memory does not grow with them.

    with writing(output, ".units.state") as state:
        for change in changes(before(job, ".units.state"), now):
            ...
            if change.what is not REMOVED:
                state.add(change.key, change.sha256)

A person's number must not be in what is hashed: ten digits are soon tried.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Generic, NamedTuple, TypeVar

from opus_soap.errors import Both, ExtractStateUnusable
from opus_soap.extracts.kinds import Job
from opus_soap.extracts.output import Output

_LONGEST_LINE = 1024  # bytes
Held = TypeVar("Held")


class What(Enum):
    """What became of a record since the extract before."""

    ADDED, CHANGED, SAME, REMOVED = "added", "changed", "same", "removed"


ADDED, CHANGED, SAME, REMOVED = What


class Noted(NamedTuple):
    """A record as the extract before noted it."""

    key: str
    sha256: str


class Change(NamedTuple, Generic[Held]):
    """A record with what became of it; what was removed has neither digest nor record."""

    what: What
    key: str
    sha256: str
    record: Held | None


def digest(text: str) -> str:
    """The SHA-256 of a record's text."""
    return hashlib.sha256(text.encode()).hexdigest()


class StateFile:
    """A list that is being written."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._whole = out, hashlib.sha256()
        self._count, self._last = 0, ""

    def add(self, key: str, sha256: str) -> None:
        """Note a record; keys ascend by code point, and hold neither tab nor line feed."""
        assert key > self._last or not self._count, "keys ascend"
        line = f"{key}\t{sha256}\n".encode()
        assert line.count(b"\n") == line.count(b"\t") == 1
        self._count, self._last = self._count + 1, key
        self._whole.update(line)
        self._out.write(line)

    def end(self) -> None:
        """Close the list, so that one that was cut off is known."""
        self._out.write(f"{self._count}\t\t{self._whole.hexdigest()}\n".encode())


@contextmanager
def writing(output: Output, ending: str) -> Iterator[StateFile]:
    """Write a list aside for the next extract."""
    with output.aside(ending) as out:
        state = StateFile(out)
        yield state
        state.end()


def before(job: Job, ending: str) -> Iterator[Noted]:
    """What the extract before noted; nothing for a full one, which is compared with nothing.

    Raises `ExtractStateUnusable`.
    """
    if not job.full and job.previous is not None:
        yield from reading(job.previous / f".{job.previous.name}{ending}")


def reading(path: Path) -> Iterator[Noted]:
    """A list as it was written; raises `ExtractStateUnusable`, at the latest when it ends."""
    whole, count = hashlib.sha256(), 0
    try:
        with path.open("rb") as lines:
            while line := lines.readline(_LONGEST_LINE):
                key, _, rest = line.decode().removesuffix("\n").partition("\t")
                if rest.startswith("\t"):
                    told = f"{count}\t\t{whole.hexdigest()}\n".encode()
                    if line != told or lines.read(1):
                        break
                    return
                whole.update(line)
                count += 1
                yield Noted(key, rest)
    except OSError as error:
        raise ExtractStateUnusable(element=path.name, value=error.strerror or "?") from None
    except UnicodeDecodeError:
        pass
    raise ExtractStateUnusable(
        element=path.name, value=Both("ikke som den blev skrevet", "not as it was written")
    )


def changes(noted: Iterable[Noted], now: Iterable[tuple[str, str, Held]]) -> Iterator[Change[Held]]:
    """Every record of either list, in the order of the keys.

    `now` yields keys, ascending by code point, digests and records.
    """
    old = iter(noted)
    waiting = next(old, None)
    for key, sha256, record in now:
        while waiting is not None and waiting.key < key:
            yield Change(REMOVED, waiting.key, "", None)
            waiting = next(old, None)
        if waiting is None or waiting.key != key:
            yield Change(ADDED, key, sha256, record)
            continue
        yield Change(SAME if waiting.sha256 == sha256 else CHANGED, key, sha256, record)
        waiting = next(old, None)
    while waiting is not None:
        yield Change(REMOVED, waiting.key, "", None)
        waiting = next(old, None)
