"""Which certificates may sign: issued by a CA of this environment, in date, meant for signing.

A pinned certificate is trusted as it stands; its extensions are never parsed, because genuine ones
exist that no strict parser reads. Which *system* a certificate belongs to, and what that may do, is
the caller's allow-list, not decided here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from opus_soap.languages import Both
from opus_soap.wss.errors import (
    CertificateOutOfDate,
    CertificateUntrusted,
    CertificateUnusable,
    CertificateUsageWrong,
    ClientUsageWrong,
    KeyUnusable,
    TokenInvalid,
)
from opus_soap.wss.errors_trust import IssuerKeyWrong, SignerNotPinned

LEAST_RSA_BITS = 2048
# RFC 4514 has names for a few types only, and not for the one that Danish certificates say CVR numbers in
_NAMES_FOR_PEOPLE = {
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.ORGANIZATION_IDENTIFIER: "organizationIdentifier",
    NameOID.EMAIL_ADDRESS: "emailAddress",
}
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


MOST_BYTES = 16 * 1024
"""Of one certificate in a message; real ones have two thousand."""
_remembered = lru_cache(maxsize=256)  # what is true of a certificate for ever, however often it is shown


@_remembered
def thumbprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER, in lower-case hex: how agreements name a certificate."""
    return certificate.fingerprint(hashes.SHA256()).hex()


@_remembered
def key_of(certificate: x509.Certificate) -> str:
    """SHA-256 of the public key (SubjectPublicKeyInfo), lower-case hex: the same in a renewed certificate."""
    public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).hexdigest()


def subject_text(name: x509.Name) -> str:
    """A distinguished name for people, in messages and logs; never to be compared or sent."""
    return _written(name, _NAMES_FOR_PEOPLE)


def distinguished_name(name: x509.Name) -> str:
    """A distinguished name as RFC 4514 has it, to compare and to send: types without a name are numbers."""
    return _written(name, {})


def _written(name: x509.Name, types: Mapping[x509.ObjectIdentifier, str]) -> str:
    try:
        return name.rfc4514_string(dict(types))
    except ValueError:
        return "(unreadable name)"


def load_der(der: bytes) -> x509.Certificate:
    """One certificate that is exactly these bytes, of a bounded number; raises `TokenInvalid`."""
    if len(der) > MOST_BYTES:
        raise TokenInvalid(
            value=Both(
                f"et certifikat på {len(der)} byte; højst {MOST_BYTES}",
                f"a certificate of {len(der)} bytes; at most {MOST_BYTES}",
            )
        )
    return _read_der(der)


@_remembered
def _read_der(der: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise TokenInvalid(
            value=Both(f"ikke et certifikat: {error}", f"not a certificate: {error}")
        ) from None
    return certificate


def load_pem(path: Path) -> tuple[x509.Certificate, ...]:
    """Every certificate of a PEM file; raises `KeyUnusable` naming the file."""
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise KeyUnusable(element=str(path), value=error) from None


class RevocationCheck(Protocol):
    """How it is told whether a certificate is revoked; `wss.revocation.Revocation` is one."""

    def check(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
        """Raises a `WssError` when a certificate that `issuer` has issued is not to be taken."""
        ...


@dataclass(frozen=True)
class TrustStore:
    """The certificates that are believed, loaded once."""

    issuers: tuple[x509.Certificate, ...] = ()
    """Issuing CAs of the environment (not the root, unless it issues to systems itself)."""
    pinned: tuple[x509.Certificate, ...] = ()
    """Certificates trusted as they stand."""
    known: tuple[x509.Certificate, ...] = ()
    """Certificates that a message may name without carrying them; trusted by their issuer only."""
    revocation: RevocationCheck | None = None
    """None means: revocation is decided by the allow-list alone."""
    _pinned_thumbprints: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pinned_thumbprints", frozenset(map(thumbprint, self.pinned)))

    def check(self, certificate: x509.Certificate, now: datetime) -> None:
        """Raises a `WssError` unless `certificate` may sign at `now`."""
        check_dates(certificate, now)
        check_key(certificate)
        if thumbprint(certificate) in self._pinned_thumbprints:
            return
        issuer = self.issuer_of(certificate)
        check_dates(issuer, now)
        check_usage(certificate)
        if self.revocation is not None:  # last: it may ask over the network
            self.revocation.check(certificate, issuer, now)

    def issuer_of(self, certificate: x509.Certificate) -> x509.Certificate:
        """The trusted authority that issued a certificate; raises `CertificateUntrusted`."""
        for issuer in self.issuers:
            if issuer.subject == certificate.issuer and _signed_by(certificate, issuer):
                return issuer
        namesake = any(issuer.subject == certificate.issuer for issuer in self.issuers)
        raise (IssuerKeyWrong if namesake else CertificateUntrusted)(
            element=subject_text(certificate.subject),
            value=subject_text(certificate.issuer),
            expected="; ".join(subject_text(issuer.subject) for issuer in self.issuers)
            or Both("ingen", "none"),
        )


@dataclass(frozen=True)
class PinnedOnly(TrustStore):
    """Trusts what is pinned and no issuer: whoever replies must be known by the certificate itself."""

    def issuer_of(self, certificate: x509.Certificate) -> x509.Certificate:
        """Nobody: raises `SignerNotPinned`."""
        raise SignerNotPinned(
            element=subject_text(certificate.subject),
            value=thumbprint(certificate),
            expected="; ".join(map(thumbprint, self.pinned)) or "-",
        )


@_remembered
def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def check_dates(certificate: x509.Certificate, now: datetime) -> None:
    """Raises `CertificateOutOfDate` unless the certificate is valid at `now`."""
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not first <= now <= last:
        raise CertificateOutOfDate(
            element=subject_text(certificate.subject),
            value=Both("udløbet", "expired") if now > last else Both("endnu ikke gyldigt", "not yet valid"),
            expected=f"{first:%Y-%m-%dT%H:%MZ} – {last:%Y-%m-%dT%H:%MZ}",
        )


@_remembered
def check_key(certificate: x509.Certificate) -> None:
    """Raises `CertificateUnusable` unless the key is strong enough."""
    key = certificate.public_key()
    strong_rsa = isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA_BITS
    good_curve = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES)
    if not (strong_rsa or good_curve):
        raise CertificateUnusable(
            element=subject_text(certificate.subject),
            value=f"{type(key).__name__} {getattr(key, 'key_size', '')}",
            expected=Both(
                f"RSA på mindst {LEAST_RSA_BITS} bit eller P-256, P-384, P-521",
                f"RSA of at least {LEAST_RSA_BITS} bits or P-256, P-384, P-521",
            ),
        )


@_remembered
def check_tls_client(certificate: x509.Certificate) -> None:
    """Raises `ClientUsageWrong` when the certificate says what it is for, and TLS clients are not in it.

    RFC 5280, 4.2.1.12: without extendedKeyUsage it is for anything.
    """
    subject = subject_text(certificate.subject)
    try:
        usages = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise CertificateUnusable(
            element=subject,
            value=f"extensions: {error}",
            expected=Both("udvidelser, der kan læses", "extensions that can be read"),
        ) from None
    if not usages & {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}:
        raise ClientUsageWrong(
            element=subject,
            value=Both("extendedKeyUsage uden den", "extendedKeyUsage without it"),
            expected="clientAuth",
        )


@_remembered
def check_usage(certificate: x509.Certificate) -> None:
    """Raises `CertificateUsageWrong` unless the certificate may sign, `CertificateUnusable` if unreadable."""
    subject = subject_text(certificate.subject)
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        raise CertificateUsageWrong(
            element=subject, value=Both("ingen keyUsage", "no keyUsage"), expected="digitalSignature"
        ) from None
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise CertificateUnusable(
            element=subject,
            value=f"extensions: {error}",
            expected=Both(
                "udvidelser, der kan læses, eller at certifikatet er udpeget",
                "extensions that can be read, or pinning",
            ),
        ) from None
    if not usage.digital_signature:
        raise CertificateUsageWrong(
            element=subject,
            value=Both("keyUsage uden den", "keyUsage without it"),
            expected="digitalSignature",
        )
