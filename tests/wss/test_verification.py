"""From signed bytes to what may be acted on."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from lxml import etree

from opus_soap.wss import engine, verification
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import TrustStore, key_of, thumbprint
from opus_soap.wss.errors import (
    AlgorithmUnsupported,
    CertificateUntrusted,
    MessageExpired,
    PartNotSigned,
    ProfileUnknown,
    SignatureWrong,
    VerificationFailed,
)
from opus_soap.wss.names import ANONYMOUS, SOAP12
from opus_soap.wss.parsing import ParseLimits
from opus_soap.wss.signing import Signer
from opus_soap.wss.verification import VerificationPolicy, Verifier, replay_key
from tests.wss.forge import C14N, DS, EC, NOW, NS, WSSE, WSU, Forge, find, world

BODY = etree.fromstring('<k:Send xmlns:k="urn:test"><k:Party>Æblegrød &amp; Søn</k:Party></k:Send>')
FULL = Addressing("urn:test#Send", "urn:uuid:1", to="urn:to", relates_to="urn:uuid:0", reply_to=ANONYMOUS)


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    return Verifier(TrustStore(issuers=world().trusted))


@pytest.fixture(scope="module")
def signer() -> Signer:
    system = world().certificates["case-system"]
    return Signer(system.key, system.certificate)


@pytest.mark.parametrize("direct", [True, False])
def test_what_was_changed_is_told_by_its_name(signer: Signer, verifier: Verifier, monkeypatch, direct: bool):
    monkeypatch.setattr(engine, "DIRECT", direct)
    signed = signer.sign(BODY, FULL, now=NOW)
    for old, new, name in ((b"blegr", b"blagr", "Body"), (b"urn:uuid:0", b"urn:uuid:9", "RelatesTo")):
        with pytest.raises(SignatureWrong) as wrong:
            verifier.verify(signed.replace(old, new), now=NOW, profile=lambda _: "kombit")
        assert f"{name} was changed after it was signed (reference #" in wrong.value.text_english
        assert f"{name} er ændret, siden det blev underskrevet" in wrong.value.text_danish


def test_kombit_round_trip(signer: Signer, verifier: Verifier):
    message = verifier.verify(signer.sign(BODY, FULL, now=NOW), now=NOW, profile=lambda _: "kombit")
    assert message.addressing == FULL
    assert (message.action, message.message_id) == ("urn:test#Send", "urn:uuid:1")
    assert (message.to, message.relates_to) == ("urn:to", "urn:uuid:0")
    assert etree.tostring(message.body[0], method="c14n", exclusive=True) == etree.tostring(
        BODY, method="c14n"
    )
    assert message.thumbprint == thumbprint(world().certificates["case-system"].certificate)
    assert (message.created, message.expires) == (NOW, NOW + timedelta(minutes=5))
    assert message.replay_until == NOW + timedelta(minutes=10)
    assert set(message.signed_parts) == {
        "Framework", "Action", "MessageID", "RelatesTo", "To", "ReplyTo", "BinarySecurityToken", "Timestamp",
        "Body",
    }  # fmt: skip


def test_basic_round_trip_needs_no_headers(signer: Signer, verifier: Verifier):
    data = signer.sign(BODY, Addressing(), now=NOW, profile="basic")
    message = verifier.verify(data, now=NOW, profile=lambda _: "basic")
    assert message.addressing == Addressing()
    assert message.envelope.find("s:Header", NS).xpath("count(*)") == 0


def test_a_basic_message_is_no_kombit_message(signer: Signer, verifier: Verifier):
    data = signer.sign(BODY, Addressing(), now=NOW, profile="basic")
    with pytest.raises(PartNotSigned, match="Action, Framework, MessageID"):
        verifier.verify(data, now=NOW, profile=lambda _: "kombit")


def test_soap_12_has_no_framework(signer: Signer, verifier: Verifier):
    data = signer.sign(BODY, FULL, now=NOW, soap_namespace=SOAP12)
    message = verifier.verify(data, now=NOW, profile=lambda _: "kombit")
    assert message.soap_namespace == SOAP12
    assert message.envelope.tag == f"{{{SOAP12}}}Envelope"
    assert "Framework" not in message.signed_parts


def test_the_rebuilt_envelope_holds_signed_elements_and_nothing_else(verifier: Verifier):
    def decorate(root):
        etree.SubElement(find(root, "/s:Envelope/s:Header"), "{urn:x}Unsigned").text = "evil"
        root.set("unsigned", "evil")
        find(root, "/s:Envelope/s:Header").set("unsigned", "evil")

    message = verifier.verify(Forge(after=decorate)(), now=NOW, profile=lambda _: "kombit")
    assert b"evil" not in etree.tostring(message.envelope)
    assert [child.tag for child in message.envelope] == [f"{{{NS['s']}}}Header", f"{{{NS['s']}}}Body"]
    assert message.envelope.find(".//wsse:Security", NS) is None
    assert not message.envelope.attrib
    assert not message.envelope[0].attrib
    assert message.body is message.envelope[1]


def test_a_signed_header_that_means_nothing_here_is_left_behind(verifier: Verifier):
    def add(root):
        etree.SubElement(find(root, "/s:Envelope/s:Header"), "{urn:x}Extra").set("Id", "extra")

    forge = Forge(before=add)
    forge.ids = (*forge.ids, "extra")
    message = verifier.verify(forge(), now=NOW, profile=lambda _: "kombit")
    assert "Header/{urn:x}Extra" in message.signed_parts
    assert message.envelope.find(".//{urn:x}Extra") is None


def test_a_prefix_bound_outside_the_signed_bytes_does_not_get_in(verifier: Verifier):
    """exc-c14n leaves out a prefix that only a value uses; rebound, the signature still matches."""

    def typed(root):
        amount = find(root, "//s:Body")[0][0]
        amount.set("{http://www.w3.org/2001/XMLSchema-instance}type", "p:Amount")

    data = Forge(before=typed)()
    rebound = data.replace(b"<s:Envelope ", b'<s:Envelope xmlns:p="urn:evil" ')
    results = [
        verifier.verify(message, now=NOW, profile=lambda _: "kombit").envelope for message in (data, rebound)
    ]
    assert etree.tostring(results[0]) == etree.tostring(results[1])
    assert "p" not in results[1].find(".//{urn:test}Amount").nsmap


def test_cdata_is_text(verifier: Verifier):
    data = Forge()().replace(b"010170-1234", b"<![CDATA[010170-1234]]>")
    message = verifier.verify(data, now=NOW, profile=lambda _: "kombit")
    assert message.body.findtext(".//{urn:test}Party") == "010170-1234"


def test_inclusive_namespaces_are_taken_into_account(verifier: Verifier):
    inclusive = f'<ec:InclusiveNamespaces xmlns:ec="{EC}" PrefixList="s"/>'
    method = (
        f'<ds:CanonicalizationMethod xmlns:ds="{DS}" Algorithm="{EC}">{inclusive}</ds:CanonicalizationMethod>'
    )
    message = verifier.verify(Forge(c14n=method)(), now=NOW, profile=lambda _: "kombit")
    assert message.message_id
    without = Forge(c14n=method)().replace(b' PrefixList="s"', b' PrefixList="wsu"')
    with pytest.raises(SignatureWrong):
        verifier.verify(without, now=NOW, profile=lambda _: "kombit")


@pytest.mark.parametrize(
    "chain", [C14N, f'<ds:Transform xmlns:ds="{DS}" Algorithm="{DS}enveloped-signature"/>{C14N}']
)
def test_both_chains_of_peers(chain: str, verifier: Verifier):
    assert verifier.verify(Forge(transforms=chain)(), now=NOW, profile=lambda _: "kombit").body is not None


def test_long_prefix_list_is_refused(verifier: Verifier):
    prefixes = f'<ec:InclusiveNamespaces xmlns:ec="{EC}" PrefixList="{"s " * 600}"/>'
    chain = f'<ds:Transform xmlns:ds="{DS}" Algorithm="{EC}">{prefixes}</ds:Transform>'
    with pytest.raises(AlgorithmUnsupported, match="PrefixList"):
        verifier.verify(Forge(transforms=chain)(), now=NOW, profile=lambda _: "kombit")


@pytest.mark.parametrize(
    "inside",
    [
        "evil",
        f'<ds:CanonicalizationMethod xmlns:ds="{DS}" Algorithm="{EC}"/>',
        f'<wsse:TransformationParameters xmlns:wsse="{WSSE}"><ds:CanonicalizationMethod xmlns:ds="{DS}"'
        ' Algorithm="urn:evil"/></wsse:TransformationParameters>',
        f'<wsse:TransformationParameters xmlns:wsse="{WSSE}">'
        f'<ds:CanonicalizationMethod xmlns:ds="{DS}" Algorithm="{EC}">'
        f'<ec:InclusiveNamespaces xmlns:ec="{EC}" PrefixList="s"/></ds:CanonicalizationMethod>'
        "</wsse:TransformationParameters>",
    ],
)
def test_parameters_of_str_transform(inside: str, verifier: Verifier):
    uri = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"
    chain = f'<ds:Transform xmlns:ds="{DS}" Algorithm="{uri}">{inside}</ds:Transform>'
    with pytest.raises(AlgorithmUnsupported):
        verifier.verify(Forge(transforms=chain)(), now=NOW, profile=lambda _: "kombit")


def test_parameters_of_enveloped_are_refused(verifier: Verifier):
    chain = f'<ds:Transform xmlns:ds="{DS}" Algorithm="{DS}enveloped-signature"><x/></ds:Transform>{C14N}'
    with pytest.raises(AlgorithmUnsupported, match="parameters"):
        verifier.verify(Forge(transforms=chain)(), now=NOW, profile=lambda _: "kombit")


def test_the_profile_is_asked_with_a_trusted_certificate_and_its_errors_pass_through(verifier: Verifier):
    class UnknownSystem(Exception):
        pass

    asked = []

    def profile(certificate):
        asked.append(certificate)
        raise UnknownSystem

    with pytest.raises(UnknownSystem):
        verifier.verify(Forge()(), now=NOW, profile=profile)
    assert asked == [world().certificates["case-system"].certificate]
    with pytest.raises(CertificateUntrusted):
        verifier.verify(Forge(signer="self-signed")(), now=NOW, profile=profile)
    assert len(asked) == 1


def test_a_profile_that_does_not_exist(verifier: Verifier):
    with pytest.raises(ProfileUnknown, match="kombit, basic"):
        verifier.verify(Forge()(), now=NOW, profile=lambda _: "none")


def test_the_certificate_is_checked_before_the_signature(verifier: Verifier, monkeypatch: pytest.MonkeyPatch):
    def never(*_, **__):
        raise AssertionError("verified before the certificate was checked")

    monkeypatch.setattr(verification, "verify_signature", never)
    with pytest.raises(CertificateUntrusted):
        verifier.verify(Forge(signer="unknown-ca")(), now=NOW, profile=lambda _: "kombit")


@pytest.mark.parametrize(
    "error", [ValueError, TypeError, NotImplementedError, KeyError, etree.C14NError, MemoryError]
)
def test_whatever_a_library_raises_is_a_refusal(error, verifier: Verifier, monkeypatch: pytest.MonkeyPatch):
    def broken(*_, **__):
        raise error("x")

    monkeypatch.setattr(verification, "verify_signature", broken)
    with pytest.raises(VerificationFailed) as refusal:
        verifier.verify(Forge()(), now=NOW, profile=lambda _: "kombit")
    assert isinstance(refusal.value.__cause__, error)
    assert refusal.value.value == error.__name__


def test_the_engine_must_answer_for_every_reference(verifier: Verifier, monkeypatch: pytest.MonkeyPatch):
    """The paired check: were the engine to resolve an id otherwise than we did, that is a refusal."""
    real = verification.verify_signature

    def fewer(*arguments, **named):
        result = real(*arguments, **named)
        return verification.VerifiedSignature(result.elements[:-1], result.signed_info)

    def others(*arguments, **named):
        result = real(*arguments, **named)
        return verification.VerifiedSignature(tuple(reversed(result.elements)), result.signed_info)

    for stand_in in (fewer, others):
        monkeypatch.setattr(verification, "verify_signature", stand_in)
        with pytest.raises(SignatureWrong):
            verifier.verify(Forge()(), now=NOW, profile=lambda _: "kombit")


def test_replay_key_is_signer_and_message_id(verifier: Verifier, signer: Signer):
    first, second = (
        verifier.verify(signer.sign(BODY, FULL, now=NOW), now=NOW, profile=lambda _: "kombit")
        for _ in range(2)
    )
    assert first.replay_key == second.replay_key
    other = Signer(world().certificates["opus"].key, world().certificates["opus"].certificate)
    third = verifier.verify(other.sign(BODY, FULL, now=NOW), now=NOW, profile=lambda _: "kombit")
    assert third.replay_key != first.replay_key
    assert len(first.replay_key) == len(hashlib.sha256().hexdigest())


def test_replay_key_without_message_id_survives_cosmetics(verifier: Verifier, signer: Signer):
    """Line breaks in SignatureValue, another prefix, white space outside: still the same message."""
    data = signer.sign(BODY, Addressing(), now=NOW, profile="basic")
    cosmetic = data.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>\n \n").replace(
        b"</soap:Header>", b"</soap:Header>\n"
    )
    again = signer.sign(BODY, Addressing(), now=NOW, profile="basic")
    keys = [
        verifier.verify(m, now=NOW, profile=lambda _: "basic").replay_key for m in (data, cosmetic, again)
    ]
    assert keys[0] == keys[1]
    assert keys[2] != keys[0]


@pytest.mark.parametrize(("late", "accepted"), [(599, True), (600, False), (700, False)])
def test_accepted_until_expires_plus_skew(late: int, accepted: bool, verifier: Verifier, signer: Signer):
    data = signer.sign(BODY, FULL, now=NOW)
    now = NOW + timedelta(seconds=late)
    if accepted:
        assert verifier.verify(data, now=now, profile=lambda _: "kombit").replay_until > now
    else:
        with pytest.raises(MessageExpired):
            verifier.verify(data, now=now, profile=lambda _: "kombit")


def test_a_policy_without_skew(signer: Signer):
    strict = Verifier(
        TrustStore(issuers=world().trusted),
        VerificationPolicy(skew=timedelta(0), max_references=9, limits=ParseLimits(max_bytes=100_000)),
    )
    with pytest.raises(MessageExpired):
        strict.verify(
            signer.sign(BODY, FULL, now=NOW), now=NOW + timedelta(minutes=5), profile=lambda _: "kombit"
        )


def test_a_text_over_ten_megabytes_is_signed_and_verified(signer: Signer, verifier: Verifier):
    big = etree.Element("{urn:test}Send")
    big.text = "QUJD" * 2_700_000
    data = signer.sign(big, Addressing(), now=NOW, profile="basic")
    message = verifier.verify(data, now=NOW, profile=lambda _: "basic")
    assert message.body[0].text == big.text


def test_ids_may_be_plain(verifier: Verifier):
    def plain(root):
        for element in root.iter():
            identifier = element.attrib.pop(f"{{{WSU}}}Id", None)
            if identifier:
                element.set("Id", identifier)

    assert verifier.verify(Forge(before=plain)(), now=NOW, profile=lambda _: "kombit").message_id


def test_a_message_is_remembered_by_its_key_not_by_its_certificate(verifier: Verifier):
    """An unsigned BinarySecurityToken can be exchanged for another certificate of the same key."""
    one = world().certificates["case-system"].certificate
    issuer = world().authorities["issuing"]
    two = (
        x509.CertificateBuilder()
        .subject_name(one.subject)
        .issuer_name(one.issuer)
        .public_key(one.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(one.not_valid_before_utc)
        .not_valid_after(one.not_valid_after_utc)
        .sign(issuer.key, hashes.SHA256())
    )
    assert thumbprint(one) != thumbprint(two)
    assert key_of(one) == key_of(two)
    verified = verifier.verify(Forge()(), now=NOW, profile=lambda _: "kombit")
    assert verified.replay_key == replay_key(key_of(one), verified.message_id, b"")
