"""`opus-soap messages`: the message archive and the outbox."""

from __future__ import annotations

import click

from opus_soap.cli.runtime import Runtime, reports_errors
from opus_soap.cli.shown import listing, local
from opus_soap.store import archive, content
from opus_soap.store.models import OutboxEntry


@click.group()
def messages() -> None:
    """Read the message archive."""


@messages.command("list")
@click.option("--limit", default=50, type=click.IntRange(1, 10_000), help="How many, newest first.")
@click.option("--outcome", help="Only those that ended so: ok, sent, or a code such as WSS-060.")
@click.pass_obj
@reports_errors
def list_messages(runtime: Runtime, limit: int, outcome: str | None) -> None:
    """List messages, newest first.

    A call of ours is kept before it goes, as `sent`; its reply, or that none came (TRA-001), has its own row.
    """
    runtime.open_database()
    table = listing("No.", "At", "", "System", "Endpoint", "HTTP", "Outcome")
    for row in archive.latest(limit, outcome=outcome):
        system = row.system.name if row.system else "-"
        table.add_row(
            str(row.id),
            local(row.at),
            row.direction,
            system,
            row.endpoint,
            str(row.http_status or ""),
            row.outcome,
        )
    runtime.console.print(table)


@messages.command()
@click.argument("identifier")
@click.option("--raw", is_flag=True, help="Print the bytes as they were sent or received.")
@click.pass_obj
@reports_errors
def show(runtime: Runtime, identifier: str, raw: bool) -> None:
    """Show a message by its number, MessageID or correlation id (a fault gives one)."""
    runtime.open_database()
    for row in archive.find(identifier):
        if raw:
            click.echo(content.get(row.content.sha256), nl=False)
            continue
        click.echo(f"{row.id}  {row.direction}  {local(row.at)}  {row.outcome}  {row.endpoint}")
        click.echo(f"    correlation {row.correlation_id}, MessageID {row.message_id or '-'}")
        click.echo(f"    action {row.action or '-'}, sha256 {row.content.sha256}, {row.content.size} bytes")


@messages.command()
@click.pass_obj
@reports_errors
def outbox(runtime: Runtime) -> None:
    """List what waits to be sent, and what is parked."""
    runtime.open_database()
    table = listing("Subject", "Kind", "System", "State", "Attempts", "Next", "Last error")
    waiting = OutboxEntry.select().where(
        OutboxEntry.state.in_([OutboxEntry.PENDING, OutboxEntry.LEASED, OutboxEntry.PARKED])
    )
    for row in waiting.order_by(OutboxEntry.id):
        table.add_row(
            row.subject,
            row.kind,
            row.system.name,
            row.state,
            str(row.attempts),
            local(row.next_attempt_at),
            row.last_error,
        )
    runtime.console.print(table)
