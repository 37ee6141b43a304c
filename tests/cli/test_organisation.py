"""`opus-soap organisation`: loaded, refused, shown as a tree; `extracts run` gives it out."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from opus_soap.cli.main import main
from opus_soap.database import connect, disconnect
from opus_soap.store.organisation_models import OrgUnit
from tests.conftest import ROOT
from tests.interfaces.master_data.organisation.conftest import CPR, employee, kmd, leaver, unit

DEMO = str(ROOT / "opus_soap/simulate/organisation.xml")


@pytest.fixture
def run(sqlite_url, tmp_path, monkeypatch):
    """Run a command; its exit status must be as said."""
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("OPUS_SOAP_SEAL_KEY_FILE", str(tmp_path / "seal.pem"))
    monkeypatch.setenv("OPUS_SOAP_EXTRACTS_FOLDER", str(tmp_path / "extracts"))

    def invoke(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == status, result.output
        return result.output

    yield invoke
    disconnect()


@pytest.fixture
def file(tmp_path):
    """Write records into a file."""

    def write(*records: str) -> str:
        path = tmp_path / "organisation.xml"
        path.write_bytes(kmd(*records))
        return str(path)

    return write


def test_the_example_is_loaded_without_a_warning_and_shown(run):
    said = run("organisation", "load", DEMO)
    assert said.splitlines() == [
        "units: 8 added, 0 changed, 0 as before",
        "employees: 10 added, 0 changed, 0 as before, 0 left",
        "999 Eksempelby Kommune is loaded",
    ]
    tree = run("organisation", "list").splitlines()
    assert tree[0] == "999 Eksempelby Kommune"
    assert "    │   └── Regnskab  10000011  EAN 5798009900029  1102" in tree
    assert "    │       └── Mona Hansen  1004  Regnskabsassistent  up to 25.000,00 kr.  MOHA" in tree
    assert tree[-1] == "7 units, 10 employees; 1 units that are over: --ended"
    assert "Central Indkøb  10000012  1102  ended 2025-12-31" in run("organisation", "list", "--ended")
    assert "Hansen" not in run("organisation", "list", "--units")


def test_a_unit_that_is_over_is_shown_while_somebody_is_in_it_or_below(run, file):
    over = {"endDate": "2021-01-01"}
    units = [unit("1", **over), unit("10", parentOrgUnit="1", **over), unit("2", **over)]
    run("organisation", "load", file(*units, employee("7")))
    shown = run("organisation", "list")
    assert "Enhed  10  ended 2021-01-01" in shown
    assert "Enhed  1  ended 2021-01-01" in shown
    assert "Enhed  2" not in shown


def test_every_mistake_is_told_with_its_line_and_nothing_loaded(run, file):
    said = run(
        "organisation",
        "load",
        file(unit("10", parentOrgUnit="99"), employee("7", firstName=CPR), employee("8", cpr="1")),
        status=1,
    )
    assert "organisation.xml:2  EXT-135  Enhed 10 hører under 99, som ikke findes." in said
    assert "organisation.xml:3  EXT-139  employee 7: firstName ser ud til at indeholde" in said
    assert "organisation.xml:4  EXT-133  employee 8: cpr passer ikke til skemaet: [0-9]{10}" in said
    assert "EXT-140  The file organisation.xml has 3 mistakes; nothing was loaded" in said
    assert CPR not in said
    assert "0 units, 0 employees" in run("organisation", "list")


def test_a_dry_run_and_a_warning(run, file):
    said = run("organisation", "load", "--dry-run", file(unit("10", eanNr="5798009900011"), leaver("9")))
    assert "organisation.xml:2  EXT-142" in said
    assert "organisation.xml:3  EXT-143" in said
    assert "nothing was loaded: --dry-run" in said
    assert "0 units" in run("organisation", "list")


def test_what_is_loaded_does_not_move_the_cursor(run, file, sqlite_url):
    run("organisation", "load", file(unit("10", longName="ab[bold]")))
    connect(sqlite_url)
    OrgUnit.update(long_name="a\u202eb[bold]").execute()  # it may have come before such names were refused
    assert "a\ufffdb[bold]" in run("organisation", "list")


def test_it_is_given_out_in_full_and_then_as_a_delta_that_verifies(run, file, tmp_path):
    run("organisation", "load", DEMO)
    run("ledger", "seal", "--create-key")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    terms = ("--kind", "organisation", "--receiver", "HR", "--persons", "--folder", str(inbox))
    run("extracts", "subscribe", "HR", *terms)
    run("extracts", "run", "HR")
    run("organisation", "load", file(leaver("1004")))
    assert "1 records" in run("extracts", "run", "HR")
    full, delta = sorted(path.name for path in inbox.glob("*.xml"))
    assert (full[:17], full[-9:], delta[-10:]) == ("ZLPE_999_0020_HR_", "_full.xml", "_delta.xml")
    assert '<employee id="1004" action="leave"/>' in (inbox / delta).read_text("utf-8")
    assert not list(inbox.glob(".*"))  # what is noted for the next one stays here
    run("extracts", "verify", str(inbox))
    told = json.loads(next(iter(inbox.glob("*_000002.manifest.json"))).read_text("utf-8"))
    assert (told["mode"], told["totals"]["records"]) == ("delta", 1)
    # what was received can be loaded again: who has left since comes back
    again = run("organisation", "load", "--dry-run", str(inbox / full))
    assert "employees: 1 added, 0 changed, 9 as before" in again
