"""Messages that real stacks signed, at their own time, their own certificates pinned or their CA trusted."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from lxml import etree

from opus_soap.wss import engine
from opus_soap.wss.certificates import TrustStore, load_pem
from opus_soap.wss.errors import (
    AlgorithmUnsupported,
    RelationWrong,
    SignatureWrong,
    TokenUnavailable,
)
from opus_soap.wss.errors_tokens import TokensNotTaken
from opus_soap.wss.names import ASSERTION
from opus_soap.wss.replies import verify_reply
from opus_soap.wss.saml import TokenTrust, verify_assertion
from opus_soap.wss.verification import VerificationPolicy, VerifiedMessage, Verifier
from tests.conftest import NO_SAMPLES, SAMPLES

FOLDER = SAMPLES / "wss"


@pytest.fixture(params=[True, False], ids=["direct", "stock"], autouse=True)
def _both(request, monkeypatch):
    """signxml as it is, and without its copies: what one accepts or refuses, so does the other."""
    monkeypatch.setattr(engine, "DIRECT", request.param)


pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=NO_SAMPLES)

BY_PEERS = [
    "gsoap_soap11", "node_default", "node_excc14n_only", "php_soap11", "wss4j_bst", "wss4j_bst_strtransform",
    "zeep_bst_ts_sha256",
]  # fmt: skip
OF_KOMBIT = [
    "dotnet_sts_request",
    "java_cxf_sts_request",
    "java_x509_response",
    "serviceplatform_response_soap11_liberty",
]


def sample(name: str) -> tuple[bytes, datetime, x509.Certificate | None]:
    data = (FOLDER / f"{name}.xml").read_bytes()
    root = etree.fromstring(data)
    created, token = root.findtext(".//{*}Created"), root.findtext(".//{*}BinarySecurityToken")
    at = datetime.fromisoformat(created) if created else datetime(2026, 11, 23, 6, tzinfo=UTC)
    return data, at, x509.load_der_x509_certificate(base64.b64decode(token)) if token else None


def verify(name: str, profile: str, *, by_ca: bool = False) -> VerifiedMessage:
    data, at, certificate = sample(name)
    ca = load_pem(FOLDER / "peer_ca.pem")
    trust = TrustStore(issuers=ca) if by_ca else TrustStore(pinned=(certificate,) if certificate else ())
    return Verifier(trust).verify(data, now=at, profile=lambda _: profile)


@pytest.mark.parametrize("name", BY_PEERS)
@pytest.mark.parametrize("by_ca", [True, False])
def test_plain_clients_in_the_basic_profile(name: str, by_ca: bool):
    message = verify(name, "basic", by_ca=by_ca)
    assert message.body.findtext(".//{urn:study:person:1}PNR")


@pytest.mark.parametrize("name", OF_KOMBIT)
def test_danish_stacks(name: str):
    # the STS speaks plain WS-Trust: no Liberty Framework, which `kombit` asks for on SOAP 1.1
    profiles = {"dotnet_sts_request": "kombit", "java_cxf_sts_request": "basic"}
    message = verify(name, profiles.get(name, "kombit reply"))
    assert {"Body", "Timestamp", "Action", "BinarySecurityToken"} <= set(message.signed_parts)


def test_the_reply_of_serviceplatformen():
    data, at, certificate = sample("serviceplatform_response_soap11_liberty")
    request = "urn:uuid:559ccf0d-ce5b-4698-a932-991c3521bac8"
    message = verify_reply(data, request_message_id=request, pinned=[certificate], now=at)
    assert message.message_id == "urn:uuid:c0f16e89-56d0-4e84-9bd4-c45c2a1f1b53"
    assert message.signed_parts == (
        "Timestamp", "Body", "MessageID", "RelatesTo", "Action", "To", "Framework", "BinarySecurityToken",
    )  # fmt: skip
    with pytest.raises(RelationWrong):
        verify_reply(data, request_message_id="urn:uuid:0", pinned=[certificate], now=at)


def test_what_wss4j_signs_through_the_reference_is_the_token():
    assert "BinarySecurityToken" in verify("wss4j_bst_strtransform", "basic").signed_parts


def test_a_subject_key_identifier_names_a_known_certificate():
    data, at, _ = sample("wss4j_ski")
    _, _, peer = sample("wss4j_bst")
    ca = load_pem(FOLDER / "peer_ca.pem")
    known = TrustStore(issuers=ca, known=(peer, *ca))
    assert Verifier(known).verify(data, now=at, profile=lambda _: "basic").certificate == peer
    with pytest.raises(TokenUnavailable):
        Verifier(TrustStore(issuers=ca)).verify(data, now=at, profile=lambda _: "basic")


@pytest.mark.parametrize("name", ["zeep_default_sha1", "java_liberty_response_sha1"])
def test_sha1_is_refused_for_what_it_is(name: str):
    with pytest.raises(AlgorithmUnsupported, match="rsa-sha1"):
        verify(name, "basic")


ISSUER = "https://saml.n2adgangsstyring.eksterntest-stoettesystemerne.dk/runtime"
AUDIENCE = "http://wsp12.oioidws-net.dk/service/service/1"


def carried(name: str) -> tuple[bytes, datetime, x509.Certificate, x509.Certificate]:
    """A sample with an assertion: when it was made, who issued it, who holds it."""
    data, at, _ = sample(name)
    issuer, holder = (
        x509.load_der_x509_certificate(base64.b64decode(node.text))
        for node in etree.fromstring(data).iter("{*}X509Certificate")
    )
    return data, at, issuer, holder


def test_a_holder_of_key_request_of_dotnet():
    data, at, issuer, holder = carried("dotnet_hok_request_soap11_liberty")
    verifier = Verifier(TrustStore(pinned=(holder,)), tokens=TokenTrust({ISSUER: [issuer]}))
    message = verifier.verify(data, now=at, profile=lambda _: "kombit", audience=AUDIENCE)
    assert message.model == "token"
    assert set(message.signed_parts) == {
        "Body", "Action", "MessageID", "ReplyTo", "To", "Timestamp", "Framework", "Assertion",
    }  # fmt: skip
    assert (message.token.cvr, message.token.audience, message.certificate) == ("11111111", AUDIENCE, holder)
    assert [group.names for group in message.token.privileges] == [
        ("http://kombit.ssr.com/roles/servicesystemrole/role1/1",),
        ("http://kombit.ssr.com/roles/servicesystemrole/role2/1",),
    ]
    with pytest.raises(TokensNotTaken):
        verifier.verify(data, now=at, profile=lambda _: "kombit")


def test_the_answer_of_an_sts_and_the_token_in_it():
    data, at, issuer, _ = carried("sts_response")
    verifier = Verifier(TrustStore(pinned=(issuer,)), VerificationPolicy(carries_token=True))
    message = verifier.verify(data, now=at, profile=lambda _: "sts reply")
    assert set(message.signed_parts) == {"Body", "Action", "RelatesTo", "Timestamp"}
    [assertion] = message.body.iter(ASSERTION)
    token = verify_assertion(
        assertion, TokenTrust({ISSUER: [issuer]}), audience=AUDIENCE, now=at, skew=timedelta(minutes=5)
    )
    assert token.not_on_or_after - token.not_before == timedelta(hours=8)


def test_the_token_of_an_identity_provider():
    root = etree.fromstring((FOLDER / "bootstrap_token.xml").read_bytes())
    assertion = next(root.iter(ASSERTION))
    certificate = x509.load_der_x509_certificate(
        base64.b64decode(assertion.findtext("{*}Signature/{*}KeyInfo/{*}X509Data/{*}X509Certificate"))
    )
    at = datetime.fromisoformat(str(assertion.get("IssueInstant")))
    signed = engine.verify_enveloped(assertion, certificate=certificate, now=at)
    assert signed.get("ID") == assertion.get("ID")
    signed_text = signed.findtext("{*}Issuer")
    assertion.find("{*}Issuer").text = "x"
    with pytest.raises(SignatureWrong):
        engine.verify_enveloped(assertion, certificate=certificate, now=at)
    assert signed_text
