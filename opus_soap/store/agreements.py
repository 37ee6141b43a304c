"""Agreements: which certificate is which system, and which services that system may call."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from opus_soap.clock import isoformat
from opus_soap.database import transaction
from opus_soap.errors import (
    CertificateOutOfDate,
    CertificateRevoked,
    CertificateUnknown,
    CertificateUnreadable,
    ServiceNotGranted,
    SystemInactive,
    SystemUnknown,
    TooManyCertificates,
)
from opus_soap.store.models import System, SystemCertificate

MOST_VALID_AT_ONCE = 2  # the old one and the new one, while a system changes over


def register_system(
    *,
    uuid: UUID,
    municipality: str,
    name: str,
    cvr: str,
    services: Sequence[str],
    endpoint_url: str | None = None,
    profile: str = "kombit",
    security_model: str = "x509",
) -> System:
    """Make an agreement, or bring the one with this UUID up to date."""
    facts = {
        "municipality": municipality,
        "name": name,
        "cvr": cvr,
        "services": list(services),
        "endpoint_url": endpoint_url,
        "profile": profile,
        "security_model": security_model,
    }
    with transaction():
        if not System.update(**facts).where(System.uuid == uuid).execute():
            System.create(uuid=uuid, **facts)
    return find_system(str(uuid))


def find_system(name_or_uuid: str) -> System:
    """The agreement with this name or UUID; raises `SystemUnknown`."""
    query = System.name == name_or_uuid
    with suppress(ValueError):
        query |= System.uuid == UUID(name_or_uuid)
    system: System | None = System.select().where(query).first()
    if system is None:
        raise SystemUnknown(value=name_or_uuid)
    return system


def add_certificate(system: System, pem: bytes) -> SystemCertificate:
    """Add a certificate to an agreement; the same one again is no change.

    Raises `CertificateUnreadable`, and `TooManyCertificates` when two others are valid in its time.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise CertificateUnreadable(value="not a certificate in PEM") from None
    thumbprint = certificate.fingerprint(SHA256()).hex()
    valid_from, valid_to = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    with transaction():
        known = SystemCertificate.get_or_none(SystemCertificate.thumbprint_sha256 == thumbprint)
        if known is not None:
            if known.system != system:
                raise CertificateUnreadable(value=f"it belongs to {known.system.name}")
            return known
        overlapping = (
            SystemCertificate.select()
            .where(
                SystemCertificate.system == system,
                SystemCertificate.revoked_at.is_null(),
                SystemCertificate.valid_from <= valid_to,
                SystemCertificate.valid_to >= valid_from,
            )
            .count()
        )
        if overlapping >= MOST_VALID_AT_ONCE:
            raise TooManyCertificates(element=system.name, value=overlapping, expected=MOST_VALID_AT_ONCE)
        return SystemCertificate.create(
            system=system,
            thumbprint_sha256=thumbprint,
            subject=certificate.subject.rfc4514_string()[:1000],
            pem=pem.decode("ascii"),
            valid_from=valid_from,
            valid_to=valid_to,
        )


def revoke_certificate(thumbprint: str, *, at: datetime) -> SystemCertificate:
    """Take a certificate out of its agreement at once; raises `CertificateUnknown`."""
    with transaction():
        changed = (
            SystemCertificate.update(revoked_at=at)
            .where(SystemCertificate.thumbprint_sha256 == thumbprint, SystemCertificate.revoked_at.is_null())
            .execute()
        )
        known = SystemCertificate.get_or_none(SystemCertificate.thumbprint_sha256 == thumbprint)
        if known is None or not (changed or known.revoked_at):
            raise CertificateUnknown(value=thumbprint)
    return known


def valid_certificates(system: System, at: datetime) -> list[x509.Certificate]:
    """The certificates that a system may sign with at an instant."""
    rows = SystemCertificate.select().where(
        SystemCertificate.system == system,
        SystemCertificate.revoked_at.is_null(),
        SystemCertificate.valid_from <= at,
        SystemCertificate.valid_to >= at,
    )
    return [x509.load_pem_x509_certificate(row.pem.encode("ascii")) for row in rows]


def system_by_thumbprint(thumbprint: str, at: datetime) -> System:
    """The system that signs with this certificate (SHA-256, hex) at an instant.

    Raises `CertificateUnknown`, `CertificateRevoked`, `CertificateOutOfDate`, `SystemInactive`.
    """
    row = (
        SystemCertificate.select(SystemCertificate, System)
        .join(System)
        .where(SystemCertificate.thumbprint_sha256 == thumbprint)
        .first()
    )
    if row is None:
        raise CertificateUnknown(value=thumbprint)
    if row.revoked_at is not None and row.revoked_at <= at:
        raise CertificateRevoked(value=thumbprint)
    if not row.valid_from <= at <= row.valid_to:
        raise CertificateOutOfDate(
            value=isoformat(at), expected=f"{isoformat(row.valid_from)} – {isoformat(row.valid_to)}"
        )
    system: System = row.system
    if not system.active:
        raise SystemInactive(value=system.name)
    return system


def authorize(system: System, service: str) -> None:
    """Raise `ServiceNotGranted` unless the agreement covers the service."""
    if service not in system.services:
        raise ServiceNotGranted(
            element=system.name, value=service, expected=", ".join(sorted(system.services)) or "-"
        )
