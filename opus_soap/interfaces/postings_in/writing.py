"""FinancePostingRequest written: what came by another door, as the file that it stands for.

Elements come in the contract's order, whatever order they are given in; what is empty is left out. Nothing
is checked here: the file is read, and told its mistakes, like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO
from xml.sax.saxutils import escape

from opus_soap.interfaces.postings_in.schema import NAMESPACE, Sequence, parts

Values = Mapping[str, str]


@dataclass(frozen=True)
class WrittenDocument:
    """A POSTING_DOCUMENT to be written: values by element; `files` have the elements of FILES."""

    header: Values
    lines: Iterable[Values]
    files: Iterable[Values] = ()


def file_name(municipality: str, short: str, date: str, time: str) -> str:
    """FILE_NAME of a sender's file; `date` yyyymmdd, `time` hhmmss."""
    return f"ZFIR_KMD_Opus_Posteringer_IND_{municipality}_{short}_{date}_{time}.xml"


def write(out: BinaryIO, control: Values, documents: Iterable[WrittenDocument]) -> None:
    """The file, UTF-8, document by document; memory does not grow with them. Raises OSError.

    A name that the contract does not have is an error of the caller's (KeyError).
    """
    shape = parts()
    out.write(b'<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(f'<n0:FinancePostingRequest xmlns:n0="{NAMESPACE}">\n'.encode())
    out.write(_element("CONTROL_FIELDS", _ordered(control, shape["CONTROL_FIELDS"])).encode())
    header, lines = (_child(shape["POSTING_DOCUMENT"], name) for name in ("HEADER", "LINES"))
    files, line = _child(header, "FILES"), _child(lines, "LINE")
    for document in documents:
        attached = "".join(_element("FILES", _ordered(file, files)) for file in document.files)
        head = _element("HEADER", _ordered(document.header, header) + attached)
        posted = "".join(_element("LINE", _ordered(values, line)) for values in document.lines)
        out.write(f"\n{_element('POSTING_DOCUMENT', head + _element('LINES', posted))}".encode())
    out.write(b"\n</n0:FinancePostingRequest>\n")


def _child(shape: Sequence, name: str) -> Sequence:
    content = next(child.content for child in shape.children if child.name == name)
    assert isinstance(content, Sequence)
    return content


def _ordered(values: Values, shape: Sequence) -> str:
    """The values that are not empty, in the contract's order."""
    given = [(name, text) for name, text in values.items() if text]
    places = {child.name: place for place, child in enumerate(shape.children)}
    return "".join(
        _element(name, escape(text)) for name, text in sorted(given, key=lambda pair: places[pair[0]])
    )


def _element(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>"
