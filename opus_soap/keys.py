"""Our key, and whom we trust, from the files that the settings name; and both kept up to date."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog
from cryptography import x509
from lxml import etree

from opus_soap.errors import Both, OpusSoapError, SigningKeyUnusable, TlsFileInvalid, TlsTrustInvalid
from opus_soap.reloading import Reloading
from opus_soap.settings import Settings
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import TrustStore, load_pem
from opus_soap.wss.crl import RevocationLists, list_files, load_lists
from opus_soap.wss.errors import WssError
from opus_soap.wss.fetching import HttpFetch
from opus_soap.wss.names import SOAP11
from opus_soap.wss.ocsp import OcspResponders
from opus_soap.wss.revocation import Revocation, Source
from opus_soap.wss.saml import TokenTrust
from opus_soap.wss.signing import Signer, load_signer
from opus_soap.wss.verification import VerifiedMessage, Verifier

log = structlog.get_logger("opus_soap.keys")
_EVERYBODY = 0o007
_ANOTHER_KEY = Both("nøglen hører ikke til certifikatet", "the key does not belong to the certificate")


def load_own(settings: Settings) -> Signer:
    """Our signing key; raises `SigningKeyUnusable`, also when everybody may read it."""
    _check_private(settings.signing_key_file)
    try:
        return load_signer(
            settings.signing_key_file,
            settings.signing_certificate_file,
            timedelta(seconds=settings.message_lifetime_seconds),
        )
    except WssError as error:
        raise _unusable(error) from None


def load_tls(settings: Settings) -> ssl.SSLContext:
    """TLS of our own, 1.2 or newer; raises `TlsFileInvalid`, and `SigningKeyUnusable` for a key open to all.

    A client certificate may be shown, not must: the messages of the other models prove themselves. It may end
    at an issuing CA that is trusted as it stands.
    """
    certificate, key, authorities = tls_files(settings)
    assert certificate is not None  # the settings see to both
    assert key is not None
    _check_private(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    with _naming(TlsFileInvalid, certificate, key):
        # without a password OpenSSL asks for one at the terminal
        context.load_cert_chain(certificate, key, password="")
    with _naming(TlsFileInvalid, authorities):
        context.load_verify_locations(authorities)
    return context


def tls_files(settings: Settings) -> tuple[Path | None, Path | None, Path]:
    """What TLS of our own is made from: certificate, key, the CAs of client certificates."""
    return settings.tls_certificate_file, settings.tls_key_file, settings.trusted_ca_file


def check_tls_trust(settings: Settings) -> None:
    """Raises `TlsTrustInvalid` unless the CAs of the servers that we call can be read, where some are set."""
    file = settings.tls_trusted_ca_file
    if file is not None:
        with _naming(TlsTrustInvalid, file):
            ssl.create_default_context(cafile=file)


@contextmanager
def _naming(kind: type[TlsFileInvalid] | type[TlsTrustInvalid], *files: Path) -> Iterator[None]:
    """Say which file it is that OpenSSL cannot take, and why; it says neither."""
    try:
        for file in files:
            file.open("rb").close()
        yield
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        missing = [str(error.filename)] if isinstance(error, OSError) and error.filename else []
        reason = _ANOTHER_KEY if "KEY_VALUES_MISMATCH" in str(error) else ""
        raise kind(
            element=", ".join(missing or map(str, files)),
            value=reason or (missing and getattr(error, "strerror", "")) or error,
        ) from None


def _check_private(path: Path) -> None:
    if path.exists() and path.stat().st_mode & _EVERYBODY:
        raise SigningKeyUnusable(element=str(path), value=Both("alle kan læse den", "everybody can read it"))


def load_trust(settings: Settings) -> TrustStore:
    """The issuers that may vouch for a caller, and how revocation is told; raises `SigningKeyUnusable`."""
    try:
        return TrustStore(issuers=load_pem(settings.trusted_ca_file), revocation=load_revocation(settings))
    except WssError as error:
        raise _unusable(error) from None


def load_tokens(settings: Settings) -> TokenTrust | None:
    """The STS whose tokens are believed; None when none is. Raises `SigningKeyUnusable`."""
    if not settings.sts_entity_id:
        return None
    return TokenTrust(
        {settings.sts_entity_id: load_sts_certificates(settings)},
        required_privileges=settings.sts_required_privileges.split(),
    )


def load_sts_certificates(settings: Settings) -> tuple[x509.Certificate, ...]:
    """What the STS signs tokens and answers with; raises `SigningKeyUnusable`."""
    try:
        return load_pem(settings.sts_certificate_file)
    except WssError as error:
        raise _unusable(error) from None


def load_revocation(settings: Settings) -> Revocation | None:
    """The policy that the settings choose; None for `none`. Raises a `WssError` naming the file."""
    sources: list[Source] = []
    if settings.revocation.startswith("ocsp"):
        fetch = HttpFetch(settings.ocsp_timeout_seconds)
        follow = settings.ocsp_urls_of_certificates
        sources.append(OcspResponders(settings.ocsp_urls.split(), fetch, follow_certificate=follow))
    if settings.revocation.endswith("crl"):
        sources.append(RevocationLists(load_lists(settings.revocation_lists)))
    if not sources:
        return None
    return Revocation(tuple(sources), settings.revocation_unknown == "accept", _accepted)


def _accepted(subject: str, reason: str) -> None:
    log.warning("certificate taken without knowing whether it is revoked", subject=subject, reason=reason)


def own_files(settings: Settings) -> tuple[Path, ...]:
    """What our signer is made from."""
    return settings.signing_key_file, settings.signing_certificate_file


def trust_files(settings: Settings) -> tuple[Path, ...]:
    """What trust is made from: CAs, the STS, revocation lists when they are used."""
    files = [settings.trusted_ca_file]
    if settings.sts_entity_id:
        files.append(settings.sts_certificate_file)
    if not settings.revocation.endswith("crl"):
        return tuple(files)
    try:
        return (*files, *list_files(settings.revocation_lists))
    except WssError as error:
        raise _unusable(error) from None


def _unusable(error: WssError) -> OpusSoapError:
    return SigningKeyUnusable(element=error.element, value=error.value)


class MessageVerifier(Protocol):
    """What verifies messages: a `Verifier`, or one that follows its files."""

    def verify(
        self,
        data: bytes,
        *,
        now: datetime,
        profile: Callable[[x509.Certificate], str],
        audience: str | None = None,
        known: Callable[[], Iterable[x509.Certificate]] = tuple,
    ) -> VerifiedMessage:
        """As `Verifier.verify`."""

    def check_tls_client(self, certificate: x509.Certificate, *, now: datetime) -> None:
        """As `Verifier.check_tls_client`."""


@dataclass(frozen=True)
class CurrentCertificates:
    """The certificates that the files hold now."""

    source: Reloading[tuple[x509.Certificate, ...]]

    def __iter__(self) -> Iterator[x509.Certificate]:
        return iter(self.source.current())


@dataclass(frozen=True)
class CurrentSigner:
    """Signs with the key that the files hold now."""

    source: Reloading[Signer]

    @property
    def certificate(self) -> x509.Certificate:
        """That of the key that is in use."""
        return self.source.current().certificate

    def sign(
        self,
        body_child: etree._Element,
        addressing: Addressing,
        *,
        now: datetime,
        profile: str = "kombit",
        soap_namespace: str = SOAP11,
        token: etree._Element | None = None,
    ) -> bytes:
        """As `Signer.sign`."""
        return self.source.current().sign(
            body_child, addressing, now=now, profile=profile, soap_namespace=soap_namespace, token=token
        )


@dataclass(frozen=True)
class CurrentVerifier:
    """Trusts what the files say now."""

    source: Reloading[Verifier]

    def verify(
        self,
        data: bytes,
        *,
        now: datetime,
        profile: Callable[[x509.Certificate], str],
        audience: str | None = None,
        known: Callable[[], Iterable[x509.Certificate]] = tuple,
    ) -> VerifiedMessage:
        """As `Verifier.verify`."""
        verifier = self.source.current()
        return verifier.verify(data, now=now, profile=profile, audience=audience, known=known)

    def check_tls_client(self, certificate: x509.Certificate, *, now: datetime) -> None:
        """As `Verifier.check_tls_client`."""
        self.source.current().check_tls_client(certificate, now=now)
