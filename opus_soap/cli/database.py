"""`opus-soap database`: the schema, and retention."""

from __future__ import annotations

from datetime import timedelta

import click

from opus_soap.cli.runtime import Runtime, reports_errors
from opus_soap.database import connect, sqlite_file
from opus_soap.interfaces.postings_in.retention import purge as purge_files
from opus_soap.store import purging, replay
from opus_soap.store.files import FileStore
from opus_soap.store.schema import check_schema
from opus_soap.store.schema import migrate as bring_up_to_date


@click.group()
def database() -> None:
    """Migrate and check the database."""


@database.command()
@click.pass_obj
@reports_errors
def migrate(runtime: Runtime) -> None:
    """Bring the schema up to date; make the append-only triggers again.

    Where there is no file of SQLite yet, it is made, with its folder.
    """
    url = runtime.settings.database_url
    if (file := sqlite_file(url)) is not None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    connect(url)
    applied = bring_up_to_date()
    click.echo("applied: " + ", ".join(applied) if applied else "already up to date")


@database.command()
@click.pass_obj
@reports_errors
def check(runtime: Runtime) -> None:
    """Check engine, schema and triggers."""
    connect(runtime.settings.database_url)
    check_schema()
    click.echo("the database is as it must be")


@database.command()
@click.pass_obj
@reports_errors
def purge(runtime: Runtime) -> None:
    """Forget documents, raw messages and files past their retention, and replays that have expired."""
    runtime.open_database()
    now = runtime.clock.now()
    retention = timedelta(days=runtime.settings.content_retention_days)
    purged = purging.purge(now=now, retention=retention)
    purged += purge_files(FileStore(runtime.settings.files_folder), now=now, retention=retention)
    forgotten = replay.forget_expired(now)
    purging.forget_abandoned(now=now)
    click.echo(f"{purged} contents purged (their hashes stay), {forgotten} replay entries forgotten")
