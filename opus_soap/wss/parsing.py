"""Bytes to a tree, once, with limits; the one parser that everything here uses.

Cost, measured on one core: 10 MB of base64 text 10 ms, 200,000 elements 0.08 s, of which libxml2's
parse is two thirds and the limits the rest: XPath expressions that libxml2 evaluates, not a walk in
Python. Only a message with very many namespace declarations is walked besides (0.24 s at the worst).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from opus_soap.languages import Both
from opus_soap.wss.errors import EncodingUnsupported, MarkupForbidden, MessageTooLarge, NotWellFormed

# UTF-8 only, so these bytes can be trusted: nothing before the root but the XML declaration
_PROLOG = re.compile(rb"\A(?:\xef\xbb\xbf)?(?:<\?xml\s([^>]*)\?>)?[ \t\r\n]*<(.)", re.DOTALL)
_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([A-Za-z0-9._-]*)[\"']")
_STEP = 64 * 1024  # bytes
_OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff", b"\x00", b"<\x00", b"\x4c\x6f\xa7\x94")


@dataclass(frozen=True)
class ParseLimits:
    """What one message may contain at most."""

    max_bytes: int = 32 * 1024 * 1024
    max_depth: int = 100
    max_elements: int = 200_000
    max_attributes: int = 200
    """On one element."""
    max_namespaces: int = 200
    """Namespace declarations in force at one element: canonicalisation walks them at each."""


def hardened_parser() -> etree.XMLParser[etree._Element]:
    """A parser without entities, network, DTD and without libxml2's 10 MB limit on a text.

    `huge_tree` also lifts libxml2's own guards against expansion: use it only on bytes that
    `parse` has let through, or on our own serialisation of such a tree.
    """
    return etree.XMLParser(
        encoding="utf-8",
        huge_tree=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        remove_comments=False,
        remove_pis=False,
        collect_ids=False,
    )


def parse(data: bytes, limits: ParseLimits) -> etree._Element:
    """The root element; raises a `ParsingError` for anything but plain, bounded XML in UTF-8."""
    if len(data) > limits.max_bytes:
        raise MessageTooLarge(element="bytes", value=len(data), expected=limits.max_bytes)
    _check_prolog(data)
    angles, quotes, apostrophes = _counts(data, b"<", b'"', b"'")
    # each element has one or two of them; a CDATA section may add some, hence the margin
    if angles > 4 * limits.max_elements:
        raise MessageTooLarge(
            element=Both("elementer", "elements"),
            value=Both("for mange", "too many"),
            expected=limits.max_elements,
        )
    # an attribute has two quotes, and takes more memory than bytes
    if quotes + apostrophes > 4 * limits.max_elements:
        raise MessageTooLarge(
            element=Both("attributter", "attributes"),
            value=Both("for mange", "too many"),
            expected=2 * limits.max_elements,
        )
    try:
        root = etree.fromstring(data, hardened_parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotWellFormed(value=_reason(error)) from None
    _check_markup(root)
    _check_limits(root, limits)
    # a declaration has two quotes, too
    if quotes + apostrophes > 2 * limits.max_namespaces and data.count(b"xmlns") > limits.max_namespaces:
        _check_namespaces(root, limits.max_namespaces)
    return root


def _counts(data: bytes, *marks: bytes) -> list[int]:
    """How many of each mark there are, a character each.

    Looking for one is many times quicker than counting, and most of a large message is a text without any.
    """
    found = [0] * len(marks)
    for start in range(0, len(data), _STEP):
        end = start + _STEP
        for place, mark in enumerate(marks):
            if data.find(mark, start, end) >= 0:
                found[place] += data.count(mark, start, end)
    return found


def _check_prolog(data: bytes) -> None:
    """DOCTYPE, comments and instructions before the root are seen before any parser runs."""
    if not data or data.isspace():
        raise NotWellFormed(value=Both("meddelelsen er tom", "the message is empty"))
    if data.startswith(_OTHER_ENCODINGS):
        raise EncodingUnsupported(value=repr(data[:4]), expected="UTF-8")
    prolog = _PROLOG.match(data)
    if prolog is None:
        raise NotWellFormed(value=Both("intet element i begyndelsen", "no element at the start"))
    declared = _ENCODING.search(prolog[1] or b"")
    if declared and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii", b"ascii"):
        raise EncodingUnsupported(value=declared[1].decode("ascii"), expected="UTF-8")
    if prolog[2] == b"?":
        raise MarkupForbidden(element=Both("en behandlingsinstruktion", "a processing instruction"))
    if prolog[2] == b"!":
        doctype = data.startswith(b"DOCTYPE", prolog.end())
        raise MarkupForbidden(
            element=Both("en DOCTYPE", "a DOCTYPE") if doctype else Both("en kommentar", "a comment")
        )


def _check_markup(root: etree._Element) -> None:
    if root.getroottree().docinfo.doctype:
        raise MarkupForbidden(element=Both("en DOCTYPE", "a DOCTYPE"))
    outside = [*root.itersiblings(), *root.itersiblings(preceding=True)]
    for node in [*outside, *root.iter(etree.Comment, etree.ProcessingInstruction, etree.Entity)]:
        comment = isinstance(node, etree._Comment)
        raise MarkupForbidden(
            element=Both("en kommentar", "a comment")
            if comment
            else Both("en behandlingsinstruktion", "a processing instruction")
        )


@lru_cache(maxsize=16)
def _expressions(limits: ParseLimits) -> tuple[etree.XPath, etree.XPath, etree.XPath]:
    deeper = "/*" * (limits.max_depth + 1)
    return (
        etree.XPath("count(//*)"),
        etree.XPath(f"boolean({deeper})"),
        # by place, so that libxml2 makes no set of each element's
        etree.XPath(f"boolean(//@*[{limits.max_attributes + 1}])"),
    )


def _check_limits(root: etree._Element, limits: ParseLimits) -> None:
    count, too_deep, too_wide = _expressions(limits)
    elements = int(count(root))
    if elements > limits.max_elements:
        raise MessageTooLarge(
            element=Both("elementer", "elements"), value=elements, expected=limits.max_elements
        )
    if too_deep(root):
        raise MessageTooLarge(
            element=Both("dybden", "depth"), value=Both("mere", "more"), expected=limits.max_depth
        )
    if too_wide(root):
        raise MessageTooLarge(
            element=Both("attributter", "attributes"),
            value=Both("mere", "more"),
            expected=limits.max_attributes,
        )


def _check_namespaces(root: etree._Element, most: int) -> None:
    in_force = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        in_force += 1 if event == "start-ns" else -1
        if in_force > most:
            raise MessageTooLarge(
                element=Both("navnerum", "namespaces"), value=Both("mere", "more"), expected=most
            )


def _reason(error: Exception) -> str:
    """libxml2's words without the text of the message, which may be personal."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", str(error)) or type(error).__name__
