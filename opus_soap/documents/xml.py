"""Reading XML of strangers: a hardened parser with limits, and values that are right or refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from opus_soap.documents.invoice import LONGEST, DocumentLimits
from opus_soap.errors import (
    Both,
    DocumentError,
    DocumentRefused,
    DocumentTooLarge,
    DocumentTypeForbidden,
    ElementMissing,
    NotXml,
    ValueInvalid,
)
from opus_soap.texts import is_hidden, visible

CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
NAMESPACES = {"cac": CAC, "cbc": CBC}
# no entity, no network, no DTD; comments and instructions are not there
_SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "remove_pis": True,
    "remove_comments": True,
}
_AMOUNT = re.compile(r"[+-]?[0-9]{1,13}(\.[0-9]{0,10})?|[+-]?\.[0-9]{1,10}")  # the contract has 13 before it
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})?")  # xs:date
_ORE = Decimal("0.01")
_YEARS = range(1990, 3000)
_NOTHING_HIDDEN = Both("kun tegn, der kan ses", "no hidden characters")
MOST_ERRORS = 20  # more of them nobody reads


def pull_parser(**options: Any) -> etree.XMLPullParser:
    """A parser that is fed a file piece by piece, and reads nothing else; how much of it is its caller's."""
    return etree.XMLPullParser(**_SAFE, **options)


def parse(data: bytes, limits: DocumentLimits) -> etree._Element:
    """The root of a document; raises `DocumentTooLarge`, `DocumentTypeForbidden`, `NotXml`."""
    if len(data) > limits.max_bytes:
        raise DocumentTooLarge(element="file", value=len(data), expected=limits.max_bytes)
    # huge_tree: a base64 attachment may pass libxml2's 10 MB of one text; bytes are limited above
    parser: etree.XMLParser[etree._Element] = etree.XMLParser(huge_tree=True, **_SAFE)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise NotXml(
            value=Both(f"linje {error.lineno}: {error.msg}", f"line {error.lineno}: {error.msg}")
        ) from None
    except ValueError as error:
        raise NotXml(value=str(error)) from None
    if root.getroottree().docinfo.doctype:
        raise DocumentTypeForbidden
    _check_depth(root, limits.max_depth)
    return root


def _check_depth(root: etree._Element, most: int) -> None:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > most:
            raise DocumentTooLarge(element="depth", value=depth, expected=most)


class Reader:
    """Values of a document by path; what is wrong is collected, so that one reading tells all."""

    def __init__(self) -> None:
        self.errors: list[DocumentError] = []

    def add(self, error: DocumentError) -> None:
        """Note an error; raises `DocumentRefused` when there are as many as anybody would read."""
        self.errors.append(error)
        if len(self.errors) >= MOST_ERRORS:
            raise DocumentRefused(self.errors)

    def fitting(self, value: str | None, what: str) -> str | None:
        """A text on one line that hides nothing and fits where it is kept (`LONGEST`); or an error."""
        value = visible(" ".join(value.split())) if value is not None else None
        if value is not None and len(value) > LONGEST[what]:
            self.add(ValueInvalid(element=what, value=f"{value[:40]}…", expected=f"≤ {LONGEST[what]}"))
        return value

    def number(self, value: str, what: str) -> str:
        """A text that identifies something: what nobody sees in it is an error."""
        if any(map(is_hidden, value)):
            self.add(ValueInvalid(element=what, value=visible(value)[:60], expected=_NOTHING_HIDDEN))
        return self.fitting(value, what) or ""

    def all(self, node: etree._Element, path: str) -> list[etree._Element]:
        """Every element at a path (`cac:Party/cbc:Name`)."""
        return node.findall(path, NAMESPACES)

    def text(self, node: etree._Element, path: str) -> str | None:
        """The text of the first element at a path; None when there is none, an error when it is empty."""
        found = node.find(path, NAMESPACES)
        if found is None:
            return None
        value = (found.text or "").strip()
        if not value:
            self.add(ElementMissing(element=where(found)))
        return value

    def required(self, node: etree._Element, path: str) -> str:
        """The text at a path, which must be there."""
        if node.find(path, NAMESPACES) is None:
            self.add(ElementMissing(element=f"{where(node)}/{path}"))
        return self.text(node, path) or ""

    def amount(self, node: etree._Element, path: str) -> Decimal | None:
        """A decimal number at a path, or None."""
        value = self.text(node, path)
        return self._decimal(node, path, value) if value else None

    def money(self, node: etree._Element, path: str, currency: str) -> Decimal:
        """An amount that must be there, in the document's currency: another's is another amount."""
        if node.find(path, NAMESPACES) is None:
            self.add(ElementMissing(element=f"{where(node)}/{path}"))
        return self.optional_money(node, path, currency) or Decimal(0)

    def optional_money(self, node: etree._Element, path: str, currency: str) -> Decimal | None:
        """An amount in the document's currency, or None."""
        found = node.find(path, NAMESPACES)
        if found is not None and found.get("currencyID") != currency:
            self.add(
                ValueInvalid(
                    element=f"{where(found)}/@currencyID",
                    value=found.get("currencyID", "-"),
                    expected=currency,
                )
            )
        return self.amount(node, path)

    def whole_ore(self, node: etree._Element, path: str, currency: str) -> Decimal:
        """An amount that must be there and has no more than two decimals: it is booked as it stands."""
        value = self.money(node, path, currency)
        if value != value.quantize(_ORE):
            self.add(ValueInvalid(element=f"{where(node)}/{path}", value=value, expected="0.00"))
        return value

    def date(self, node: etree._Element, path: str) -> date | None:
        """A date at a path, or None."""
        value = self.text(node, path)
        if not value:
            return None
        matched = _DATE.fullmatch(value)
        try:
            found = date.fromisoformat(matched[1]) if matched else None
        except ValueError:
            found = None
        if found is None or found.year not in _YEARS:
            self.add(ValueInvalid(element=f"{where(node)}/{path}", value=value[:40], expected="YYYY-MM-DD"))
            return None
        return found

    def _decimal(self, node: etree._Element, path: str, value: str) -> Decimal:
        if not _AMOUNT.fullmatch(value):
            self.add(
                ValueInvalid(
                    element=f"{where(node)}/{path}",
                    value=value[:40],
                    expected=Both("et decimaltal", "a decimal number"),
                )
            )
            return Decimal(0)
        return Decimal(value)


def where(node: etree._Element) -> str:
    """`Invoice/InvoiceLine[2]/Price`: names with positions, for people."""
    return "/".join(reversed(list(_steps(node))))


def _steps(node: etree._Element) -> Iterator[str]:
    current: etree._Element | None = node
    while current is not None:
        parent = current.getparent()
        name = etree.QName(current).localname
        if parent is not None:
            before = sum(1 for _ in current.itersiblings(str(current.tag), preceding=True))
            if before or next(current.itersiblings(str(current.tag)), None) is not None:
                name += f"[{before + 1}]"
        yield name
        current = parent
