"""Trust in certificates: issuer, dates, usage, key, revocation, pinning."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, NameOID

from opus_soap.wss.certificates import (
    MOST_BYTES,
    TrustStore,
    distinguished_name,
    load_der,
    load_pem,
    subject_text,
    thumbprint,
)
from opus_soap.wss.errors import (
    CertificateOutOfDate,
    CertificateRevoked,
    CertificateUntrusted,
    CertificateUnusable,
    CertificateUsageWrong,
    KeyUnusable,
    TokenInvalid,
)
from opus_soap.wss.errors_trust import IssuerKeyWrong
from tests.wss.forge import NOW, world

TRUST = TrustStore(issuers=world().trusted)
ISSUER = world().authorities["issuing"]


def issue(key=None, extension: x509.ExtensionType | None = None, name: str = "made") -> x509.Certificate:
    key = key or rsa.generate_private_key(65537, 2048)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(ISSUER.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
    )
    if extension is not None:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(ISSUER.key, hashes.SHA256())


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("case-system", None),
        ("stranger", None),
        ("expired", CertificateOutOfDate),
        ("not-yet-valid", CertificateOutOfDate),
        ("wrong-usage", CertificateUsageWrong),
        ("no-usage", CertificateUsageWrong),
        ("unknown-ca", IssuerKeyWrong),
        ("self-signed", CertificateUntrusted),
    ],
)
def test_the_example_certificates(name: str, error: type[Exception] | None):
    certificate = world().certificates[name].certificate
    if error is None:
        TRUST.check(certificate, NOW)
        return
    with pytest.raises(error):
        TRUST.check(certificate, NOW)


def test_the_refusal_names_the_issuer_that_came_and_those_expected():
    with pytest.raises(CertificateUntrusted) as refusal:
        TRUST.check(world().certificates["self-signed"].certificate, NOW)
    assert "Selvsigneret" in refusal.value.text_danish
    assert "Opus SOAP Example Issuing CA" in refusal.value.text_danish
    with pytest.raises(CertificateUntrusted, match="none"):
        TrustStore().check(world().certificates["case-system"].certificate, NOW)


def test_an_issuer_of_the_same_name_with_another_key_is_told_as_that():
    with pytest.raises(IssuerKeyWrong) as refusal:
        TRUST.check(world().certificates["unknown-ca"].certificate, NOW)
    assert refusal.value.code == CertificateUntrusted.code
    assert "another key than that issuer's signed it" in refusal.value.text_english
    assert "en anden nøgle end dennes" in refusal.value.text_danish
    assert "trusted issuers" not in refusal.value.text_english


def test_a_name_for_people_and_one_to_compare():
    name = world().certificates["case-system"].certificate.subject
    assert subject_text(name).startswith("serialNumber=CVR:44444449-FID:")
    assert distinguished_name(name).startswith("2.5.4.5=CVR:44444449-FID:")


def test_the_root_does_not_stand_in_for_its_issuing_ca():
    with pytest.raises(CertificateUntrusted):
        TrustStore(issuers=(world().authorities["root"].certificate,)).check(
            world().certificates["case-system"].certificate, NOW
        )


def test_dates_to_the_second():
    certificate = world().certificates["case-system"].certificate
    TRUST.check(certificate, certificate.not_valid_before_utc)
    TRUST.check(certificate, certificate.not_valid_after_utc)
    with pytest.raises(CertificateOutOfDate, match="not yet valid"):
        TRUST.check(certificate, certificate.not_valid_before_utc - timedelta(seconds=1))
    with pytest.raises(CertificateOutOfDate, match="expired"):
        TRUST.check(certificate, certificate.not_valid_after_utc + timedelta(seconds=1))


def test_an_issuer_out_of_date_vouches_for_nobody():
    certificate = issue(extension=None)
    late = ISSUER.certificate.not_valid_after_utc + timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(ISSUER.certificate.subject)
        .public_key(certificate.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(late + timedelta(days=1))
    )
    with pytest.raises(CertificateOutOfDate, match="Issuing CA"):
        TRUST.check(builder.sign(ISSUER.key, hashes.SHA256()), late)


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),
        ec.generate_private_key(ec.SECP224R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
)
def test_weak_and_unknown_keys(key):
    certificate = issue(key)
    with pytest.raises(CertificateUnusable):
        TRUST.check(certificate, NOW)
    with pytest.raises(CertificateUnusable):
        TrustStore(pinned=(certificate,)).check(certificate, NOW)


def test_extensions_that_cannot_be_read_are_no_hindrance_when_pinned():
    broken = issue(extension=x509.UnrecognizedExtension(ExtensionOID.KEY_USAGE, b"\x00garbage"))
    with pytest.raises(ValueError, match="parsing"):
        _ = broken.extensions
    with pytest.raises(CertificateUnusable, match="extensions"):
        TRUST.check(broken, NOW)
    TrustStore(pinned=(broken,)).check(broken, NOW)


def test_pinning_does_not_lengthen_life():
    expired = world().certificates["expired"].certificate
    with pytest.raises(CertificateOutOfDate):
        TrustStore(pinned=(expired,)).check(expired, NOW)


class Asked:
    """A revocation check that notes what it is asked, and refuses when told to."""

    def __init__(self, *refused: x509.Certificate) -> None:
        self.asked: list[x509.Certificate] = []
        self._refused = refused

    def check(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
        assert (issuer, now) == (ISSUER.certificate, NOW)
        self.asked.append(certificate)
        if certificate in self._refused:
            raise CertificateRevoked


def test_revocation_is_asked_last_and_about_nothing_that_is_refused_anyway():
    good, *bad = (
        world().certificates[name].certificate for name in ("case-system", "expired", "wrong-usage")
    )
    asked = Asked()
    trust = TrustStore(issuers=world().trusted, revocation=asked)
    for certificate in bad:
        with pytest.raises((CertificateOutOfDate, CertificateUsageWrong)):
            trust.check(certificate, NOW)
    assert asked.asked == []
    trust.check(good, NOW)
    assert asked.asked == [good]
    with pytest.raises(CertificateRevoked):
        TrustStore(issuers=world().trusted, revocation=Asked(good)).check(good, NOW)


def test_nobody_is_asked_about_what_is_pinned():
    certificate = world().certificates["case-system"].certificate
    TrustStore(pinned=(certificate,), revocation=Asked(certificate)).check(certificate, NOW)


def test_loading_a_bundle(tmp_path: Path):
    bundle = tmp_path / "ca.pem"
    both = (ISSUER.certificate, world().authorities["root"].certificate)
    bundle.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in both))
    assert load_pem(bundle) == both
    with pytest.raises(KeyUnusable, match=r"none\.pem"):
        load_pem(tmp_path / "none.pem")
    bundle.write_text("nothing")
    with pytest.raises(KeyUnusable):
        load_pem(bundle)


def test_thumbprint_is_sha256_of_the_der():
    assert thumbprint(ISSUER.certificate) == ISSUER.certificate.fingerprint(hashes.SHA256()).hex()


def test_a_certificate_in_a_message_has_a_size_that_can_be_remembered():
    """Or whoever sends many large ones fills the memory of the server."""
    large = issue(extension=x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), bytes(MOST_BYTES)))
    with pytest.raises(TokenInvalid, match=str(MOST_BYTES)):
        load_der(large.public_bytes(Encoding.DER))
    small = issue().public_bytes(Encoding.DER)
    assert load_der(small) is load_der(bytes(bytearray(small)))
