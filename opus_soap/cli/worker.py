"""`opus-soap worker`: send what waits in the outbox."""

from __future__ import annotations

import click

from opus_soap.cli.runtime import Runtime, reports_errors


@click.command()
@click.option("--once", is_flag=True, help="Send all that is due now, then end.")
@click.pass_obj
@reports_errors
def worker(runtime: Runtime, once: bool) -> None:
    """Send what waits in the outbox. SIGTERM ends it after the message under way."""
    from opus_soap.app import build_worker, calendar
    from opus_soap.transport.queue import run

    built = build_worker(runtime.settings, runtime.clock)
    if once:
        tried = 0
        while batch := built.run_once():
            tried += batch
        click.echo(f"{tried} messages tried")
        return
    click.echo(f"worker {built.name} is running")
    run(built, runtime.settings, calendar(runtime.settings, runtime.clock))
