"""Tokens from the test STS: asked for, signed with, believed; and what it refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from lxml import etree

from opus_soap.clock import ManualClock
from opus_soap.simulate.sts import PATH, TokenService
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.errors import SignatureWrong, WssError
from opus_soap.wss.errors_tokens import StsRefused
from opus_soap.wss.names import SOAP12, X509_CERTIFICATE, saml
from opus_soap.wss.saml import TokenTrust, has_privilege
from opus_soap.wss.signing import Signer
from opus_soap.wss.sts import StsClient
from opus_soap.wss.verification import Verifier
from tests.wss.forge import ANONYMOUS, NOW, world

STS = "https://sts.example.dk/runtime"
SERVICE = "http://oir.serviceplatformen.dk/service/fakturainformationsvarafsend/1"
CVR = "90810111"
URL = f"https://sts.example.dk{PATH}"


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
def service(clock):
    own = world().certificates["sts"]
    return TokenService(
        entity_id=STS,
        key=own.key,
        certificate=own.certificate,
        verifier=Verifier(TrustStore(issuers=world().trusted)),
        clock=clock,
        audiences=[SERVICE],
        authorities=[CVR],
        privileges=("http://example.dk/roles/send/1",),
    )


def signer(name: str = "case-system") -> Signer:
    own = world().certificates[name]
    return Signer(own.key, own.certificate)


@pytest.fixture
def asked(service, clock):
    """A client, and how often it asked."""
    calls = []

    def fetch(url: str, request: bytes) -> bytes:
        calls.append(url)
        return service.answer(request)[0]

    def make(name: str = "case-system", **change: object) -> StsClient:
        pinned = [world().certificates["sts"].certificate]
        return StsClient(URL, signer(name), pinned, **{"fetch": fetch, "now": clock.now, **change})

    make.calls = calls
    return make


def test_a_message_signed_with_the_token_is_believed(asked):
    token = asked().token(SERVICE, CVR)
    body = etree.fromstring('<k:Send xmlns:k="urn:test"><k:Beløb>100</k:Beløb></k:Send>')
    addressing = Addressing(action="urn:a", message_id="urn:uuid:1", to=SERVICE, reply_to=ANONYMOUS)
    data = signer().sign(body, addressing, now=NOW, token=token)
    trust = TokenTrust({STS: [world().certificates["sts"].certificate]})
    message = Verifier(TrustStore(issuers=world().trusted), tokens=trust).verify(
        data, now=NOW, profile=lambda _: "kombit", audience=SERVICE
    )
    assert (message.model, message.token.cvr) == ("token", CVR)
    assert has_privilege(message.token.privileges, "http://example.dk/roles/send/1", CVR)
    assert not has_privilege(message.token.privileges, "http://example.dk/roles/send/1", "11111111")


def test_a_token_is_kept_until_shortly_before_it_expires(asked, clock):
    client = asked()
    first = client.token(SERVICE, CVR)
    clock.advance(timedelta(hours=7, minutes=54))
    assert client.token(SERVICE, CVR) is first
    clock.advance(timedelta(minutes=2))
    assert client.token(SERVICE, CVR) is not first
    client.forget(SERVICE, CVR)
    client.token(SERVICE, CVR)
    assert len(asked.calls) == 3


def test_the_certificates_of_the_sts_are_those_of_now(service, clock):
    """Renewed while the client lives, as a worker does for months."""
    pinned = [world().certificates["sts"].certificate]
    client = StsClient(
        URL, signer(), pinned, fetch=lambda _, request: service.answer(request)[0], now=clock.now
    )
    client.token(SERVICE, CVR)
    client.forget(SERVICE, CVR)
    pinned[:] = [world().certificates["opus"].certificate]
    with pytest.raises(WssError):
        client.token(SERVICE, CVR)
    pinned.append(world().certificates["sts"].certificate)
    client.token(SERVICE, CVR)


def test_a_token_is_bound_to_the_key_that_signs_now(asked):
    """The files of the key may change while the client lives, and its tokens with them."""
    client = asked()
    first = client.token(SERVICE, CVR)
    client._signer = signer("opus")
    second = client.token(SERVICE, CVR)
    held = [token.findtext(f".//{saml('Subject')}//{X509_CERTIFICATE}") for token in (first, second)]
    assert held[0] != held[1]
    assert client.token(SERVICE, CVR) is second


REFUSED = {
    "an unknown service": (("http://other", CVR), "106"),
    "no claim": ((SERVICE, ""), "110"),
    "another authority": ((SERVICE, "11111111"), "111"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_it_refuses_has_its_number(asked, what):
    arguments, number = REFUSED[what]
    with pytest.raises(StsRefused) as refused:
        asked().token(*arguments)
    assert refused.value.element == f"sts:{number}"


def test_a_certificate_that_nobody_issued_is_refused(asked):
    with pytest.raises(StsRefused, match="WSS-050"):
        asked("self-signed").token(SERVICE, CVR)


def test_a_changed_answer_is_not_believed(asked, service):
    def fetch(_: str, request: bytes) -> bytes:
        return service.answer(request)[0].replace(b"90810111", b"11111111", 1)

    with pytest.raises(SignatureWrong):
        asked(fetch=fetch).token(SERVICE, CVR)


def test_the_answer_of_another_sts_is_not_believed(asked):
    other = world().certificates["opus"].certificate
    client = asked()
    client._pinned = (other,)
    with pytest.raises(WssError):
        client.token(SERVICE, CVR)


def test_the_answer_to_another_request_is_not_believed(asked, service):
    old = {}

    def fetch(_: str, request: bytes) -> bytes:
        return old.setdefault("answer", service.answer(request)[0])

    client = asked(fetch=fetch)
    client.token(SERVICE, CVR)
    client.forget(SERVICE, CVR)
    with pytest.raises(WssError, match="another request"):
        client.token(SERVICE, CVR)


@pytest.mark.parametrize("data", [b"", b"no", b"<a/>"])
def test_what_is_no_message_gets_a_fault(service, data):
    answer, status = service.answer(data)
    fault = etree.fromstring(answer).find(f".//{{{SOAP12}}}Fault")
    assert fault.findtext(f".//{{{SOAP12}}}Subcode/{{{SOAP12}}}Value") == "sts:101"
    assert status.startswith("500")


def test_no_answer_of_an_sts(asked):
    with pytest.raises(StsRefused, match="no SOAP"):
        asked(fetch=lambda url, request: b"<html>").token(SERVICE, CVR)
