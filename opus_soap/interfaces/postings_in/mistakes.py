"""Every mistake of a part against the schema, in the order of the file; validators tell only the first.

What this finds and what the schema refuses must be the same; a test with mutated files holds them together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from lxml import etree

from opus_soap.errors import (
    Both,
    PostingContentUnexpected,
    PostingDateImpossible,
    PostingElementMisplaced,
    PostingElementMissing,
    PostingElementRepeated,
    PostingElementUnknown,
    PostingsInError,
    PostingValueTooLong,
    PostingValueWrong,
    mask_cpr,
)
from opus_soap.interfaces.postings_in.schema import Child, Sequence, ValueType

TEXT, ELEMENTS = Both("tekst", "text"), Both("elementer", "elements")
LONGEST_SHOWN = 60  # characters of a wrong value
PERSONAL = frozenset({"PAYEE_NO", "SERV_REC_NO", "INFORM_DUTY_NO"})
_DAY = re.compile(r"(19\d{2}|20[0-5]\d)\d{4}", re.ASCII)  # meant to be one, in a year that may be
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_HARMLESS = frozenset({f"{_XSI}schemaLocation", f"{_XSI}noNamespaceSchemaLocation"})


@dataclass(frozen=True)
class Mistake:
    """What is wrong, and in which element of the file."""

    error: PostingsInError
    node: etree._Element


def mistakes(node: etree._Element, content: Sequence) -> Iterator[Mistake]:
    """The mistakes of an element and everything in it."""
    name = _name(node)
    yield from _attributes(node)
    if any(text and text.strip() for text in (node.text, *(child.tail for child in node))):
        yield Mistake(PostingContentUnexpected(element=name, value=TEXT, expected=ELEMENTS), node)
    seen: set[str] = set()
    furthest = -1
    for child in node.iterchildren("*"):
        found = _name(child)
        place = content.place(found)
        if place is None:
            meant = _meant(found, content)
            yield Mistake(
                PostingElementUnknown(
                    element=name, value=found, expected=meant or _following(content, furthest)
                ),
                child,
            )
            if meant:
                seen.add(meant)
            continue
        declared = content.children[place]
        if found in seen and not declared.many:
            yield Mistake(PostingElementRepeated(element=found), child)
        elif place < furthest:
            later = content.children[furthest].name
            yield Mistake(PostingElementMisplaced(element=found, value=later), child)
        furthest = max(furthest, place)
        seen.add(found)
        yield from _inside(child, declared)
    for declared in content.children:
        if declared.required and declared.name not in seen:
            yield Mistake(PostingElementMissing(element=name, expected=declared.name), node)


def _inside(node: etree._Element, declared: Child) -> Iterator[Mistake]:
    if isinstance(declared.content, Sequence):
        yield from mistakes(node, declared.content)
        return
    yield from _attributes(node)
    if next(node.iterchildren("*"), None) is not None:
        yield Mistake(PostingContentUnexpected(element=declared.name, value=ELEMENTS, expected=TEXT), node)
        return
    error = wrong(declared.name, "".join(node.itertext(with_tail=False)), declared.content)
    if error is not None:
        yield Mistake(error, node)


def wrong(name: str, text: str, form: ValueType) -> PostingsInError | None:
    """What is wrong with a value; a number of a person is never shown."""
    if form.takes(text):
        return None
    if form.longest is not None and len(text) > form.longest:
        return PostingValueTooLong(element=name, value=len(text), expected=form.longest)
    if form.is_date and _DAY.fullmatch(text):
        return PostingDateImpossible(element=name, value=text)
    masked = mask_cpr(text)  # before it is cut: nine of ten digits are a person's, too
    short = masked if len(masked) <= LONGEST_SHOWN else f"{masked[:LONGEST_SHOWN]}…"
    return PostingValueWrong(
        element=name,
        value=short,
        expected=form.form,
        english=form.form_english,
        sensitive=name in PERSONAL,
    )


def _attributes(node: etree._Element) -> Iterator[Mistake]:
    for attribute in node.attrib:
        if attribute not in _HARMLESS:
            error = PostingContentUnexpected(element=_name(node), value=f"@{attribute}", expected="-")
            yield Mistake(error, node)


def _name(node: etree._Element) -> str:
    """The name as the file's reader sees it: a namespace is shown, because there should be none."""
    return str(node.tag)


def _meant(found: str, content: Sequence) -> str:
    """The element that a stranger was probably meant to be."""
    return _nearest(found, tuple(child.name for child in content.children))


@lru_cache(maxsize=4096)  # a file has many lines with the same mistake
def _nearest(found: str, names: tuple[str, ...]) -> str:
    plain = etree.QName(found).localname.upper().replace("-", "_")
    close = get_close_matches(plain, names, n=1, cutoff=0.8)
    return close[0] if close else ""


def _following(content: Sequence, furthest: int) -> str:
    """What may come next: up to and with the next one that must."""
    names = []
    for child in content.children[furthest + 1 :]:
        names.append(child.name)
        if child.required:
            break
    return " | ".join(names) or "-"
