"""`opus-soap organisation`: units and employees, loaded and shown."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import click
from rich.text import Text
from rich.tree import Tree

from opus_soap.cli.runtime import Runtime, actor, reports_errors
from opus_soap.cli.shown import shown
from opus_soap.clock import business_date
from opus_soap.errors import OrganisationMistake, OrganisationRefused
from opus_soap.interfaces.master_data.organisation import rows
from opus_soap.interfaces.master_data.organisation.form import EMPLOYEE, UNIT
from opus_soap.interfaces.master_data.organisation.loading import Loaded, load
from opus_soap.ledger.master_data import find_municipality
from opus_soap.money import danish
from opus_soap.store.organisation_models import Employee, OrgUnit

_MUNICIPALITY = click.option("--municipality", default="999", help="Municipality code, three digits.")


@click.group()
def organisation() -> None:
    """Units and employees: load them, list them."""


@organisation.command("load")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--full", is_flag=True, help="The file is the whole organisation: who is not in it has left.")
@click.option("--dry-run", is_flag=True, help="Only tell what it would do.")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def load_(runtime: Runtime, file: Path, full: bool, dry_run: bool, municipality: str) -> None:
    """Load units and employees from FILE (XML, root kmd), all of it or nothing; every mistake is told."""
    runtime.open_database()
    owner = find_municipality(municipality)
    try:
        done = load(owner, file, actor=actor(), clock=runtime.clock, full=full, dry_run=dry_run)
    except OrganisationRefused as refused:
        for mistake in refused.mistakes:
            click.echo(_line(file, mistake), err=True)
        raise
    for warning in done.warnings:
        click.echo(_line(file, warning), err=True)
    _tell(done)
    click.echo("nothing was loaded: --dry-run" if dry_run else f"{owner.code} {owner.name} is loaded")


def _line(file: Path, mistake: OrganisationMistake) -> str:
    error = mistake.error
    return shown(f"{file.name}:{mistake.line}  {error.code}  {error.text_danish}. {error.remedy_danish}")


def _tell(done: Loaded) -> None:
    for name, said in ((UNIT, "units"), (EMPLOYEE, "employees")):
        left = f", {done.left} left" if name == EMPLOYEE else ""
        added, changed, same = done.added[name], done.changed[name], done.same[name]
        click.echo(f"{said}: {added} added, {changed} changed, {same} as before{left}")


@organisation.command("list")
@click.option("--units", "units_only", is_flag=True, help="Without employees.")
@click.option("--ended", is_flag=True, help="Units that are over, too.")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def list_(runtime: Runtime, units_only: bool, ended: bool, municipality: str) -> None:
    """Show the organisation as a tree: units, who leads them, who may approve invoices up to which amount."""
    runtime.open_database()
    owner = find_municipality(municipality)
    today = business_date(runtime.clock.now())
    units = list(rows.units(owner.code))
    employees = list(rows.employees(owner.code))
    is_over = {unit.number: unit.end_date < today for unit in units}
    hidden = _hidden(units, {employee.org_unit for employee in employees}, is_over) if not ended else set()
    below: dict[str, list[OrgUnit]] = defaultdict(list)
    for unit in units:
        if unit.number not in hidden:
            below[unit.parent or ""].append(unit)
    members: dict[str, list[Employee]] = defaultdict(list)
    for employee in employees if not units_only else []:
        members[employee.org_unit].append(employee)
    tree = Tree(Text(shown(f"{owner.code} {owner.name}"), style="bold"))
    waiting = [(tree, "")]
    while waiting:
        branch, number = waiting.pop()
        for employee in sorted(members[number], key=lambda one: (not one.is_manager, one.number)):
            branch.add(_employee(employee))
        for unit in below[number]:
            waiting.append((branch.add(_unit(unit, is_over[unit.number])), unit.number))
    runtime.console.print(tree)
    more = f"; {len(hidden)} units that are over: --ended" if hidden else ""
    click.echo(f"{len(units) - len(hidden)} units, {len(employees)} employees{more}")


def _hidden(units: list[OrgUnit], inhabited: set[str], is_over: dict[str, bool]) -> set[str]:
    """Units that are over, unless somebody is in them or a unit that is shown is below them."""
    above = {unit.number: unit.parent for unit in units}
    needed: set[str] = set()
    for unit in units:
        number = unit.number if not is_over[unit.number] or unit.number in inhabited else None
        while number is not None and number not in needed:
            needed.add(number)
            number = above[number]
    return set(above) - needed


def _unit(unit: OrgUnit, is_over: bool) -> Text:
    facts = [f"EAN {unit.ean}" if unit.ean else "", unit.cost_center or ""]
    if is_over:
        facts.append(f"ended {unit.end_date}")
    return _labelled(unit.long_name, unit.number, facts, "dim" if is_over else "bold")


def _employee(employee: Employee) -> Text:
    limit = employee.invoice_limit_ore
    facts = [
        employee.position or "",
        "manager" if employee.is_manager else "",
        f"up to {danish(limit)} kr." if limit is not None else "",
        employee.user_id or "",
    ]
    return _labelled(f"{employee.first_name} {employee.last_name}", employee.number, facts, "")


def _labelled(name: str, number: str, facts: list[str], style: str) -> Text:
    label = Text(shown(name), style=style)
    label.append(shown("".join(f"  {fact}" for fact in (number, *facts) if fact)), style="dim")
    return label
