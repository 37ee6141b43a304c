"""From KeyInfo to the one certificate that should have signed.

The forms: the assertion of this message (the Token model; saml.py says whose key it is bound to), a
reference to the BinarySecurityToken of this message (the X.509 model of the agreements), or a name (issuer
and serial number, subject key identifier, thumbprint) of a certificate that the trust store knows. Names
only look up; trust is decided afterwards, alike for all.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from lxml import etree

from opus_soap.languages import Both
from opus_soap.wss.certificates import TrustStore, distinguished_name, load_der
from opus_soap.wss.errors import SecurityHeaderInvalid, TokenInvalid, TokenUnavailable, TokenUnsupported
from opus_soap.wss.names import (
    BASE64_BINARY,
    KEY_IDENTIFIER,
    KEY_INFO,
    SECURITY_TOKEN_REFERENCE,
    THUMBPRINT_SHA1,
    TOKEN_REFERENCE,
    X509_DATA,
    X509_ISSUER_NAME,
    X509_ISSUER_SERIAL,
    X509_SERIAL_NUMBER,
    X509_SKI,
    X509_V3,
)
from opus_soap.wss.references import named_assertion
from opus_soap.wss.saml import SamlToken
from opus_soap.wss.structure import MessageStructure


@dataclass(frozen=True)
class SigningToken:
    """What the signature's KeyInfo resolves to. `element` is None when the message only names it."""

    certificate: x509.Certificate
    element: etree._Element | None
    saml: SamlToken | None = None


_LONGEST_NAME = 2000  # characters; it is parsed before anybody is known


def check_names_assertion(message: MessageStructure) -> None:
    """Raises `TokenUnavailable` unless the signature's KeyInfo names the assertion of this message."""
    key_info = message.signature.find(KEY_INFO)
    reference = None if key_info is None else key_info.find(SECURITY_TOKEN_REFERENCE)
    assert message.assertion is not None
    if reference is None or named_assertion(reference) != message.assertion.get("ID"):
        raise TokenUnavailable(
            value=Both("KeyInfo peger ikke på assertion", "KeyInfo does not name the assertion")
        )


def resolve_token(
    message: MessageStructure, trust: TrustStore, known: Iterable[x509.Certificate] = ()
) -> SigningToken:
    """The certificate that KeyInfo points to; raises `TokenUnavailable` and other `WssError`s.

    `known` are certificates that a message may name without carrying them, besides those of the store.
    """
    pointer = _pointer(message)
    if pointer is None:
        raise TokenUnavailable(
            value=Both(
                "KeyInfo skal indeholde én SecurityTokenReference med én henvisning",
                "KeyInfo must hold one SecurityTokenReference with one reference",
            )
        )
    if pointer.tag == TOKEN_REFERENCE:
        return _from_message(message, pointer)
    if message.binary_token is not None:
        raise SecurityHeaderInvalid(
            element="BinarySecurityToken",
            value=Both("er ikke det, signaturen henviser til", "is not what the signature refers to"),
        )
    candidates = (*trust.pinned, *trust.known, *known)
    return SigningToken(_one_of(candidates, _matcher(pointer), pointer), None)


def names_certificate(message: MessageStructure) -> bool:
    """Whether KeyInfo names a certificate that the message does not carry."""
    pointer = _pointer(message)
    return pointer is not None and pointer.tag != TOKEN_REFERENCE


def _pointer(message: MessageStructure) -> etree._Element | None:
    """What stands in KeyInfo's SecurityTokenReference, when it is one."""
    key_info = message.signature.find(KEY_INFO)
    reference = None if key_info is None else key_info.find(SECURITY_TOKEN_REFERENCE)
    return reference[0] if reference is not None and len(reference) == 1 else None


def _from_message(message: MessageStructure, pointer: etree._Element) -> SigningToken:
    uri = pointer.get("URI", "")
    target = message.identifiers.get(uri[1:]) if uri.startswith("#") else None
    if target is None or target is not message.binary_token:
        raise TokenUnavailable(
            value=Both(
                f"URI {uri!r} peger ikke på BinarySecurityToken",
                f"URI {uri!r} does not name the BinarySecurityToken",
            )
        )
    return SigningToken(read_binary_token(target), target)


def read_binary_token(token: etree._Element) -> x509.Certificate:
    """The certificate in a wsse:BinarySecurityToken of type X509v3; raises a `WssError`."""
    if token.get("ValueType") != X509_V3:
        raise TokenUnsupported(value=token.get("ValueType", "no ValueType"))
    if token.get("EncodingType", BASE64_BINARY) != BASE64_BINARY or len(token):
        raise TokenInvalid(value=Both("ikke ren base64", "not plain base64"))
    return load_der(_decoded(token))


def _decoded(element: etree._Element) -> bytes:
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise TokenInvalid(value=Both("ikke base64", "not base64")) from None


def _matcher(pointer: etree._Element) -> Callable[[x509.Certificate], bool]:
    if pointer.tag == KEY_IDENTIFIER:
        value_type = pointer.get("ValueType", "")
        wanted = _decoded(pointer)
        if value_type == THUMBPRINT_SHA1:
            # an identifier, not a proof: collisions gain nothing, the key must still have signed
            return lambda certificate: certificate.fingerprint(hashes.SHA1()) == wanted  # noqa: S303
        if value_type == X509_SKI:
            return lambda certificate: _key_identifier(certificate) == wanted
        raise TokenUnsupported(value=value_type or "KeyIdentifier")
    if pointer.tag == X509_DATA and len(pointer) == 1 and pointer[0].tag == X509_ISSUER_SERIAL:
        issuer = pointer[0].findtext(X509_ISSUER_NAME, "").strip()
        if len(issuer) > _LONGEST_NAME:
            raise TokenInvalid(
                value=Both(
                    f"et udstedernavn på {len(issuer)} tegn", f"an issuer's name of {len(issuer)} characters"
                )
            )
        serial = pointer[0].findtext(X509_SERIAL_NUMBER, "").strip()
        return lambda certificate: (
            str(certificate.serial_number) == serial and _same_name(certificate.issuer, issuer)
        )
    raise TokenUnsupported(value=etree.QName(pointer).localname)


def _key_identifier(certificate: x509.Certificate) -> bytes:
    """As it says itself; of one whose extensions no strict parser reads, what its key gives (RFC 5280)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (ValueError, x509.ExtensionNotFound):
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


def _same_name(name: x509.Name, text: str) -> bool:
    """Peers differ in spaces and in the spelling of attribute types, not in the values' order."""
    try:
        given = x509.Name.from_rfc4514_string(text)
    except ValueError:
        return distinguished_name(name).replace(", ", ",") == text.replace(", ", ",")
    return given == name or x509.Name(list(reversed(list(given.rdns)))) == name


def _one_of(
    candidates: Iterable[x509.Certificate],
    matches: Callable[[x509.Certificate], bool],
    pointer: etree._Element,
) -> x509.Certificate:
    found = {certificate for certificate in candidates if matches(certificate)}
    if len(found) != 1:
        name = etree.QName(pointer).localname
        raise TokenUnavailable(
            value=Both(
                f"{name} peger på {len(found)} kendte certifikater",
                f"{name} names {len(found)} known certificates",
            )
        )
    return found.pop()
