"""The files of an extract as they are written: streamed, counted, held against their schema, hashed."""

from __future__ import annotations

import csv
import hashlib
import os
from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from lxml import etree

from opus_soap.errors import ExtractFormWrong
from opus_soap.soap.contracts import ROOT

SCHEMAS = ROOT / "Udtraek"
_AT_ONCE = 256 * 1024  # characters that are written, and held against the schema, together
_ENCODED_AT_ONCE = 3 * 64 * 1024  # bytes; by three, or base64 would have ends in its middle
_BUFFER = 1024 * 1024  # bytes


@dataclass(frozen=True)
class Form:
    """The shape of an extract's XML: its root, whose children are global elements of the schema."""

    root: str
    namespace: str  # empty: none
    file: str  # in wsdl/Udtraek

    @property
    def schema(self) -> etree.XMLSchema:
        """The schema, compiled once."""
        return _schema(self.file)

    def validate(self, parts: bytes) -> None:
        """Hold some children of the root against the schema; raises `ExtractFormWrong`."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
        try:
            root = etree.fromstring(b'<r xmlns="%s">%s</r>' % (self.namespace.encode(), parts), parser)
        except etree.XMLSyntaxError as error:
            raise ExtractFormWrong(element=self.root, value=error.msg or "?") from None
        schema = self.schema
        for part in root:
            if not schema.validate(part):
                last = schema.error_log.last_error
                raise ExtractFormWrong(
                    element=etree.QName(part).localname, value=last.message if last is not None else "?"
                )


@cache
def _schema(file: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(SCHEMAS / file))


class XmlFile:
    """An XML file that grows part by part, each a child of the root."""

    def __init__(self, out: BinaryIO, form: Form) -> None:
        self._out, self._form = out, form
        self._waiting: list[str] = []
        self._length = 0
        declared = f' xmlns="{form.namespace}"' if form.namespace else ""
        head = f'<?xml version="1.0" encoding="UTF-8"?>\n<{form.root}{declared}>\n'
        out.write(head.encode())

    def part(self, text: str) -> None:
        """Add a child of the root; raises `ExtractFormWrong`, now or with one of the next."""
        self._waiting.append(text)
        self._length += len(text)
        if self._length >= _AT_ONCE:
            self._flush()

    def long_part(
        self,
        before: str,
        pieces: Iterable[str],
        after: str,
        data: bytes = b"",
        end: str = "",
        *,
        later: str = "",
    ) -> None:
        """Add a child too long to be held: `before`, the pieces, `after`, `data` as base64, `end`.

        There is a piece at least. Each is held against the schema as if it stood alone in the child, before
        it is written: so what pieces are made of must be what may come any number of times. `data` is not.
        The first of them is held behind `before`; the others behind `later`, where that is given: `before`
        without what is long and has been held.
        """
        unwritten, self._waiting, self._length = "".join(self._waiting) + before, [], 0
        for piece in pieces:
            self._form.validate(f"{unwritten or later or before}{piece}{after}{end}".encode())
            self._out.write(f"{unwritten}{piece}".encode())
            unwritten = ""
        assert not unwritten, "there is a piece"
        self._out.write(after.encode())
        view = memoryview(data)
        for start in range(0, len(data), _ENCODED_AT_ONCE):
            self._out.write(b2a_base64(view[start : start + _ENCODED_AT_ONCE], newline=False))
        self._out.write(end.encode())

    def end(self) -> None:
        """Close the root."""
        self._flush()
        self._out.write(f"</{self._form.root}>\n".encode())

    def _flush(self) -> None:
        parts = "".join(self._waiting).encode()
        self._waiting, self._length = [], 0
        self._form.validate(parts)
        self._out.write(parts)


@dataclass
class Totals:
    """What an extract holds; amounts in øre of the company code's currency, credit negative."""

    vouchers: int = 0
    postings: int = 0
    debit_ore: int = 0
    credit_ore: int = 0
    records: int = 0  # of master data and the like
    left_out: int = 0  # vouchers of the range of which nothing is in it

    def add(self, amounts: Sequence[int]) -> None:
        """Add postings."""
        debit = sum([ore for ore in amounts if ore > 0])
        self.postings += len(amounts)
        self.debit_ore += debit
        self.credit_ore += sum(amounts) - debit


@dataclass(frozen=True)
class Written:
    """A file of an extract."""

    name: str
    size: int  # bytes
    sha256: str


@dataclass
class Output:
    """The folder that an extract is written into, not yet under its final name."""

    folder: Path
    name: str
    totals: Totals = field(default_factory=Totals)
    findings: list[str] = field(default_factory=list)  # controls of the books that do not hold; for people
    files: list[Written] = field(default_factory=list)

    @contextmanager
    def file(self, ending: str) -> Iterator[BinaryIO]:
        """Write the file `NAME` + ending; it is synced, hashed and listed when the body is over."""
        path = self.folder / f"{self.name}{ending}"
        with path.open("x+b", buffering=_BUFFER) as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
            out.seek(0)
            sha256 = hashlib.file_digest(out, "sha256").hexdigest()  # type: ignore[arg-type]
            self.files.append(Written(path.name, out.seek(0, os.SEEK_END), sha256))

    @contextmanager
    def xml(self, form: Form, ending: str = ".xml") -> Iterator[XmlFile]:
        """Write an XML file of a form."""
        with self.file(ending) as out:
            written = XmlFile(out, form)
            yield written
            written.end()

    @contextmanager
    def csv(self, columns: Sequence[str], ending: str = ".csv") -> Iterator[CsvFile]:
        """Write a CSV file.

        UTF-8, semicolons, the columns' names in the first row, lines end as RFC 4180's.
        """
        with self.file(ending) as out:
            text = TextIOWrapper(out, encoding="utf-8", newline="", write_through=False)
            written = CsvFile(text)
            written.rows([columns])
            yield written
            text.flush()
            text.detach()

    @contextmanager
    def aside(self, ending: str) -> Iterator[BinaryIO]:
        """Write a file that is kept for the next extract, or to write this one again; never handed over."""
        with (self.folder / f".{self.name}{ending}").open("xb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())


class CsvFile:
    """A CSV file that grows row by row; None is an empty field."""

    def __init__(self, out: TextIOWrapper) -> None:
        self._writer = csv.writer(out, delimiter=";")

    def rows(self, rows: Iterable[Sequence[object]]) -> None:
        """Add rows."""
        self._writer.writerows(rows)
