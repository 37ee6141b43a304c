"""The schema: migrations under a lock, append-only triggers made and checked after every one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from peewee import Database
from playhouse.migrations import Runner

from opus_soap.database import is_postgresql, proxy
from opus_soap.errors import Both, DatabaseNewer, DatabaseNotMigrated, DatabaseUnsafe

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
    "posting_document",
    "extract_delivery",
)


def migrate() -> list[str]:
    """Bring the schema up to date and (re)create the triggers; returns the migrations applied."""
    database: Database = proxy.obj
    with database.connection_context(), _alone(database):
        applied: list[str] = Runner(database, str(MIGRATIONS)).up()
        for statement in _trigger_statements():
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
        known = Runner(database, str(MIGRATIONS)).status()
        if strange := [migration.name for migration in known if migration.path is None]:
            raise DatabaseNewer(value=", ".join(strange))
        if waiting := [migration.name for migration in known if not migration.applied]:
            raise DatabaseNotMigrated(value=", ".join(waiting))
        check_triggers(database)


def check_triggers(database: Database) -> None:
    """Every append-only table has its triggers; raises `DatabaseUnsafe` for the first that has not."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
        if is_postgresql()
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    present = {row[0] for row in database.execute_sql(query).fetchall()}
    operations = ("update", "delete", *(("truncate",) if is_postgresql() else ()))
    expected = [f"{table}_no_{operation}" for table in APPEND_ONLY_TABLES for operation in operations]
    expected += [f"{_PARTS}_no_{operation}" for operation in operations]
    guards = ("no_change", *(f"no_{name}" for name in operations[1:]))
    expected += [f"{table}_{guard}" for table in _guards() for guard in guards]
    for name in expected:
        if name not in present:
            raise DatabaseUnsafe(
                element=f"trigger {name}",
                value=Both("ikke til stede", "missing"),
                expected=Both("til stede", "present"),
            )


# Bytes may be forgotten, and be put back; they never become others, and their hash stays for ever.
_CONTENT_CHANGED = """
    NEW.sha256 <> OLD.sha256 OR NEW.size <> OLD.size
    OR (OLD.data IS NOT NULL AND NEW.data IS NOT NULL AND OLD.data <> NEW.data)
    OR (OLD.data IS NULL AND NEW.data IS NOT NULL AND length(NEW.data) <> OLD.size)
"""
# What a content is put together from stays as it is; it goes with what it belongs to.
_PARTS = "content_part"
_PART_IN_USE = """
    EXISTS (SELECT 1 FROM content WHERE sha256 = OLD.content_id AND purged_at IS NULL)
"""
_DELIVERED = (
    *("uuid", "municipality", "sender_id", "name", "name_key", "sha256", "size", "documents"),
    *("control", "received_at"),
)
_EXTRACT = (
    *("uuid", "subscription_id", "sequence", "name", "due_on", "full", "after", "until", "options"),
    *("follows_id", "ordered_at", "ordered_by"),
)
_FINISHED = ("state", "position", "said_root", "hash", "receipt_sha256", "finished_at")
_PARKED = (
    *("uuid", "company_code_id", "reference", "document_type", "posting_date", "amount_ore", "entered_by"),
    *("source", "draft", "reverses_id", "parked_at", "hash"),
)


def _guards() -> dict[str, str]:
    """Table → what no row of it may suffer, though it may be updated otherwise."""
    return {
        "content": _CONTENT_CHANGED,
        # it goes on, and is finished once
        "posting_file": f"{_differs(_DELIVERED)} OR NEW.position < OLD.position "
        f"OR (OLD.state <> 'under_way' AND ({_differs(_FINISHED)})) "
        "OR (OLD.booked_sha256 IS NOT NULL AND NEW.booked_sha256 IS NULL)",
        # what it covers is fixed when it is ordered, and what it is when it has been produced
        "extract": f"{_differs(_EXTRACT)} "
        f"OR (OLD.manifest_sha256 IS NOT NULL AND {_differs(('manifest_sha256',))})",
        # it is decided once
        "parked_voucher": f"OLD.state <> 'parked' OR {_differs(_PARKED)}",
    }


def _differs(columns: Sequence[str]) -> str:
    differs = "IS DISTINCT FROM" if is_postgresql() else "IS NOT"
    return " OR ".join(f'NEW."{column}" {differs} OLD."{column}"' for column in columns)


def _trigger_statements() -> Iterator[str]:
    yield from _postgresql_triggers() if is_postgresql() else _sqlite_triggers()


def _postgresql_triggers() -> Iterator[str]:
    yield (
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION 'append-only: %% on %%', TG_OP, TG_TABLE_NAME; END$$"
    )
    yield (
        "CREATE OR REPLACE FUNCTION refuse_part() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$BEGIN IF {_PART_IN_USE} THEN RAISE EXCEPTION 'append-only: delete on {_PARTS}'; END IF; "
        "RETURN OLD; END$$"
    )
    yield (
        f"CREATE OR REPLACE TRIGGER {_PARTS}_no_delete BEFORE DELETE ON {_PARTS} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_part()"
    )
    guarded = [
        *((table, name) for table in APPEND_ONLY_TABLES for name in ("update", "delete", "truncate")),
        *((_PARTS, name) for name in ("update", "truncate")),
        *((table, name) for table in _guards() for name in ("delete", "truncate")),
    ]
    for table, operation in guarded:
        yield (
            f'CREATE OR REPLACE TRIGGER {table}_no_{operation} BEFORE {operation} ON "{table}" '
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table, changed in _guards().items():
        yield (
            f"CREATE OR REPLACE TRIGGER {table}_no_change BEFORE UPDATE ON {table} FOR EACH ROW "
            f"WHEN ({changed}) EXECUTE FUNCTION refuse_change()"
        )


def _sqlite_triggers() -> Iterator[str]:
    yield f"DROP TRIGGER IF EXISTS {_PARTS}_no_delete"
    yield (
        f"CREATE TRIGGER {_PARTS}_no_delete BEFORE DELETE ON {_PARTS} WHEN {_PART_IN_USE} "
        f"BEGIN SELECT RAISE(ABORT, 'append-only: delete on {_PARTS}'); END"
    )
    guarded = [
        *((table, name) for table in APPEND_ONLY_TABLES for name in ("update", "delete")),
        (_PARTS, "update"),
        *((table, "delete") for table in _guards()),
    ]
    for table, operation in guarded:
        yield f"DROP TRIGGER IF EXISTS {table}_no_{operation}"
        yield (
            f'CREATE TRIGGER {table}_no_{operation} BEFORE {operation} ON "{table}" '
            f"BEGIN SELECT RAISE(ABORT, 'append-only: {operation} on {table}'); END"
        )
    for table, changed in _guards().items():
        yield f"DROP TRIGGER IF EXISTS {table}_no_change"
        yield (
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE ON {table} WHEN {changed} "
            f"BEGIN SELECT RAISE(ABORT, 'append-only: update on {table}'); END"
        )
