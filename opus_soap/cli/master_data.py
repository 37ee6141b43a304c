"""`opus-soap master-data`: load a municipality, take in files, list accounts and dimensions."""

from __future__ import annotations

import csv
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import click

from opus_soap.cli.runtime import Runtime, actor, reports_errors
from opus_soap.cli.shown import listing, shown
from opus_soap.errors import Both, ImportRefused, ImportWouldBeUndone, MasterDataInvalid
from opus_soap.interfaces.master_data.comparing import UNCHANGED
from opus_soap.interfaces.master_data.declaring import declare
from opus_soap.interfaces.master_data.importing import (
    CHANGED,
    NEW,
    OUTCOMES,
    Counts,
    Wanted,
    import_files,
)
from opus_soap.interfaces.master_data.staging import Change
from opus_soap.ledger.master_data import company_code as find_company
from opus_soap.ledger.master_data import dimensions as all_dimensions
from opus_soap.ledger.models import DimensionValue, DocumentType

COLUMNS = ("kind", "code", "name", "uuid", "blocked", "not_for_case_systems")


@click.group()
def master_data() -> None:
    """Load and list accounts and dimensions."""


@master_data.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Tell what would change, and change nothing.")
@click.option("--overwrite", is_flag=True, help="Also change what was imported, and rights set otherwise.")
@click.option("--list", "each", is_flag=True, help="Tell each record that is new, too.")
@click.pass_obj
@reports_errors
def load(runtime: Runtime, file: Path, dry_run: bool, overwrite: bool, each: bool) -> None:
    """Load a municipality from a TOML definition; what is there is brought up to date, nothing deleted.

    Each record that changes is told. Once files have been imported, none is changed without --overwrite.
    """
    runtime.open_database()
    try:
        definition = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MasterDataInvalid(
            element=str(file), value=error, expected=Both("TOML i UTF-8", "TOML in UTF-8")
        ) from None
    try:
        done = declare(
            definition,
            actor=actor(),
            clock=runtime.clock,
            overwrite=overwrite,
            dry_run=dry_run,
            tell=lambda change: _told(change) if each or change.outcome == CHANGED else None,
        )
    except ImportWouldBeUndone as refused:
        for change in refused.changes:
            click.echo(_changed(change), err=True)
        raise
    _show(runtime, done.counts, (NEW, CHANGED, UNCHANGED))
    head = done.municipality
    click.echo("nothing was changed: a dry run" if dry_run else f"{head.code} {head.name} is loaded")


@master_data.command()
@click.option("--municipality", default="999", help="Municipality code, three digits.")
@click.option("--company-code", default="0020", help="Company code (firmakode).")
@click.option("--kind", type=click.Choice(["account", *DimensionValue.KINDS]), help="Only this kind.")
@click.option(
    "--format", "form", default="table", type=click.Choice(["table", "csv", "json"]), help="Output."
)
@click.pass_obj
@reports_errors
def dimensions(runtime: Runtime, municipality: str, company_code: str, kind: str | None, form: str) -> None:
    """List accounts and dimensions with the UUIDs that answers carry.

    Nobody posts on what is blocked; files of postings do on what is not for case systems (invoices).
    """
    runtime.open_database()
    rows = [
        (*row[:3], str(row.uuid), row.blocked, row.not_for_case_systems)
        for row in all_dimensions(find_company(municipality, company_code), kind)
    ]
    if form == "json":
        listed = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        click.echo(json.dumps(listed, ensure_ascii=False, indent=2))
    elif form == "csv":
        writer = csv.writer(sys.stdout, delimiter=";")
        writer.writerows([COLUMNS, *rows])
    else:
        table = listing(*(name.replace("_", " ") for name in COLUMNS))
        for row in rows:
            table.add_row(*row[:4], *("yes" if value else "" for value in row[4:]))
        runtime.console.print(table)


@master_data.command("document-types")
@click.option("--municipality", default="999", help="Municipality code, three digits.")
@click.option("--company-code", default="0020", help="Company code (firmakode).")
@click.pass_obj
@reports_errors
def document_types(runtime: Runtime, municipality: str, company_code: str) -> None:
    """List document types (bilagsarter) with the first number of their series."""
    runtime.open_database()
    company = find_company(municipality, company_code)
    table = listing("Type", "Name", "First number", numbers=("First number",))
    own = DocumentType.select().where(DocumentType.company_code == company)
    for row in own.order_by(DocumentType.code):
        table.add_row(row.code, row.name, str(row.first_number))
    runtime.console.print(table)


@master_data.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--municipality", default="999", help="Municipality code, three digits.")
@click.option("--company-code", default="0020", help="Company code (firmakode).")
@click.option("--dry-run", is_flag=True, help="Tell what would change, and change nothing.")
@click.option("--complete", is_flag=True, help="Block what is in the books and not in the files, by table.")
@click.option("--new-ids", is_flag=True, help="Leave out the UUIDs of the files: they are another's.")
@click.option("--list", "each", is_flag=True, help="Tell each record that is new, changed or removed.")
@click.pass_obj
@reports_errors
def import_(runtime: Runtime, /, files: tuple[Path, ...], each: bool, **given: Any) -> None:
    """Take in FILES of stamdata, XML and CSV: all of them, or nothing when there is any mistake.

    What is new is made, what is another is changed, what is no more (SLETTET) is blocked; nothing is deleted.
    """
    runtime.open_database()
    wanted = Wanted(
        given["municipality"],
        given["company_code"],
        complete=given["complete"],
        new_ids=given["new_ids"],
        dry_run=given["dry_run"],
    )
    try:
        tell = _told if each else None
        counts = import_files(files, wanted, actor=actor(), clock=runtime.clock, tell=tell)
    except ImportRefused as refused:
        for mistake in refused.mistakes:
            click.echo(_line(mistake), err=True)
        raise
    _show(runtime, counts, OUTCOMES)
    click.echo("nothing was changed: a dry run" if wanted.dry_run else "imported")


def _line(mistake: Any) -> str:
    error = mistake.error
    place = f"{mistake.file}:{mistake.line}" if mistake.line else mistake.file
    said = f"{error.code}  {error.text_danish}. {error.remedy_danish}"
    return shown("  ".join(part for part in (place, f"{mistake.table} {mistake.key}".strip(), said) if part))


def _show(runtime: Runtime, counts: Counts, outcomes: tuple[str, ...]) -> None:
    table = listing("Table", *outcomes, numbers=outcomes)
    for name, count in counts.items():
        table.add_row(name, *(str(count[outcome]) for outcome in outcomes))
    runtime.console.print(table)


def _told(change: Change) -> None:
    click.echo(_changed(change))


def _changed(change: Any) -> str:
    what = ", ".join(f"{name}: {was or '-'} → {now or '-'}" for name, (was, now) in change.columns.items())
    return shown(f"{change.outcome} {change.table} {change.key}  {what}")
