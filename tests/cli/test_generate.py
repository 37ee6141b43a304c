"""`opus-soap generate`: what it says, what it takes, when it refuses."""

from __future__ import annotations

import re
from functools import partial

import pytest
from click.testing import CliRunner
from rich.console import Console

from opus_soap.cli.main import main
from opus_soap.cli.runtime import Runtime
from opus_soap.database import disconnect, proxy
from opus_soap.ledger.models import Posting, Seal, Voucher
from opus_soap.store.models import Invoice

DAYS = ("--from=2026-10-01", "--to=2026-10-31")


@pytest.fixture
def run(database_url, tmp_path, monkeypatch):
    """Run a command; its exit status must be as said."""
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", database_url)
    monkeypatch.setenv("OPUS_SOAP_SEAL_KEY_FILE", str(tmp_path / "seal.pem"))
    monkeypatch.setenv("COLUMNS", "120")

    def invoke(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == status, result.output
        return result.output

    yield invoke
    disconnect()
    proxy.initialize(None)


def test_it_says_what_it_did(run):
    said = run("generate", "--postings=500", *DAYS)
    vouchers, debit, invoices = re.fullmatch(
        r"300 suppliers added\n400 employees added\n(\d+) vouchers, 500 postings, debit ([\d.]+,\d\d) kr\., "
        r"(\d+) invoices, 0 seals \(no key yet: .+\)\n",
        said,
    ).groups()
    assert Invoice.select().count() == int(invoices) > 0
    assert Voucher.select().count() == int(vouchers)
    assert Posting.select().count() == 500
    assert debit in run("ledger", "balance", "--year=2026")
    assert {row.posting_date.month for row in Voucher.select()} == {10}
    assert "500 postings" in run("ledger", "verify")


def test_with_a_key_it_seals(run):
    run("ledger", "seal", "--create-key")
    said = run("generate", "--postings=500", "--seal-every=30", *DAYS)
    assert f" {Seal.select().count()} seals\n" in said
    assert Seal.select().count() > 2
    assert "0 not sealed yet: all hold" in run("ledger", "verify")


def test_one_is_told_as_one(run):
    run("ledger", "seal", "--create-key")
    said = run("generate", "--postings=2", "--suppliers=1", "--employees=1", *DAYS)
    assert said.startswith("1 supplier added\n1 employee added\n1 voucher, 2 postings, debit ")
    assert said.endswith(", 1 seal\n")
    assert run("ledger", "verify").startswith("1 voucher, 2 postings, 1 seal, 0 not")


def test_the_seed_and_the_days_are_taken(run):
    run("generate", "--postings=20", "--seed=7", "--from=2026-03-02", "--to=2026-03-02")
    assert {row.posting_date.isoformat() for row in Voucher.select()} == {"2026-03-02"}
    assert {row.source for row in Voucher.select()} == {"generate:7"}


def test_what_it_refuses(run):
    assert "SIM-007" in run("generate", "--postings=20", "--from=2026-03-02", "--to=2026-03-01", status=1)
    assert "SIM-009" in run("generate", "--postings=1", status=1)
    assert "LED-031" in run("generate", "--postings=20", "--company-code=0021", status=1)
    assert "LED-020" in run("generate", "--postings=20", "--to=2029-01-01", status=1)
    assert "Invalid value for '--from'" in run("generate", "--postings=20", "--from=1/3", status=2)


def test_made_up_vouchers_come_among_others_only_when_told(run, monkeypatch):
    run("generate", "--postings=20", *DAYS)
    run("generate", "--postings=20", *DAYS)
    monkeypatch.setattr("opus_soap.simulate.books.SOURCE", "otherwise:")
    assert "SIM-008" in run("generate", "--postings=20", *DAYS, status=1)
    assert "20 postings" in run("generate", "--postings=20", "--among-others", *DAYS)


def test_a_terminal_sees_how_far_it_is(run, monkeypatch):
    shown = Console(record=True, force_terminal=True, width=120)
    monkeypatch.setattr("opus_soap.cli.main.Runtime", partial(Runtime, console=shown))
    run("generate", "--postings=500", *DAYS)
    assert "500/500" in shown.export_text()
