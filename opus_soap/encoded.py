"""A base64 text beside what it holds: an attachment is long, and is decoded once on its way."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import pybase64

LONG = 16 * 1024  # characters of a text that is worth being dealt with apart from what it stands in
_QUANTUM = 4  # characters that stand together for three bytes
_STEP = 64 * 1024  # characters that are looked at at once


@dataclass(frozen=True)
class Base64:
    """A base64 text in the one form that encoding gives: by the bytes that it stands for.

    Both may be long: the text is made for whoever asks for it. Nothing in it needs escaping, in XML or in
    JSON.
    """

    content: bytes = field(repr=False)

    @classmethod
    def read(cls, text: str) -> Base64:
        """A text as it came, with line breaks or without; raises ValueError when it is no base64."""
        found = cls.as_encoded(text)
        return cls(b64decode("".join(text.split()), validate=True)) if found is None else found

    @classmethod
    def as_encoded(cls, text: str | bytes | memoryview) -> Base64 | None:
        """A text that is just as encoding gives it; None for any other."""
        encoded = text.encode("ascii", "replace") if isinstance(text, str) else text
        content = _decoded(encoded)
        if content is None:
            return None
        found = cls(content)
        found.__dict__["encoded"] = encoded  # as if it had been asked for
        return found

    @cached_property
    def encoded(self) -> bytes | memoryview:
        """The text as bytes."""
        encoded: bytes = pybase64.b64encode(self.content)
        return encoded

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the content, hex; computed once."""
        return hashlib.sha256(self.content).hexdigest()

    def __str__(self) -> str:
        return str(self.encoded, "ascii")

    def __len__(self) -> int:
        """The characters of the text."""
        return -(-len(self.content) // 3) * _QUANTUM

    def __getstate__(self) -> dict[str, object]:
        """For pickle: all but the text, which may be a view, and is not asked for there."""
        return {name: value for name, value in self.__dict__.items() if name != "encoded"}


def _decoded(encoded: bytes | memoryview) -> bytes | None:
    """What a text stands for; None unless it is just as encoding gives it."""
    try:
        content = pybase64.b64decode(encoded, validate=True)
    except ValueError:
        return None
    end = encoded[-_QUANTUM:]  # bits that stand for nothing may have been left there
    return content if pybase64.b64encode(pybase64.b64decode(end)) == end else None


Piece = bytes | Base64
"""A part of some bytes: as it is, or the base64 that stands there."""


def pieces(data: bytes, least: int) -> list[Piece]:
    """XML, cut where at least so many bytes of base64 stand alone between two tags."""
    return decoded(cut(data, least))


def cut(data: bytes, least: int) -> list[bytes | memoryview]:
    """The same without what is decoded, which takes memory: the texts are views of the bytes."""
    found: list[bytes | memoryview] = []
    rest, view = 0, memoryview(data)
    for start, end in _between_tags(data, least):
        if _is_encoded(view[start:end]):
            found += (data[rest:start], view[start:end])
            rest = end
    return [*found, data[rest:]]


def _is_encoded(text: memoryview) -> bool:
    """Whether a text is just as encoding gives it; looked at in steps, so that it takes no memory."""
    for start in range(0, len(text), _STEP):
        step = text[start : start + _STEP]
        content = _decoded(step)
        if content is None:
            return False
        if start + _STEP < len(text) and _QUANTUM * len(content) != 3 * len(step):
            return False  # it ends here, and there is more
    return True


def decoded(cut: Iterable[bytes | memoryview]) -> list[Piece]:
    """What was cut, with what the texts stand for."""
    return [_text(part) if isinstance(part, memoryview) else part for part in cut]


def _text(encoded: memoryview) -> Base64:
    found = Base64.as_encoded(encoded)
    assert found is not None  # or it were no view
    return found


def as_bytes(piece: Piece) -> bytes | memoryview:
    """A piece as it stands among the others."""
    return piece.encoded if isinstance(piece, Base64) else piece


def hash_of(pieces: Iterable[Piece]) -> str:
    """SHA-256 of what pieces make together, hex."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(as_bytes(piece))
    return digest.hexdigest()


def _between_tags(data: bytes, least: int) -> Iterator[tuple[int, int]]:
    """Where at least so many bytes stand between a `>` and the next `<`, without either."""
    place = 0  # behind a `<`
    while place + least < len(data):
        last = data.rfind(b"<", place, place + least)
        if last >= 0:
            place = last + 1
            continue
        end = data.find(b"<", place + least)
        if end < 0:
            return
        before = data.rfind(b">", place, end)
        if before >= 0 and end - before > least:
            yield before + 1, end
        place = end + 1
