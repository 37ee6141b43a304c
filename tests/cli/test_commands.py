"""The command line, command by command, against one database."""

from __future__ import annotations

import csv
import json
import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from opus_soap.cli.main import main
from opus_soap.clock import ManualClock
from opus_soap.database import connect, disconnect, proxy
from opus_soap.errors import VoucherRefused
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.posting import PostingLine, VoucherDraft, post
from opus_soap.store import archive
from opus_soap.store.models import Invoice, System, SystemCertificate
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


def test_a_system_is_stopped_and_started(run, agreement):
    assert "stopped" in run("systems", "stop", "Sag")
    assert "Sag (stopped)" in run("systems", "list")
    run("systems", "start", "Sag")
    assert "(stopped)" not in run("systems", "list")


def test_a_database_that_cannot_be_reached(run, monkeypatch):
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", "sqlite:////nowhere/at/all.sqlite3")
    said = run("systems", "list", status=1)
    assert "DBA-004" in said
    assert "Traceback" not in said


def test_a_database_that_fails_is_told(run, sqlite_url):
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as database:
        database.execute("CREATE TRIGGER full BEFORE INSERT ON system BEGIN SELECT RAISE(ABORT, 'full'); END")
    said = run("systems", "add", "Sag", "--municipality=999", "--cvr=44444449", status=1)
    assert "DBA-005" in said
    assert "Traceback" not in said


def test_an_argument_that_is_no_text_is_told(run, agreement):
    assert "CFG-013" in run("systems", "stop", "S\udcff", status=1)


def test_output_that_cannot_be_written_or_shown(run, agreement):
    """A full disk behind a pipe, a terminal without Danish letters."""
    run("systems", "change", "Sag", "--name=Økonomi")
    command = [sys.executable, "-m", "opus_soap", "systems", "list"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "CFG-014" in done.stderr
    assert "Traceback" not in done.stderr
    plain = subprocess.run(
        command, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, text=True, check=True
    )
    assert "\\xd8konomi" in plain.stdout


def test_who_reads_enough_is_told_nothing(run, agreement):
    listing = subprocess.Popen(
        [sys.executable, "-m", "opus_soap", "master-data", "dimensions", "--format", "csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert listing.stdout is not None
    assert listing.stderr is not None
    listing.stdout.close()
    with listing.stderr:
        assert listing.stderr.read() == ""
    listing.wait(20)


def test_an_error_is_told_with_its_remedy_and_no_traceback(run):
    said = run("systems", "certificate", "revoke", "00", status=1)
    assert "STO-010" in said
    assert "→" in said
    assert "Traceback" not in said


def test_database(run):
    assert "already up to date" in run("database", "migrate")
    assert "as it must be" in run("database", "check")
    assert "0 contents purged" in run("database", "purge")


def test_a_new_database_comes_with_its_folder(run, tmp_path, monkeypatch):
    file = tmp_path / "var" / "books" / "opus-soap.sqlite3"
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", f"sqlite:///{file}")
    assert "DBA-004" in run("database", "check", status=1)
    assert not file.parent.exists()
    assert "applied" in run("database", "migrate")
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_master_data(run, tmp_path):
    assert "Eksempelby" in run("master-data", "load", str(ROOT / "opus_soap/simulate/municipality.toml"))
    listed = json.loads(run("master-data", "dimensions", "--format=json", "--kind=cost_center"))
    assert {"kind", "code", "name", "uuid", "blocked", "not_for_case_systems"} == set(listed[0])
    accounts = json.loads(run("master-data", "dimensions", "--format=json", "--kind=account"))
    bank = next(row for row in accounts if row["code"] == "90520001")
    assert (bank["blocked"], bank["not_for_case_systems"]) == (False, True), "files of postings may"
    closed = next(row for row in listed if row["code"] == "1199")
    assert (closed["blocked"], closed["not_for_case_systems"]) == (True, False)
    types = run("master-data", "document-types")
    for told in ("SA", "Finansbilag", "100000000"):
        assert told in types
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


RATE = ("systems", "rate", "add", "EUR", "746.00", "--municipality=999", "--valid-from=2026-01-01")


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (4, "0"),
        (4, "0.0"),
        (4, "-1"),
        (4, "NaN"),
        (4, "Infinity"),
        (4, "1e400"),
        (3, "EURO"),
        (3, "E1R"),
        (3, ""),
    ],
)
def test_a_rate_that_cannot_be_is_refused(run, at, value):
    arguments = list(RATE)
    arguments[at] = value
    assert "Invalid value" in run(*arguments[:3], *arguments[5:], "--", *arguments[3:5], status=2)


@pytest.mark.parametrize("municipality", ["12345", "998"])
def test_a_municipality_must_be_in_the_books(run, municipality):
    assert "LED-033" in run(*RATE[:5], f"--municipality={municipality}", RATE[6], status=1)
    assert "LED-033" in run(
        "systems", "add", "X", f"--municipality={municipality}", "--cvr=44444449", status=1
    )


@pytest.mark.usefixtures("agreement")
@pytest.mark.parametrize("option", ["--from-amount", "--to-amount"])
@pytest.mark.parametrize("amount", ["1.005", "1.000", "1.5", "NaN", "x", "1e3", "-1", "1000000000000"])
def test_a_routing_amount_is_whole_oere(run, option, amount):
    said = run("systems", "route", "add", "Sag", "--priority=2", f"{option}={amount}", status=2)
    assert "100000.00" in said


@pytest.mark.usefixtures("agreement")
def test_a_route_that_nothing_could_take_is_refused(run):
    route = ("systems", "route", "add", "Sag", "--priority=2")
    run(*route, "--from-amount=2.00", "--to-amount=1,99", status=2)
    run(*route, "--ean=579", status=2)
    run("systems", "route", "add", "Sag", "--priority=99999999999", status=2)
    run(*route, "--from-amount=2,00", "--to-amount=2", "--ean=5798009900012")


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
    assert "FAK-028" in run("invoices", "export-html", one, "/nowhere/x.html", status=1)
    assert "pending" in run("messages", "outbox")
    assert Invoice.select().count() == 3


def test_ledger(run):
    assert "all hold" in run("ledger", "verify")
    assert "Trial" not in run("ledger", "balance", "--year=2026")
    assert "LED-025" in run("ledger", "show", "1", status=1)
    assert "LED-040" in run("ledger", "seal", status=1)
    assert "nothing to seal" in run("ledger", "seal", "--create-key")


def test_year_end(run, sqlite_url):
    _post(sqlite_url)
    assert "posted 0020 AB 2027 200000000" in run("ledger", "carry-forward", "2026")
    assert "nothing to carry forward" in run("ledger", "carry-forward", "2026")
    assert "LED-020" in run("ledger", "carry-forward", "2027", status=1)
    shown = run("ledger", "show", "200000000", "--type=ab", "--year=2027")
    assert "Primosaldi 2027" in shown
    assert "LED-025" in run("ledger", "show", "200000000", "--type=KR", status=1)
    assert "100,00" in run("ledger", "balance", "--year=2027")
    assert "1 vouchers" not in run("ledger", "verify")


def test_opening_balances(run, tmp_path):
    file = tmp_path / "opening.csv"
    file.write_text("account;amount\n90520001;1000,50\n90590100;-1000,50\n")
    assert "posted 0020 AB 2026 200000000" in run("ledger", "open", str(file), "--year=2026")
    assert "nothing to post" in run("ledger", "open", str(file), "--year=2026")
    assert "1.000,50" in run("ledger", "balance", "--year=2026")
    file.write_bytes(b"\xff")
    assert "LED-028" in run("ledger", "open", str(file), "--year=2026", status=1)


def test_periods_and_years_are_closed_and_opened(run, sqlite_url):
    run("ledger", "period", "2026", "11", "closed")
    with pytest.raises(VoucherRefused, match="2026"):
        _post(sqlite_url)
    run("ledger", "period", "2026", "11", "open")
    run("ledger", "year", "2026", "closed")
    with pytest.raises(VoucherRefused, match="2026"):
        _post(sqlite_url)
    run("ledger", "year", "2026", "open")
    _post(sqlite_url)
    assert "LED-026" in run("ledger", "period", "2026", "16", "open", status=1)
    assert "LED-020" in run("ledger", "year", "2031", "open", status=1)


def test_a_tampered_ledger_is_told_and_ends_with_1(run, sqlite_url):
    _post(sqlite_url)
    run("ledger", "seal", "--create-key")
    connect(sqlite_url)
    proxy.obj.execute_sql("DROP TRIGGER posting_no_update")
    proxy.obj.execute_sql("UPDATE posting SET amount_ore = amount_ore + 1 WHERE line = 1")
    assert "DBA-001" in run("ledger", "verify", status=1)
    run("database", "migrate")
    assert "problems" in run("ledger", "verify", status=1)


def test_seals_of_another_key_are_told(run, sqlite_url, tmp_path, monkeypatch):
    _post(sqlite_url)
    sealed = run("ledger", "seal", "--create-key")
    root, key = sealed.split("root ")[1].split()[0].rstrip(","), sealed.split("key ")[1].strip()
    assert "all hold" in run("ledger", "verify", "--root", root)
    assert "no seal has the root" in run("ledger", "verify", "--root", "00" * 32, status=1)
    run("ledger", "verify", "--root", "x", status=2)
    (tmp_path / "trusted").write_text(key)
    assert "all hold" in run("ledger", "verify", "--trusted-keys", str(tmp_path / "trusted"))
    monkeypatch.setenv("OPUS_SOAP_SEAL_KEY_FILE", str(tmp_path / "gone.pem"))
    assert "--trusted-keys" in run("ledger", "verify")  # the database vouches for its own keys
    monkeypatch.setenv("OPUS_SOAP_SEAL_KEY_FILE", str(tmp_path / "other.pem"))
    run("ledger", "seal", "--create-key")
    assert "not a trusted key" in run("ledger", "verify", status=1)
    assert "all hold" in run("ledger", "verify", "--trusted-keys", str(tmp_path / "trusted"))


def _post(url: str) -> None:
    connect(url)
    lines = (
        PostingLine(account="22000300", amount_ore=10000, cost_center="1101"),
        PostingLine(account="90590100", amount_ore=-10000, supplier="200002"),
    )
    day = date(2026, 11, 23)
    post(
        VoucherDraft(company_code("999", "0020"), "KR", day, day, "Papir", "1", lines, "test", "test"),
        ManualClock(NOON),
    )


def test_messages_and_settings(run):
    run("messages", "list")
    for identifier in ("1", "²", "9" * 40, "urn:uuid:x"):
        assert "STO-040" in run("messages", "show", identifier, status=1)
    assert "OPUS_SOAP_DATABASE_URL" in run("settings")


def test_times_are_told_with_their_zone_and_what_never_arrived_is_not_ok(run, sqlite_url):
    connect(sqlite_url)
    for direction, content, outcome in (("out", b"<x/>", "sent"), ("in", b"", "TRA-001")):
        archive.record(
            direction=direction, content=content, correlation_id=UUID(int=1), at=NOON,
            endpoint="http://127.0.0.1:9/", outcome=outcome,
        )  # fmt: skip
    listed = run("messages", "list")
    assert "2026-11-23 12:00:00+01:00" in listed
    assert "TRA-001" in listed
    assert "TRA-001" not in run("messages", "list", "--outcome=sent")
    assert "2026-11-23 12:00:00+01:00  sent" in run("messages", "show", "1")
    assert run("messages", "show", "1", "--raw") == "<x/>"


@pytest.mark.usefixtures("agreement")
def test_a_supplier_with_brackets_does_not_break_the_lists(run, folder):
    run("invoices", "import", folder)
    Invoice.update(supplier_name="Firma [/b] A/S\x1b[2J 010190-1234").execute()
    for command in (("list",), ("list", "--json"), ("show", str(Invoice.get().uuid))):
        said = run("invoices", *command)
        assert "Firma [/b] A/S" in said
        assert "\x1b[2J" not in said
        assert "010190" not in said


def test_settings_show_no_password(run, monkeypatch):
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", "postgresql://u:secret@h/d")
    monkeypatch.setenv("OPUS_SOAP_QUEUE_URL", "redis://:secret@h:6379/0")
    said = run("settings")
    assert "postgresql://u:" in said
    assert "secret@" not in said


def test_only_what_is_given_is_changed(run, agreement):
    said = run("systems", "change", "Sag", "--profile=basic")
    assert "profile kombit → basic" in said
    assert "endpoint" not in said
    for again in (("--profile=basic",), ()):
        assert "Sag: nothing was changed" in run("systems", "change", "Sag", *again)
    assert "no option says what to change" in run("systems", "change", "Sag")
    listed = run("systems", "list")
    assert "basic" in listed
    names = [name.strip() for name in listed.splitlines()[1].strip("┃").split("┃")]
    values = [value.strip() for value in listed.splitlines()[3].strip("│").split("│")]
    shown = dict(zip(names, values, strict=True))
    assert (shown["Profile"], shown["Model"]) == ("basic", "x509")
    assert "http://127.0.0.1:9/" in listed
    uuid = str(System.get().uuid)
    taken = run("systems", "add", "Other", "--municipality=999", "--cvr=44444449", "--uuid", uuid, status=1)
    assert "STO-019" in taken


def test_a_certificate_that_is_odd_is_told(run, agreement, keys):
    assert "expired on" in run("systems", "certificate", "add", "Sag", str(keys / "expired.crt.pem"))
    other = run("systems", "certificate", "add", "Sag", str(keys / "stranger.crt.pem"))
    assert "CVR 22222226's, the agreement CVR 44444449's" in other
    assert "serialNumber=CVR:22222226-FID" in other
    assert "STO-010" in run("systems", "certificate", "revoke", other[:7], status=1)
    SystemCertificate.update(subject="2.5.4.5=CVR:22222226").execute()  # as older versions stored it
    assert "revoked: serialNumber=CVR:22222226" in run("systems", "certificate", "revoke", other[:8])


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("wrong-usage", "no caller with it is let in: WSS-052"),
        ("no-usage", "no caller with it is let in: WSS-052"),
        ("self-signed", "no caller with it is let in: WSS-050"),
    ],
)
def test_a_certificate_that_cannot_work_is_told(run, keys, monkeypatch, name, note):
    monkeypatch.setenv("OPUS_SOAP_TRUSTED_CA_FILE", str(keys / "ca.pem"))
    run("systems", "add", "Sag", "--municipality=999", "--cvr=44444449")
    said = run("systems", "certificate", "add", "Sag", str(keys / f"{name}.crt.pem"))
    assert f"note: {note}" in said
    good = run("systems", "certificate", "add", "Sag", str(keys / "case-system.crt.pem"))
    assert "note" not in good


def test_a_certificate_whose_key_is_too_weak_is_told(run, tmp_path):
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name.from_rfc4514_string("CN=Svag")
    weak = x509.CertificateBuilder(name, name, key.public_key(), 1, NOON, NOON + timedelta(days=9))
    (tmp_path / "weak.pem").write_bytes(weak.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    run("systems", "add", "Sag", "--municipality=999", "--cvr=44444449")
    said = run("systems", "certificate", "add", "Sag", str(tmp_path / "weak.pem"))
    assert "note: nothing signed with it is taken: WSS-053" in said


def test_that_no_issuer_is_trusted_yet_is_told(run, keys, monkeypatch):
    monkeypatch.setenv("OPUS_SOAP_TRUSTED_CA_FILE", str(keys / "none.pem"))
    run("systems", "add", "Sag", "--municipality=999", "--cvr=44444449")
    said = run("systems", "certificate", "add", "Sag", str(keys / "case-system.crt.pem"))
    assert "note: no issuer is trusted here yet: CFG-002" in said


def test_a_soapui_project_is_offered_for_profiles_that_it_can_have(run, tmp_path):
    said = run("soapui", "export", "--out", str(tmp_path / "out"), "--profile=sts", status=2)
    assert "'sts' is not one of 'basic', 'kombit'" in said


def test_serve_says_that_it_listens_when_it_does(run, keys, monkeypatch):
    for setting, name in (
        ("SIGNING_KEY_FILE", "opus.key.pem"),
        ("SIGNING_CERTIFICATE_FILE", "opus.crt.pem"),
        ("TRUSTED_CA_FILE", "ca.pem"),
        ("TLS_CERTIFICATE_FILE", "opus.crt.pem"),
        ("TLS_KEY_FILE", "stranger.key.pem"),
    ):
        monkeypatch.setenv(f"OPUS_SOAP_{setting}", str(keys / name))
    monkeypatch.setattr(
        "opus_soap.app.build_server", lambda *_, **__: None
    )  # it would set up logging for all
    said = run("serve", "--bind=127.0.0.1:18317", status=1)
    assert "CFG-016" in said
    assert "listens" not in said


def test_a_route_to_an_unknown_supplier_is_refused(run, agreement):
    said = run("systems", "route", "add", "Sag", "--priority=2", "--supplier=999999", status=1)
    assert "LED-017" in said
    assert "1,00 –" in run("systems", "route", "list")


def test_what_is_not_in_the_books_is_no_proof(run):
    assert "LED-033" in run("ledger", "verify", "--municipality=123", status=1)
    assert "LED-020" in run("ledger", "balance", "--year=2031", status=1)


@pytest.mark.parametrize("bind", ["8089", "x:y", "127.0.0.1:0", "127.0.0.1:70000", ":8080"])
def test_an_address_that_is_none_is_refused(run, bind):
    assert "Invalid value for '--bind'" in run("serve", "--bind", bind, status=2)


def test_a_port_that_is_taken_is_told(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = run("serve", "--bind", f"127.0.0.1:{taken.getsockname()[1]}", status=2)
    assert "Address already in use" in said


def test_nothing_is_cut_off_in_a_pipe(run, agreement):
    listed = run("master-data", "dimensions").splitlines()
    assert next(len(line.split("│")[4].strip()) for line in listed if "│ account" in line) == 36
    assert str(System.get().uuid) in run("systems", "list")


def test_the_demo_keeps_nothing_in_a_folder_that_is_in_use(run, folder):
    assert "SIM-005" in run("demo", "--once", "--keep", folder, status=1)


def test_a_balance_can_be_read_by_programs(run, sqlite_url):
    _post(sqlite_url)
    rows = list(csv.DictReader(run("ledger", "balance", "--format=csv").splitlines(), delimiter=";"))
    assert list(rows[0]) == ["account", "name", "opening", "debit", "credit", "closing"]
    assert sum(Decimal(row["closing"]) for row in rows) == 0
    assert any(Decimal(row["debit"]) for row in rows)
    assert "Total" in run("ledger", "balance")
    assert "Cost center" in run("ledger", "balance", "--by=cost_center")
    apart = csv.DictReader(
        run("ledger", "balance", "--by=cost_center", "--format=csv").splitlines(), delimiter=";"
    )
    assert "1101" in {row["cost_center"] for row in apart}
