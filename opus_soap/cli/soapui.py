"""`opus-soap soapui`: projects to open in SoapUI."""

from __future__ import annotations

from pathlib import Path

import click

from opus_soap.cli.runtime import Runtime, reports_errors
from opus_soap.soapui.security import PARTS
from opus_soap.wss import pki


@click.group()
def soapui() -> None:
    """Projects for SoapUI."""


@soapui.command()
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write."
)
@click.option("--url", default="http://127.0.0.1:8080", help="Where opus-soap listens.")
@click.option(
    "--keys",
    default="var/secrets",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of `certs create`.",
)
@click.option("--system", default="case-system", help="Whose key signs: SYSTEM.p12 in that folder.")
@click.option("--password", help="Of SYSTEM.p12; without it the example's.")
@click.option(
    "--profile",
    default="basic",
    type=click.Choice(list(PARTS)),
    help="The profile of the system's agreement: what is signed.",
)
@click.pass_obj
@reports_errors
def export(
    runtime: Runtime, out: Path, url: str, keys: Path, system: str, password: str | None, profile: str
) -> None:
    """Write a SoapUI 5 project for each service: contract, signed requests, a test suite.

    The keystores stand beside the projects; a copy of the key is among them.
    """
    from opus_soap.app import services
    from opus_soap.soapui.export import export as write

    written = write(
        services(runtime.settings, runtime.clock),
        out,
        url=url,
        keystore=keys / f"{system}.p12",
        password=pki.example().pkcs12_password if password is None else password,
        trusted=(runtime.settings.signing_certificate_file, runtime.settings.trusted_ca_file),
        profile=profile,
    )
    for path in written:
        click.echo(str(path))
    click.echo(
        f"Open the projects in SoapUI. The agreement of {system} must have the profile {profile}: "
        f"opus-soap systems change NAME --profile {profile}"
    )
