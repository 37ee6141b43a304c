"""The declaration: which authorities and certificates there are, and what is wrong with it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from opus_soap.languages import Both
from opus_soap.wss.errors import PkiDefinitionInvalid

USAGES = ("digital_signature", "content_commitment", "key_encipherment")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}\Z")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}\Z")
_CVR = re.compile(r"\d{8}\Z")


@dataclass(frozen=True)
class AuthorityDefinition:
    """A CA: `issued_by` names another authority; empty for a self-signed root."""

    name: str
    common_name: str
    issued_by: str = ""
    days: int = 3650
    trusted: bool = False
    crl_days: int = 365
    """From thisUpdate to nextUpdate of its revocation list."""


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
    hosts: tuple[str, ...] = ()
    """Names and addresses that it may serve TLS at (subjectAltName)."""
    revoked: bool = False
    """Stands on its issuer's revocation list."""


@dataclass(frozen=True)
class PkiDefinition:
    """Everything that is to be made, in an order in which issuers come first."""

    authorities: tuple[AuthorityDefinition, ...]
    certificates: tuple[CertificateDefinition, ...]
    pkcs12_password: str


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
        raise PkiDefinitionInvalid(element=", ".join(sorted(unknown)), value=Both("ukendt", "unknown"))
    try:
        authorities = tuple(AuthorityDefinition(**entry) for entry in tables["authorities"])
        certificates = tuple(
            CertificateDefinition(
                **{
                    **entry,
                    "key_usage": tuple(entry.get("key_usage", USAGES[:1])),
                    "hosts": tuple(entry.get("hosts", ())),
                }
            )
            for entry in tables["certificates"]
        )
    except (KeyError, TypeError) as error:
        raise PkiDefinitionInvalid(element=Both("en post", "an entry"), value=error) from None
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
        for mistake in _mistakes(entry, names):
            raise PkiDefinitionInvalid(element=entry.name, value=mistake)
        if isinstance(entry, AuthorityDefinition):
            names.add(entry.name)
    if len(entries) != len({entry.name for entry in entries}):
        raise PkiDefinitionInvalid(element="name", value=Both("står to gange", "stands twice"))
    if not any(authority.trusted for authority in definition.authorities):
        raise PkiDefinitionInvalid(
            element="authorities", value=Both("der stoles ikke på nogen af dem", "none is trusted")
        )
    if not definition.pkcs12_password:
        raise PkiDefinitionInvalid(element="pkcs12_password", value=Both("mangler", "is missing"))


def _mistakes(entry: AuthorityDefinition | CertificateDefinition, names: set[str]) -> Iterator[str]:
    """What is wrong with an entry; `names` are the authorities before it."""
    if not _NAME.match(entry.name) or entry.name in names:
        yield "a name is a-z, 0-9, hyphen, and unique"
    self_signed = isinstance(entry, CertificateDefinition) and entry.issued_by == entry.name
    if entry.issued_by and not self_signed and entry.issued_by not in names:
        yield f"no issuer {entry.issued_by!r} before it"
    if isinstance(entry, AuthorityDefinition):
        if entry.crl_days < 1:
            yield "crl_days is at least 1"
        return
    if not _CVR.match(entry.cvr):
        yield "cvr must be 8 digits"
    if not set(entry.key_usage) <= set(USAGES):
        yield f"key_usage is of {', '.join(USAGES)}"
    if not all(isinstance(host, str) and _HOST.match(host) for host in entry.hosts):
        yield "hosts are names or IPv4 addresses"
    if entry.revoked and self_signed:
        yield "revoked needs an issuer, whose list it stands on"
