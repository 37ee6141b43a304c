"""One certificate, looked at from every side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from opus_soap.doctor.dates import OWN, Dated
from opus_soap.errors import CertificateFileInvalid
from opus_soap.wss.certificates import (
    TrustStore,
    check_dates,
    check_key,
    check_usage,
    subject_text,
    thumbprint,
)
from opus_soap.wss.errors import CertificateUntrusted, WssError
from opus_soap.wss.errors_trust import IssuerKeyWrong
from opus_soap.wss.revocation import Revocation, State


@dataclass(frozen=True)
class Line:
    """One thing that was looked at; `good` None: neither good nor bad."""

    label: str
    text: str
    good: bool | None = None


def load_key(path_name: str, data: bytes) -> PrivateKeyTypes:
    """A private key in PEM; raises `CertificateFileInvalid`."""
    try:
        return load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateFileInvalid(element=path_name, value=error) from None


def examine(
    certificate: x509.Certificate, trust: TrustStore, now: datetime, key: PrivateKeyTypes | None = None
) -> Iterator[Line]:
    """What there is to say about a certificate, and about the key that is said to be its own."""
    yield Line("Subject", subject_text(certificate.subject))
    yield Line("Issuer", subject_text(certificate.issuer))
    yield Line("Thumbprint", f"{thumbprint(certificate)}  (SHA-256)")
    yield _dates(certificate, now)
    if key is not None:
        belongs = key.public_key() == certificate.public_key()
        yield Line("Key", "belongs to it" if belongs else "does NOT belong to it", belongs)
    yield _judged("Strength", "good enough", lambda: check_key(certificate))
    if certificate in trust.issuers:
        yield Line("Trust", "is a trusted issuer itself", True)
        return
    yield _judged("Key usage", "may sign (digitalSignature)", lambda: check_usage(certificate))
    try:
        issuer = trust.issuer_of(certificate)
    except CertificateUntrusted as error:
        none = f"issued by none of the trusted: {error.expected}"
        yield Line("Trust", error.text_english if isinstance(error, IssuerKeyWrong) else none, False)
        yield Line("Revocation", "not asked, as its issuer is not trusted")
        return
    yield _judged(
        "Trust",
        f"issued by {subject_text(issuer.subject)}, which is trusted",
        lambda: check_dates(issuer, now),
    )
    yield _revocation(certificate, issuer, trust, now)


def _dates(certificate: x509.Certificate, now: datetime) -> Line:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    text = f"{first:%Y-%m-%d %H:%M} – {last:%Y-%m-%d %H:%M} UTC"
    if now < first:
        return Line("Valid", f"{text}  NOT YET VALID", False)
    if now > last:
        return Line("Valid", f"{text}  EXPIRED", False)
    dated = Dated(OWN, "", first, last)
    days = f"{dated.days_left(now)} days left"
    return Line("Valid", f"{text}  {days if dated.level(now) is None else days.upper()}", True)


def _judged(label: str, good: str, check: Callable[[], None]) -> Line:
    try:
        check()
    except WssError as error:
        return Line(label, error.value, False)
    return Line(label, good, True)


def _revocation(
    certificate: x509.Certificate, issuer: x509.Certificate, trust: TrustStore, now: datetime
) -> Line:
    policy = trust.revocation
    if not isinstance(policy, Revocation):
        return Line("Revocation", "not asked (OPUS_SOAP_REVOCATION=none)")
    found = policy.standing(certificate, issuer, now)
    if found.state is State.GOOD:
        until = f", next news {found.until:%Y-%m-%d %H:%M} UTC" if found.until else ""
        return Line("Revocation", f"not revoked{until}", True)
    if found.state is State.REVOKED:
        return Line("Revocation", f"REVOKED since {found.detail}", False)
    return Line("Revocation", f"unknown: {found.detail}", policy.accept_unknown or False)
