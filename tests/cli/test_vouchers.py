"""`opus-soap vouchers`: parked, released, dismissed, reversed; who may."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from opus_soap.cli.main import main
from opus_soap.cli.runtime import actor
from opus_soap.database import disconnect
from tests.interfaces.postings_in.conftest import NAME, document, request


@pytest.fixture
def run(sqlite_url, tmp_path, monkeypatch):
    """Run a command; its exit status must be as said."""
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("OPUS_SOAP_FILES_FOLDER", str(tmp_path / "files"))
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == status, result.output
        return result.output

    yield invoke
    disconnect()


@pytest.fixture
def parked(run, tmp_path) -> list[str]:
    """The UUIDs of two vouchers of 100 kroner that wait."""
    run("postings", "senders", "add", "KY01", "--short=KY01", "--name=K", "--release-above=sa=99.99")
    (tmp_path / NAME).write_bytes(request(document(), document(RECEIV_DOC="2")))
    run("postings", "import", str(tmp_path / NAME))
    return re.findall(r"[0-9a-f-]{36}", run("vouchers", "parked"))


def test_released_by_another_who_may(run, parked):
    refused = run("vouchers", "release", parked[0], "--user=anna", status=1)
    assert "LED-045" in refused
    assert "anna may not release 100,00 kr. on * (limit 0,00; * = no profit centre)" in refused
    assert "Let another user decide, or give the user a right (`opus-soap vouchers rights set`)" in refused
    run("vouchers", "rights", "set", "Anna", "--limit=100")
    assert "anna" in run("vouchers", "rights", "list")
    assert "posted 0020 SA 2026 100000000" in run("vouchers", "release", parked[0], "--user=anna")
    assert re.findall(r"[0-9a-f-]{36}", run("vouchers", "parked")) == parked[1:]
    assert "released by anna" in run("vouchers", "parked", "--all")
    assert "entered the voucher" in run("vouchers", "release", parked[1], "--user=ky01", status=1)


def test_whoever_imports_a_file_decides_nothing_about_it(run, parked):
    """The file is KY01's, but root, or whoever is at the keyboard, brought it in."""
    user = actor().removeprefix("cli:")
    run("vouchers", "rights", "set", user, "--limit=100")
    assert "brought it in" in run("vouchers", "release", parked[0], status=1)
    assert "brought it in" in run("vouchers", "dismiss", parked[0], "--reason=x", status=1)


def test_dismissed(run, parked):
    assert "may not dismiss" in run(
        "vouchers", "dismiss", parked[0], "--user=anna", "--reason=dobbelt", status=1
    )
    run("vouchers", "rights", "set", "anna", "--limit=100", "--profit-center=P210")
    run("vouchers", "dismiss", parked[0], "--user=anna", "--reason=dobbelt")
    assert "dismissed by anna" in run("vouchers", "parked", "--all")
    assert "LED-037" in run("vouchers", "release", parked[0], "--user=anna", status=1)


def test_reversed_by_us(run, parked):
    run("vouchers", "rights", "set", "anna", "--limit=100")
    run("vouchers", "release", parked[0], "--user=anna")
    same = ("vouchers", "reverse", "100000000", "--type=sa", "--year=2026", "--date=2026-11-30")
    assert "posted 0020 SA 2026 100000001" in run(*same)
    assert "reversed by 0020 SA 2026 100000001" in run("ledger", "show", "100000000")
    assert "LED-024" in run(*same, status=1)
    assert "LED" in run("vouchers", "reverse", "7", "--type=SA", "--year=2026", status=1)


@pytest.mark.parametrize("limit", ["-1", "1.005", "x", "1.000", "1,5"])
def test_a_limit_that_is_none(run, limit):
    assert limit in run("vouchers", "rights", "set", "anna", f"--limit={limit}", status=2)


def test_shown_to_who_decides(run, tmp_path):
    run("postings", "senders", "add", "KY01", "--short=KY01", "--name=K", "--release-above=*=0")
    attached = {"FILE_NAME": "afgørelse.pdf", "FILE_LENGTH": "3", "FILE_TYPE": "PDF", "FILE": "YWJj"}
    (tmp_path / NAME).write_bytes(request(document(FILES=attached)))
    run("postings", "import", str(tmp_path / NAME))
    (uuid,) = re.findall(r"[0-9a-f-]{36}", run("vouchers", "parked"))
    said = run("vouchers", "show", uuid[:8])
    facts = (
        "10000000",
        "Ydelser",
        "100,00 DKK",
        "2026-11-23",
        "KY01",
        f"{NAME}#1",
        "afgørelse.pdf",
        "november",
    )
    lines = ("52000200", "1101", "kontanthjælp", "-100,00", "90540100")
    for fact in (uuid, *facts, *lines):
        assert fact in said
    assert "sha256" not in said
    assert f"parked: {uuid}" in run("ledger", "show", "--reference=10000000")
    run("vouchers", "rights", "set", "anna", "--limit=100")
    run("vouchers", "release", uuid[:8].upper(), "--user=anna")
    assert "released by anna" in run("vouchers", "show", uuid)
    booked = run("ledger", "show", "--reference=10000000")
    assert "0020 SA 2026 100000000" in booked
    assert "attached: afgørelse.pdf (PDF, 3 bytes), sha256 " in booked
    digest = re.search(r"[0-9a-f]{64}", booked)[0]
    assert run("ledger", "attachment", digest) == run("ledger", "attachment", digest.upper()) == "abc"
    assert "STO-001" in run("ledger", "attachment", "0" * 64, status=1)
    assert "LED-037" in run("vouchers", "dismiss", uuid[:13], "--user=anna", "--reason=x", status=1)


@pytest.mark.parametrize("given", ["1234567", "x" * 8, "0" * 8, "0" * 33, ""])
def test_a_start_that_is_none(run, parked, given):
    for command in ("show", "release"):
        assert "LED-036" in run("vouchers", command, given, status=1)


def test_a_voucher_is_looked_for_by_one_of_two(run):
    run("ledger", "show", status=2)
    run("ledger", "show", "1", "--reference=1", status=2)
    assert "LED-025" in run("ledger", "show", "--reference=nobody", status=1)


def test_a_right_to_the_invoices_of_an_ean_is_none_to_vouchers(run, parked):
    said = run("vouchers", "rights", "set", "Anna", "--limit=100", "--ean=5798009900012")
    assert "invoices to 5798009900012 ≤ 100,00" in said
    assert "5798009900012" in run("vouchers", "rights", "list")
    assert "LED-045" in run("vouchers", "release", parked[0], "--user=anna", status=1)
    assert "13 digits" in run("vouchers", "rights", "set", "Anna", "--limit=1", "--ean=57980099", status=2)
