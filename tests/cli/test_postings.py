"""`opus-soap postings`: checked, delivered, shown."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from opus_soap.cli.main import main
from opus_soap.clock import SystemClock
from opus_soap.database import disconnect
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.ledger.models import ParkedVoucher
from tests.interfaces.postings_in.conftest import CREDIT, DEBIT, NAME, document, request


@pytest.fixture
def run(sqlite_url, tmp_path, monkeypatch):
    """Run `postings …`; its exit status must be as said."""
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("OPUS_SOAP_FILES_FOLDER", str(tmp_path / "files"))
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, ["postings", *arguments])
        assert result.exit_code == status, result.output
        return result.output

    invoke("senders", "add", "KY01", "--short=KY01", "--name=Kommunernes Ydelse")
    yield invoke
    disconnect()


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / NAME
    wrong = document(RECEIV_DOC="2", lines=[DEBIT, DEBIT])
    path.write_bytes(request(document(), wrong))
    return path


def test_check_tells_each_mistake_and_books_nothing(run, file):
    said = run("check", str(file), status=1)
    assert "bilag 2  PIN-443" in said
    assert "bilag 2 linje 2  PIN-447" in said
    assert "BALANCE_DEBET er 100.00; linjerne giver 200.00" in said
    file.write_bytes(request(document()))
    assert "ingen fejl" in run("check", str(file))
    assert NAME not in run("list")


def test_check_under_another_name(run, file, tmp_path):
    other = file.rename(tmp_path / "test.xml")
    assert "PIN-404" in run("check", str(other), status=1)
    assert "PIN-404" not in run("check", str(other), "--as-name", NAME, status=1)


def test_import_books_what_is_good_and_shows_the_rest(run, file, tmp_path):
    receipt = tmp_path / "receipt.xml"
    assert "2 bilag, 1 bogført" in run("import", str(file), "--receipt", str(receipt), status=1)
    assert b"<MESSAGE_NUM>305</MESSAGE_NUM>" in receipt.read_bytes()
    assert "2 bilag, 1 bogført" in run("import", str(file), status=1), "the same again"
    assert "Kommunernes Ydelse" in run("list")
    assert "bilag 10000000  305" in run("show", NAME)
    refused = run("show", NAME.lower(), "--errors-only")
    assert "305" not in refused
    assert "bilag 2 linje 2  PIN-447" in refused


def test_a_file_that_is_refused_is_told(run, tmp_path):
    path = tmp_path / NAME
    path.write_bytes(b"<no/>")
    receipt = tmp_path / "receipt.xml"
    assert "PIN-409" in run("show", NAME, status=1)
    assert "PIN-402" in run("import", str(path), "--receipt", str(receipt), status=1)
    assert f"<FILE_NAME>{NAME}<" in receipt.read_text("utf-8")
    said = run("show", NAME)
    assert "PIN-402  Filens rod er no" in said
    assert "afvist 2" in said
    run("import", str(path), status=1)
    said = run("list", "--refused")
    assert NAME in said
    assert " 2 " in said
    assert NAME not in run("list")


def test_what_was_never_finished_is_told_and_finished(run, file, monkeypatch, tmp_path):
    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(Receiver, "_finish", killed)
        with pytest.raises(Killed):
            CliRunner().invoke(main, ["postings", "import", str(file)], catch_exceptions=False)
    file.unlink()
    monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + timedelta(hours=2))
    said = CliRunner().invoke(main, ["ledger", "verify"])
    assert said.exit_code == 1
    assert "2 of 2 vouchers dealt with, and then no more (opus-soap postings resume)" in said.output
    (stored,) = [path for path in (tmp_path / "files").glob("*/*") if b"Request" in path.read_bytes()]
    whole = stored.read_bytes()
    stored.write_bytes(whole.replace(b"100.00", b"900.00"))
    assert "STO-002" in run("resume", status=1)
    stored.write_bytes(whole)
    assert f"{NAME}: 2 bilag, 1 bogført" in run("resume")
    assert run("resume") == ""
    assert CliRunner().invoke(main, ["ledger", "verify"]).exit_code == 0


def row_of(listed: str, name: str = NAME) -> list[str]:
    """The cells of a file in the list, from its state on."""
    (line,) = (line for line in listed.splitlines() if name in line)
    return [cell.strip() for cell in line.split("│")[4:-1]]


def test_the_list_tells_parked_and_refused_from_booked(run, file, tmp_path):
    run("senders", "add", "KY01", "--release-above=SA=150")
    large = [line | {"AMT_DOCCUR": line["AMT_DOCCUR"].replace("100", "200")} for line in (DEBIT, CREDIT)]
    totals = {"BALANCE_DEBET": "200.00", "BALANCE_CREDIT": "-200.00"}
    file.write_bytes(
        request(
            document(),
            document(RECEIV_DOC="2", lines=large, **totals),
            document(RECEIV_DOC="3", lines=[DEBIT]),
        )
    )
    assert "3 bilag, 1 bogført, 1 parkeret, 1 afvist" in run("import", str(file), status=1)
    assert row_of(run("list")) == ["waits", "3", "1", "1", "0", "1"]
    (parked,) = ParkedVoucher.select()
    said = run("show", NAME)
    assert f"bilag 2  parkeret nu: `opus-soap vouchers show {parked.uuid.hex[:8]}`" in said
    assert "bilag 2  306  Bilaget er parkeret" in said
    CliRunner().invoke(main, ["vouchers", "rights", "set", "anna", "--limit", "1000"])
    CliRunner().invoke(main, ["vouchers", "dismiss", str(parked.uuid), "--user=anna", "--reason=dobbelt"])
    assert row_of(run("list")) == ["partly booked", "3", "1", "0", "1", "1"]
    said = run("show", NAME)
    assert "bilag 2  forkastet af anna: dobbelt" in said
    assert "306" not in said


def test_a_file_that_is_refused_voucher_by_voucher_is_not_booked(run, file):
    file.write_bytes(request(document(lines=[DEBIT])))
    run("import", str(file), status=1)
    assert row_of(run("list")) == ["refused", "1", "0", "0", "0", "1"]


def test_show_takes_a_path_and_tells_voucher_code_and_remedy(run, file, tmp_path):
    file.write_bytes(
        request(document(), document(RECEIV_DOC="2", lines=[DEBIT | {"GL_ACCOUNT": "1"}, CREDIT]))
    )
    assert "postings show" in run("import", str(file), status=1)
    said = run("show", str(file))
    assert "bilag 10000000  bogført: 0020 SA 2026 100000000" in said
    assert "bilag 2 linje 1  LED-010" in said
    assert "510" not in said
    assert "Brug en artskonto fra kontoplanen" in said


def test_show_tells_who_released(run, file):
    run("senders", "add", "KY01", "--release-above=SA=1")
    file.write_bytes(request(document()))
    run("import", str(file))
    (parked,) = ParkedVoucher.select()
    CliRunner().invoke(main, ["vouchers", "rights", "set", "anna", "--limit=100"])
    CliRunner().invoke(main, ["vouchers", "release", str(parked.uuid), "--user=anna"])
    said = run("show", NAME)
    assert "bilag 10000000  godkendt af anna, bogført: 0020 SA 2026 100000000" in said
    assert row_of(run("list")) == ["booked", "1", "1", "0", "0", "0"]


def test_watch_makes_folders_and_deals_with_what_is_there(run, file, tmp_path, monkeypatch):
    monkeypatch.setenv("OPUS_SOAP_POSTINGS_FOLDER", str(tmp_path / "senders"))
    monkeypatch.setenv("OPUS_SOAP_POSTINGS_SETTLE_SECONDS", "0")
    run("watch", "--once")
    home = tmp_path / "senders/KY01"
    made = sorted(path.name for path in home.iterdir())
    assert made == ["archive", "quarantine", "request", "response", "work"]
    assert (home / "work").stat().st_mode & 0o077 == 0
    file.rename(home / "request" / NAME)
    os.utime(home / "request" / NAME)
    monkeypatch.setenv("OPUS_SOAP_POSTINGS_SETTLE_SECONDS", "60")
    assert "1 files still settling" in run("watch", "--once")
    monkeypatch.setenv("OPUS_SOAP_POSTINGS_SETTLE_SECONDS", "0")
    os.utime(home / "request" / NAME, (1, 1))
    run("watch", "--once")
    assert b"<MESSAGE_NUM>305</MESSAGE_NUM>" in (home / "response" / NAME).read_bytes()
    assert "1" in run("list")


def test_watch_that_cannot_begin_or_went_wrong_says_so(run, tmp_path, monkeypatch):
    root = tmp_path / "senders"
    monkeypatch.setenv("OPUS_SOAP_POSTINGS_FOLDER", str(root))
    root.write_text("no folder")
    assert "STO-043" in run("watch", "--once", status=1)
    root.unlink()
    root.mkdir()
    (root / "KY01").write_text("no folder")
    run("watch", "--once", status=1)


def test_ledger_verify_names_a_file_that_was_changed(run, file, tmp_path):
    run("import", str(file), status=1)

    def verify() -> tuple[int, str]:
        result = CliRunner().invoke(main, ["ledger", "verify"])
        return result.exit_code, result.output

    assert verify()[0] == 0
    for stored in (tmp_path / "files").glob("*/*"):
        stored.write_bytes(stored.read_bytes()[:-1] + b" ")
    status, said = verify()
    assert status == 1
    assert f"{NAME}: " in said
    assert f"receipt of {NAME}: " in said
