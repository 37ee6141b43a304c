"""Files of master data, read record by record: memory does not grow with the file.

Nothing of a file is believed: no DOCTYPE, no entity, no network, and a limit on everything that can grow.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from lxml import etree

from opus_soap.documents.xml import pull_parser
from opus_soap.errors import (
    Both,
    ImportColumnsMissing,
    ImportCompanyDiffers,
    ImportElementUnknown,
    ImportEncodingWrong,
    ImportFileUnreadable,
    ImportNotComplete,
    ImportRemovalUnclear,
    ImportStructureWrong,
    ImportTableUnknown,
    ImportTooLarge,
)
from opus_soap.interfaces.master_data.form import (
    ACTION,
    BY_NAME,
    DELETED,
    KREDITORER,
    NAMESPACE,
    PLACES,
    RECORD,
    STAMDATA,
    Table,
)
from opus_soap.interfaces.master_data.mistakes import Mistake, Mistakes
from opus_soap.interfaces.master_data.schema_words import place_of, reason_of
from opus_soap.texts import XML_BEGINNING, foreign_encoding

_CONTROL = "CONTROL_FIELDS"
_STAMDATA, _KREDITORER = (f"{{{NAMESPACE}}}{form.root}" for form in (STAMDATA, KREDITORER))
_STEP = 64 * 1024  # bytes
_TEXT_BETWEEN = Both("tekst mellem posterne", "text between records")
_CONTROL_FIRST = Both(f"{_CONTROL} skal komme først", f"{_CONTROL} must come first")
_BEHIND = Both("står efter en tabel, der kommer senere", "stands behind a table that comes later")


@dataclass(frozen=True)
class Limits:
    """What a file may be."""

    max_bytes: int = 1024 * 1024 * 1024
    max_record_bytes: int = 1024 * 1024
    max_records: int = 5_000_000  # of all files together


class Delivered(NamedTuple):
    """A record as it stands in a file: nothing of it is checked but that it is one of its table."""

    table: Table
    texts: Mapping[str, str]  # of the columns that were given; empty: nothing
    action: str
    file: str
    line: int


class Asked(NamedTuple):
    """What the files are to be read as."""

    company: str  # code
    complete: bool
    limits: Limits


def read(path: Path, asked: Asked, mistakes: Mistakes) -> Iterator[Delivered]:
    """The records of an XML or CSV file; what is none goes into `mistakes`."""
    with mistakes.of(path.name):
        try:
            size = path.stat().st_size
            if size > asked.limits.max_bytes:
                raise ImportTooLarge(element="bytes", value=size, expected=asked.limits.max_bytes)
            if path.suffix.lower() == ".csv":
                yield from _csv_records(path, asked, mistakes)
            else:
                yield from _XmlReader(path, asked, mistakes).records()
        except OSError as error:
            raise ImportFileUnreadable(value=error.strerror or "?") from None


class _XmlReader:
    """Walks through an XML file."""

    def __init__(self, path: Path, asked: Asked, mistakes: Mistakes) -> None:
        self._path, self._asked, self._mistakes = path, asked, mistakes
        self._root: etree._Element | None = None
        self._depth, self._place = 0, -1
        self._controlled = self._told_all = False

    def records(self) -> Iterator[Delivered]:
        """Its records."""
        parser = pull_parser(events=("start", "end"))
        since = 0  # bytes since the last record ended
        try:
            with self._path.open("rb") as file:
                if other := foreign_encoding(file.read(XML_BEGINNING)):
                    raise ImportFileUnreadable(value=other)
                file.seek(0)
                while data := file.read(_STEP):
                    parser.feed(data)
                    since += len(data)
                    for part in self._parts(parser):
                        since = 0
                        yield from self._record(part)
                    if since > self._asked.limits.max_record_bytes:
                        most = self._asked.limits.max_record_bytes
                        raise ImportTooLarge(element=Both("post", "record"), value=f"> {most}", expected=most)
            parser.close()
            for part in self._parts(parser):
                yield from self._record(part)
        except etree.XMLSyntaxError as error:
            line, column = error.position
            raise ImportFileUnreadable(value=f"{line}:{column} {error.msg}"[:300]) from None

    def _parts(self, parser: etree.XMLPullParser) -> Iterator[etree._Element]:
        """Children of the root, each forgotten when the next has come."""
        for event, node in parser.read_events():
            if event == "start":
                self._depth += 1
                if self._depth == 1:
                    self._begin(node)
                continue
            self._depth -= 1
            if self._depth != 1:
                continue
            yield node
            assert self._root is not None
            while len(self._root) > 1:
                if (self._root[0].tail or "").strip():
                    self._strange(self._root[0], _TEXT_BETWEEN)
                del self._root[0]

    def _begin(self, root: etree._Element) -> None:
        info = root.getroottree().docinfo
        if info.doctype:
            raise ImportFileUnreadable(value="DOCTYPE")
        if root.tag not in (_STAMDATA, _KREDITORER):
            raise ImportTableUnknown(value=str(root.tag)[:100], expected=_STAMDATA)
        if self._asked.complete and root.tag != _STAMDATA:
            raise ImportNotComplete(value=KREDITORER.root)
        self._root = root

    def _record(self, node: etree._Element) -> Iterator[Delivered]:
        name = etree.QName(node).localname
        if name == _CONTROL and not self._controlled:
            self._control(node)
            return
        if not self._controlled:
            raise ImportStructureWrong(element=name[:60], value=_CONTROL_FIRST)
        table = BY_NAME.get(name.removesuffix(RECORD)) if name.endswith(RECORD) else None
        file, line = self._path.name, int(node.sourceline or 0)
        if table is None or etree.QName(node).namespace != NAMESPACE:
            expected = ", ".join(f"{known}{RECORD}" for known in BY_NAME)
            self._mistakes.add(Mistake(ImportTableUnknown(value=name[:60], expected=expected), file, line))
            return
        place, before = PLACES[table.name], self._place
        self._place = max(place, before)
        before_it = len(self._mistakes.found)
        if place < before:
            self._strange(node, _BEHIND)
        with self._mistakes.of(file, line, table.name):
            texts = _texts(node, table)
            delivered = Delivered(table, texts, texts.pop(ACTION), file, line)
            if delivered.action == DELETED and "VENDOR_NO" in texts and not self._told_all:
                raise ImportRemovalUnclear(element=table.name, value=texts["VENDOR_NO"][:40])
            yield delivered
            # who got it has told what is wrong with its values; the schema tells the rest
            if len(self._mistakes.found) == before_it and not STAMDATA.schema.validate(node):
                self._strange(node, _why(STAMDATA.schema))

    def _control(self, node: etree._Element) -> None:
        self._controlled = True
        if not STAMDATA.schema.validate(node):
            self._strange(node, _why(STAMDATA.schema))
            return
        texts = {etree.QName(child).localname: child.text or "" for child in node}
        if self._asked.complete and texts["MODE"] != "FULL":
            raise ImportNotComplete(value=texts["MODE"])
        self._told_all = self._root is not None and self._root.tag == _STAMDATA and "PERSONS" in texts
        if texts["COMP_CODE"] != self._asked.company:
            raise ImportCompanyDiffers(value=texts["COMP_CODE"], expected=self._asked.company)

    def _strange(self, node: etree._Element, why: Both) -> None:
        error = ImportStructureWrong(element=etree.QName(node).localname[:60], value=why)
        self._mistakes.add(Mistake(error, self._path.name, int(node.sourceline or 0)))


def _why(schema: etree.XMLSchema) -> Both:
    """What a schema had against the element that it looked at, and where in it."""
    found = schema.error_log.last_error
    if found is None:
        return Both("?", "?")
    where, reason = place_of(found).element[:60], reason_of(found)
    said = reason if isinstance(reason, Both) else Both(reason, reason)
    return Both(f"{where}: {said.danish}"[:300], f"{where}: {said.english}"[:300])


def _name(node: Any) -> str:
    """What an element is called; an entity that nobody resolves has no name."""
    return etree.QName(node).localname if isinstance(node.tag, str) else "&…;"


def _texts(node: etree._Element, table: Table) -> dict[str, str]:
    """What an XML record says: all of its table, what is left out being empty."""
    found: dict[str, str] = {}
    known = table.names
    for child in node:
        name = _name(child)
        if name not in known or name in found or len(child):
            raise ImportElementUnknown(element=name[:60], expected=", ".join(known))
        found[name] = child.text or ""
    return {name: found.get(name, "") for name in known}


def _csv_records(path: Path, asked: Asked, mistakes: Mistakes) -> Iterator[Delivered]:
    table = _table_of(path.name)
    longest = asked.limits.max_record_bytes
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(_lines(file, longest), delimiter=";", strict=True)
        try:
            columns = _columns(next(rows, []), table)
            line = rows.line_num + 1
            for row in rows:
                if not any(row):  # spreadsheets leave such rows at the end
                    line = rows.line_num + 1
                    continue
                with mistakes.of(path.name, line, table.name):
                    if len(row) != len(columns):
                        raise ImportStructureWrong(element=table.name, value=_width(len(row), len(columns)))
                    texts = dict(zip(columns, row, strict=True))
                    yield Delivered(table, texts, texts.pop(ACTION, ""), path.name, line)
                line = rows.line_num + 1
        except UnicodeDecodeError:
            raise _foreign(path, longest) from None
        except csv.Error as error:
            raise ImportFileUnreadable(value=f"{rows.line_num + 1}: {error}") from None


def _foreign(path: Path, longest: int) -> ImportEncodingWrong:
    """Where a file stops being UTF-8: it was decoded in pieces that know no lines."""
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(longest), b""), start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return ImportEncodingWrong(element=str(number), value=f"0x{line[error.start]:02X}")
    return ImportEncodingWrong(element="?", value="?")


def _width(found: int, wanted: int) -> Both:
    return Both(f"{found} kolonner i stedet for {wanted}", f"{found} columns instead of {wanted}")


def _lines(file: TextIO, longest: int) -> Iterator[str]:
    while line := file.readline(longest):
        if len(line) == longest:
            raise ImportTooLarge(element=Both("linje", "line"), value=f"≥ {longest}", expected=longest)
        yield line


def _table_of(name: str) -> Table:
    stem = name[: -len(".csv")].upper()
    found = [table for table in BY_NAME.values() if stem == table.name or stem.endswith(f"_{table.name}")]
    if not found:
        raise ImportTableUnknown(value=name[:100], expected=", ".join(BY_NAME))
    return max(found, key=lambda table: len(table.name))


def _columns(names: list[str], table: Table) -> list[str]:
    """The columns of a CSV file: some of its table's, its key among them, in any order."""
    for place, name in enumerate(names):
        if name not in table.names or name in names[:place]:
            raise ImportElementUnknown(element=name[:60] or "-", expected=";".join(table.names))
    missing = [column.name for column in table.columns[: table.keys] if column.name not in names]
    if missing:
        raise ImportColumnsMissing(
            element=table.name, value=", ".join(missing), expected=";".join(table.names)
        )
    return names
