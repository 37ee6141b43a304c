"""OCSP against a real responder on the loopback: what is believed, what is kept, who is asked."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from opus_soap.wss.ocsp import OcspResponders
from opus_soap.wss.revocation import SKEW, Standing, State
from tests.wss.forge import NOW, world
from tests.wss.revoking import (
    CASE_SYSTEM,
    DAY,
    HOUR,
    IMPOSTOR,
    ISSUING,
    OCSP_SIGNING,
    OTHER,
    Answer,
    make_certificate,
    responding,
)

SECOND = timedelta(seconds=1)
ROOT = world().authorities["root"]


def standing(answer: Answer, now=NOW) -> Standing:
    with responding(answer.to) as responder:
        return OcspResponders([responder.url]).standing(CASE_SYSTEM, ISSUING.certificate, now)


def delegated(issuer=ISSUING, *extensions, carry: bool = True, **more) -> Answer:
    key, certificate = make_certificate(issuer, *(extensions or (OCSP_SIGNING,)), **more)
    return Answer(responder=certificate, key=key, carried=(certificate,) if carry else ())


def test_good_and_revoked():
    assert standing(Answer()) == Standing(State.GOOD, until=NOW + DAY)
    revoked = standing(Answer(ocsp.OCSPCertStatus.REVOKED))
    assert (revoked.state, revoked.detail) == (State.REVOKED, "2026-11-23T10:00Z")
    unknown = standing(Answer(ocsp.OCSPCertStatus.UNKNOWN))
    assert unknown.state is State.UNKNOWN
    assert "does not know" in unknown.detail


def test_the_request_names_the_certificate():
    with responding() as responder:
        OcspResponders([responder.url]).standing(CASE_SYSTEM, ISSUING.certificate, NOW)
    request = ocsp.load_der_ocsp_request(responder.asked[0])
    assert request.serial_number == CASE_SYSTEM.serial_number
    assert len(request.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce) == 32


def test_a_responder_that_the_issuer_named():
    assert standing(delegated()).state is State.GOOD


@pytest.mark.parametrize(
    "answer",
    [
        Answer(key=IMPOSTOR.key, responder=IMPOSTOR.certificate),
        Answer(key=IMPOSTOR.key, responder=IMPOSTOR.certificate, carried=(IMPOSTOR.certificate,)),
        delegated(IMPOSTOR),
        delegated(ROOT),
        delegated(ISSUING, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])),
        delegated(ISSUING, x509.BasicConstraints(ca=False, path_length=None)),
        delegated(days=0),
        delegated(carry=False),
    ],
    ids=[
        "another-key",
        "an-impostor",
        "a-responder-of-an-impostor",
        "a-responder-of-another-issuer",
        "for-another-purpose",
        "for-no-purpose",
        "expired-responder",
        "responder-not-carried",
    ],
)
def test_an_answer_that_nobody_stands_behind(answer: Answer):
    found = standing(answer)
    assert found.state is State.UNKNOWN
    assert "not signed by the issuer" in found.detail


def test_any_system_of_the_issuer_is_no_responder():
    system = world().certificates["stranger"]
    answer = Answer(responder=system.certificate, key=system.key, carried=(system.certificate,))
    assert standing(answer).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(about=OTHER), "another certificate"),
        (Answer(issuer=ROOT.certificate), "another certificate"),
        (Answer(since=NOW + HOUR), "from the future"),
        (Answer(since=NOW - DAY, until=NOW - HOUR), "out of date since"),
        (Answer(since=NOW - HOUR, until=None), "is old"),
        (Answer(nonce=b"x" * 32), "another request"),
    ],
)
def test_answers_that_do_not_count(answer: Answer, reason: str):
    found = standing(answer)
    assert found.state is State.UNKNOWN
    assert reason in found.detail


def test_answers_that_do():
    assert standing(Answer(echo=True)).state is State.GOOD
    assert standing(Answer(since=NOW, until=None)).state is State.GOOD
    assert standing(Answer(until=NOW), now=NOW + SKEW).state is State.GOOD


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        os.urandom(300),
        ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(
            Encoding.DER
        ),
    ],
)
def test_what_is_no_answer(answer: bytes):
    with responding(lambda _: answer) as responder:
        found = OcspResponders([responder.url]).standing(CASE_SYSTEM, ISSUING.certificate, NOW)
    assert found.state is State.UNKNOWN
    assert responder.url in found.detail


def test_every_byte_of_an_answer_counts():
    """Whatever byte is changed, what comes out is never another good or revoked."""
    made: list[bytes] = []
    with responding(lambda request: made.append(Answer().to(request)) or made[0]) as responder:
        OcspResponders([responder.url]).standing(CASE_SYSTEM, ISSUING.certificate, NOW)
    whole = made[0]
    for position in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[position] ^= 0x01
        source = OcspResponders(["x"], lambda _url, _request, data=bytes(changed): data)
        found = source.standing(CASE_SYSTEM, ISSUING.certificate, NOW)
        assert found.state is not State.REVOKED
        assert found.state is State.UNKNOWN or found == Standing(State.GOOD, until=NOW + DAY)


# --- what is kept


def test_an_answer_is_kept_until_the_next_is_due():
    with responding(Answer(until=NOW + HOUR).to) as responder:
        source = OcspResponders([responder.url])
        for now in (NOW, NOW + HOUR - SECOND):
            assert source.standing(CASE_SYSTEM, ISSUING.certificate, now).state is State.GOOD
        assert len(responder.asked) == 1
        source.standing(CASE_SYSTEM, ISSUING.certificate, NOW + HOUR)
        assert len(responder.asked) == 2
        source.standing(OTHER, ISSUING.certificate, NOW)
        assert len(responder.asked) == 3


def test_no_answer_is_kept_for_longer_than_a_day():
    with responding(Answer(until=NOW + 900 * DAY).to) as responder:
        source = OcspResponders([responder.url])
        for now in (NOW, NOW + DAY - SECOND, NOW + DAY):
            assert source.standing(CASE_SYSTEM, ISSUING.certificate, now).state is State.GOOD
        assert len(responder.asked) == 2


def test_an_answer_without_a_next_one_is_not_kept():
    with responding(Answer(since=NOW, until=None).to) as responder:
        source = OcspResponders([responder.url])
        for _ in range(2):
            source.standing(CASE_SYSTEM, ISSUING.certificate, NOW)
        assert len(responder.asked) == 2


def test_a_responder_that_is_down_is_not_asked_for_every_message():
    with responding() as responder:
        responder.http_status = 503
        source = OcspResponders([responder.url])
        for _ in range(3):
            found = source.standing(CASE_SYSTEM, ISSUING.certificate, NOW)
            assert "HTTP 503" in found.detail
        assert len(responder.asked) == 1
        responder.http_status = 200
        assert source.standing(CASE_SYSTEM, ISSUING.certificate, NOW + 30 * SECOND).state is State.GOOD


def test_what_is_kept_is_bounded():
    with responding() as responder:
        source = OcspResponders([responder.url], most_kept=1)
        for certificate in (CASE_SYSTEM, OTHER, CASE_SYSTEM, CASE_SYSTEM):
            assert source.standing(certificate, ISSUING.certificate, NOW).state is State.GOOD
        assert len(responder.asked) == 3


# --- who is asked


def naming(*urls: str) -> x509.Certificate:
    access = [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url))
        for url in urls
    ]
    return make_certificate(ISSUING, x509.AuthorityInformationAccess(access))[1]


def asked(certificate: x509.Certificate, *responders: str, **more) -> list[str]:
    urls: list[str] = []
    source = OcspResponders(responders, lambda url, _: urls.append(url) or b"", **more)
    assert source.standing(certificate, ISSUING.certificate, NOW).state is State.UNKNOWN
    return urls


def test_an_address_is_never_taken_from_the_certificate_alone():
    assert asked(naming("http://169.254.169.254/")) == []
    assert asked(naming("http://evil/"), "http://a/") == ["http://a/"]
    assert asked(naming("http://b/"), "http://a/", "http://b/") == ["http://b/", "http://a/"]
    assert asked(naming("http://c/"), "http://a/", follow_certificate=True) == ["http://c/", "http://a/"]
    assert asked(CASE_SYSTEM) == []
    assert len(asked(naming(*(f"http://{n}/" for n in range(9))), follow_certificate=True)) == 4


def test_the_next_is_asked_when_one_does_not_answer():
    with responding() as down, responding() as up:
        down.http_status = 500
        source = OcspResponders([down.url, up.url])
        assert source.standing(CASE_SYSTEM, ISSUING.certificate, NOW).state is State.GOOD


def test_a_weak_hash():
    data: list[bytes] = []

    def keep(request: bytes) -> bytes:
        data.append(Answer(digest=hashes.SHA224()).to(request))
        return data[0]

    with responding(keep) as responder:
        found = OcspResponders([responder.url]).standing(CASE_SYSTEM, ISSUING.certificate, NOW)
    assert "sha224" in found.detail
