"""One certificate from every side."""

from __future__ import annotations

import pytest

from opus_soap.doctor.examination import examine, load_key
from opus_soap.errors import CertificateFileInvalid
from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.crl import RevocationLists
from opus_soap.wss.revocation import Revocation
from tests.wss.forge import NOW, world

LISTS = RevocationLists(tuple(world().revocation_lists.values()))
TRUST = TrustStore(issuers=world().trusted, revocation=Revocation((LISTS,)))


def wrong(name: str, trust: TrustStore = TRUST, key: str = "") -> set[str]:
    """The labels of what is wrong."""
    chosen = world().certificates[key].key if key else None
    lines = list(examine(world().certificates[name].certificate, trust, NOW, chosen))
    assert {"Subject", "Issuer", "Valid", "Strength", "Trust"} <= {line.label for line in lines}
    return {line.label for line in lines if line.good is False}


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("opus", set()),
        ("sts", set()),
        ("expired", {"Valid"}),
        ("not-yet-valid", {"Valid"}),
        ("wrong-usage", {"Key usage"}),
        ("no-usage", {"Key usage"}),
        ("unknown-ca", {"Trust"}),
        ("self-signed", {"Trust"}),
        ("revoked", {"Revocation"}),
    ],
)
def test_the_example(name: str, labels: set[str]):
    assert wrong(name) == labels


def test_the_key():
    assert wrong("opus", key="opus") == set()
    assert wrong("opus", key="sts") == {"Key"}


def test_no_answer_about_revocation_is_wrong_only_where_it_is_refused():
    for accept, labels in ((False, {"Revocation"}), (True, set())):
        trust = TrustStore(issuers=world().trusted, revocation=Revocation((), accept_unknown=accept))
        assert wrong("opus", trust) == labels
    assert wrong("revoked", TrustStore(issuers=world().trusted)) == set()


def test_a_trusted_issuer_needs_no_issuer():
    lines = list(examine(world().trusted[0], TRUST, NOW))
    assert any("trusted issuer itself" in line.text for line in lines)
    assert all(line.good is not False for line in lines)


def test_a_key_that_is_none():
    with pytest.raises(CertificateFileInvalid, match=r"x\.pem"):
        load_key("x.pem", b"nothing")
