"""A declaration tells what it changes, and undoes nothing that came by another way unless it is told to."""

from __future__ import annotations

import csv
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from opus_soap.cli.main import main
from opus_soap.database import proxy
from opus_soap.errors import ImportWouldBeUndone
from opus_soap.interfaces.master_data.declaring import declare
from opus_soap.interfaces.master_data.importing import Wanted, import_files
from opus_soap.ledger.models import Account, DimensionValue, Supplier, UserRight
from opus_soap.ledger.parking import set_right
from opus_soap.store.models import AuditEntry
from tests.conftest import DEFINITION, ROOT

LOADED = "master_data.loaded"


@pytest.fixture
def load(clock):
    """Load a declaration, Eksempelby's by itself; and what it changed."""

    def loaded(definition: dict[str, Any] = DEFINITION, **how: Any):
        told: list[Any] = []
        done = declare(definition, actor="test", clock=clock, tell=told.append, **how)
        return done, [(one.outcome, one.table, one.key) for one in told]

    return loaded


@pytest.fixture
def take(company, clock, tmp_path):
    """Import a CSV file into the same books."""

    def taken(table: str, *rows: list[str]) -> None:
        path: Path = tmp_path / f"{table}.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out, delimiter=";").writerows(rows)
        import_files([path], Wanted("999", "0020"), actor="test", clock=clock)

    return taken


def changed(**change: Any) -> dict[str, Any]:
    """Eksempelby's declaration with its first account changed."""
    other = deepcopy(DEFINITION)
    other["company_codes"][0]["accounts"][0] |= change
    return other


FIRST = DEFINITION["company_codes"][0]["accounts"][0]["number"]


def test_who_listens_slowly_keeps_nobody_from_writing(company, load, clock):
    load()
    told: list[bool] = []
    declare(
        changed(name="Andet"),
        actor="test",
        clock=clock,
        tell=lambda change: told.append(proxy.obj.in_transaction()),
    )
    assert told == [False]


def test_what_is_there_is_told_to_be_as_it_was(company, load):
    done, told = load()
    assert told == []
    assert done.municipality.code == "999"
    assert done.counts["GL_ACCOUNT"] == {"unchanged": 56}
    assert all(set(count) == {"unchanged"} for count in done.counts.values())
    assert set(done.counts) >= {"COMP_CODE", "TAX_CODE", "DOC_TYPE", "ACCOUNT_RULE", "VENDOR", "USER_RIGHT"}


def test_all_is_new_in_empty_books(company, load):
    other = deepcopy(DEFINITION)
    other["municipality"] = {"code": "101", "cvr": "12345674", "name": "Andetby Kommune"}
    for row in [*other["company_codes"][0]["accounts"], *other["suppliers"]]:
        row.pop("uuid", None)
    done, told = load(other)
    assert all(set(count) == {"new"} for count in done.counts.values())
    assert len(told) == sum(map(sum, (count.values() for count in done.counts.values())))
    entry = AuditEntry.get(AuditEntry.event == LOADED)
    assert (entry.municipality, entry.actor) == ("101", "test")


def test_a_changed_declaration_of_books_that_nobody_imported_into_is_taken(company, load):
    done, told = load(changed(name="Et andet navn"))
    assert told == [("changed", "GL_ACCOUNT", FIRST)]
    assert done.counts["GL_ACCOUNT"] == {"unchanged": 55, "changed": 1}
    assert Account.get(Account.number == FIRST).name == "Et andet navn"


def test_what_was_imported_is_not_undone_silently(company, load, take):
    before = DimensionValue.get(DimensionValue.code == "1101").name
    take("COSTCENTER", ["COSTCENTER", "NAME"], ["1101", "Navnet, som kommunen bruger"])
    with pytest.raises(ImportWouldBeUndone) as refused:
        load()
    assert "1 " in refused.value.text_danish
    assert "--overwrite" in refused.value.remedy_danish
    with pytest.raises(ImportWouldBeUndone):
        load(dry_run=True)
    assert DimensionValue.get(DimensionValue.code == "1101").name == "Navnet, som kommunen bruger"
    assert not AuditEntry.select().where(AuditEntry.event == LOADED).exists()
    _, told = load(overwrite=True, dry_run=True)
    assert told == [("changed", "COSTCENTER", "1101")]
    assert DimensionValue.get(DimensionValue.code == "1101").name != before
    load(overwrite=True)
    assert DimensionValue.get(DimensionValue.code == "1101").name == before
    assert AuditEntry.select().where(AuditEntry.event == LOADED).count() == 1


def test_what_is_new_is_taken_beside_what_was_imported(company, load, take):
    take("COSTCENTER", ["COSTCENTER", "NAME"], ["9999", "Kommunens egen"])
    new = {"municipality": {"code": "999"}, "company_codes": [{"code": "0020", "dimensions": {}}]}
    new["company_codes"][0]["dimensions"]["cost_center"] = [{"code": "9998", "name": "Ny"}]
    done, told = load(new)
    assert told == [("new", "COSTCENTER", "9998")]
    assert done.counts == {"COMP_CODE": {"unchanged": 1}, "COSTCENTER": {"new": 1}}


def test_a_right_that_somebody_took_away_does_not_come_back_by_itself(company, load, clock):
    set_right("999", "MOHA", "P210", limit_ore=0, actor="leder", clock=clock)
    with pytest.raises(ImportWouldBeUndone):
        load()
    assert not UserRight.select().where(UserRight.user == "moha", UserRight.profit_center == "P210").exists()
    _, told = load(overwrite=True)
    assert told == [("changed", "USER_RIGHT", "moha/P210")]


def test_nor_do_bank_details_that_an_import_emptied(company, load, take):
    supplier = next(row for row in DEFINITION["suppliers"] if row.get("bank_account"))["number"]
    take("VENDOR_BANK", ["ACTION", "VENDOR_NO"], ["SLETTET", supplier])
    with pytest.raises(ImportWouldBeUndone):
        load()
    assert not Supplier.get(Supplier.number == supplier).bank_account


def test_the_command_line_tells_all(company, take, database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object, status: int = 0) -> str:
        result = CliRunner().invoke(main, ["master-data", "load", *map(str, words)])
        assert result.exit_code == status, result.output
        return result.output

    demo = ROOT / "opus_soap/simulate/municipality.toml"
    said = run(demo)
    assert "999 Eksempelby Kommune is loaded" in said
    assert [word for word in said.split() if word in ("new", "changed", "unchanged")]
    take("COSTCENTER", ["COSTCENTER", "NAME"], ["1101", "Kommunens navn"])
    said = run(demo, status=1)
    assert "EXT-160" in said
    assert "changed COSTCENTER 1101  NAME: Kommunens navn → " in said
    assert "nothing was changed: a dry run" in run(demo, "--overwrite", "--dry-run", "--list")
    assert DimensionValue.get(DimensionValue.code == "1101").name == "Kommunens navn"
    assert "changed COSTCENTER 1101" in run(demo, "--overwrite")
