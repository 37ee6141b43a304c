"""The command line, command by command, against one database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from opus_soap.cli.main import main
from opus_soap.database import disconnect
from opus_soap.store.models import Invoice
from opus_soap.wss import pki
from tests.conftest import NOON, ROOT


@pytest.fixture
def run(sqlite_url, tmp_path, monkeypatch):
    """Run a command; its exit status must be as said."""
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("OPUS_SOAP_SEAL_KEY_FILE", str(tmp_path / "seal.pem"))
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == status, result.output
        return result.output

    yield invoke
    disconnect()


@pytest.fixture
def keys(tmp_path) -> Path:
    pki.create(pki.example(), tmp_path / "keys", now=NOON)
    return tmp_path / "keys"


@pytest.fixture
def agreement(run, keys):
    run("systems", "add", "Sag", "--municipality=999", "--cvr=44444449", "--endpoint-url=http://127.0.0.1:9/")
    run("systems", "certificate", "add", "Sag", str(keys / "case-system.crt.pem"))
    run("systems", "route", "add", "Sag", "--priority=1", "--from-amount=1.00")


@pytest.fixture
def folder(documents, tmp_path):
    place = tmp_path / "in"
    place.mkdir()
    for document in documents[:3]:
        (place / document.file_name).write_bytes(document.data)
    return str(place)


def test_every_command_has_help(run):
    for name in (
        "certs",
        "database",
        "demo",
        "invoices",
        "ledger",
        "master-data",
        "messages",
        "serve",
        "settings",
        "simulate",
        "systems",
        "worker",
    ):
        assert "Usage" in run(name, "--help")


def test_an_error_is_told_with_its_remedy_and_no_traceback(run):
    said = run("systems", "certificate", "revoke", "00", status=1)
    assert "STO-010" in said
    assert "→" in said
    assert "Traceback" not in said


def test_database(run):
    assert "already up to date" in run("database", "migrate")
    assert "as it must be" in run("database", "check")
    assert "0 contents purged" in run("database", "purge")


def test_master_data(run, tmp_path):
    assert "Eksempelby" in run("master-data", "load", str(ROOT / "opus_soap/simulate/municipality.toml"))
    listed = json.loads(run("master-data", "dimensions", "--format=json", "--kind=cost_center"))
    assert {"kind", "code", "name", "uuid", "blocked"} == set(listed[0])
    assert "22000300" in run("master-data", "dimensions", "--format=csv")
    assert "22000300" in run("master-data", "dimensions")
    (tmp_path / "bad.toml").write_text("x = [")
    assert "LED-030" in run("master-data", "load", str(tmp_path / "bad.toml"), status=1)


@pytest.mark.usefixtures("agreement")
def test_systems(run, keys):
    assert "Sag" in run("systems", "list")
    assert "required" in run("systems", "route", "list")
    assert "746.00" in run(
        "systems", "rate", "add", "eur", "746.00", "--municipality=999", "--valid-from=2026-01-01"
    )
    run("systems", "rate", "add", "eur", "x", "--municipality=999", "--valid-from=2026-01-01", status=2)


@pytest.mark.usefixtures("agreement")
def test_invoices(run, folder, tmp_path):
    assert "3 imported, 0 refused" in run("invoices", "import", folder)
    assert "3 refused" in run("invoices", "import", folder, "--send", status=1)
    run("invoices", "send", "--all")
    rows = json.loads(run("invoices", "list", "--json", "--state=queued"))
    assert len(rows) == 3
    one = rows[0]["id"]
    assert "invoice.queued" in run("invoices", "show", one)
    assert json.loads(run("invoices", "show", one, "--json"))["answers"] == []
    run("invoices", "park", one, "--reason=ferie")
    assert "ferie" in run("invoices", "list", "--state=parked")
    run("invoices", "release", one)
    run("invoices", "recall", one)
    run("invoices", "resend", one, "--to", "Sag")
    run("invoices", "remind")
    run("invoices", "export-html", one, str(tmp_path / "x.html"))
    assert (tmp_path / "x.html").read_bytes().startswith(b"<!doctype html>")
    assert "pending" in run("messages", "outbox")
    assert Invoice.select().count() == 3


def test_ledger(run):
    assert "all hold" in run("ledger", "verify")
    assert "Trial" not in run("ledger", "balance", "--year=2026")
    assert "LED-025" in run("ledger", "show", "1", status=1)
    assert "LED-040" in run("ledger", "seal", status=1)
    assert "nothing to seal" in run("ledger", "seal", "--create-key")


def test_messages_and_settings(run):
    run("messages", "list")
    assert "STO-040" in run("messages", "show", "1", status=1)
    assert "OPUS_SOAP_DATABASE_URL" in run("settings")
