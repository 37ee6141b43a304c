"""The ways of naming a certificate without sending it."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from lxml import etree

from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.errors import (
    CertificateUntrusted,
    ReferenceInvalid,
    SignedPartMisplaced,
    TokenInvalid,
    TokenUnavailable,
    TokenUnsupported,
)
from opus_soap.wss.names import THUMBPRINT_SHA1, X509_SKI
from opus_soap.wss.verification import Verifier
from tests.wss.forge import DS, EC, NOW, NS, WSSE, Forge, find, world

SYSTEM = world().certificates["case-system"].certificate
KNOWN = tuple(issued.certificate for issued in world().certificates.values())


def verify(inside: str, trust: TrustStore | None = None) -> x509.Certificate:
    def without_token(root):
        security = find(root, "//wsse:Security")
        security.remove(security.find("wsse:BinarySecurityToken", NS))

    str_ = f'<wsse:SecurityTokenReference xmlns:wsse="{WSSE}">{inside}</wsse:SecurityTokenReference>'
    forge = Forge(key_info=str_, before=without_token)
    forge.ids = tuple(name for name in forge.ids if name != "bst")
    trusted = trust or TrustStore(issuers=world().trusted, known=KNOWN)
    return Verifier(trusted).verify(forge(), now=NOW, profile=lambda _: "basic").certificate


def identifier(value: bytes, value_type: str) -> str:
    encoded = base64.b64encode(value).decode()
    return f'<wsse:KeyIdentifier ValueType="{value_type}">{encoded}</wsse:KeyIdentifier>'


def issuer_serial(issuer: str, serial: int) -> str:
    return (
        f'<ds:X509Data xmlns:ds="{DS}"><ds:X509IssuerSerial><ds:X509IssuerName>{issuer}</ds:X509IssuerName>'
        f"<ds:X509SerialNumber>{serial}</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>"
    )


SKI = SYSTEM.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
SHA1 = SYSTEM.fingerprint(hashes.SHA1())


def test_subject_key_identifier():
    assert verify(identifier(SKI, X509_SKI)) == SYSTEM


def test_thumbprint():
    assert verify(identifier(SHA1, THUMBPRINT_SHA1)) == SYSTEM


@pytest.mark.parametrize(
    "name",
    [
        "CN=Opus SOAP Example Issuing CA,O=Opus SOAP Example,C=DK",
        "CN=Opus SOAP Example Issuing CA, O=Opus SOAP Example, C=DK",
        "C=DK,O=Opus SOAP Example,CN=Opus SOAP Example Issuing CA",
    ],
)
def test_issuer_and_serial_number(name: str):
    assert verify(issuer_serial(name, SYSTEM.serial_number)) == SYSTEM


def test_a_pinned_certificate_is_known():
    assert verify(identifier(SHA1, THUMBPRINT_SHA1), TrustStore(pinned=(SYSTEM,))) == SYSTEM


def test_a_name_of_two_certificates_is_no_name():
    """A renewal with the same key keeps the subject key identifier."""
    issuer = world().authorities["issuing"]
    renewed = (
        x509.CertificateBuilder()
        .subject_name(SYSTEM.subject)
        .issuer_name(SYSTEM.issuer)
        .public_key(SYSTEM.public_key())
        .serial_number(4711)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier(SKI), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )
    with pytest.raises(TokenUnavailable, match="2 known"):
        verify(identifier(SKI, X509_SKI), TrustStore(issuers=world().trusted, known=(*KNOWN, renewed)))


def test_known_is_not_trusted():
    with pytest.raises(CertificateUntrusted):
        verify(identifier(SHA1, THUMBPRINT_SHA1), TrustStore(known=KNOWN))


@pytest.mark.parametrize(
    "inside",
    [
        identifier(b"nobody", X509_SKI),
        identifier(b"nobody", THUMBPRINT_SHA1),
        issuer_serial("CN=Opus SOAP Example Issuing CA,O=Opus SOAP Example,C=DK", 1),
        issuer_serial("CN=Somebody", SYSTEM.serial_number),
        issuer_serial("not a name", SYSTEM.serial_number),
    ],
)
def test_names_of_nobody(inside: str):
    with pytest.raises(TokenUnavailable):
        verify(inside)


@pytest.mark.parametrize(
    "inside",
    [
        identifier(b"x", "urn:other"),
        "<wsse:Embedded/>",
        f'<ds:X509Data xmlns:ds="{DS}"><ds:X509SKI/></ds:X509Data>',
    ],
)
def test_other_forms(inside: str):
    with pytest.raises(TokenUnsupported):
        verify(inside)


def test_an_identifier_that_is_no_base64():
    with pytest.raises(TokenInvalid):
        verify(f'<wsse:KeyIdentifier ValueType="{X509_SKI}">%</wsse:KeyIdentifier>')


STR_TRANSFORM = (
    f'<ds:Transform xmlns:ds="{DS}" Algorithm="http://docs.oasis-open.org/wss/2004/01/'
    'oasis-200401-wss-soap-message-security-1.0#STR-Transform">'
    f'<wsse:TransformationParameters xmlns:wsse="{WSSE}"><ds:CanonicalizationMethod'
    f' Algorithm="{EC}"/></wsse:TransformationParameters></ds:Transform>'
)


def test_str_transform_of_anything_but_the_reference_in_key_info():
    with pytest.raises(SignedPartMisplaced, match="Body"):
        Verifier(TrustStore()).verify(
            Forge(ids=("body",), transforms=STR_TRANSFORM)(), now=NOW, profile=lambda _: "basic"
        )


def test_str_transform_without_a_token_in_the_message():
    def without_token(root):
        security = find(root, "//wsse:Security")
        security.remove(security.find("wsse:BinarySecurityToken", NS))

    named = (
        f'<wsse:SecurityTokenReference xmlns:wsse="{WSSE}" Id="str">{identifier(SKI, X509_SKI)}'
        "</wsse:SecurityTokenReference>"
    )
    forge = Forge(ids=("str",), transforms=STR_TRANSFORM, key_info=named, before=without_token)
    with pytest.raises(ReferenceInvalid, match="STR-Transform"):
        Verifier(TrustStore()).verify(forge(), now=NOW, profile=lambda _: "basic")


@pytest.mark.parametrize("change", [{"EncodingType": "urn:hex"}, {"child": "x"}])
def test_a_token_that_is_not_plain_base64(change: dict[str, str]):
    def alter(root):
        token = find(root, "//wsse:BinarySecurityToken")
        if "child" in change:
            etree.SubElement(token, "{urn:x}x")
        else:
            token.set("EncodingType", change["EncodingType"])

    with pytest.raises(TokenInvalid, match="plain"):
        Verifier(TrustStore()).verify(Forge(before=alter)(), now=NOW, profile=lambda _: "basic")
