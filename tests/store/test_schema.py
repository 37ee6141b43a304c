"""The schema keeps its promises on both engines."""

from __future__ import annotations

import subprocess
import sys
from uuid import uuid4

import pytest
from peewee import PeeweeException
from playhouse.migrations import Runner
from playhouse.schema_diff import diff_models

from opus_soap.database import connect, is_postgresql, proxy, transaction
from opus_soap.errors import DatabaseNewer, DatabaseNotMigrated, DatabaseUnsafe, DatabaseUrlUnknown
from opus_soap.ledger.models import MODELS as LEDGER_MODELS
from opus_soap.store.models import MODELS as STORE_MODELS
from opus_soap.store.models import AuditEntry, Invoice
from opus_soap.store.schema import MIGRATIONS, check_schema, migrate

NAMES = sorted(path.stem for path in MIGRATIONS.glob("0*.py"))


@pytest.mark.usefixtures("database")
def test_append_only_tables_refuse_update_and_delete(clock):
    check_schema()
    AuditEntry.create(at=clock.now(), actor="test", event="test", subject="1")
    for change in (AuditEntry.update(actor="other"), AuditEntry.delete()):
        with pytest.raises(PeeweeException, match="append-only"), transaction():
            change.execute()
    assert AuditEntry.select().count() == 1


@pytest.mark.usefixtures("database")
def test_the_migrations_make_just_the_tables_that_the_models_say():
    difference = diff_models(proxy.obj, [*STORE_MODELS, *LEDGER_MODELS])
    assert not difference, str(difference)


def test_an_old_schema_is_refused(tmp_path):
    connect(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    with pytest.raises(DatabaseNotMigrated, match="0001_initial"):
        check_schema()
    assert migrate() == NAMES
    assert migrate() == []
    check_schema()
    proxy.obj.close()


@pytest.mark.usefixtures("database")
def test_a_newer_schema_is_refused_and_called_so(monkeypatch, tmp_path):
    """As an older program sees it, that somebody goes back to."""
    for name in NAMES[:-1]:
        (tmp_path / f"{name}.py").write_text((MIGRATIONS / f"{name}.py").read_text())
    monkeypatch.setattr("opus_soap.store.schema.MIGRATIONS", tmp_path)
    with pytest.raises(DatabaseNewer, match=NAMES[-1]) as refused:
        check_schema()
    assert "mangler" not in refused.value.text_danish


@pytest.mark.usefixtures("database")
def test_a_missing_trigger_is_seen():
    on = " ON audit_entry" if is_postgresql() else ""
    proxy.obj.execute_sql(f"DROP TRIGGER audit_entry_no_update{on}")
    with pytest.raises(DatabaseUnsafe, match="audit_entry_no_update"):
        check_schema()
    migrate()
    check_schema()


def test_an_unknown_engine_is_refused():
    with pytest.raises(DatabaseUrlUnknown):
        connect("oracle://x")


def test_two_that_migrate_at_once_do_it_one_after_the_other(tmp_path):
    url = f"sqlite:///{tmp_path / 'fresh.sqlite3'}"
    command = [sys.executable, "-m", "opus_soap", "--database-url", url, "database", "migrate"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = sorted(process.communicate(timeout=60)[0].strip() for process in running)
    assert said == ["already up to date", "already up to date", f"applied: {', '.join(NAMES)}"]


def test_numbers_that_only_look_different_stay_invoices_of_their_own(tmp_path):
    """What came in before numbers were compared as people read them is not lost on the way."""
    database = connect(f"sqlite:///{tmp_path / 'old.sqlite3'}")
    runner = Runner(database, str(MIGRATIONS))
    with database.connection_context():
        runner.up("0003_assignable_accounts")
        database.execute_sql(
            "INSERT INTO content (sha256, size, media_type, stored_at) VALUES ('a', 0, '', '')"
        )
        for number in ("FA-1", "fa-1", "FA-1#2"):
            database.execute_sql(
                "INSERT INTO invoice (uuid, municipality, company_code, supplier_key, supplier_name, "
                "document_type, number, issue_date, currency, payable_cents, tax_cents, facts, original_id, "
                "rendering_id, file_name, state, state_reason, state_code, received_at) "
                "VALUES (?, '999', '0020', 'k', 'n', 'invoice', ?, '', 'DKK', 1, 0, '{}', 'a', 'a', '', "
                "'parked', '', '', '')",
                (uuid4().hex, number),
            )
        runner.up()
        assert [row.number_key for row in Invoice.select().order_by(Invoice.id)] == [
            "fa-1",
            "fa-1 #2",
            "fa-1#2",
        ]
    database.close()
