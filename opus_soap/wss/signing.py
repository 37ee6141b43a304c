"""Sign requests, replies and faults as Serviceplatformen signs its replies.

Signed: Timestamp, Body, MessageID, RelatesTo, Action, To, ReplyTo, Framework and the
BinarySecurityToken; KeyInfo → SecurityTokenReference → Reference → BinarySecurityToken; exc-c14n,
rsa-sha256 (ecdsa-sha256 with a key on a curve).
"""

from __future__ import annotations

import base64
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from lxml import etree

from opus_soap.languages import Both
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.engine import SigningKey, create_signature
from opus_soap.wss.errors import KeyUnusable, NotSignable, ProfileUnknown
from opus_soap.wss.names import (
    BASE64_BINARY,
    BINARY_SECURITY_TOKEN,
    CREATED,
    EXPIRES,
    FRAMEWORK,
    KEY_IDENTIFIER,
    KEY_INFO,
    LIBERTY_BASIC,
    SAML_ID,
    SAML_V2,
    SBF,
    SBF_PROFILE,
    SECURITY,
    SECURITY_TOKEN_REFERENCE,
    SOAP11,
    TIMESTAMP,
    TOKEN_REFERENCE,
    WSA,
    WSSE,
    WSSE11,
    WSU,
    WSU_ID,
    X509_V3,
    wsa,
)
from opus_soap.wss.timestamps import write_instant

DS_NSMAP = {"ds": "http://www.w3.org/2000/09/xmldsig#"}
PROFILES = ("kombit", "basic", "sts")


class Signing(Protocol):
    """What signs messages: a `Signer`, or one that follows its files."""

    @property
    def certificate(self) -> x509.Certificate:
        """Whose key signs."""

    def sign(
        self,
        body_child: etree._Element,
        addressing: Addressing,
        *,
        now: datetime,
        profile: str = "kombit",
        soap_namespace: str = SOAP11,
        token: etree._Element | None = None,
    ) -> bytes:
        """As `Signer.sign`."""


class Signer:
    """Signs with one key; holds no state between messages, so threads share it."""

    def __init__(
        self, key: SigningKey, certificate: x509.Certificate, lifetime: timedelta = timedelta(minutes=5)
    ) -> None:
        if certificate.public_key() != key.public_key():
            raise KeyUnusable(
                element="certificate", value=Both("hører ikke til nøglen", "does not belong to the key")
            )
        self.certificate = certificate
        self._key = key
        self._lifetime = lifetime
        self._token = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode("ascii")

    def sign(
        self,
        body_child: etree._Element,
        addressing: Addressing,
        *,
        now: datetime,
        profile: str = "kombit",
        soap_namespace: str = SOAP11,
        token: etree._Element | None = None,
    ) -> bytes:
        """A signed envelope around a copy of `body_child` (a message or a soap:Fault), as UTF-8 bytes.

        With `token`, a SAML assertion that is bound to this key, as the Token model has it: the assertion in
        place of a BinarySecurityToken, signed through a reference (STR-Transform).

        Raises `NotSignable` when the profile's headers are not given or the body holds comments or
        processing instructions, which no verifier of ours would take.
        """
        _check_signable(body_child, addressing, profile)
        ids = _Identifiers()
        envelope = etree.Element(f"{{{soap_namespace}}}Envelope", nsmap={"soap": soap_namespace, "wsu": WSU})
        header = etree.SubElement(envelope, f"{{{soap_namespace}}}Header")
        if profile == "kombit" and soap_namespace == SOAP11:
            ids.give(_framework(header))
        for element in addressing_headers(header, addressing):
            ids.give(element)
        security = etree.SubElement(header, SECURITY, nsmap={"wsse": WSSE})
        security.set(f"{{{soap_namespace}}}mustUnderstand", "1")
        if token is None:
            key_info = self._with_certificate(security, ids)
        ids.give(_timestamp(security, now, self._lifetime))
        if token is not None:
            key_info = _with_assertion(security, token, ids)
        body = etree.SubElement(envelope, f"{{{soap_namespace}}}Body")
        body.append(deepcopy(body_child))
        ids.give(body)
        security.append(create_signature(envelope, targets=ids.given, key=self._key, key_info=key_info))
        return etree.tostring(envelope, encoding="UTF-8", xml_declaration=True)

    def _with_certificate(self, security: etree._Element, ids: _Identifiers) -> etree._Element:
        """The BinarySecurityToken into Security; the KeyInfo that refers to it."""
        token = etree.SubElement(
            security, BINARY_SECURITY_TOKEN, EncodingType=BASE64_BINARY, ValueType=X509_V3
        )
        token.text = self._token
        ids.give(token)
        key_info: etree._Element = etree.Element(KEY_INFO, nsmap=DS_NSMAP)
        reference = etree.SubElement(key_info, SECURITY_TOKEN_REFERENCE, nsmap={"wsse": WSSE})
        etree.SubElement(reference, TOKEN_REFERENCE, URI=f"#{token.get(WSU_ID)}", ValueType=X509_V3)
        return key_info


def _with_assertion(security: etree._Element, token: etree._Element, ids: _Identifiers) -> etree._Element:
    """The assertion and a reference to it into Security; the KeyInfo that refers to it."""
    security.append(deepcopy(token))
    reference = _assertion_reference(security, token)
    ids.give(reference)
    key_info: etree._Element = etree.Element(KEY_INFO, nsmap=DS_NSMAP)
    _assertion_reference(key_info, token)
    return key_info


def _assertion_reference(parent: etree._Element, token: etree._Element) -> etree._Element:
    reference: etree._Element = etree.SubElement(
        parent, SECURITY_TOKEN_REFERENCE, nsmap={"wsse": WSSE, "wsse11": WSSE11}
    )
    reference.set(f"{{{WSSE11}}}TokenType", SAML_V2)
    etree.SubElement(reference, KEY_IDENTIFIER, ValueType=SAML_ID).text = token.get("ID")
    return reference


class _Identifiers:
    """wsu:Ids of one message: random, so that they never meet an id in somebody's body."""

    def __init__(self) -> None:
        self._prefix = f"_{uuid4().hex}"
        self.given: dict[str, etree._Element] = {}

    def give(self, element: etree._Element) -> None:
        identifier = f"{self._prefix}-{len(self.given) + 1}"
        element.set(WSU_ID, identifier)
        self.given[identifier] = element


def load_signer(key_file: Path, certificate_file: Path, lifetime: timedelta) -> Signer:
    """A signer from two PEM files; raises `KeyUnusable` naming the file."""
    try:
        key = load_pem_private_key(key_file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(element=str(key_file), value=error) from None
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    except (OSError, ValueError) as error:
        raise KeyUnusable(element=str(certificate_file), value=error) from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyUnusable(
            element=str(key_file),
            value=Both("hverken RSA eller en elliptisk kurve", "neither RSA nor an elliptic curve"),
        )
    return Signer(key, certificate, lifetime)


def _check_signable(body_child: etree._Element, addressing: Addressing, profile: str) -> None:
    if profile not in PROFILES:
        raise ProfileUnknown(value=profile, expected=", ".join(PROFILES))
    if profile == "kombit" and not (addressing.action and addressing.message_id):
        raise NotSignable(
            element="Addressing",
            value=Both(
                "profilen kombit kræver Action og MessageID", "the profile kombit needs Action and MessageID"
            ),
        )
    for node in body_child.iter(etree.Comment, etree.ProcessingInstruction, etree.Entity):
        raise NotSignable(
            element="Body",
            value=Both(
                f"indeholder opmærkning, der ikke underskrives: {node.tag!r}",
                f"holds markup that is not signed: {node.tag!r}",
            ),
        )


def _framework(header: etree._Element) -> etree._Element:
    framework: etree._Element = etree.SubElement(
        header, FRAMEWORK, nsmap={"sbf": SBF, "sbfp": SBF_PROFILE}, version="2.0"
    )
    framework.set(f"{{{SBF_PROFILE}}}profile", LIBERTY_BASIC)
    return framework


def addressing_headers(header: etree._Element, addressing: Addressing) -> list[etree._Element]:
    """The wsa headers that are given, added to a Header, in their order."""
    headers = []
    for name, value in (
        ("Action", addressing.action),
        ("MessageID", addressing.message_id),
        ("RelatesTo", addressing.relates_to),
        ("To", addressing.to),
        ("ReplyTo", addressing.reply_to),
    ):
        if value is None:
            continue
        element = etree.SubElement(header, wsa(name), nsmap={"wsa": WSA})
        holder = etree.SubElement(element, wsa("Address")) if name == "ReplyTo" else element
        holder.text = value
        headers.append(element)
    return headers


def _timestamp(security: etree._Element, now: datetime, lifetime: timedelta) -> etree._Element:
    timestamp: etree._Element = etree.SubElement(security, TIMESTAMP)
    etree.SubElement(timestamp, CREATED).text = write_instant(now)
    etree.SubElement(timestamp, EXPIRES).text = write_instant(now + lifetime)
    return timestamp
