"""`opus-soap schedule`: what comes when, and what is due now."""

from __future__ import annotations

import click

from opus_soap.cli.extracts import producer_of, shown_next
from opus_soap.cli.runtime import Runtime, actor, reports_errors
from opus_soap.cli.shown import listing, local, shown
from opus_soap.errors import ExtractBusy
from opus_soap.extracts import subscribing
from opus_soap.extracts.delivering import Deliverer
from opus_soap.extracts.ordering import find_subscription
from opus_soap.extracts.schedule import coming
from opus_soap.extracts.schedule import run_due as run_what_is_due
from opus_soap.interfaces.extract_kinds import KINDS
from opus_soap.store.extract_models import Extract, Subscription

_MUNICIPALITY = click.option("--municipality", default="999", help="Municipality code, three digits.")


@click.group()
def schedule() -> None:
    """The calendar of extracts."""


@schedule.command("list")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def list_(runtime: Runtime, municipality: str) -> None:
    """List every subscription that has not ended, with its calendar."""
    runtime.open_database()
    table = listing("Subscription", "Kind", "Calendar", "At", "Next", "State")
    own = Subscription.municipality == municipality, Subscription.ended_at.is_null()
    for row in Subscription.select().where(*own).order_by(Subscription.name):
        state = "active" if row.active else "paused"
        table.add_row(row.name, row.kind, row.calendar, row.at, shown_next(row), state)
    runtime.console.print(table)


@schedule.command("next")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def next_(runtime: Runtime, municipality: str) -> None:
    """Tell what comes next, the soonest first; of subscriptions that are paused nothing does."""
    runtime.open_database()
    for due in coming(runtime.clock, municipality):
        subscription = due.subscription
        approval = "; then somebody else approves it" if KINDS[subscription.kind].approval else ""
        click.echo(f"{local(due.moment)}  {subscription.name}  {subscription.kind}  ({due.on}){approval}")


@schedule.command("run-due")
@click.pass_obj
@reports_errors
def run_due(runtime: Runtime) -> None:
    """Order what is due, produce what is ordered, hand over what can be; the worker does so every minute.

    Exit status 1 when something is left that should have been done.
    """
    runtime.open_database()
    producer = producer_of(runtime)
    touched = run_what_is_due(producer, Deliverer(producer, runtime.clock))
    for extract in touched:
        fresh = Extract.get_by_id(extract.id)
        if fresh.state != extract.state:
            click.echo(f"{fresh.name}: {fresh.state}")
    left = list(Extract.select().where(Extract.state == Extract.ORDERED).order_by(Extract.id))
    for extract in left:
        click.echo(shown(f"{extract.name}: not produced: {_hindrance(extract, runtime)}"), err=True)
    if left:
        raise SystemExit(1)


def _hindrance(extract: Extract, runtime: Runtime) -> str:
    if extract.leased_until is not None and extract.leased_until > runtime.clock.now():
        return str(ExtractBusy(element=extract.name))
    return extract.last_error


@schedule.command()
@click.argument("name")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def pause(runtime: Runtime, name: str, municipality: str) -> None:
    """Pause a subscription; nothing is lost: what is missed comes with the next."""
    runtime.open_database()
    subscribing.set_active(find_subscription(municipality, name), False, actor=actor(), clock=runtime.clock)
    click.echo(f"{name.upper()} is paused")


@schedule.command()
@click.argument("name")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def resume(runtime: Runtime, name: str, municipality: str) -> None:
    """Resume a subscription; what was missed meanwhile comes once."""
    runtime.open_database()
    subscribing.set_active(find_subscription(municipality, name), True, actor=actor(), clock=runtime.clock)
    click.echo(f"{name.upper()} goes on")
