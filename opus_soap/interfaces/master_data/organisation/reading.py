"""A file of units and employees, read record by record; what the schema says against each is told with it.

No entity, no network, no DTD; a record is taken away again before the next one is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from lxml import etree

from opus_soap.errors import (
    OrganisationFileTooLarge,
    OrganisationFileUnreadable,
    OrganisationFormWrong,
    OrganisationMistake,
    OrganisationRootWrong,
)
from opus_soap.interfaces.master_data.organisation.form import CPR, EMPLOYEE, FORM, ID, SUPP_ID, UNIT

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
                    raise _too_many(node, _MOST_ATTRIBUTES, "attributter/attributes")
                depth, elements = depth + 1, elements + 1
                if elements > limits.max_elements + 2:  # the root, and the record itself
                    raise _too_many(node, limits.max_elements, "elementer/elements")
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
    parsed: Iterator[tuple[str, etree._Element]] = iter(
        etree.iterparse(
            file,
            events=("start", "end"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            remove_pis=True,
        )
    )
    return parsed


def _too_many(node: etree._Element, most: int, what: str) -> OrganisationFileTooLarge:
    where = f"linje/line {node.sourceline}, {what}"
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
        wrong = OrganisationFormWrong(element=FORM.root, expected="ingen tekst her / no text here")
        yield Record(FORM.root, line, {}, [OrganisationMistake(line, wrong)])


def _record(node: etree._Element) -> Record:
    line = node.sourceline or 0
    if node.tag not in (UNIT, EMPLOYEE):
        wrong = OrganisationFormWrong(
            element=str(node.tag)[:100], expected=f"{UNIT} | {EMPLOYEE}, uden navnerum / in no namespace"
        )
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


# what libxml2 says, as far as it holds nothing of the file; a value may be a person's number
_WHERE = re.compile(r"Element '([^']*)'(?:, attribute '([^']*)')?: ")
_CHOICE = re.compile(r"Expected is (?:one of )?\( (.*) \)")
_LONGEST = re.compile(r"allowed maximum length of '(\d+)'")


def _mistake(record: Record, entry: etree._LogEntry) -> OrganisationMistake:
    where = _WHERE.match(entry.message)
    name = record.label if where is None or where[1] == record.name else f"{record.label}: {where[1]}"
    if where is not None and where[2]:
        name = f"{name} @{where[2]}"
    wrong = OrganisationFormWrong(element=name[:200], expected=_reason(entry))
    return OrganisationMistake(entry.line or record.line, wrong)


def _reason(entry: etree._LogEntry) -> str:
    message, kind = entry.message, entry.type_name
    if kind == "SCHEMAV_CVC_PATTERN_VALID":
        return message.rpartition("by the pattern ")[2].strip("'.")
    if kind == "SCHEMAV_CVC_ENUMERATION_VALID":
        return message.rpartition("of the set ")[2].strip(".")
    if (longest := _LONGEST.search(message)) is not None and kind == "SCHEMAV_CVC_MAXLENGTH_VALID":
        return f"≤ {longest[1]}"
    choice = _CHOICE.search(message) if kind == "SCHEMAV_ELEMENT_CONTENT" else None
    if choice is not None:
        missing = "Missing child" in message
        said = "mangler / missing" if missing else "ikke her / not here; her kan stå / here may be"
        return f"{said}: {choice[1]}"
    said_otherwise = {
        "SCHEMAV_ELEMENT_CONTENT": "elementet skal ikke være her / the element must not be here",
        "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "attributten findes ikke / there is no such attribute",
        "SCHEMAV_CVC_COMPLEX_TYPE_4": "attributten mangler / the attribute is missing",
        "SCHEMAV_CVC_COMPLEX_TYPE_2_3": "kun elementer, ingen tekst / elements alone, no text",
        "SCHEMAV_CVC_TYPE_3_1_2": "kun tekst, ingen elementer / text alone, no elements",
        "SCHEMAV_CVC_COMPLEX_TYPE_2_2": "kun tekst, ingen elementer / text alone, no elements",
    }
    return said_otherwise.get(kind, kind)
