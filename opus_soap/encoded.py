"""A base64 text beside what it holds: an attachment is long, and is decoded once on its way."""

from __future__ import annotations

from base64 import b64decode

import pybase64

_QUANTUM = 4  # characters that stand together for three bytes


class Base64(str):
    """A base64 text in the one form that encoding gives, and `content`, the bytes that it stands for.

    Nothing in it needs escaping, in XML or in JSON.
    """

    __slots__ = ("content",)

    content: bytes

    @classmethod
    def of(cls, content: bytes) -> Base64:
        """The text of some bytes."""
        return cls._of(pybase64.b64encode_as_string(content), content)

    @classmethod
    def read(cls, text: str) -> Base64:
        """A text as it came, with line breaks or without; raises ValueError when it is no base64."""
        found = cls.as_encoded(text)
        return cls.of(b64decode("".join(text.split()), validate=True)) if found is None else found

    @classmethod
    def as_encoded(cls, text: str) -> Base64 | None:
        """A text that is just as encoding gives it; None for any other."""
        try:
            content = pybase64.b64decode(text, validate=True)
        except ValueError:
            return None
        end = text[-_QUANTUM:]  # bits that stand for nothing may have been left there
        if pybase64.b64encode_as_string(pybase64.b64decode(end)) != end:
            return None
        return cls._of(text, content)

    @classmethod
    def _of(cls, text: str, content: bytes) -> Base64:
        made = cls(text)
        made.content = content
        return made
