"""`opus-soap certs`: make an example PKI, look at a certificate."""

from __future__ import annotations

import re
from pathlib import Path

import click
from cryptography import x509

from opus_soap.cli.runtime import Runtime, reports_errors
from opus_soap.errors import CertificateFileInvalid, CertificatesPresent
from opus_soap.wss import pki
from opus_soap.wss.certificates import load_pem, subject_text, thumbprint
from opus_soap.wss.errors import WssError

_CVR = re.compile(r"CVR:(\d{8})")


@click.group()
def certs() -> None:
    """Create and show certificates."""


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
