"""A file of units and employees, read record by record; what the schema says against each is told with it.

No entity, no network, no DTD; a record is taken away again before the next one is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from lxml import etree

from opus_soap.documents.xml import pull_parser
from opus_soap.errors import (
    Both,
    OrganisationFileTooLarge,
    OrganisationFileUnreadable,
    OrganisationFormWrong,
    OrganisationMistake,
    OrganisationRootWrong,
)
from opus_soap.interfaces.master_data.organisation.form import CPR, EMPLOYEE, FORM, ID, SUPP_ID, UNIT
from opus_soap.interfaces.master_data.schema_words import place_of, reason_of
from opus_soap.texts import XML_BEGINNING, foreign_encoding

_NUMBER = re.compile("[0-9]{1,8}")


@dataclass(frozen=True)
class Limits:
    """What one file may be."""

    max_bytes: int = 256 * 1024 * 1024
    max_units: int = 100_000
    max_employees: int = 500_000
    max_elements: int = 100  # of one record
    max_mistakes: int = 1000  # that are told; the file is not read on


@dataclass(frozen=True)
class Record:
    """An orgUnit or an employee as it stands in a file; texts by attribute and element."""

    name: str
    line: int
    values: dict[str, str]
    mistakes: list[OrganisationMistake] = field(default_factory=list)

    @property
    def number(self) -> str:
        """Its id; empty when it has none."""
        return self.values.get(ID, "")

    @property
    def label(self) -> str:
        """What texts call it: `employee 1004`."""
        return f"{self.name} {self.number}" if is_number(self.number) else self.name


def is_number(text: str) -> bool:
    """Whether it is what units and employees are numbered by: too short for the number of a person."""
    return _NUMBER.fullmatch(text) is not None


_STEP = 32 * 1024  # bytes
_MOST_ATTRIBUTES = 50  # of one element; the form has four at most


def records(file: BinaryIO, limits: Limits) -> Iterator[Record]:
    """The records of a file, in its order.

    Raises `OrganisationFileUnreadable`, `OrganisationRootWrong`, `OrganisationFileTooLarge`.
    """
    root: etree._Element | None = None
    elements = depth = 0
    try:
        for event, node in _events(file):
            if root is None:
                root = node
                _check_root(root)
            if event == "start":
                if len(node.attrib) > _MOST_ATTRIBUTES:  # the schema takes ever longer for each
                    raise _too_many(node, _MOST_ATTRIBUTES, Both("attributter", "attributes"))
                depth, elements = depth + 1, elements + 1
                if elements > limits.max_elements + 2:  # the root, and the record itself
                    raise _too_many(node, limits.max_elements, Both("elementer", "elements"))
                continue
            depth -= 1
            if depth == 1:
                yield _record(node)
                yield from _text_after(root, node.getprevious())
                elements = 1
                node.clear(keep_tail=True)
                while node.getprevious() is not None:
                    del root[0]
            elif depth == 0:
                yield from _text_after(root, root[-1] if len(root) else None)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise OrganisationFileUnreadable(element=f"{line}:{column}", value=error.msg or "?") from None


def _events(file: BinaryIO) -> Iterator[tuple[str, etree._Element]]:
    parser = pull_parser(events=("start", "end"))
    data = file.read(_STEP)
    if other := foreign_encoding(data[:XML_BEGINNING]):
        raise OrganisationFileUnreadable(element="encoding", value=other)
    while data:
        parser.feed(data)
        yield from _read(parser)
        data = file.read(_STEP)
    parser.close()
    yield from _read(parser)


def _read(parser: etree.XMLPullParser) -> Iterator[tuple[str, etree._Element]]:
    """What has come since the last time."""
    events: Iterator[tuple[str, etree._Element]] = parser.read_events()
    yield from events


def _too_many(node: etree._Element, most: int, what: Both) -> OrganisationFileTooLarge:
    line = node.sourceline
    where = Both(f"linje {line}, {what.danish}", f"line {line}, {what.english}")
    return OrganisationFileTooLarge(element=where, value=f"> {most}", expected=most)


def _check_root(root: etree._Element) -> None:
    doctype = root.getroottree().docinfo.doctype
    if doctype:
        raise OrganisationFileUnreadable(element="DOCTYPE", value=doctype[:60])
    if root.tag != FORM.root:
        raise OrganisationRootWrong(value=str(root.tag)[:100], expected=FORM.root)


def _text_after(root: etree._Element, before: etree._Element | None) -> Iterator[Record]:
    """A mistake for text behind a record, or before the first: it may have been meant to be one."""
    text = root.text if before is None else before.tail
    if text and not text.isspace():
        line = (before if before is not None else root).sourceline or 0
        wrong = OrganisationFormWrong(element=FORM.root, expected=Both("ingen tekst her", "no text here"))
        yield Record(FORM.root, line, {}, [OrganisationMistake(line, wrong)])


def _record(node: etree._Element) -> Record:
    line = node.sourceline or 0
    if node.tag not in (UNIT, EMPLOYEE):
        names = f"{UNIT} | {EMPLOYEE}"
        expected = Both(f"{names}, uden navnerum", f"{names}, in no namespace")
        wrong = OrganisationFormWrong(element=str(node.tag)[:100], expected=expected)
        return Record(FORM.root, line, {}, [OrganisationMistake(line, wrong)])
    record = Record(str(node.tag), line, _values(node))
    schema = FORM.schema
    if not schema.validate(node):
        record.mistakes.extend(_mistake(record, entry) for entry in schema.error_log)
    return record


def _values(node: etree._Element) -> dict[str, str]:
    found = {str(name): str(value) for name, value in node.attrib.items()}
    for child in node:
        found[str(child.tag)] = child.text or ""
        if child.tag == CPR and child.get(SUPP_ID) is not None:
            found[SUPP_ID] = str(child.get(SUPP_ID))
    return found


def _mistake(record: Record, entry: etree._LogEntry) -> OrganisationMistake:
    where = place_of(entry)
    name = record.label if where.element in ("", record.name) else f"{record.label}: {where.element}"
    if where.attribute:
        name = f"{name} @{where.attribute}"
    wrong = OrganisationFormWrong(element=name[:200], expected=reason_of(entry))
    return OrganisationMistake(entry.line or record.line, wrong)
