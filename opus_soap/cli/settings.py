"""`opus-soap settings`: every setting, its value and where to set it."""

from __future__ import annotations

import click

from opus_soap.cli.runtime import Runtime, reports_errors
from opus_soap.cli.shown import listing
from opus_soap.settings import shown
from opus_soap.settings_sources import PREFIX


@click.command()
@click.pass_obj
@reports_errors
def settings(runtime: Runtime) -> None:
    """Show every setting: environment variable, value, meaning."""
    table = listing("Environment variable", "Value", "Meaning", title="Settings")
    values = runtime.settings
    for name, field in type(values).model_fields.items():
        table.add_row(f"{PREFIX}{name.upper()}", shown(getattr(values, name)), field.description)
    runtime.console.print(table)
