"""`opus-soap extracts` with invoices for purchasing analysis."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from opus_soap.cli.main import main
from opus_soap.database import disconnect

SUBSCRIBE = ("extracts", "subscribe", "INDKOEB", "--kind=indkoebsanalyse", "--receiver=Indkøb")


@pytest.fixture
def run(sqlite_url, tmp_path, monkeypatch):
    """Run a command; its exit status must be as said."""
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("OPUS_SOAP_EXTRACTS_FOLDER", str(tmp_path / "extracts"))
    monkeypatch.setenv("OPUS_SOAP_SEAL_KEY_FILE", str(tmp_path / "seal.pem"))
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == status, result.output
        return result.output

    invoke("ledger", "seal", "--create-key")
    yield invoke
    disconnect()


def test_a_weekly_subscription_is_made_run_and_verified(run, tmp_path):
    options = ("--option=from=2026-01-01", "--option=originals=false", "--calendar=weekly:MON")
    assert "INDKOEB: indkoebsanalyse to Indkøb, delta, weekly:MON" in run(*SUBSCRIBE, *options)
    assert re.search(r"full: 0 vouchers, 0 postings, \d+ records", run("extracts", "run", "INDKOEB"))
    assert "delta: 0 vouchers" in run("extracts", "run", "INDKOEB")
    assert run("extracts", "verify", str(tmp_path / "extracts")).count("holds, 3 files") == 2


def test_a_history_without_a_beginning_is_refused(run):
    assert "EXT-150" in run(*SUBSCRIBE, status=1)
    assert "EXT-150" in run(*SUBSCRIBE, "--option=from=20260101", status=1)
    assert "EXT-002" in run(*SUBSCRIBE, "--option=from=2026-01-01", "--persons", status=1)
