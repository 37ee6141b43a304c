"""`opus-soap certs`: make an example PKI, look at a certificate, say whether it will do."""

from __future__ import annotations

import re
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from opus_soap.cli.runtime import Runtime, reports_errors
from opus_soap.cli.shown import shown
from opus_soap.doctor.examination import examine, load_key
from opus_soap.errors import CertificateFileInvalid, CertificatesPresent
from opus_soap.keys import load_trust
from opus_soap.wss import pki
from opus_soap.wss.certificates import TrustStore, load_pem, subject_text, thumbprint
from opus_soap.wss.errors import WssError

_CVR = re.compile(r"CVR:(\d{8})")


@click.group()
def certs() -> None:
    """Create, show and check certificates."""


@certs.command("create")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write."
)
@click.option(
    "--definition",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Declarative PKI (TOML); without it the one in certs-example.",
)
@click.option("--force", is_flag=True, help="Replace certificates that are already there.")
@click.pass_obj
@reports_errors
def create(runtime: Runtime, out: Path, definition: Path | None, force: bool) -> None:
    """Make keys and certificates (PEM and PKCS#12) for trying things out."""
    if (out / "ca.pem").exists() and not force:
        raise CertificatesPresent(element=str(out))
    try:
        declared = pki.load_definition(definition) if definition else pki.example()
        made = pki.create(declared, out, now=runtime.clock.now())
    except (WssError, OSError) as error:
        raise CertificateFileInvalid(element=str(definition or out), value=error) from None
    for name, issued in made.certificates.items():
        click.echo(f"{name:20} {thumbprint(issued.certificate)}  {subject_text(issued.certificate.subject)}")
    click.echo(
        f"{len(made.files)} files in {out}; ca.pem holds the trusted issuers, *.key.pem are yours alone"
    )


@certs.command("show")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
@reports_errors
def show(runtime: Runtime, file: Path) -> None:
    """Print every certificate in a PEM file: names, CVR, validity, thumbprint."""
    try:
        certificates = load_pem(file)
    except WssError as error:
        raise CertificateFileInvalid(element=str(file), value=error.value) from None
    now = runtime.clock.now()
    for certificate in certificates:
        click.echo("\n".join(_described(certificate, now >= certificate.not_valid_after_utc)))


@certs.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="Private key of the first FILE.")
@click.pass_obj
@reports_errors
def check(runtime: Runtime, files: tuple[Path, ...], key: Path | None) -> None:
    """Say of each certificate who issued it, whether it is trusted, valid, fit to sign, and revoked.

    Without FILES: our own certificate with its key, and the trusted issuers. Trust and revocation are
    those of the settings. Exit status 1 when something is wrong.
    """
    settings = runtime.settings
    try:
        trust = load_trust(settings)
        if not files:
            key = key or settings.signing_key_file
            files = (settings.signing_certificate_file, settings.trusted_ca_file)
        wrong = 0
        for number, file in enumerate(files):
            private = load_key(str(key), key.read_bytes()) if key and number == 0 else None
            wrong += _checked(file, trust, runtime, private)
    except WssError as error:
        raise CertificateFileInvalid(element=error.element, value=error.value) from None
    if wrong:
        click.echo(f"{wrong} things are wrong")
        raise SystemExit(1)


def _checked(file: Path, trust: TrustStore, runtime: Runtime, key: PrivateKeyTypes | None) -> int:
    """Print what there is to say about a file's certificates; a key belongs to the first of them."""
    wrong = 0
    for certificate in load_pem(file):
        click.echo(str(file))
        for line in examine(certificate, trust, runtime.clock.now(), key):
            mark = {True: "ok", False: "WRONG", None: ""}[line.good]
            click.echo(shown(f"  {mark:6} {line.label:11} {line.text}"))
            wrong += line.good is False
        key = None
    return wrong


def _described(certificate: x509.Certificate, expired: bool) -> list[str]:
    subject = subject_text(certificate.subject)
    cvr = _CVR.search(subject)
    return [
        f"Subject     {subject}",
        f"Issuer      {subject_text(certificate.issuer)}",
        f"CVR         {cvr[1] if cvr else '-'}",
        f"Serial      {certificate.serial_number:x}",
        f"Valid       {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} – "
        f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC{'  EXPIRED' if expired else ''}",
        f"Thumbprint  {thumbprint(certificate)}  (SHA-256)",
    ]
