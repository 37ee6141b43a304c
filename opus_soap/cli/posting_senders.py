"""`opus-soap postings senders`: who may deliver files of postings, and what they show at the door."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from opus_soap.cli.amounts import ore
from opus_soap.cli.runtime import Runtime, actor, reports_errors
from opus_soap.cli.shown import listing, local
from opus_soap.errors import PostingSenderUnknown
from opus_soap.interfaces.postings_in import agreeing
from opus_soap.ledger.master_data import find_municipality
from opus_soap.store import agreements, credentials
from opus_soap.store.models import PostingSender

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_MUNICIPALITY = click.option("--municipality", default="999", help="Municipality code, three digits.")
_LONGEST_KEY = 16_384  # bytes
_NAME = click.option("--name", default="", help="What people call it: whose it is, where it lies.")


@click.group()
def senders() -> None:
    """Who may deliver files of postings."""


def _release_limits(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> dict[str, int | None] | None:
    """Øre by type, None where nothing stands behind the sign; no type at all for an empty text."""
    if given == ("",):
        return {}
    limits: dict[str, int | None] = {}
    for text in given:
        kind, sign, kroner = text.partition("=")
        if not sign or not re.fullmatch(r"[A-Za-z0-9]{2}|\*", kind):
            raise click.BadParameter(f"{text} is not TYPE=KRONER, such as SA=100000 or *=0")
        limits[kind.upper()] = ore(kroner) if kroner else None
    return limits or None


def _several(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> list[str] | None:
    """All that was given; None for nothing, and nothing for an empty text."""
    return [text for text in given if text] if given else None


@senders.command("add")
@click.argument("sender_id")
@click.option("--short", help="Its four characters in the file name; a new sender needs them.")
@click.option("--name", help="What it is called; a new sender needs it.")
@click.option(
    "--company-code",
    "company_codes",
    multiple=True,
    callback=_several,
    help="All that it may post in (repeat; a new sender in every one; '' for every one again).",
)
@click.option(
    "--document-type",
    "document_types",
    multiple=True,
    callback=_several,
    help="All that it may post (repeat; a new sender every one; '' for every one again).",
)
@click.option(
    "--release-above",
    multiple=True,
    callback=_release_limits,
    help="TYPE=KRONER: larger vouchers of this type (* any other) wait for a second person (repeat); "
    "TYPE= takes this limit away, '' all of them.",
)
@click.option("--system", help="Name or UUID: who signs its messages to FinansbilagModtag; '' for nobody.")
@click.option(
    "--booked-receipts/--no-booked-receipts",
    default=None,
    help="Whether it wants the third receipt, …_BOGFOERT.xml, too.",
)
@click.option(
    "--own-rates/--no-own-rates",
    default=None,
    help="Whether its EXCH_RATE is taken where the municipality has no rate to hold it against.",
)
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def add_sender(runtime: Runtime, /, sender_id: str, municipality: str, **options: Any) -> None:
    """Make an agreement with the sender whose files say SENDER_ID, or bring it up to date.

    What is not given stays as it is. A sender that was stopped is taken back.
    """
    runtime.open_database()
    find_municipality(municipality)
    given = {name: value for name, value in options.items() if value is not None}
    if "system" in given:
        given["system"] = agreements.find_system(given["system"]) if given["system"] else None
    sender, changes = agreeing.agree(municipality, sender_id, given, actor=actor(), clock=runtime.clock)
    click.echo(f"{sender.name}: {sender_id} ({sender.short})")
    for change in changes:
        click.echo(
            f"  {change.fact}: {change.old} → {change.new}"
            if change.old
            else f"  {change.fact}: {change.new}"
        )


@senders.command("list")
@click.pass_obj
@reports_errors
def list_senders(runtime: Runtime) -> None:
    """List the agreements with senders."""
    runtime.open_database()
    table = listing(
        *("Municipality", "Sender", "Short", "Name", "Company codes", "Document types"),
        *("Waits above", "Third receipt", "System", "State"),
    )
    for row in PostingSender.select().order_by(PostingSender.municipality, PostingSender.sender_id):
        table.add_row(
            row.municipality,
            row.sender_id,
            row.short,
            row.name,
            ", ".join(row.company_codes) or "all",
            ", ".join(row.document_types) or "all",
            agreeing.limits_told(row.release_above) or "-",
            "yes" if row.booked_receipts else "-",
            row.system.name if row.system is not None else "-",
            "" if row.active else "stopped",
        )
    runtime.console.print(table)


@senders.command()
@click.argument("sender_id")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def stop(runtime: Runtime, sender_id: str, municipality: str) -> None:
    """Take nothing from a sender any more; `add` takes it back."""
    sender = _sender(runtime, municipality, sender_id)
    agreeing.stop(sender, actor=actor(), clock=runtime.clock)
    click.echo(f"{sender.name}: {sender_id} (stopped)")


@senders.command()
@click.argument("sender_id")
@click.argument("file", type=_FILE)
@_NAME
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def key(runtime: Runtime, sender_id: str, file: Path, name: str, municipality: str) -> None:
    """Let a sender in over SFTP with the SSH public key in FILE (`id_ed25519.pub`)."""
    sender = _sender(runtime, municipality, sender_id)
    line = file.read_bytes()[:_LONGEST_KEY].decode("utf-8", "replace")
    added = credentials.add_key(sender, line, name or file.name, actor=actor(), clock=runtime.clock)
    click.echo(f"{sender_id}: key no. {added.id}")


@senders.command()
@click.argument("sender_id")
@click.option("--file", type=_FILE, help="Its first line is the password; asked for when left out.")
@_NAME
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def password(runtime: Runtime, sender_id: str, file: Path | None, name: str, municipality: str) -> None:
    """Let a sender in over SFTP with a password, and no longer with the one before."""
    sender = _sender(runtime, municipality, sender_id)
    if file is None:
        secret = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        secret = (file.read_text(encoding="utf-8").splitlines() or [""])[0]
    added = credentials.set_password(sender, secret, name, actor=actor(), clock=runtime.clock)
    click.echo(f"{sender_id}: password no. {added.id}")


@senders.command()
@click.argument("sender_id")
@_NAME
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def token(runtime: Runtime, sender_id: str, name: str, municipality: str) -> None:
    """Let a sender in over HTTP with a new token, which is told now and never again."""
    sender = _sender(runtime, municipality, sender_id)
    click.echo(credentials.issue_token(sender, name, actor=actor(), clock=runtime.clock))


@senders.command("credentials")
@click.argument("sender_id")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def list_credentials(runtime: Runtime, sender_id: str, municipality: str) -> None:
    """List what a sender is let in with; no secret is shown."""
    sender = _sender(runtime, municipality, sender_id)
    table = listing("No.", "Kind", "Name", "Since")
    for row in credentials.of_sender(sender):
        table.add_row(str(row.id), row.kind, row.name, local(row.created_at))
    runtime.console.print(table)


@senders.command()
@click.argument("sender_id")
@click.argument("number", type=int)
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def revoke(runtime: Runtime, sender_id: str, number: int, municipality: str) -> None:
    """Let nobody in with a sender's credential NUMBER any more."""
    sender = _sender(runtime, municipality, sender_id)
    credentials.revoke(credentials.find(sender, number), actor=actor(), clock=runtime.clock)
    click.echo(f"{sender_id}: no. {number} revoked")


def _sender(runtime: Runtime, municipality: str, sender_id: str) -> PostingSender:
    runtime.open_database()
    found: PostingSender | None = PostingSender.get_or_none(
        PostingSender.municipality == municipality, PostingSender.sender_id == sender_id
    )
    if found is None:
        raise PostingSenderUnknown(value=sender_id[:40], expected=municipality)
    return found
