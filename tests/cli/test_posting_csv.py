"""`postings check-csv` and `import-csv`: mistakes by row and column, one voucher however often."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from opus_soap.cli.main import main
from opus_soap.database import disconnect
from opus_soap.ledger.models import Voucher
from tests.interfaces.postings_in.test_csv_form import CREDIT, DEBIT, written

OPTIONS = ["--sender", "KY01", "--number", "OMP-1", "--text", "Ompostering", "--posting-date", "23.11.2026"]


@pytest.fixture
def upload(sqlite_url, tmp_path, monkeypatch):
    """Run one of the two commands on a file."""
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("OPUS_SOAP_FILES_FOLDER", str(tmp_path / "files"))
    sender = ["postings", "senders", "add", "KY01", "--short=KY01", "--name=Økonomi"]
    assert CliRunner().invoke(main, sender).exit_code == 0

    def run(command: str, data: bytes, *more: str) -> Result:
        (tmp_path / "bilag.csv").write_bytes(data)
        return CliRunner().invoke(main, ["postings", command, str(tmp_path / "bilag.csv"), *OPTIONS, *more])

    yield run
    disconnect()


def test_a_good_upload_is_checked_and_booked_once(upload):
    data = written(DEBIT, CREDIT)
    assert upload("check-csv", data).exit_code == 0
    assert Voucher.select().count() == 0
    for _ in range(2):
        done = upload("import-csv", data)
        assert done.exit_code == 0, done.output
        assert "305" in done.output
        assert "bogført: 0020 SA 2026 100000000" in done.output
        assert "ZFIR_KMD_Opus_Posteringer_IND_999_KY01_20261123_" in done.output
    assert Voucher.select().count() == 1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([DEBIT, CREDIT | {"Beløb": "1,00"}], "bilaghoved"),
        ([DEBIT | {"Artskonto": "1"}, CREDIT], "række 2  Artskonto  LED-010"),
        ([DEBIT, CREDIT | {"Tekst": "x" * 51}], "række 3  Tekst  PIN-425"),
        ([DEBIT | {"Beløb": "x"}, CREDIT], "række 2  Beløb  PIN-483"),
    ],
)
def test_mistakes_of_every_kind_are_told_by_row_and_column(upload, rows, said):
    done = upload("check-csv", written(*rows))
    assert done.exit_code == 1
    assert said in done.output
    assert upload("import-csv", written(*rows)).exit_code == 1
    assert Voucher.select().count() == 0


def test_what_is_given_beside_the_file_is_checked(upload):
    data = written(DEBIT, CREDIT)
    assert upload("check-csv", data, "--posting-date", "2026-11-23").exit_code == 2
    assert upload("check-csv", data, "--encoding", "latin-1").exit_code == 2
    assert "PIN-" in upload("check-csv", data, "--sender", "XX99").output
    assert "bilaghoved" in upload("check-csv", data, "--text", "x" * 26).output


def test_an_upload_that_waits_is_not_booked(upload):
    sender = ["postings", "senders", "add", "KY01", "--release-above=*=0"]
    assert CliRunner().invoke(main, sender).exit_code == 0
    done = upload("import-csv", written(DEBIT, CREDIT))
    assert done.exit_code == 0, done.output
    assert "1 bilag, 0 bogført, 1 parkeret" in done.output
