"""A small certificate world from a declaration: CAs, system certificates, and those to be refused.

For demos and tests. The declaration is TOML (certs-example/README.md lists the fields); files get
their names from it, keys are new each time.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from opus_soap.wss.errors import PkiDefinitionInvalid

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}\Z")
_CVR = re.compile(r"\d{8}\Z")
_USAGES = ("digital_signature", "content_commitment", "key_encipherment")
_KEY_BITS = 2048


@dataclass(frozen=True)
class AuthorityDefinition:
    """A CA: `issued_by` names another authority; empty for a self-signed root."""

    name: str
    common_name: str
    issued_by: str = ""
    days: int = 3650
    trusted: bool = False


@dataclass(frozen=True)
class CertificateDefinition:
    """A system's certificate; `issued_by` empty means the first trusted authority."""

    name: str
    common_name: str
    organization: str
    cvr: str
    issued_by: str = ""
    starts_in_days: int = 0
    days: int = 1095
    key_usage: tuple[str, ...] = ("digital_signature",)


@dataclass(frozen=True)
class PkiDefinition:
    """Everything that is to be made, in an order in which issuers come first."""

    authorities: tuple[AuthorityDefinition, ...]
    certificates: tuple[CertificateDefinition, ...]
    pkcs12_password: str


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
    files: tuple[Path, ...] = field(default=())


def example() -> PkiDefinition:
    """The declaration in certs-example/pki.toml."""
    return read_definition(tomllib.loads((files("opus_soap.wss") / "pki.toml").read_text("utf-8")))


def load_definition(path: Path) -> PkiDefinition:
    """The declaration in a TOML file; raises `PkiDefinitionInvalid`."""
    try:
        return read_definition(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PkiDefinitionInvalid(element=str(path), value=error) from None


def read_definition(tables: Mapping[str, Any]) -> PkiDefinition:
    """Check a declaration; raises `PkiDefinitionInvalid` naming the entry and what is wrong."""
    unknown = set(tables) - {"authorities", "certificates", "pkcs12_password"}
    if unknown:
        raise PkiDefinitionInvalid(element=", ".join(sorted(unknown)), value="unknown")
    try:
        authorities = tuple(AuthorityDefinition(**entry) for entry in tables["authorities"])
        certificates = tuple(
            CertificateDefinition(**{**entry, "key_usage": tuple(entry.get("key_usage", _USAGES[:1]))})
            for entry in tables["certificates"]
        )
    except (KeyError, TypeError) as error:
        raise PkiDefinitionInvalid(element="an entry", value=error) from None
    definition = PkiDefinition(authorities, certificates, str(tables.get("pkcs12_password", "")))
    _check(definition)
    return definition


def _check(definition: PkiDefinition) -> None:
    names: set[str] = set()
    entries: list[AuthorityDefinition | CertificateDefinition] = [
        *definition.authorities,
        *definition.certificates,
    ]
    for entry in entries:
        if not _NAME.match(entry.name) or entry.name in names:
            raise PkiDefinitionInvalid(element=entry.name, value="a name is a-z, 0-9, hyphen, and unique")
        is_certificate = isinstance(entry, CertificateDefinition)
        self_signed = is_certificate and entry.issued_by == entry.name
        if entry.issued_by and not self_signed and entry.issued_by not in names:
            raise PkiDefinitionInvalid(element=entry.name, value=f"no issuer {entry.issued_by!r} before it")
        if isinstance(entry, AuthorityDefinition):
            names.add(entry.name)
            continue
        if not _CVR.match(entry.cvr):
            raise PkiDefinitionInvalid(element=entry.name, value="cvr must be 8 digits")
        if not set(entry.key_usage) <= set(_USAGES):
            raise PkiDefinitionInvalid(element=entry.name, value=f"key_usage is of {', '.join(_USAGES)}")
    if len(entries) != len({entry.name for entry in entries}):
        raise PkiDefinitionInvalid(element="name", value="stands twice")
    if not any(authority.trusted for authority in definition.authorities):
        raise PkiDefinitionInvalid(element="authorities", value="none is trusted")
    if not definition.pkcs12_password:
        raise PkiDefinitionInvalid(element="pkcs12_password", value="is missing")


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
    return Pki(certificates, authorities, trusted)


def create(definition: PkiDefinition, out: Path, *, now: datetime) -> Pki:
    """Make everything and write it under `out` (created, mode 0700); existing files are replaced.

    NAME.crt.pem, NAME.key.pem (0600), NAME.p12 (0600) for each system, CA certificates without their
    keys, and ca.pem with the trusted ones.
    """
    pki = build(definition, now=now)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = [
        _write(out / "ca.pem", b"".join(map(_pem, pki.trusted)), 0o644),
        *(
            _write(out / f"{name}.crt.pem", _pem(issued.certificate), 0o644)
            for name, issued in pki.authorities.items()
        ),
    ]
    password = definition.pkcs12_password.encode()
    for name, issued in pki.certificates.items():
        key = issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        bundle = pkcs12.serialize_key_and_certificates(
            name.encode(), issued.key, issued.certificate, issued.chain, BestAvailableEncryption(password)
        )
        written += [
            _write(out / f"{name}.crt.pem", _pem(issued.certificate), 0o644),
            _write(out / f"{name}.key.pem", key, 0o600),
            _write(out / f"{name}.p12", bundle, 0o600),
        ]
    return Pki(pki.certificates, pki.authorities, pki.trusted, tuple(written))


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
    if definition.key_usage:
        chosen = {usage: usage in definition.key_usage for usage in _USAGES}
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


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _write(path: Path, content: bytes, mode: int) -> Path:
    """Write with the mode set from the first byte on; a key is never readable by others."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    return path
