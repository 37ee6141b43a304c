"""Revocation lists in files: read, held against their issuer and the clock, asked about a certificate.

A list counts when the issuer's key signed it, thisUpdate has come and nextUpdate has not, and its scope
holds the certificate (RFC 5280, 5.2 and 6.3). A list that is out of date still refuses what stands on
it: nothing is taken off a list for getting old.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import ExtensionOID

from opus_soap.languages import Both
from opus_soap.wss.certificates import subject_text
from opus_soap.wss.errors_revocation import RevocationListUnusable
from opus_soap.wss.revocation import SKEW, STRONG_HASHES, Standing, State

NAMES = ("*.crl.pem", "*.crl")
MOST_FILES = 64
MOST_BYTES = 64 * 1024 * 1024
"""Of one file; the lists of large issuers are some megabytes."""
_PEM = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
_UNDERSTOOD = {ExtensionOID.ISSUING_DISTRIBUTION_POINT}

Crl = x509.CertificateRevocationList


def list_files(path: Path) -> tuple[Path, ...]:
    """The file itself, or the lists in a folder; raises `RevocationListUnusable`."""
    if not path.exists():
        raise RevocationListUnusable(element=str(path), value=Both("er der ikke", "is not there"))
    if not path.is_dir():
        return (path,)
    found = sorted({file for name in NAMES for file in path.glob(name)})
    if len(found) > MOST_FILES:
        raise RevocationListUnusable(
            element=str(path),
            value=Both(
                f"{len(found)} filer, højst {MOST_FILES}", f"{len(found)} files, at most {MOST_FILES}"
            ),
        )
    return tuple(found)


def load_lists(path: Path) -> tuple[Crl, ...]:
    """Every list of a file (PEM, several in one, or DER) or folder; raises `RevocationListUnusable`."""
    return tuple(crl for file in list_files(path) for crl in _read(file))


def _read(file: Path) -> list[Crl]:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise RevocationListUnusable(
                element=str(file), value=Both(f"mere end {MOST_BYTES} byte", f"more than {MOST_BYTES} bytes")
            )
        data = file.read_bytes()
        if b"-----BEGIN" in data:
            lists = [x509.load_pem_x509_crl(block) for block in _PEM.findall(data)]
        else:
            lists = [x509.load_der_x509_crl(data)]
    except (OSError, ValueError) as error:
        raise RevocationListUnusable(element=str(file), value=error) from None
    if not lists:
        raise RevocationListUnusable(
            element=str(file), value=Both("indeholder ingen spærreliste", "holds no revocation list")
        )
    return lists


class RevocationLists:
    """A source over lists that are at hand; asks nobody."""

    def __init__(self, lists: Sequence[Crl]) -> None:
        self.lists = tuple(lists)
        # by a list's place and an issuer: a list of megabytes is hashed once, not for every message
        self._judged: dict[tuple[int, x509.Certificate], str] = {}

    def standing(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> Standing:
        """What the issuer's lists say; never raises."""
        reasons: list[str] = []
        best: datetime | None = None
        for place, crl in enumerate(self.lists):
            if crl.issuer != issuer.subject:
                continue
            if reason := self._unfit(place, issuer) or _out_of_scope(crl, certificate):
                reasons.append(reason)
                continue
            entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if entry is not None:
                return Standing(
                    State.REVOKED, f"{entry.revocation_date_utc:%Y-%m-%dT%H:%MZ}", crl.next_update_utc
                )
            if reason := out_of_date(crl, now):
                reasons.append(reason)
                continue
            best = max(filter(None, (best, crl.next_update_utc)))
        if best is not None:
            return Standing(State.GOOD, until=best)
        told = "; ".join(dict.fromkeys(reasons)) or f"no revocation list of {subject_text(issuer.subject)}"
        return Standing(State.UNKNOWN, told)

    def _unfit(self, place: int, issuer: x509.Certificate) -> str:
        if (place, issuer) not in self._judged:
            self._judged[place, issuer] = unfit(self.lists[place], issuer)
        return self._judged[place, issuer]


def out_of_date(crl: Crl, now: datetime) -> str:
    """Why a list does not count at `now`; empty when it does."""
    name, following = subject_text(crl.issuer), crl.next_update_utc
    if crl.last_update_utc > now + SKEW:
        return f"the revocation list of {name} is from the future ({crl.last_update_utc:%Y-%m-%dT%H:%MZ})"
    if following is None:
        return f"the revocation list of {name} does not say when the next one comes"
    if following < now - SKEW:
        return f"the revocation list of {name} is out of date since {following:%Y-%m-%dT%H:%MZ}"
    return ""


def unfit(crl: Crl, issuer: x509.Certificate) -> str:
    """Why a list may not be used at all; empty when the issuer signed it and we understand it."""
    name = subject_text(crl.issuer)
    try:
        signed = crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
        unknown = [
            extension.oid.dotted_string
            for extension in crl.extensions
            if extension.critical and extension.oid not in _UNDERSTOOD
        ]
        point = _distribution_point(crl)
        usage = _usage(issuer)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        return f"the revocation list of {name} cannot be read: {error}"
    if not signed:
        return f"the revocation list of {name} is not signed by it"
    if not isinstance(crl.signature_hash_algorithm, STRONG_HASHES):
        return f"the revocation list of {name} is signed with a weak hash"
    if usage is not None and not usage.crl_sign:
        return f"{name} may not sign revocation lists (keyUsage without cRLSign)"
    if unknown:
        return f"the revocation list of {name} has a critical extension that is not known: {unknown[0]}"
    if point is not None and (point.indirect_crl or point.only_some_reasons):
        return f"the revocation list of {name} is indirect, or for some reasons only"
    return ""


def _usage(issuer: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def _distribution_point(crl: Crl) -> x509.IssuingDistributionPoint | None:
    try:
        return crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return None


def _out_of_scope(crl: Crl, certificate: x509.Certificate) -> str:
    """Why a list does not speak of this certificate: issuers may split theirs (RFC 5280, 5.2.5)."""
    point = _distribution_point(crl)
    if point is None:
        return ""
    name = subject_text(crl.issuer)
    if point.only_contains_ca_certs or point.only_contains_attribute_certs:
        return f"the revocation list of {name} is not about certificates of systems"
    if point.relative_name is not None:
        return f"the revocation list of {name} names its part in a way that is not known"
    if point.full_name is None:
        return ""
    try:
        named = set(_full_names(certificate))
    except (ValueError, x509.DuplicateExtension) as error:
        return f"the certificate's distribution points cannot be read: {error}"
    if named.isdisjoint(point.full_name):
        return f"this revocation list of {name} is for another part of its certificates"
    return ""


def _full_names(certificate: x509.Certificate) -> Iterator[x509.GeneralName]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return
    for point in points:
        yield from point.full_name or ()
