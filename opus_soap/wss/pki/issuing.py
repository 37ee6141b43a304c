"""Keys and certificates in memory, from a declaration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from opus_soap.wss.pki.definition import USAGES, AuthorityDefinition, CertificateDefinition, PkiDefinition

_KEY_BITS = 2048


@dataclass(frozen=True)
class Issued:
    """A key and its certificate."""

    name: str
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()
    """From the issuer up to the root; empty when self-signed."""


@dataclass(frozen=True)
class Pki:
    """What was made."""

    certificates: Mapping[str, Issued]
    """System certificates by name."""
    authorities: Mapping[str, Issued]
    trusted: tuple[x509.Certificate, ...]
    """The issuing CAs of ca.pem."""
    revocation_lists: Mapping[str, x509.CertificateRevocationList]
    """By the name of the authority."""
    files: tuple[Path, ...] = field(default=())


def build(definition: PkiDefinition, *, now: datetime) -> Pki:
    """Make the keys and certificates in memory; validity counts from `now`, a day back for clocks."""
    authorities: dict[str, Issued] = {}
    for authority in definition.authorities:
        authorities[authority.name] = _authority(authority, authorities, now)
    first_trusted = next(entry.name for entry in definition.authorities if entry.trusted)
    certificates = {
        entry.name: _certificate(entry, authorities.get(entry.issued_by or first_trusted), now)
        for entry in definition.certificates
    }
    trusted = tuple(authorities[entry.name].certificate for entry in definition.authorities if entry.trusted)
    revoked: dict[str, list[x509.Certificate]] = {name: [] for name in authorities}
    for entry in definition.certificates:
        if entry.revoked:
            revoked[entry.issued_by or first_trusted].append(certificates[entry.name].certificate)
    lists = {
        entry.name: _revocation_list(entry, authorities[entry.name], revoked[entry.name], now)
        for entry in definition.authorities
    }
    return Pki(certificates, authorities, trusted, lists)


def _authority(definition: AuthorityDefinition, made: Mapping[str, Issued], now: datetime) -> Issued:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DK"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Opus SOAP Example"),
            x509.NameAttribute(NameOID.COMMON_NAME, definition.common_name),
        ]
    )
    issuer = made.get(definition.issued_by)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = _builder(subject, key, issuer, now - timedelta(days=1), definition.days + 1)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(usage, critical=True)
    return _signed(definition.name, builder, key, issuer)


def _certificate(definition: CertificateDefinition, issuer: Issued | None, now: datetime) -> Issued:
    """`issuer` None signs itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    # OCES function certificate: serialNumber and common name together in one RDN
    fid = f"{sum(map(ord, definition.name)) * 7919 % 10**8:08d}"
    subject = x509.Name(
        [
            x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COUNTRY_NAME, "DK")]),
            x509.RelativeDistinguishedName(
                [
                    x509.NameAttribute(
                        NameOID.ORGANIZATION_NAME, f"{definition.organization} // CVR:{definition.cvr}"
                    )
                ]
            ),
            x509.RelativeDistinguishedName(
                [
                    x509.NameAttribute(NameOID.COMMON_NAME, definition.common_name),
                    x509.NameAttribute(NameOID.SERIAL_NUMBER, f"CVR:{definition.cvr}-FID:{fid}"),
                ]
            ),
        ]
    )
    start = now + timedelta(days=definition.starts_in_days - (1 if definition.starts_in_days == 0 else 0))
    builder = _builder(subject, key, issuer, start, definition.days)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    if definition.hosts:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_host(name) for name in definition.hosts]), critical=False
        )
    if definition.key_usage:
        chosen = {usage: usage in definition.key_usage for usage in USAGES}
        usage = x509.KeyUsage(
            **chosen,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=False,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    return _signed(definition.name, builder, key, issuer)


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, key: rsa.RSAPrivateKey, issuer: Issued | None, start: datetime, days: int
) -> x509.CertificateBuilder:
    public = key.public_key()
    issuer_key = issuer.key.public_key() if issuer else public
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _signed(
    name: str, builder: x509.CertificateBuilder, key: rsa.RSAPrivateKey, issuer: Issued | None
) -> Issued:
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    return Issued(name, key, certificate, (issuer.certificate, *issuer.chain) if issuer else ())


def _revocation_list(
    definition: AuthorityDefinition, issuer: Issued, revoked: list[x509.Certificate], now: datetime
) -> x509.CertificateRevocationList:
    issued_at = now - timedelta(days=1)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(issued_at)
        .next_update(now + timedelta(days=definition.crl_days))
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
        )
    )
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
        entry = entry.revocation_date(issued_at)
        entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA256())
