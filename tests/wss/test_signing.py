"""What we sign looks like what Serviceplatformen signs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.errors import KeyUnusable, NotSignable, ProfileUnknown
from opus_soap.wss.names import ANONYMOUS, SOAP11
from opus_soap.wss.signing import Signer, load_signer
from opus_soap.wss.verification import Verifier
from tests.wss.forge import EC, NOW, NS, RSA_SHA256, SHA256, find, world

BODY = etree.fromstring('<k:Send xmlns:k="urn:test"><k:Text>x</k:Text></k:Send>')
REPLY = Addressing("urn:test#SendResponse", "urn:uuid:2", to=ANONYMOUS, relates_to="urn:uuid:1")


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer(world().certificates["opus"].key, world().certificates["opus"].certificate)


def test_shape_of_a_reply(signer: Signer):
    root = etree.fromstring(signer.sign(BODY, REPLY, now=NOW))
    info = "//ds:Signature/ds:SignedInfo"
    assert find(root, f"{info}/ds:CanonicalizationMethod").get("Algorithm") == EC
    assert find(root, f"{info}/ds:SignatureMethod").get("Algorithm") == RSA_SHA256
    assert {node.get("Algorithm") for node in root.iterfind(".//ds:DigestMethod", NS)} == {SHA256}
    assert {node.get("Algorithm") for node in root.iterfind(".//ds:Transform", NS)} == {EC}
    identifiers = {f"#{value}" for value in root.xpath("//@wsu:Id", namespaces=NS)}
    assert {node.get("URI") for node in root.iterfind(".//ds:Reference", NS)} == identifiers
    assert len(identifiers) == 8
    token = find(root, "//wsse:Security/wsse:BinarySecurityToken")
    pointer = find(root, "//ds:KeyInfo/wsse:SecurityTokenReference/wsse:Reference")
    assert pointer.get("URI") == "#" + token.get(f"{{{NS['wsu']}}}Id")
    assert pointer.get("ValueType") == token.get("ValueType")
    assert find(root, "//wsu:Created").text == "2026-11-23T11:00:00.000Z"
    assert find(root, "//wsu:Expires").text == "2026-11-23T11:05:00.000Z"
    assert find(root, "//wsse:Security").get(f"{{{SOAP11}}}mustUnderstand") == "1"


def test_the_callers_element_stays_as_it_was(signer: Signer):
    parent = etree.Element("keep")
    child = etree.SubElement(parent, "{urn:test}Send")
    signer.sign(child, REPLY, now=NOW)
    assert child.getparent() is parent
    assert not child.attrib


def test_a_fault_is_signed_like_anything_else(signer: Signer):
    fault = etree.fromstring(
        f'<s:Fault xmlns:s="{SOAP11}"><faultcode>s:Client</faultcode><faultstring>nej</faultstring></s:Fault>'
    )
    verifier = Verifier(TrustStore(issuers=world().trusted))
    message = verifier.verify(signer.sign(fault, REPLY, now=NOW), now=NOW, profile=lambda _: "kombit reply")
    assert message.body.findtext(f"{{{SOAP11}}}Fault/faultstring") == "nej"


@pytest.mark.parametrize("text", ["a\r\nb", "\t", "<&>\"'", "æøåÆØÅ €", "😀", "\x85\u2028", " x "])
def test_any_text_survives(text: str, signer: Signer):
    body = etree.Element("{urn:test}Send", attribute=text)
    body.text = text
    message = Verifier(TrustStore(issuers=world().trusted)).verify(
        signer.sign(body, REPLY, now=NOW), now=NOW, profile=lambda _: "kombit"
    )
    assert message.body[0].text == text
    assert message.body[0].get("attribute") == text


def test_a_key_on_a_curve():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "curve")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    verifier = Verifier(TrustStore(pinned=(certificate,)))
    data = Signer(key, certificate).sign(BODY, REPLY, now=NOW)
    assert b"ecdsa-sha256" in data
    assert verifier.verify(data, now=NOW, profile=lambda _: "kombit").certificate == certificate


def test_lifetime_is_set_by_the_signer():
    system = world().certificates["opus"]
    data = Signer(system.key, system.certificate, timedelta(seconds=90)).sign(BODY, REPLY, now=NOW)
    assert b"<wsu:Expires>2026-11-23T11:01:30.000Z" in data


def test_what_cannot_be_signed(signer: Signer):
    with pytest.raises(NotSignable, match="Action and MessageID"):
        signer.sign(BODY, Addressing(action="urn:a"), now=NOW)
    with pytest.raises(NotSignable, match="markup"):
        signer.sign(etree.fromstring("<a><!-- x --></a>"), REPLY, now=NOW)
    with pytest.raises(ProfileUnknown):
        signer.sign(BODY, REPLY, now=NOW, profile="none")


def test_key_and_certificate_must_belong_together():
    with pytest.raises(KeyUnusable):
        Signer(world().certificates["opus"].key, world().certificates["stranger"].certificate)


def _pem(key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_loading_from_files(tmp_path: Path):
    opus = world().certificates["opus"]
    key_file, certificate_file = tmp_path / "k.pem", tmp_path / "c.pem"
    key_file.write_bytes(_pem(opus.key))
    certificate_file.write_bytes(opus.certificate.public_bytes(Encoding.PEM))
    assert load_signer(key_file, certificate_file, timedelta(minutes=1)).certificate == opus.certificate
    with pytest.raises(KeyUnusable, match=r"nothing\.pem"):
        load_signer(tmp_path / "nothing.pem", certificate_file, timedelta(minutes=1))
    with pytest.raises(KeyUnusable, match=r"k\.pem"):
        load_signer(key_file, key_file, timedelta(minutes=1))
    key_file.write_bytes(_pem(ed25519.Ed25519PrivateKey.generate()))
    with pytest.raises(KeyUnusable, match="neither RSA"):
        load_signer(key_file, certificate_file, timedelta(minutes=1))
