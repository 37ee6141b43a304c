"""What a schema has against an element, in both languages, and without any of its values.

The library's own words are English, and repeat the value, which may be a person's number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from lxml import etree

from opus_soap.errors import Both

_WHERE = re.compile(r"Element '(?:\{[^}]*\})?([^']*)'(?:, attribute '([^']*)')?: ")
_CHOICE = re.compile(r"Expected is (?:one of )?\( (.*) \)")
_LONGEST = re.compile(r"allowed maximum length of '(\d+)'")
_ATTRIBUTE = re.compile(r"The attribute '([^']*)' is required")
_NAMESPACE = re.compile(r"\{[^}]*\}")
_TEXT_ALONE = Both("kun tekst, ingen elementer", "text alone, no elements")
_LINE = Both("tekst på én linje, uden mellemrum i enderne", "text on one line, without blanks at its ends")
_PATTERNS: Mapping[str, Both] = {r"\S(.*\S)?": _LINE}  # those that people would not read
_SAID: Mapping[str, Both] = {
    "SCHEMAV_ELEMENT_CONTENT": Both("elementet skal ikke være her", "the element must not be here"),
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": Both("attributten findes ikke", "there is no such attribute"),
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": Both("kun elementer, ingen tekst", "elements alone, no text"),
    "SCHEMAV_CVC_TYPE_3_1_2": _TEXT_ALONE,
    "SCHEMAV_CVC_COMPLEX_TYPE_2_2": _TEXT_ALONE,
}


class SchemaPlace(NamedTuple):
    """Which element, and which of its attributes; empty where nothing is said."""

    element: str
    attribute: str


def place_of(entry: etree._LogEntry) -> SchemaPlace:
    """Where the mistake is."""
    where = _WHERE.match(entry.message)
    return SchemaPlace(where[1], where[2] or "") if where is not None else SchemaPlace("", "")


def reason_of(entry: etree._LogEntry) -> str | Both:
    """What would be right, or what is wrong."""
    message, kind = entry.message, entry.type_name
    if kind == "SCHEMAV_CVC_PATTERN_VALID":
        pattern = message.rpartition("by the pattern ")[2].strip("'.")
        return _PATTERNS.get(pattern, pattern)
    if kind == "SCHEMAV_CVC_ENUMERATION_VALID":
        return message.rpartition("of the set ")[2].strip(".")
    if (longest := _LONGEST.search(message)) is not None and kind == "SCHEMAV_CVC_MAXLENGTH_VALID":
        return f"≤ {longest[1]}"
    if (attribute := _ATTRIBUTE.search(message)) is not None and kind == "SCHEMAV_CVC_COMPLEX_TYPE_4":
        return Both(f"attributten {attribute[1]} mangler", f"the attribute {attribute[1]} is missing")
    choice = _CHOICE.search(message) if kind == "SCHEMAV_ELEMENT_CONTENT" else None
    if choice is not None:
        names, missing = _NAMESPACE.sub("", choice[1]), "Missing child" in message
        danish, english = ("mangler", "missing") if missing else ("her kan stå", "here may be")
        return Both(f"{danish}: {names}", f"{english}: {names}")
    return _SAID.get(kind, kind)
