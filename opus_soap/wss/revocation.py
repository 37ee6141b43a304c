"""Whether a certificate is revoked: what the sources say, and what happens when none of them knows.

Sources are revocation lists (`wss.crl`) and OCSP responders (`wss.ocsp`). Each tells a standing; the
policy asks them in turn until one knows. Trust anchors themselves are not asked about: whoever doubts
one takes it out of the trust store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from opus_soap.wss.certificates import subject_text
from opus_soap.wss.errors import CertificateRevoked
from opus_soap.wss.errors_revocation import RevocationUnknown

SKEW = timedelta(minutes=5)
"""Allowed difference between the issuer's clock and ours, in thisUpdate and nextUpdate."""
STRONG_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
"""What a list or an answer may be signed with."""


class State(Enum):
    """What a source knows of a certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Standing:
    """A source's word. `detail` says since when or why not; `until` is its nextUpdate, when it has one."""

    state: State
    detail: str = ""
    until: datetime | None = None


class Source(Protocol):
    """What can be asked about a certificate."""

    def standing(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> Standing:
        """The standing of a certificate that `issuer` has issued; never raises."""
        ...


@dataclass(frozen=True)
class Revocation:
    """A policy: the sources in the order in which they are asked, and what no answer means."""

    sources: tuple[Source, ...]
    accept_unknown: bool = False
    """Whether a certificate is taken when no source knows it; refused otherwise."""
    on_accepted: Callable[[str, str], None] = lambda _subject, _reason: None
    """Told of every certificate that is taken without an answer: subject and reason, for the log."""

    def check(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
        """Raises `CertificateRevoked`, or `RevocationUnknown` when that is to be refused."""
        subject = subject_text(certificate.subject)
        found = self.standing(certificate, issuer, now)
        if found.state is State.REVOKED:
            raise CertificateRevoked(element=subject, value=found.detail)
        if found.state is State.UNKNOWN:
            if not self.accept_unknown:
                raise RevocationUnknown(element=subject, value=found.detail)
            self.on_accepted(subject, found.detail)

    def standing(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> Standing:
        """The first answer of a source that knows; else why none of them does."""
        reasons = []
        for source in self.sources:
            found = source.standing(certificate, issuer, now)
            if found.state is not State.UNKNOWN:
                return found
            reasons.append(found.detail)
        return Standing(State.UNKNOWN, "; ".join(reasons) or "there is no source")
