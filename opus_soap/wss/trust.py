"""WS-Trust 1.3: asking an STS for a token, and its answer, as Kombit's SF1514 has them.

Issue only: TokenType SAML 2.0, KeyType PublicKey, AppliesTo the EntityId of the service, one claim (the CVR
number of the authority that is acted for), UseKey the certificate that the token shall be bound to.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from opus_soap.languages import Both
from opus_soap.wss.errors_tokens import TrustMessageInvalid
from opus_soap.wss.names import (
    ASSERTION,
    BASE64_BINARY,
    BINARY_SECURITY_TOKEN,
    CREATED,
    EXPIRES,
    SAML_V2,
    WSA,
    WSSE,
    WST,
    WSU,
    X509_V3,
    wsa,
    wst,
)
from opus_soap.wss.saml import CVR
from opus_soap.wss.timestamps import read_instant, write_instant
from opus_soap.wss.tokens import read_binary_token

ISSUE_ACTION = f"{WST}/RST/Issue"
ANSWER_ACTION = f"{WST}/RSTRC/IssueFinal"
_ISSUE, _PUBLIC_KEY = f"{WST}/Issue", f"{WST}/PublicKey"
AUTHORIZATION = "http://docs.oasis-open.org/wsfed/authorization/200706"
_DIALECT = f"{AUTHORIZATION}/authclaims"
_CLAIM, _CLAIM_VALUE = f"{{{AUTHORIZATION}}}ClaimType", f"{{{AUTHORIZATION}}}Value"
# WS-Policy as CXF and PHP, as .NET, and as newer CXF write it
_POLICIES = (
    "http://schemas.xmlsoap.org/ws/2004/09/policy",
    "http://schemas.xmlsoap.org/ws/2002/12/policy",
    "http://www.w3.org/ns/ws-policy",
)


@dataclass(frozen=True)
class TokenRequest:
    """What a RequestSecurityToken asks for."""

    applies_to: str
    """EntityId of the service."""
    cvr: str
    """CVR number of the authority that the caller acts for."""
    holder: x509.Certificate
    context: str = ""


@dataclass(frozen=True)
class IssuedToken:
    """A token as an STS hands it over, not looked into: it is for the service to believe."""

    assertion: etree._Element
    applies_to: str
    created: datetime
    expires: datetime


def write_request(request: TokenRequest) -> etree._Element:
    """The `RequestSecurityToken` to sign and send to an STS."""
    root = etree.Element(wst("RequestSecurityToken"), nsmap={"wst": WST})
    root.set("Context", request.context or str(uuid4()))
    for name, text in (("RequestType", _ISSUE), ("TokenType", SAML_V2), ("KeyType", _PUBLIC_KEY)):
        etree.SubElement(root, wst(name)).text = text
    _write_applies_to(root, request.applies_to)
    claims = etree.SubElement(root, wst("Claims"), Dialect=_DIALECT)
    claim = etree.SubElement(claims, _CLAIM, Uri=CVR, Optional="false", nsmap={"auth": AUTHORIZATION})
    etree.SubElement(claim, _CLAIM_VALUE).text = request.cvr
    token = etree.SubElement(
        etree.SubElement(root, wst("UseKey")),
        BINARY_SECURITY_TOKEN,
        EncodingType=BASE64_BINARY,
        ValueType=X509_V3,
        nsmap={"wsse": WSSE},
    )
    token.text = base64.b64encode(request.holder.public_bytes(Encoding.DER)).decode("ascii")
    return root


def read_request(body: etree._Element) -> TokenRequest:
    """What the verified Body of a request asks for; raises `TrustMessageInvalid`."""
    root = _only(body, wst("RequestSecurityToken"))
    for name, expected in (("RequestType", _ISSUE), ("TokenType", SAML_V2), ("KeyType", _PUBLIC_KEY)):
        # CXF puts what is its client's wish below SecondaryParameters
        given = [node.text or "" for node in root.iter(wst(name))]
        if given != [expected]:
            raise TrustMessageInvalid(element=name, value=", ".join(given) or "-", expected=expected)
    claims = {
        node.get("Uri", ""): node.findtext(_CLAIM_VALUE, "").strip()
        for node in root.iterfind(f"{wst('Claims')}/{_CLAIM}")
    }
    holders = root.findall(f"{wst('UseKey')}/{BINARY_SECURITY_TOKEN}")
    if len(holders) != 1:
        raise TrustMessageInvalid(
            element="UseKey",
            value=f"{len(holders)}",
            expected=Both("ét BinarySecurityToken", "one BinarySecurityToken"),
        )
    return TokenRequest(
        applies_to=_read_applies_to(root),
        cvr=claims.get(CVR, ""),
        holder=read_binary_token(holders[0]),
        context=root.get("Context", ""),
    )


def write_answer(request: TokenRequest, token: IssuedToken) -> etree._Element:
    """The `RequestSecurityTokenResponseCollection` that answers a request."""
    root = etree.Element(wst("RequestSecurityTokenResponseCollection"), nsmap={"wst": WST})
    response = etree.SubElement(root, wst("RequestSecurityTokenResponse"))
    if request.context:
        response.set("Context", request.context)
    lifetime = etree.SubElement(response, wst("Lifetime"), nsmap={"wsu": WSU})
    for tag, moment in ((CREATED, token.created), (EXPIRES, token.expires)):
        etree.SubElement(lifetime, tag).text = write_instant(moment)
    _write_applies_to(response, token.applies_to)
    etree.SubElement(response, wst("RequestedSecurityToken")).append(token.assertion)
    for name, text in (("TokenType", SAML_V2), ("RequestType", _ISSUE), ("KeyType", _PUBLIC_KEY)):
        etree.SubElement(response, wst(name)).text = text
    return root


def read_answer(body: etree._Element) -> IssuedToken:
    """The token in the verified Body of an STS's answer; raises `TrustMessageInvalid`."""
    collection = _only(body, wst("RequestSecurityTokenResponseCollection"))
    response = _only(collection, wst("RequestSecurityTokenResponse"))
    assertions = response.findall(f"{wst('RequestedSecurityToken')}/{ASSERTION}")
    lifetime = response.find(wst("Lifetime"))
    if len(assertions) != 1 or lifetime is None:
        raise TrustMessageInvalid(
            element="RequestSecurityTokenResponse",
            value="",
            expected=Both("én assertion og dens Lifetime", "one assertion and its Lifetime"),
        )
    return IssuedToken(
        assertion=assertions[0],
        applies_to=_read_applies_to(response),
        created=read_instant(lifetime.findtext(CREATED), "Lifetime Created"),
        expires=read_instant(lifetime.findtext(EXPIRES), "Lifetime Expires"),
    )


def _write_applies_to(parent: etree._Element, address: str) -> None:
    applies = etree.SubElement(parent, f"{{{_POLICIES[0]}}}AppliesTo", nsmap={"wsp": _POLICIES[0]})
    endpoint = etree.SubElement(applies, wsa("EndpointReference"), nsmap={"wsa": WSA})
    etree.SubElement(endpoint, wsa("Address")).text = address


def _read_applies_to(parent: etree._Element) -> str:
    path = f"{wsa('EndpointReference')}/{wsa('Address')}"
    found = [
        (node.text or "").strip()
        for policy in _POLICIES
        for node in parent.iterfind(f"{{{policy}}}AppliesTo/{path}")
    ]
    if len(found) != 1 or not found[0]:
        raise TrustMessageInvalid(
            element="AppliesTo", value=", ".join(found) or "-", expected=Both("én adresse", "one address")
        )
    return found[0]


def _only(parent: etree._Element, tag: str) -> etree._Element:
    children: Sequence[etree._Element] = list(parent)
    if len(children) != 1 or children[0].tag != tag:
        name = etree.QName(tag).localname
        raise TrustMessageInvalid(
            element=etree.QName(parent).localname,
            value=", ".join(etree.QName(child).localname for child in children[:3]) or "-",
            expected=Both(f"ét {name}", f"one {name}"),
        )
    return children[0]
