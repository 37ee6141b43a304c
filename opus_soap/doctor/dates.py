"""Everything that ends on a day: our certificate, those of the CAs, of the agreements, revocation lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from cryptography import x509

from opus_soap.clock import Clock
from opus_soap.errors import CertificateFileInvalid, mask_cpr
from opus_soap.settings import Settings
from opus_soap.store.models import System, SystemCertificate
from opus_soap.wss.certificates import load_pem, subject_text
from opus_soap.wss.crl import load_lists
from opus_soap.wss.errors import WssError

log = structlog.get_logger("opus_soap.doctor")

DAYS_AHEAD = (60, 30, 7)
"""Days before the end at which it is warned; the last one loudly."""
OWN, TLS, ISSUER, AGREEMENT, LIST = "own", "tls", "issuer", "agreement", "revocation list"


@dataclass(frozen=True)
class Dated:
    """Something that ends. `kind` is one of the names above."""

    kind: str
    name: str
    starts: datetime
    ends: datetime

    def days_left(self, now: datetime) -> int:
        """Whole days until the end; negative after it."""
        return (self.ends - now) // timedelta(days=1)

    def level(self, now: datetime) -> int | None:
        """The least of `DAYS_AHEAD` that it is within, 0 when it is over; None: there is time."""
        if now > self.ends:
            return 0
        within = [days for days in DAYS_AHEAD if self.days_left(now) < days]
        return min(within, default=None)


def in_files(settings: Settings) -> Iterator[Dated]:
    """What the settings' files hold; raises `CertificateFileInvalid` naming the one that cannot be read."""
    yield from certificates_in_files(settings)
    yield from lists_in_files(settings)


def certificates_in_files(settings: Settings) -> Iterator[Dated]:
    """The certificates among them; raises as `in_files`."""
    with _naming_the_file():
        yield from _certificates(OWN, load_pem(settings.signing_certificate_file)[:1])
        if settings.tls_certificate_file is not None:
            yield from _certificates(TLS, load_pem(settings.tls_certificate_file)[:1])
        yield from _certificates(ISSUER, load_pem(settings.trusted_ca_file))


def lists_in_files(settings: Settings) -> Iterator[Dated]:
    """The revocation lists of trusted issuers, where lists are used; raises as `in_files`."""
    if not settings.revocation.endswith("crl"):
        return
    with _naming_the_file():
        names = {issuer.subject for issuer in load_pem(settings.trusted_ca_file)}
        for crl in load_lists(settings.revocation_lists):
            if crl.issuer in names:  # others may lie beside them
                ends = crl.next_update_utc or crl.last_update_utc
                yield Dated(LIST, subject_text(crl.issuer), crl.last_update_utc, ends)


@contextmanager
def _naming_the_file() -> Iterator[None]:
    try:
        yield
    except WssError as error:
        raise CertificateFileInvalid(element=error.element, value=error.value) from None


def _certificates(kind: str, certificates: Iterable[x509.Certificate]) -> Iterator[Dated]:
    for one in certificates:
        name = mask_cpr(subject_text(one.subject))
        yield Dated(kind, name, one.not_valid_before_utc, one.not_valid_after_utc)


def of_agreements() -> Iterator[Dated]:
    """The certificate of each running agreement that ends last: an older one may, once there is a newer."""
    rows = (
        SystemCertificate.select(SystemCertificate, System)
        .join(System)
        .where(System.active, SystemCertificate.revoked_at.is_null())
        .order_by(System.municipality, System.name, SystemCertificate.valid_to.desc())
    )
    seen: set[int] = set()
    for row in rows:
        if row.system.id not in seen:
            seen.add(row.system.id)
            name = f"{row.system.municipality} {mask_cpr(row.system.name)}"
            yield Dated(AGREEMENT, name, row.valid_from, row.valid_to)


def log_ending(settings: Settings, clock: Clock) -> None:
    """A line in the log for everything that ends soon. Lists are renewed often: they count when over."""
    now = clock.now()
    try:
        everything = [*in_files(settings), *of_agreements()]
    except CertificateFileInvalid as error:
        log.error("certificates not read", reason=str(error))
        return
    for one in everything:
        level = one.level(now)
        if level is None or (one.kind == LIST and level > 0):
            continue
        tell = log.error if level <= DAYS_AHEAD[-1] else log.warning
        tell("over" if level == 0 else "ends soon", what=one.kind, name=one.name,
             ends=f"{one.ends:%Y-%m-%d}", days=one.days_left(now))  # fmt: skip
