"""`opus-soap postings senders`: who may deliver files of postings, and what they show at the door."""

from __future__ import annotations

import re
from pathlib import Path

import click

from opus_soap.cli.runtime import Runtime, actor, reports_errors
from opus_soap.cli.shown import listing, local
from opus_soap.cli.vouchers import amount
from opus_soap.database import transaction
from opus_soap.errors import AgreementInvalid, PostingSenderUnknown
from opus_soap.ledger.master_data import find_municipality
from opus_soap.store import agreements, audit, credentials
from opus_soap.store.models import PostingSender, System

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_MUNICIPALITY = click.option("--municipality", default="999", help="Municipality code, three digits.")
_LONGEST_KEY = 16_384  # bytes
_NAME = click.option("--name", default="", help="What people call it: whose it is, where it lies.")


@click.group()
def senders() -> None:
    """Who may deliver files of postings."""


def _release_limits(
    context: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> dict[str, int]:
    limits = {}
    for text in given:
        kind, _, kroner = text.partition("=")
        if not re.fullmatch(r"[A-Za-z0-9]{2}|\*", kind):
            raise click.BadParameter(f"{text} is not TYPE=KRONER, such as SA=100000 or *=0")
        limits[kind.upper()] = amount(context, option, kroner)
    return limits


@senders.command("add")
@click.argument("sender_id")
@click.option("--short", required=True, help="Its four characters in the file name.")
@click.option("--name", required=True, help="What it is called.")
@click.option("--company-code", "codes", multiple=True, help="It may post in (repeat; all when left out).")
@click.option("--document-type", "types", multiple=True, help="It may post (repeat; all when left out).")
@click.option(
    "--release-above",
    "limits",
    multiple=True,
    callback=_release_limits,
    help="TYPE=KRONER: larger vouchers of this type (* any other) wait for a second person (repeat).",
)
@click.option("--system", help="Name or UUID: who signs its messages to FinansbilagModtag.")
@click.option("--booked-receipts", is_flag=True, help="It wants the third receipt, …_BOGFOERT.xml, too.")
@click.option(
    "--own-rates/--no-own-rates",
    default=None,
    help="Whether its EXCH_RATE is taken where the municipality has no rate to hold it against.",
)
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def add_sender(
    runtime: Runtime,
    sender_id: str,
    short: str,
    name: str,
    codes: tuple[str, ...],
    types: tuple[str, ...],
    limits: dict[str, int],
    system: str | None,
    booked_receipts: bool,
    own_rates: bool | None,
    municipality: str,
) -> None:
    """Make an agreement with the sender whose files say SENDER_ID, or bring it up to date."""
    runtime.open_database()
    find_municipality(municipality)
    if len(short) != 4 or not (short.isascii() and short.isalnum()):
        raise AgreementInvalid(element="--short", value=short, expected="four letters or digits")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", sender_id):  # its folder is called so
        expected = "1–40 letters, digits, _ or -"
        raise AgreementInvalid(element="SENDER_ID", value=sender_id[:60], expected=expected)
    facts = {
        "short": short,
        "name": name,
        "company_codes": list(codes),
        "document_types": list(types),
        "release_above": limits,
        "booked_receipts": booked_receipts,
        "own_rates": bool(own_rates),
        "system": _system(system, municipality, sender_id),
    }
    key = (PostingSender.municipality == municipality) & (PostingSender.sender_id == sender_id)
    with transaction():
        if not PostingSender.update(active=True, **facts).where(key).execute():
            PostingSender.create(municipality=municipality, sender_id=sender_id, **facts)
    click.echo(f"{name}: {sender_id} ({short})")


@senders.command("list")
@click.pass_obj
@reports_errors
def list_senders(runtime: Runtime) -> None:
    """List the agreements with senders."""
    runtime.open_database()
    table = listing("Municipality", "Sender", "Short", "Name", "Company codes", "Document types")
    for row in PostingSender.select().order_by(PostingSender.municipality, PostingSender.sender_id):
        codes, types = ", ".join(row.company_codes) or "all", ", ".join(row.document_types) or "all"
        name = row.name if row.active else f"{row.name} (stopped)"
        table.add_row(row.municipality, row.sender_id, row.short, name, codes, types)
    runtime.console.print(table)


@senders.command()
@click.argument("sender_id")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def stop(runtime: Runtime, sender_id: str, municipality: str) -> None:
    """Take nothing from a sender any more; `add` takes it back."""
    sender = _sender(runtime, municipality, sender_id)
    with transaction():
        PostingSender.update(active=False).where(PostingSender.id == sender.id).execute()
        audit.record(
            "posting_sender.stopped",
            sender_id,
            actor=actor(),
            at=runtime.clock.now(),
            municipality=municipality,
        )
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


def _system(name: str | None, municipality: str, sender_id: str) -> System | None:
    """A system of the municipality's that signs for nobody else."""
    if name is None:
        return None
    found = agreements.find_system(name)
    if found.municipality != municipality:
        raise AgreementInvalid(element="--system", value=name, expected=f"a system of {municipality}")
    other = PostingSender.get_or_none(PostingSender.system == found, PostingSender.sender_id != sender_id)
    if other is not None:
        raise AgreementInvalid(element="--system", value=name, expected=f"not that of {other.sender_id}")
    return found


def _sender(runtime: Runtime, municipality: str, sender_id: str) -> PostingSender:
    runtime.open_database()
    found: PostingSender | None = PostingSender.get_or_none(
        PostingSender.municipality == municipality, PostingSender.sender_id == sender_id
    )
    if found is None:
        raise PostingSenderUnknown(value=sender_id[:40], expected=municipality)
    return found
