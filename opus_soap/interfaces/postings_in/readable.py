"""What can be understood of a voucher that the schema refuses: one look shall tell every mistake of it.

A value that is wrong, or stands twice, is left out, and with it whatever would be concluded from it: a
mistake is told once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from opus_soap.encoded import Base64
from opus_soap.interfaces.postings_in.mistakes import wrong
from opus_soap.interfaces.postings_in.reading import DOCUMENT, LINE, Document
from opus_soap.interfaces.postings_in.schema import Sequence, ValueType, parts
from opus_soap.interfaces.postings_in.writing import Text


def readable(document: Document) -> Document:
    """The same voucher with nothing but values that keep to the schema, whichever are missing."""
    repeated = {
        (finding.place.line, finding.place.element)
        for finding in document.findings
        if finding.place.occurrence > 1
    }
    tables = _tables()
    return replace(
        document,
        header=_good(document.header, tables["HEADER"], {name for line, name in repeated if not line}),
        files=tuple(_good(file, tables["FILES"], set()) for file in document.files),
        lines=[
            _good(values, tables[LINE], {name for line, name in repeated if line == number})
            for number, values in enumerate(document.lines, start=1)
        ],
    )


def _good(values: Mapping[str, Text], table: Mapping[str, ValueType], without: set[str]) -> dict[str, Text]:
    return {
        name: text
        for name, text in values.items()
        if name in table
        and name not in without
        and (isinstance(text, Base64) or wrong(name, text, table[name]) is None)
    }


@cache
def _tables() -> dict[str, dict[str, ValueType]]:
    """By the element that holds them: the values of a header, an attachment and a line."""
    found: dict[str, dict[str, ValueType]] = {}

    def gather(name: str, content: Sequence) -> None:
        found[name] = {}
        for child in content.children:
            if isinstance(child.content, Sequence):
                gather(child.name, child.content)
            else:
                found[name][child.name] = child.content

    gather(DOCUMENT, parts()[DOCUMENT])
    return found
