"""The checks of `opus-soap doctor`: each says what it found, and what to do when that is not good."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from cryptography import x509
from peewee import PeeweeException

from opus_soap.clock import Clock
from opus_soap.database import connect, connected, disconnect, first_line, sqlite_file
from opus_soap.doctor import extracts, rules
from opus_soap.doctor.connections import connections, models_of_agreements
from opus_soap.doctor.dates import (
    AGREEMENT,
    DAYS_AHEAD,
    ISSUER,
    LIST,
    OWN,
    TLS,
    Dated,
    certificates_in_files,
    lists_in_files,
    of_agreements,
)
from opus_soap.doctor.examination import examine
from opus_soap.doctor.finding import BAD, GOOD, WARNING, Finding
from opus_soap.errors import CertificateFileInvalid, DatabaseFailed, OpusSoapError
from opus_soap.keys import load_own, load_trust
from opus_soap.settings import Settings, shown
from opus_soap.store import content
from opus_soap.store.schema import check_schema
from opus_soap.wss.certificates import load_pem, subject_text
from opus_soap.wss.crl import load_lists, unfit
from opus_soap.wss.errors import WssError

_EVERYBODY_READS, _OTHERS_WRITE = 0o007, 0o022
_RENEW = {
    OWN: "Renew the certificate, put the new files in place (no restart), and send it to the counterparts.",
    TLS: "Renew the certificate of TLS and put the new files in place; new connections use them.",
    ISSUER: "Get the issuer's new CA certificate into OPUS_SOAP_TRUSTED_CA_FILE beside the old one.",
    AGREEMENT: "Ask the system's owner for its new certificate: opus-soap systems certificate add.",
    LIST: "Have the list fetched again; callers of this issuer are refused until then.",
}


def findings(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Every check in turn; leaves no database connected."""
    yield Finding(GOOD, "settings", "readable")
    yield from _attempt("database", lambda: _database(settings))
    yield from _attempt("signing key", lambda: _signing_key(settings, clock))
    yield from _attempt("trust", lambda: _trust(settings))
    yield from _attempt("revocation", lambda: _revocation(settings))
    for name, check in connections(settings):
        yield from _attempt(name, check)
    yield from _attempt("certificates", lambda: _dates(certificates_in_files(settings), clock))
    yield from _list_dates(settings, clock)
    yield from _attempt("agreements", lambda: _agreements(settings, clock))
    yield from _attempt("extracts", lambda: _books(settings, clock))
    yield from _folders(settings)


def _attempt(name: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """A check that ends in an error of ours has found it."""
    try:
        return list(check())
    except OpusSoapError as error:
        return [Finding(BAD, name, str(error), error.remedy_english)]
    except PeeweeException as error:
        failed = DatabaseFailed(value=first_line(error))
        return [Finding(BAD, name, str(failed), failed.remedy_english)]
    except OSError as error:
        return [Finding(BAD, name, f"{error.filename}: {error.strerror}", "Look at path and permissions.")]


def _database(settings: Settings) -> Iterator[Finding]:
    connect(settings.database_url, files=settings.files_folder)
    check_schema()
    yield Finding(GOOD, "database", f"{shown(settings.database_url)}: reachable, its schema current")
    with connected():
        lost = content.first_lost()
    if lost is not None:
        text = f"{settings.files_folder}: a content of this database is not there ({lost[:12]}…)"
        advice = "Mount or name the folder that the server writes to; opus-soap ledger verify tells all."
        yield Finding(BAD, "contents", text, advice)


def _signing_key(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Held against the trusted issuers too: in most environments ours has the same issuer as theirs."""
    signer = load_own(settings)
    yield Finding(
        GOOD, "signing key", f"{settings.signing_key_file}: usable, and its certificate belongs to it"
    )
    try:
        trust, now = load_trust(settings), clock.now()
    except OpusSoapError:  # what it is is told under its own name, trust or revocation
        return
    for line in examine(signer.certificate, trust, now):
        if line.good is not False:
            continue
        # counterparts decide whom they trust, so another issuer than ours is not wrong by itself
        state = WARNING if line.label == "Trust" else BAD
        yield Finding(state, "signing key", f"{line.label}: {line.text}", "See `opus-soap certs check`.")


def _trust(settings: Settings) -> Iterator[Finding]:
    try:
        issuers = load_pem(settings.trusted_ca_file)
    except WssError as error:
        raise CertificateFileInvalid(element=error.element, value=error.value) from None
    if not issuers:
        yield Finding(BAD, "trust", f"{settings.trusted_ca_file} names nobody", "Put the issuing CAs in it.")
        return
    yield Finding(GOOD, "trust", f"{len(issuers)} trusted issuers in {settings.trusted_ca_file}")


def _revocation(settings: Settings) -> Iterator[Finding]:
    if settings.revocation == "none":
        text = "off; a revoked certificate is refused only when its agreement says so"
        yield Finding(WARNING, "revocation", text, "Set OPUS_SOAP_REVOCATION (docs/certificates.md).")
    else:
        yield Finding(GOOD, "revocation", f"{settings.revocation}; unknown: {settings.revocation_unknown}")
        yield from _lists(settings)


def _lists(settings: Settings) -> Iterator[Finding]:
    """Every trusted issuer needs a list that it signed, when lists are used."""
    if not settings.revocation.endswith("crl"):
        return
    try:
        lists = load_lists(settings.revocation_lists)
    except WssError as error:
        remedy = f"Put the lists of the trusted CAs there, or set OPUS_SOAP_REVOCATION_LISTS. {_RENEW[LIST]}"
        text = f"the revocation lists cannot be used: {error.element}: {error.value}"
        yield Finding(BAD, "revocation", text, remedy)
        return
    for issuer in _issuers(settings):
        name = subject_text(issuer.subject)
        reasons = [unfit(crl, issuer) for crl in lists if crl.issuer == issuer.subject]
        if all(reasons):
            text = "; ".join(reasons) or f"no revocation list of {name} in {settings.revocation_lists}"
            yield Finding(BAD, "revocation", text, _RENEW[LIST])


def _issuers(settings: Settings) -> tuple[x509.Certificate, ...]:
    """None when the file cannot be read, which is told under `trust`."""
    try:
        return load_pem(settings.trusted_ca_file)
    except WssError:
        return ()


def _list_dates(settings: Settings, clock: Clock) -> list[Finding]:
    """Nothing when a list cannot be read, which is told under `revocation`."""
    try:
        return list(_dates(lists_in_files(settings), clock))
    except CertificateFileInvalid:
        return []


def _dates(dated: Iterable[Dated], clock: Clock) -> Iterator[Finding]:
    now = clock.now()
    for one in dated:
        check = f"{one.kind}: {one.name}"
        level, days = one.level(now), one.days_left(now)
        if level == 0:
            yield Finding(BAD, check, f"over since {one.ends:%Y-%m-%d}", _RENEW[one.kind])
        elif now < one.starts:
            text = f"not valid before {one.starts:%Y-%m-%d %H:%M} UTC"
            yield Finding(BAD, check, text, "Use the certificate that is valid now; look at the clock.")
        elif level is not None and one.kind != LIST:
            urgent = " (urgent)" if level == DAYS_AHEAD[-1] else ""
            yield Finding(WARNING, check, f"{days} days left{urgent}", _RENEW[one.kind])
        else:
            yield Finding(GOOD, check, f"{days} days left")


def _agreements(settings: Settings, clock: Clock) -> list[Finding]:
    connect(settings.database_url)
    try:
        with connected():
            return [*_dates(of_agreements(), clock), *models_of_agreements(settings)]
    finally:
        disconnect()


def _books(settings: Settings, clock: Clock) -> list[Finding]:
    connect(settings.database_url)
    try:
        with connected():
            return [*extracts.findings(clock), *rules.findings()]
    finally:
        disconnect()


def _folders(settings: Settings) -> Iterator[Finding]:
    for path in (settings.signing_key_file, settings.seal_key_file, settings.tls_key_file):
        if path is not None:
            yield from _secret(path)
    folders = [settings.files_folder, settings.postings_folder, settings.extracts_folder]
    if (file := sqlite_file(settings.database_url)) is not None:
        folders.append(file.parent)
    for folder in folders:
        yield _writable(folder)


def _secret(path: Path) -> Iterator[Finding]:
    """A key that others can read, or put another in place of."""
    if not path.exists():
        return
    if path.stat().st_mode & _EVERYBODY_READS:
        yield Finding(BAD, "permissions", f"{path}: everybody can read it", f"chmod 600 {path}")
    elif path.parent.stat().st_mode & _OTHERS_WRITE:
        text = f"{path.parent}: others can put another key in it"
        yield Finding(BAD, "permissions", text, f"chmod 700 {path.parent}")
    else:
        yield Finding(GOOD, "permissions", f"{path}: ours alone")


def _writable(folder: Path) -> Finding:
    nearest = (
        folder if folder.exists() else next(parent for parent in folder.absolute().parents if parent.exists())
    )
    if not os.access(nearest, os.W_OK | os.X_OK):
        remedy = f"Make it, and give it to the user that runs opus-soap: chown … {folder}"
        return Finding(BAD, "folder", f"{folder}: cannot be written", remedy)
    made = "" if folder.exists() else " (made when it is needed)"
    return Finding(GOOD, "folder", f"{folder}: can be written{made}")
