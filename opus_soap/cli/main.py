"""`opus-soap`: one group per room, each imported only when it is used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from io import TextIOWrapper

import click

from opus_soap import __version__
from opus_soap.cli.runtime import Runtime
from opus_soap.settings import also_reads

# command → (module, attribute, one line of help); the help is here so that --help imports nothing
COMMANDS = {
    "certs": ("opus_soap.cli.certs", "certs", "Create, show and check certificates."),
    "database": ("opus_soap.cli.database", "database", "Migrate and check the database."),
    "doctor": ("opus_soap.cli.doctor", "doctor", "Check that all is there that it takes to run."),
    "demo": ("opus_soap.cli.demo", "demo", "Run the whole loop with a synthetic municipality."),
    "explain": ("opus_soap.cli.explain", "explain", "A signed message, step by step, and what to change."),
    "generate": ("opus_soap.cli.generate", "generate", "Fill the books with made-up postings."),
    "invoices": ("opus_soap.cli.invoices", "invoices", "Import, send and follow invoices (SF1590_D)."),
    "extracts": ("opus_soap.cli.extracts", "extracts", "Extracts: subscribe, run, show, verify, deliver."),
    "schedule": ("opus_soap.cli.schedule", "schedule", "The calendar of extracts: list, next, run-due."),
    "ledger": ("opus_soap.cli.ledger", "ledger", "Verify and read the books."),
    "master-data": ("opus_soap.cli.master_data", "master_data", "Load and list accounts and dimensions."),
    "messages": ("opus_soap.cli.messages", "messages", "Read the message archive."),
    "organisation": ("opus_soap.cli.organisation", "organisation", "Units and employees: load, list."),
    "postings": ("opus_soap.cli.postings", "postings", "Take in files of postings (posteringer IND)."),
    "serve": ("opus_soap.cli.serve", "serve", "Run the SOAP server (gunicorn)."),
    "settings": ("opus_soap.cli.settings", "settings", "Show every setting and its value."),
    "simulate": ("opus_soap.cli.simulate", "simulate", "Run a simulated case system."),
    "soapui": ("opus_soap.cli.soapui", "soapui", "Write projects for SoapUI."),
    "systems": ("opus_soap.cli.systems", "systems", "Agreements: systems, certificates, routing."),
    "vouchers": ("opus_soap.cli.vouchers", "vouchers", "Release what is parked; reverse."),
    "worker": ("opus_soap.cli.worker", "worker", "Send what waits in the outbox."),
}


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is called, so that the command line starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, or None when there is no such."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"auto_envvar_prefix": "OPUS_SOAP", "show_default": True})
@click.option("--database-url", help="The books, e.g. sqlite:///var/opus-soap.sqlite3.")
@click.version_option(__version__, prog_name="opus-soap", allow_from_autoenv=False)
@click.pass_context
def main(context: click.Context, database_url: str | None) -> None:
    """The finance system's side of a Danish municipality's integrations."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a letter that cannot be shown; in a file it must not be lost
            stream.reconfigure(errors="replace" if stream.isatty() else "backslashreplace")
    context.obj = Runtime({"database_url": database_url} if database_url else {})


def option_variables() -> set[str]:
    """The environment variable of every option of every command (imports them all)."""
    return set(_variables(main, click.Context(main, auto_envvar_prefix="OPUS_SOAP")))


def _variables(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield f"{context.auto_envvar_prefix}_{(parameter.name or '').upper()}"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _variables(child, click.Context(child, info_name=name, parent=context))


also_reads(option_variables)
