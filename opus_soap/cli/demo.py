"""`opus-soap demo`: the whole loop, with everything it needs."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from opus_soap.cli.runtime import Runtime, reports_errors
from opus_soap.settings import SECURITY_MODELS


@click.command()
@click.option("--once", is_flag=True, help="End after the table; exit status 0 only if all was booked.")
@click.option("--port", default=8080, type=int, help="Port of the server; another when it is taken.")
@click.option("--case-port", default=8081, type=int, help="Port of the simulated case system.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep database, keys and logs in this folder.")
@click.option(
    "--security-model",
    default="token",
    type=click.Choice(SECURITY_MODELS),
    help="How the two sides are known to each other; context: by TLS client certificates.",
)
@click.pass_obj
@reports_errors
def demo(
    runtime: Runtime, once: bool, port: int, case_port: int, keep: Path | None, security_model: str
) -> None:
    """Invoices out for approval over secured SOAP, back with their account assignment, into the books."""
    from opus_soap.demo.run import run_demo

    try:
        good = run_demo(
            Console(),
            runtime.clock,
            security_model=security_model,
            once=once,
            opus_port=port,
            case_port=case_port,
            keep=keep,
        )
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    raise SystemExit(0 if good else 1)
