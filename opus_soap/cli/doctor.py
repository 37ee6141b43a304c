"""`opus-soap doctor`: is everything there that it takes to run, and for how long."""

from __future__ import annotations

import click

from opus_soap.cli.runtime import Runtime, reports_errors
from opus_soap.cli.shown import shown
from opus_soap.doctor.checks import findings
from opus_soap.doctor.finding import BAD, GOOD


@click.command()
@click.option("--quiet", is_flag=True, help="Only what is not ok.")
@click.pass_obj
@reports_errors
def doctor(runtime: Runtime, quiet: bool) -> None:
    """Check settings, database, keys, certificates, revocation lists and folders.

    A line for each check, and the remedy below one that is not ok. Exit status 1 when one has failed;
    a certificate that ends within 60, 30 or 7 days is a warning.
    """
    failed = False
    for finding in findings(runtime.settings, runtime.clock):
        failed = failed or finding.state == BAD
        if quiet and finding.state == GOOD:
            continue
        click.echo(shown(f"{finding.state:8} {finding.check}: {finding.text}"))
        if finding.remedy:
            click.echo(shown(f"      →  {finding.remedy}"))
    if failed:
        raise SystemExit(1)
