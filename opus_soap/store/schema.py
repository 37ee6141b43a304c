"""The schema: migrations under a lock, append-only triggers made and checked after every one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peewee import Database
from playhouse.migrations import Runner

from opus_soap.database import is_postgresql, proxy
from opus_soap.errors import DatabaseNotMigrated, DatabaseUnsafe

_LOCK = 15901590  # any number, the same for all of us
MIGRATIONS = Path(__file__).parent / "migrations"

APPEND_ONLY_TABLES = (
    "voucher",
    "posting",
    "seal",
    "seal_key",
    "archived_message",
    "inbox_entry",
    "audit_entry",
    "answer",
)


def migrate() -> list[str]:
    """Bring the schema up to date and (re)create the triggers; returns the migrations applied."""
    database: Database = proxy.obj
    with database.connection_context(), _alone(database):
        applied: list[str] = Runner(database, str(MIGRATIONS)).up()
        for table in APPEND_ONLY_TABLES:
            for statement in _trigger_statements(table):
                database.execute_sql(statement)
        check_triggers(database)
    return applied


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """One transaction under a lock: two that migrate at once do it one after the other."""
    if is_postgresql():
        with database.atomic():
            database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            yield
    else:
        with database.atomic("EXCLUSIVE"):
            yield


def check_schema() -> None:
    """Refuse to run on a schema that is not this version's, or whose triggers are gone."""
    database: Database = proxy.obj
    with database.connection_context():
        waiting = [
            migration.name
            for migration in Runner(database, str(MIGRATIONS)).status()
            if not migration.applied or migration.path is None
        ]
        if waiting:
            raise DatabaseNotMigrated(value=", ".join(waiting))
        check_triggers(database)


def check_triggers(database: Database) -> None:
    """Every append-only table has its triggers; raises `DatabaseUnsafe` for the first that has not."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        if is_postgresql()
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    present = {row[0] for row in database.execute_sql(query).fetchall()}
    for table in APPEND_ONLY_TABLES:
        for operation in ("update", "delete", *(("truncate",) if is_postgresql() else ())):
            name = f"{table}_no_{operation}"
            if name not in present:
                raise DatabaseUnsafe(element=f"trigger {name}", value="missing", expected="present")


def _trigger_statements(table: str) -> list[str]:
    if is_postgresql():
        return [
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION 'append-only: %% on %%', TG_OP, TG_TABLE_NAME; END$$",
            *(
                f'CREATE OR REPLACE TRIGGER {table}_no_{operation} BEFORE {operation} ON "{table}" '
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
                for operation in ("update", "delete", "truncate")
            ),
        ]
    return [
        f'CREATE TRIGGER IF NOT EXISTS {table}_no_{operation} BEFORE {operation} ON "{table}" '
        f"BEGIN SELECT RAISE(ABORT, 'append-only: {operation} on {table}'); END"
        for operation in ("update", "delete")
    ]
