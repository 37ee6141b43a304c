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
from functools import cached_property
from itertools import count
from secrets import token_hex

from lxml import etree

from opus_soap.encoded import Base64, Piece, cut, decoded
from opus_soap.languages import Both
from opus_soap.wss.errors import ParsingError, SignatureWrong
from opus_soap.wss.parsing import ParseLimits, parse

_NUMBER = 8  # digits of a text's number, behind the token in its mark
# by nodes, of which there are few where texts are long: elements may be very many
_MARKED = etree.XPath("descendant::text()[starts-with(., $token)]")

Lifted = Mapping[etree._Element, Base64]
"""Texts that are not in the tree, by the elements that they are the text of."""


@dataclass(frozen=True)
class Lifting:
    """A message that texts were lifted out of, and what marks them; they are decoded when it is believed."""

    token: str = ""
    """What each mark begins with; its number follows."""
    cut: Sequence[bytes | memoryview] = ()
    """The message as it came, cut at the texts, which are views."""

    @cached_property
    def texts(self) -> list[memoryview]:
        """The texts as they came, in their order."""
        return [part for part in self.cut if isinstance(part, memoryview)]

    @cached_property
    def pieces(self) -> list[Piece]:
        """The message as it came, cut at the texts, decoded."""
        return decoded(self.cut)

    @property
    def short(self) -> bytes:
        """The message, with a mark in the place of each text."""
        numbers = count()
        return b"".join(
            mark_of(self.token, next(numbers)).encode() if isinstance(part, memoryview) else part
            for part in self.cut
        )

    def whole(self, canonical: bytes) -> list[bytes | memoryview]:
        """A canonical form with the texts in their places, in pieces."""
        first, *rest = canonical.split(self.token.encode())
        found: list[bytes | memoryview] = [first]
        for piece in rest:
            found += (self.texts[int(piece[:_NUMBER])], piece[_NUMBER:])
        return found

    def take(self, body: etree._Element) -> Lifted:
        """The texts by their elements, which are left empty; raises `SignatureWrong` unless all are there."""
        if not self.texts:
            return {}
        places = self._places(body)
        if places is None:
            raise SignatureWrong(
                value=Both(
                    "en tekst, der blev taget ud af meddelelsen, står ikke i dens Body",
                    "a text that was lifted out of the message is not in its Body",
                )
            )
        for element in places:
            element.text = None
        texts = (piece for piece in self.pieces if isinstance(piece, Base64))
        return dict(zip(places, texts, strict=True))

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
        lifting = Lifting(token_hex(16), cut(data, least))
        if 2 * sum(map(len, lifting.texts)) > len(data):  # or looking for their places would cost more
            with suppress(ParsingError):  # it is told by its place in the message as it came
                root = parse(lifting.short, limits)
                if lifting.is_in(root):
                    return root, lifting
    return parse(data, limits), NOTHING


def mark_of(token: str, number: int) -> str:
    """What stands in the place of a text."""
    return f"{token}{number:0{_NUMBER}}"
