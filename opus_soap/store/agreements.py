"""Agreements: which certificate is which system, and which services that system may call."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256

from opus_soap.clock import isoformat
from opus_soap.database import Prepared, is_postgresql, transaction
from opus_soap.errors import (
    AgreementInvalid,
    Both,
    CertificateOutOfDate,
    CertificateRevoked,
    CertificateUnknown,
    CertificateUnreadable,
    ServiceNotGranted,
    SystemAmbiguous,
    SystemInactive,
    SystemUnknown,
    TooManyCertificates,
)
from opus_soap.store.models import System, SystemCertificate
from opus_soap.texts import visible
from opus_soap.wss.certificates import (
    TrustStore,
    check_key,
    check_tls_client,
    check_usage,
    key_of,
    subject_text,
)
from opus_soap.wss.errors import WssError

_SHORTEST_START = 8  # digits of a thumbprint that people write
LONGEST_NAME = System.name.max_length
MOST_VALID_AT_ONCE = 2  # the old one and the new one, while a system changes over
_ENDPOINT = Both("adressen", "endpoint URL")
_NAME = Both("navnet", "name")
_NAMED = Both(f"1–{LONGEST_NAME} tegn, der kan ses", f"1–{LONGEST_NAME} visible characters")
_PORT = Both("en port fra 1 til 65535", "a port from 1 to 65535")
_HTTPS = Both("https://… i Context-modellen", "https://… in the Context model")
_OWN_NAME = Both("et navn, som ingen anden aftale har", "a name of its own")


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
    """Make an agreement, or bring the whole of the one with this UUID up to date.

    Raises `AgreementInvalid` for a municipality, CVR number or address of the wrong shape, and for a
    name that another agreement of the municipality has.
    """
    _check(Both("kommunen", "municipality"), municipality, r"\d{3}", Both("tre cifre", "three digits"))
    _check("CVR", cvr, r"\d{8}", Both("otte cifre", "eight digits"))
    if not 0 < len(name) <= LONGEST_NAME or visible(name) != name:
        raise AgreementInvalid(element=_NAME, value=visible(name[:60]), expected=_NAMED)
    if endpoint_url is not None:
        _check(_ENDPOINT, endpoint_url, r"https?://[^\s/?#@]+([/?#]\S*)?", "http(s)://HOST…")
        _check_port(endpoint_url)
        if security_model == "context" and not endpoint_url.startswith("https://"):
            raise AgreementInvalid(element=_ENDPOINT, value=endpoint_url, expected=_HTTPS)
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
        namesake = System.select().where(
            System.municipality == municipality, System.name == name, System.uuid != uuid
        )
        if namesake.exists():
            raise AgreementInvalid(element=_NAME, value=name, expected=_OWN_NAME)
        if not System.update(**facts).where(System.uuid == uuid).execute():
            System.create(uuid=uuid, **facts)
    return System.get(System.uuid == uuid)


def change_system(system: System, **facts: Any) -> System:
    """Change these facts of an agreement and no others; raises as `register_system` does."""
    names = ("uuid", "municipality", "name", "cvr", "services", "endpoint_url", "profile", "security_model")
    return register_system(**{**{name: getattr(system, name) for name in names}, **facts})


def _check_port(url: str) -> None:
    try:
        good = urlsplit(url).port != 0
    except ValueError:
        good = False
    if not good:
        raise AgreementInvalid(element=_ENDPOINT, value=url, expected=_PORT)


def _check(element: str | Both, value: str, pattern: str, expected: str | Both) -> None:
    if not re.fullmatch(pattern, value, re.ASCII):
        raise AgreementInvalid(element=element, value=value, expected=expected)


def find_system(name_or_uuid: str) -> System:
    """The agreement with this name or UUID; raises `SystemUnknown`, `SystemAmbiguous`."""
    query = System.name == name_or_uuid
    with suppress(ValueError):
        query |= System.uuid == UUID(name_or_uuid)
    found = list(System.select().where(query).order_by(System.municipality))
    if not found:
        raise SystemUnknown(value=name_or_uuid)
    if len(found) > 1:
        listed = ", ".join(f"{row.uuid} ({row.municipality})" for row in found)
        raise SystemAmbiguous(value=name_or_uuid, expected=listed)
    return found[0]


def set_active(system: System, active: bool) -> None:
    """Stop an agreement (nothing in, nothing out), or start it again."""
    with transaction():
        System.update(active=active).where(System.id == system.id).execute()


def add_certificate(system: System, pem: bytes) -> SystemCertificate:
    """Add a certificate to an agreement; the same one again is no change.

    Raises `CertificateUnreadable`; `CertificateRevoked` for one that was taken out; and
    `TooManyCertificates` when at some moment of its time two others are valid.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise CertificateUnreadable(
            value=Both("ikke et certifikat i PEM", "not a certificate in PEM")
        ) from None
    thumbprint = certificate.fingerprint(SHA256()).hex()
    valid_from, valid_to = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    with transaction():
        if is_postgresql():  # two additions at once are counted one after the other
            System.select().where(System.id == system.id).for_update().execute()
        known = SystemCertificate.get_or_none(SystemCertificate.thumbprint_sha256 == thumbprint)
        if known is not None:
            if known.system != system:
                owner = known.system.name
                raise CertificateUnreadable(value=Both(f"det hører til {owner}", f"it belongs to {owner}"))
            if known.revoked_at is not None:
                raise CertificateRevoked(value=thumbprint)
            return known
        _check_key(certificate, system)
        others = _most_valid_at_once(system, valid_from, valid_to)
        if others >= MOST_VALID_AT_ONCE:
            raise TooManyCertificates(element=system.name, value=others, expected=MOST_VALID_AT_ONCE)
        return SystemCertificate.create(
            system=system,
            thumbprint_sha256=thumbprint,
            subject=subject_text(certificate.subject)[:1000],
            pem=pem.decode("ascii"),
            valid_from=valid_from,
            valid_to=valid_to,
        )


def _check_key(certificate: x509.Certificate, system: System) -> None:
    """No two agreements share a key: a signature does not say which of their certificates was meant."""
    key = key_of(certificate)
    rows = SystemCertificate.select(SystemCertificate, System).join(System).where(System.id != system.id)
    for row in rows:
        if key_of(_parsed(row.pem)) == key:
            name = row.system.name
            raise CertificateUnreadable(
                value=Both(
                    f"{name} har et certifikat med samme nøgle", f"{name} has a certificate with the same key"
                )
            )


def _most_valid_at_once(system: System, start: datetime, end: datetime) -> int:
    """How many certificates are valid at the same moment, at most, within a time."""
    rows = list(
        SystemCertificate.select().where(
            SystemCertificate.system == system,
            SystemCertificate.revoked_at.is_null(),
            SystemCertificate.valid_from <= end,
            SystemCertificate.valid_to >= start,
        )
    )
    # the number only grows where one begins
    moments = [start, *(row.valid_from for row in rows if row.valid_from > start)]
    return max(sum(1 for row in rows if row.valid_from <= moment <= row.valid_to) for moment in moments)


def doubts_about(
    certificate: SystemCertificate, system: System, *, at: datetime, trust: TrustStore
) -> list[str]:
    """What is odd about a certificate of an agreement, though it may be meant so.

    A reply is taken from what the agreement names, whoever issued it; a caller is held against `trust`, too.
    """
    doubts = []
    if certificate.valid_to < at:
        doubts.append(
            f"the certificate expired on {certificate.valid_to:%Y-%m-%d}; nothing signed with it is taken"
        )
    elif certificate.valid_from > at:
        doubts.append(f"the certificate is not valid before {certificate.valid_from:%Y-%m-%d}")
    named = re.search(r"CVR:(\d{8})", certificate.subject)
    if named is not None and named[1] != system.cvr:
        doubts.append(f"the certificate is CVR {named[1]}'s, the agreement CVR {system.cvr}'s")
    parsed = _parsed(certificate.pem)
    doubts += _refusals("nothing signed with it is taken", lambda: check_key(parsed))
    doubts += _refusals("no caller with it is let in", lambda: check_usage(parsed))
    doubts += _refusals("no caller with it is let in", lambda: trust.issuer_of(parsed))
    if system.security_model == "context":
        doubts += _refusals("no caller with it is let in", lambda: check_tls_client(parsed))
    return doubts


def _refusals(consequence: str, check: Callable[[], object]) -> Iterator[str]:
    """What a check refuses, and what follows from it; nothing when it holds."""
    try:
        check()
    except WssError as error:
        yield f"{consequence}: {error}"
    except (UnsupportedAlgorithm, ValueError):  # a curve that the library has never heard of
        yield f"{consequence}: its key cannot be read"


def subject_of(certificate: SystemCertificate) -> str:
    """Its name for people; of an older row, too, whose stored text has numbers for types."""
    return subject_text(_parsed(certificate.pem).subject)


def _whole_thumbprint(start: str) -> str:
    """The one thumbprint that starts so, from 8 digits on; raises `CertificateUnknown`."""
    if len(start) >= _SHORTEST_START:
        rows = (
            SystemCertificate.select().where(SystemCertificate.thumbprint_sha256.startswith(start)).limit(2)
        )
        found = [row.thumbprint_sha256 for row in rows]
        if len(found) == 1:
            return str(found[0])
    raise CertificateUnknown(value=start)


def revoke_certificate(thumbprint: str, *, at: datetime) -> SystemCertificate:
    """Take a certificate out of its agreement at once; `thumbprint` in hex, or its first 8 digits or more.

    Raises `CertificateUnknown`.
    """
    with transaction():
        thumbprint = _whole_thumbprint(thumbprint)
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


def all_certificates(at: datetime) -> list[x509.Certificate]:
    """The certificates that any active system may sign with at an instant."""
    rows = (
        SystemCertificate.select(SystemCertificate.pem)
        .join(System)
        .where(
            System.active,
            SystemCertificate.revoked_at.is_null(),
            SystemCertificate.valid_from <= at,
            SystemCertificate.valid_to >= at,
        )
    )
    return [_parsed(row.pem) for row in rows]


@lru_cache(maxsize=1000)
def _parsed(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode("ascii"))


@Prepared
def _in_agreement(thumbprint: Any) -> Any:
    rows = SystemCertificate.select(SystemCertificate, System).join(System)
    return rows.where(SystemCertificate.thumbprint_sha256 == thumbprint)


def system_by_thumbprint(thumbprint: str, at: datetime) -> System:
    """The system that signs with this certificate (SHA-256, hex) at an instant.

    Raises `CertificateUnknown`, `CertificateRevoked`, `CertificateOutOfDate`, `SystemInactive`.
    """
    row = _in_agreement.first(thumbprint)
    if row is None:
        raise CertificateUnknown(value=thumbprint)
    if row.revoked_at is not None:  # also since: what waited for its turn must not come in
        raise CertificateRevoked(value=thumbprint)
    if not row.valid_from <= at <= row.valid_to:
        raise CertificateOutOfDate(
            value=isoformat(at), expected=f"{isoformat(row.valid_from)} – {isoformat(row.valid_to)}"
        )
    system: System = row.system
    if not system.active:
        raise SystemInactive(value=system.name)
    return system


def agreement_with(thumbprint: str) -> System | None:
    """The agreement that a certificate (SHA-256, hex) is or was in, whether or not it may be used."""
    row = _in_agreement.first(thumbprint)
    return None if row is None else row.system


def authorize(system: System, service: str) -> None:
    """Raise `ServiceNotGranted` unless the agreement covers the service."""
    if service not in system.services:
        raise ServiceNotGranted(
            element=system.name, value=service, expected=", ".join(sorted(system.services)) or "-"
        )
