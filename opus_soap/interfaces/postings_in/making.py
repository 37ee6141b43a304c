"""A file that is made here, of what came by a door without files: its bytes, and what reading would find.

Who wrote a file knows what is in it. Where all of it keeps to the schema nobody need parse it to be told the
same; where anything does not, the file is read, and its mistakes are told, like those of any other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import chain
from operator import call
from typing import Any, BinaryIO

from opus_soap.encoded import Piece, as_bytes, hash_of
from opus_soap.interfaces.postings_in.reading import (
    Control,
    Document,
    ReadingLimits,
    Summary,
    digest_of,
)
from opus_soap.interfaces.postings_in.schema import Child, ValueType
from opus_soap.interfaces.postings_in.writing import Arranged, FileValues, shape_of


@dataclass(frozen=True)
class Made:
    """A file, and what was written into it."""

    name: str
    pieces: Sequence[Piece]
    control: dict[str, str]
    documents: Sequence[Arranged]

    @property
    def data(self) -> bytes:
        """All of its bytes."""
        return b"".join(map(as_bytes, self.pieces))

    @property
    def size(self) -> int:
        """Its bytes, counted."""
        return sum(map(len, self.pieces))

    @cached_property
    def sha256(self) -> str:
        """The hash of its bytes, hex."""
        return hash_of(self.pieces)

    def write(self, out: BinaryIO) -> None:
        """Write it; raises OSError."""
        out.writelines(map(as_bytes, self.pieces))


@dataclass(frozen=True)
class Known:
    """What `survey` and `read` would find in a file."""

    summary: Summary
    documents: Sequence[Document]


def known_parts(made: Made, limits: ReadingLimits) -> Known | None:
    """What reading the file would find; None when it must be read: not all of it is good, or it is large."""
    documents = [
        Document(
            position,
            document.header,
            document.files,
            document.lines,
            digest_of(document.header, document.files, document.lines),
        )
        for position, document in enumerate(made.documents, start=1)
    ]
    summary = Summary(
        size=made.size,
        documents=len(documents),
        lines=sum(len(document.lines) for document in documents),
        control=Control(made.control),
    )
    good = (
        # read, it would be a line feed
        not any(isinstance(piece, bytes) and b"\r" in piece for piece in made.pieces)
        and _is_within(summary, made.documents, limits)
        and _fits("CONTROL_FIELDS", made.control)
        and all(map(_is_good, documents))
        and _all_fit("LINE", chain.from_iterable(document.lines for document in documents))
    )
    return Known(summary, documents) if good else None


def _is_within(summary: Summary, documents: Sequence[Arranged], limits: ReadingLimits) -> bool:
    """Whether no limit could be passed: those of one document hold for all of them together."""
    elements = sum(2 + len(document.header) + _elements(document) for document in documents)
    return (
        summary.size <= min(limits.max_bytes, limits.max_document_bytes)
        and summary.documents <= limits.max_documents
        and summary.lines <= limits.max_lines
        and elements <= limits.max_document_elements // 2
    )


def _elements(document: Arranged) -> int:
    return sum(1 + len(values) for values in chain(document.files, document.lines))


def _is_good(document: Document) -> bool:
    return (
        bool(document.lines)
        and _fits("HEADER", document.header)
        and None not in document.contents
        and all(_fits("FILES", file) for file in document.files)
    )


def _all_fit(element: str, many: Iterable[Mapping[str, str]]) -> bool:
    """Whether nothing is wrong with any of them; a value that many have is looked at once."""
    alike = defaultdict(list)
    for values in many:
        alike[tuple(values)].append(values.values())
    for names, rows in alike.items():
        tests = _tests(element, names)
        if tests is None:
            return False
        columns = zip(*rows, strict=True)
        if not all(all(map(test, set(column))) for test, column in zip(tests, columns, strict=True)):
            return False
    return True


def _fits(element: str, values: FileValues) -> bool:
    """Whether nothing is wrong with what an element holds."""
    tests = _tests(element, tuple(values))
    return tests is not None and all(map(call, tests, values.values()))


@lru_cache(maxsize=1024)  # many lines have the same elements
def _tests(element: str, names: tuple[str, ...]) -> Sequence[Callable[[Any], object]] | None:
    """What tells of each value whether it is good; None when one is missing that there must be."""
    tests, required = _form(element)
    return [tests[name] for name in names] if required <= set(names) else None


@cache
def _form(element: str) -> tuple[Mapping[str, Callable[[str], object]], frozenset[str]]:
    """The tests of all that an element may hold, and what it must hold."""
    children = shape_of(element).children
    tests = {child.name: _test(child) for child in children if child.name != "FILES"}
    return tests, frozenset(child.name for child in children if child.required)


def _test(child: Child) -> Callable[[str], object]:
    if child.name == "FILE":  # encoded here: it is found good by being decoded
        return _anything
    assert isinstance(child.content, ValueType)
    return child.content.takes


def _anything(_text: str) -> bool:
    return True
