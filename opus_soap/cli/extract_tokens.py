"""`opus-soap extracts token`: what a receiver shows to download the extracts of a subscription."""

from __future__ import annotations

import click

from opus_soap.cli.runtime import Runtime, actor, reports_errors
from opus_soap.cli.shown import listing, local, shown
from opus_soap.extracts import tokens
from opus_soap.extracts.ordering import find_subscription
from opus_soap.store.extract_models import ExtractToken


@click.command()
@click.argument("subscription_name", metavar="NAME")
@click.option("--name", "holder", help="Make a token; whose it is, for people.")
@click.option(
    "--revoke",
    "number",
    type=click.IntRange(1, 2**31 - 1),
    help="Let nobody in with the token of this number any more.",
)
@click.option("--municipality", default="999", help="Municipality code, three digits.")
@click.pass_obj
@reports_errors
def token(
    runtime: Runtime, subscription_name: str, holder: str | None, number: int | None, municipality: str
) -> None:
    """List the tokens that the extracts of the subscription NAME are downloaded with, or make or revoke one.

    A token is shown once, alone on standard output; its number, for --revoke, is told beside it. Its hash is
    kept.
    """
    runtime.open_database()
    subscription = find_subscription(municipality, subscription_name)
    if holder is not None and number is not None:
        raise click.UsageError("--name makes a token, --revoke ends one: say one of them")
    if holder is not None:
        if not holder.strip():
            raise click.BadParameter("it is empty", param_hint="--name")
        made = tokens.issue(subscription, holder.strip(), actor=actor(), clock=runtime.clock)
        click.echo(made.token)
        said = f"{subscription.name}: token {made.number} ({holder.strip()}); it is not shown again"
        click.echo(shown(said), err=True)
        return
    if number is not None:
        ended = tokens.revoke(subscription, number, actor=actor(), clock=runtime.clock)
        click.echo(f"{subscription.name}: token {ended.id} ({ended.name}) revoked")
        return
    table = listing("No.", "Name", "Made", "Revoked")
    rows = ExtractToken.select().where(ExtractToken.subscription == subscription)
    for row in rows.order_by(ExtractToken.id):
        table.add_row(str(row.id), row.name, local(row.created_at), local(row.revoked_at))
    runtime.console.print(table)
