"""WS-Addressing headers and the Liberty Framework, read from verified elements only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from opus_soap.languages import Both
from opus_soap.wss.errors import AddressingInvalid, ReplyAddressRefused
from opus_soap.wss.names import ANONYMOUS, LIBERTY_BASIC, SBF_PROFILE, wsa

_LONGEST = 2000  # characters in one value
_TEXTS = ("MessageID", "RelatesTo", "Action", "To")
_ENDPOINTS = ("ReplyTo", "FaultTo")


@dataclass(frozen=True)
class Addressing:
    """The wsa headers of a message; None means that the header is not there."""

    action: str | None = None
    message_id: str | None = None
    to: str | None = None
    relates_to: str | None = None
    reply_to: str | None = None


def read_addressing(parts: Mapping[str, etree._Element]) -> Addressing:
    """The headers among the signed parts; raises `AddressingInvalid`, `ReplyAddressRefused`."""
    texts = {name: _text(name, parts[name]) for name in _TEXTS if name in parts}
    endpoints = {name: _endpoint(name, parts[name]) for name in _ENDPOINTS if name in parts}
    if "Framework" in parts:
        _check_framework(parts["Framework"])
    return Addressing(
        action=texts.get("Action"),
        message_id=texts.get("MessageID"),
        to=texts.get("To"),
        relates_to=texts.get("RelatesTo"),
        reply_to=endpoints.get("ReplyTo"),
    )


def _text(name: str, element: etree._Element) -> str:
    value = (element.text or "").strip()
    if len(element) or not value:
        raise AddressingInvalid(
            element=name, value=Both("er tom eller ikke ren tekst", "is empty or not plain text")
        )
    if len(value) > _LONGEST or value.split() != [value]:
        raise AddressingInvalid(element=name, value=Both("er ikke en adresse", "is not an address"))
    return value


def _endpoint(name: str, element: etree._Element) -> str:
    """The address of an endpoint that is ourselves: any other is refused and never called."""
    addresses = element.findall(wsa("Address"))
    if len(addresses) != 1:
        raise AddressingInvalid(
            element=name, value=Both("skal indeholde én Address", "must hold one Address")
        )
    address = _text(name, addresses[0])
    if address != ANONYMOUS:
        raise ReplyAddressRefused(element=name, value=address)
    return address


def _check_framework(framework: etree._Element) -> None:
    """Liberty Basic SOAP Binding: version 2.0, and the basic profile when one is named."""
    profile = framework.get(f"{{{SBF_PROFILE}}}profile", LIBERTY_BASIC)
    if framework.get("version") != "2.0" or profile != LIBERTY_BASIC:
        raise AddressingInvalid(
            element="Framework",
            value=Both("er ikke version 2.0 af basisprofilen", "is not version 2.0 of the basic profile"),
        )
