"""FinancePostingRequest written: what came by another door, as the file that it stands for.

Elements come in the contract's order, whatever order they are given in; what is empty is left out. Nothing
is checked here: the file is read, and told its mistakes, like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import add
from typing import BinaryIO, TypeVar
from xml.sax.saxutils import escape

from opus_soap.encoded import Base64, Piece, as_bytes
from opus_soap.interfaces.postings_in.schema import NAMESPACE, Sequence, parts

Values = Mapping[str, str]
FileValues = Mapping[str, str | Base64]  # of FILES: what is attached may be long
Text = TypeVar("Text", bound="str | Base64")


@dataclass(frozen=True)
class WrittenDocument:
    """A POSTING_DOCUMENT to be written: values by element; `files` have the elements of FILES."""

    header: Values
    lines: Iterable[Values]
    files: Iterable[FileValues] = ()


@dataclass(frozen=True)
class Arranged:
    """The same as the file has it: in the contract's order, without what is empty."""

    header: dict[str, str]
    files: tuple[FileValues, ...]
    lines: list[dict[str, str]]


def file_name(municipality: str, short: str, date: str, time: str) -> str:
    """FILE_NAME of a sender's file; `date` yyyymmdd, `time` hhmmss."""
    return f"ZFIR_KMD_Opus_Posteringer_IND_{municipality}_{short}_{date}_{time}.xml"


def write(out: BinaryIO, control: Values, documents: Iterable[WrittenDocument]) -> None:
    """The file, UTF-8, document by document; memory does not grow with them. Raises OSError.

    A name that the contract does not have is an error of the caller's (KeyError).
    """
    out.write(beginning(arranged_control(control)))
    for document in documents:
        out.writelines(map(as_bytes, written(arranged(document))))
    out.write(END)


def arranged(document: WrittenDocument) -> Arranged:
    """A document in the contract's order; raises KeyError as `write` does."""
    return Arranged(
        _ordered("HEADER", document.header),
        tuple(_ordered("FILES", file) for file in document.files),
        [_ordered("LINE", line) for line in document.lines],
    )


def arranged_control(control: Values) -> dict[str, str]:
    """The same of CONTROL_FIELDS."""
    return _ordered("CONTROL_FIELDS", control)


def said_of(file: FileValues) -> dict[str, str]:
    """What is said of an attachment, beside the attachment."""
    return {name: str(text) for name, text in file.items() if name != "FILE"}


def beginning(control: Values) -> bytes:
    """What stands before the documents."""
    root = f'<?xml version="1.0" encoding="UTF-8"?>\n<n0:FinancePostingRequest xmlns:n0="{NAMESPACE}">\n'
    return f"{root}<CONTROL_FIELDS>{_elements(control)}</CONTROL_FIELDS>".encode()


def written(document: Arranged) -> list[Piece]:
    """A document, in pieces: what is attached is long, and is not put together with the rest."""
    pieces: list[Piece] = []
    text = "\n<POSTING_DOCUMENT><HEADER>" + _elements(document.header)
    for file in document.files:
        text += "<FILES>"
        for name, value in file.items():
            if isinstance(value, Base64):
                pieces += (f"{text}<{name}>".encode(), value)
                text = f"</{name}>"
            else:
                text += _elements({name: value})
        text += "</FILES>"
    lines = "".join(f"<LINE>{_elements(line)}</LINE>" for line in document.lines)
    pieces.append(f"{text}</HEADER><LINES>{lines}</LINES></POSTING_DOCUMENT>".encode())
    return pieces


END = b"\n</n0:FinancePostingRequest>\n"


def _elements(values: Values) -> str:
    texts = list(values.values())
    whole = "".join(texts)
    if "&" in whole or "<" in whole or ">" in whole:
        texts = list(map(escape, texts))
    pieces = _tags(tuple(values)).copy()
    pieces[1::2] = texts
    return "".join(pieces)


@lru_cache(maxsize=1024)  # many lines have the same elements
def _tags(names: tuple[str, ...]) -> list[str]:
    """What stands before, between and behind the texts of these elements; a place is left for each text."""
    begun, ended = [f"<{name}>" for name in names], [f"</{name}>" for name in names]
    pieces = [""] * (2 * len(names) + 1)
    pieces[::2] = map(add, ["", *ended], [*begun, ""])
    return pieces


def _ordered(element: str, values: Mapping[str, Text]) -> dict[str, Text]:
    """The values that are not empty, in the contract's order."""
    given = values if all(values.values()) else {name: text for name, text in values.items() if text}
    names = tuple(given)
    in_order = _in_order(element, names)
    return dict(given) if in_order == names else {name: given[name] for name in in_order}


@lru_cache(maxsize=1024)
def _in_order(element: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of an element's children in the contract's order; raises KeyError for one that it has not."""
    return tuple(sorted(names, key=_places(element).__getitem__))


@cache
def _places(element: str) -> Mapping[str, int]:
    """Where each child of an element stands in the contract's order."""
    return {child.name: place for place, child in enumerate(shape_of(element).children)}


@cache
def shape_of(name: str) -> Sequence:
    """What the contract says of an element that holds others."""
    return _shapes()[name]


@cache
def _shapes() -> dict[str, Sequence]:
    found: dict[str, Sequence] = {}

    def gather(name: str, shape: Sequence) -> None:
        found[name] = shape
        for child in shape.children:
            if isinstance(child.content, Sequence):
                gather(child.name, child.content)

    for name, shape in parts().items():
        gather(name, shape)
    return found
