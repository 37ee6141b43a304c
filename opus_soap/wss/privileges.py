"""The privileges in a token: OIO Basic Privilege Profile, base64 of a PrivilegeList."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from opus_soap.languages import Both
from opus_soap.wss.errors import WssError
from opus_soap.wss.errors_tokens import AssertionInvalid
from opus_soap.wss.parsing import ParseLimits, parse

NAMESPACE = "http://itst.dk/oiosaml/basic_privilege_profile"
SCOPE = "urn:dk:gov:saml:cvrNumberIdentifier:"
_LIST = f"{{{NAMESPACE}}}PrivilegeList"
_LIMITS = ParseLimits(max_bytes=256 * 1024, max_depth=10, max_elements=5000)


@dataclass(frozen=True)
class PrivilegeGroup:
    """What is granted on behalf of one authority."""

    cvr: str
    names: tuple[str, ...]
    constraints: Mapping[str, str]


def read_privileges(encoded: str) -> tuple[PrivilegeGroup, ...]:
    """The groups of an attribute `Privileges_intermediate`; none when it is empty.

    Raises `AssertionInvalid`.
    """
    if not encoded.strip():
        return ()
    try:
        root = parse(base64.b64decode("".join(encoded.split()), validate=True), _LIMITS)
    except (binascii.Error, ValueError, WssError):
        raise AssertionInvalid(
            element="Privileges_intermediate", value=Both("er ikke base64 af XML", "is no base64 of XML")
        ) from None
    if root.tag != _LIST:
        raise AssertionInvalid(
            element="Privileges_intermediate", value=Both("er ingen PrivilegeList", "is no PrivilegeList")
        )
    return tuple(_group(node) for node in root)


def _group(node: etree._Element) -> PrivilegeGroup:
    scope = node.get("Scope", "")
    if node.tag != "PrivilegeGroup" or not scope.startswith(SCOPE):
        raise AssertionInvalid(
            element="PrivilegeGroup",
            value=Both("har ingen Scope for et CVR-nummer", "has no Scope of a CVR number"),
        )
    return PrivilegeGroup(
        cvr=scope.removeprefix(SCOPE),
        names=tuple((child.text or "").strip() for child in node if child.tag == "Privilege"),
        constraints={child.get("Name", ""): child.text or "" for child in node if child.tag == "Constraint"},
    )


def write_privileges(groups: tuple[PrivilegeGroup, ...]) -> str:
    """The attribute's value for groups, as an STS writes it."""
    root = etree.Element(_LIST, nsmap={"bpp": NAMESPACE})
    for group in groups:
        node = etree.SubElement(root, "PrivilegeGroup", Scope=f"{SCOPE}{group.cvr}")
        for name in group.names:
            etree.SubElement(node, "Privilege").text = name
        for name, value in group.constraints.items():
            etree.SubElement(node, "Constraint", Name=name).text = value
    return base64.b64encode(etree.tostring(root, encoding="UTF-8", xml_declaration=True)).decode("ascii")
