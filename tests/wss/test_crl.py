"""Revocation lists: signature, dates, scope, files."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from opus_soap.wss import crl, pki
from opus_soap.wss.crl import RevocationLists, list_files, load_lists
from opus_soap.wss.errors_revocation import RevocationListUnusable
from opus_soap.wss.revocation import SKEW, Standing, State
from tests.wss.forge import NOW, world
from tests.wss.revoking import (
    CASE_SYSTEM,
    DAY,
    HOUR,
    IMPOSTOR,
    ISSUING,
    OTHER,
    REVOKED,
    make_certificate,
    make_crl,
)

HERE = x509.UniformResourceIdentifier("http://crl.example/1")
ELSEWHERE = x509.UniformResourceIdentifier("http://crl.example/2")


def standing(*lists, certificate=CASE_SYSTEM, now=NOW) -> Standing:
    return RevocationLists(lists).standing(certificate, ISSUING.certificate, now)


def scope(**chosen) -> tuple[x509.ExtensionType, bool]:
    """An issuingDistributionPoint, which is critical."""
    plain = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**plain, **chosen}), True


def test_the_example():
    lists = world().revocation_lists.values()
    assert standing(*lists).state is State.GOOD
    assert standing(*lists, certificate=REVOKED).state is State.REVOKED


def test_who_stands_on_the_list_is_revoked():
    found = standing(make_crl(OTHER), make_crl(CASE_SYSTEM))
    assert found.state is State.REVOKED
    assert found.detail == "2026-11-23T10:00Z"
    assert standing(make_crl(OTHER)) == Standing(State.GOOD, until=NOW + DAY)


@pytest.mark.parametrize("lists", [[], [make_crl(issuer=world().authorities["root"])]])
def test_no_list_of_the_issuer(lists):
    found = standing(*lists)
    assert found.state is State.UNKNOWN
    assert "no revocation list of CN=Opus SOAP Example Issuing CA" in found.detail


def test_another_with_the_same_name_can_neither_revoke_nor_clear():
    """The impostor's distinguished name is the issuing CA's; the key is not."""
    assert IMPOSTOR.certificate.subject == ISSUING.certificate.subject
    for forged in (make_crl(issuer=IMPOSTOR), make_crl(CASE_SYSTEM, issuer=IMPOSTOR)):
        found = standing(forged)
        assert found.state is State.UNKNOWN
        assert "not signed" in found.detail
    assert standing(make_crl(CASE_SYSTEM, issuer=IMPOSTOR), make_crl()).state is State.GOOD


@pytest.mark.parametrize(
    ("since", "until", "reason"),
    [
        (NOW - DAY, NOW - SKEW - HOUR, "out of date since 2026-11-23T09:55Z"),
        (NOW + HOUR, NOW + DAY, "from the future"),
    ],
)
def test_a_list_counts_in_its_time_only(since, until, reason):
    found = standing(make_crl(since=since, until=until))
    assert found.state is State.UNKNOWN
    assert reason in found.detail


def test_dates_to_the_skew():
    edge = make_crl(since=NOW - DAY, until=NOW)
    assert standing(edge, now=NOW + SKEW).state is State.GOOD
    assert standing(edge, now=NOW + SKEW + HOUR / 3600).state is State.UNKNOWN


def test_a_stale_list_still_refuses_what_stands_on_it():
    assert standing(make_crl(CASE_SYSTEM, since=NOW - DAY, until=NOW - HOUR)).state is State.REVOKED


def test_a_list_with_what_we_do_not_understand_does_not_count():
    delta = make_crl(extensions=((x509.DeltaCRLIndicator(1), True),))
    assert "critical extension" in standing(delta).detail
    assert standing(make_crl(extensions=((x509.CRLNumber(7), False),))).state is State.GOOD


@pytest.mark.parametrize(
    ("chosen", "state"),
    [
        ({"only_contains_user_certs": True}, State.GOOD),
        ({"only_contains_ca_certs": True}, State.UNKNOWN),
        ({"indirect_crl": True}, State.UNKNOWN),
        ({"only_some_reasons": frozenset([x509.ReasonFlags.key_compromise])}, State.UNKNOWN),
        ({"full_name": [HERE]}, State.GOOD),
        ({"full_name": [ELSEWHERE]}, State.UNKNOWN),
    ],
)
def test_an_issuer_may_split_its_lists(chosen, state):
    points = x509.CRLDistributionPoints([x509.DistributionPoint([HERE], None, None, None)])
    _, certificate = make_certificate(ISSUING, points)
    partial = make_crl(extensions=(scope(**chosen),))
    assert standing(partial, certificate=certificate).state is state
    assert standing(partial, make_crl(), certificate=certificate).state is State.GOOD


def test_a_part_is_not_about_a_certificate_that_names_no_part():
    assert "another part" in standing(make_crl(extensions=(scope(full_name=[HERE]),))).detail


def test_an_issuer_that_may_not_sign_lists():
    _, issuer = make_certificate(
        ISSUING,
        x509.KeyUsage(*([True] + [False] * 8)),
        key=ISSUING.key,
    )

    class Issuer:
        certificate, key = issuer, ISSUING.key

    found = RevocationLists([make_crl(issuer=Issuer)]).standing(CASE_SYSTEM, issuer, NOW)
    assert "cRLSign" in found.detail


def test_a_weak_hash():
    assert "weak hash" in standing(make_crl(digest=hashes.SHA224())).detail


def test_a_list_is_held_against_its_issuer_once(monkeypatch):
    calls = []
    monkeypatch.setattr(crl, "unfit", lambda *what: calls.append(what) or "")
    lists = RevocationLists([make_crl()])
    for _ in range(3):
        lists.standing(CASE_SYSTEM, ISSUING.certificate, NOW)
    assert len(calls) == 1


# --- files


def test_files(tmp_path: Path):
    pki.create(pki.example(), tmp_path, now=NOW)
    assert [file.name for file in list_files(tmp_path)] == [
        "impostor.crl.pem",
        "issuing.crl.pem",
        "root.crl.pem",
    ]
    assert len(load_lists(tmp_path)) == 3
    assert len(load_lists(tmp_path / "root.crl.pem")) == 1


def test_several_in_one_file_and_der(tmp_path: Path):
    one, two = make_crl(), make_crl(OTHER)
    both = tmp_path / "both.crl.pem"
    both.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in (one, two)))
    (tmp_path / "der.crl").write_bytes(one.public_bytes(Encoding.DER))
    assert load_lists(both) == (one, two)
    assert load_lists(tmp_path) == (one, two, one)


@pytest.mark.parametrize("content", [b"", b"nothing", b"-----BEGIN X509 CRL-----\n", b"\x30\x03\x02\x01\x01"])
def test_what_is_no_list(tmp_path: Path, content: bytes):
    (tmp_path / "x.crl").write_bytes(content)
    with pytest.raises(RevocationListUnusable, match=r"x\.crl"):
        load_lists(tmp_path)


def test_limits(tmp_path: Path, monkeypatch):
    with pytest.raises(RevocationListUnusable, match="not there"):
        load_lists(tmp_path / "none")
    for number in range(3):
        (tmp_path / f"{number}.crl").write_bytes(make_crl().public_bytes(Encoding.DER))
    monkeypatch.setattr(crl, "MOST_BYTES", 100)
    with pytest.raises(RevocationListUnusable, match="100 bytes"):
        load_lists(tmp_path)
    monkeypatch.setattr(crl, "MOST_FILES", 2)
    with pytest.raises(RevocationListUnusable, match="3 files"):
        load_lists(tmp_path)
