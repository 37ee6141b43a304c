"""Long base64 texts, lifted out of a message before it is parsed.

An attachment is nearly all of a large message, and libxml2 goes through it character by character: to parse
it, to write its canonical form, and to parse that again. base64 has no character that XML or its canonical
form could take for anything but itself. So with a short mark, of letters and digits too, in the place of
such a text a message has the same tree and the same canonical form, but for that text: it is put back where
digests are made, which are therefore of every byte. Marks are random: nobody can write one into a message.

Lifted is only what stands alone between two tags, is base64 just as encoding gives it, turns out to be the
whole text of an element in the Body, and is most of the message; or the message is parsed as it came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from secrets import token_hex

from lxml import etree

from opus_soap.encoded import Base64, Piece, pieces
from opus_soap.wss.errors import ParsingError, SignatureWrong
from opus_soap.wss.parsing import ParseLimits, parse

_NUMBER = 8  # digits of a text's number, behind the token in its mark
# by nodes, of which there are few where texts are long: elements may be very many
_MARKED = etree.XPath("descendant::text()[starts-with(., $token)]")

Lifted = Mapping[etree._Element, Base64]
"""Texts that are not in the tree, by the elements that they are the text of."""


@dataclass(frozen=True)
class Lifting:
    """The texts that stand apart from a message, and what marks their places."""

    token: str = ""
    """What each mark begins with; its number follows."""
    texts: tuple[Base64, ...] = ()
    pieces: Sequence[Piece] = ()
    """The message as it came, cut at them."""

    def whole(self, canonical: bytes) -> list[bytes | memoryview]:
        """A canonical form with the texts in their places, in pieces."""
        first, *rest = canonical.split(self.token.encode())
        found: list[bytes | memoryview] = [first]
        for piece in rest:
            found += (self.texts[int(piece[:_NUMBER])].encoded, piece[_NUMBER:])
        return found

    def take(self, body: etree._Element) -> Lifted:
        """The texts by their elements, which are left empty; raises `SignatureWrong` unless all are there."""
        if not self.texts:
            return {}
        places = self._places(body)
        if places is None:
            raise SignatureWrong(value="a text that was lifted out of the message is not in its Body")
        for element in places:
            element.text = None
        return dict(zip(places, self.texts, strict=True))

    def is_in(self, root: etree._Element) -> bool:
        """Whether each mark is the whole text of an element in the root's last child, as the Body is."""
        return len(root) > 0 and self._places(root[-1]) is not None

    def _places(self, within: etree._Element) -> list[etree._Element] | None:
        """The elements, in the order of the texts; None unless each mark is all of the text of one."""
        found = _MARKED(within, token=self.token)
        assert isinstance(found, list)
        places = [node.getparent() for node in found]
        marks = [mark_of(self.token, number) for number in range(len(self.texts))]
        return places if [place.text for place in places] == marks else None


NOTHING = Lifting()


def parse_lifted(data: bytes, limits: ParseLimits, least: int) -> tuple[etree._Element, Lifting]:
    """`parse` of a message without its base64 texts of at least so many bytes, and those texts.

    Raises as `parse` of the whole message does.
    """
    if least and least <= len(data) <= limits.max_bytes:
        lifting = _lift(data, least)
        if 2 * sum(map(len, lifting.texts)) > len(data):  # or looking for their places would cost more
            with suppress(ParsingError):  # it is told by its place in the message as it came
                root = parse(_without(lifting), limits)
                if lifting.is_in(root):
                    return root, lifting
    return parse(data, limits), NOTHING


def mark_of(token: str, number: int) -> str:
    """What stands in the place of a text."""
    return f"{token}{number:0{_NUMBER}}"


def _lift(data: bytes, least: int) -> Lifting:
    cut = pieces(data, least)
    return Lifting(token_hex(16), tuple(piece for piece in cut if isinstance(piece, Base64)), cut)


def _without(lifting: Lifting) -> bytes:
    """The message, with a mark in the place of each text."""
    numbers = count()
    return b"".join(
        mark_of(lifting.token, next(numbers)).encode() if isinstance(piece, Base64) else piece
        for piece in lifting.pieces
    )
