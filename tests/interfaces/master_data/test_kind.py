"""Stamdata and kreditorer: all there is, what changed since, what a receiver may see."""

from __future__ import annotations

import hashlib
import json
from datetime import date

import pytest
from lxml import etree

from opus_soap.database import is_postgresql, transaction
from opus_soap.errors import ExtractStateUnusable, SubscriptionFixed, SubscriptionInvalid
from opus_soap.extracts.verifying import verify
from opus_soap.interfaces.master_data import books
from opus_soap.interfaces.master_data.form import STAMDATA, TABLES
from opus_soap.interfaces.master_data.kind import STAMDATA_KIND
from opus_soap.ledger import parking
from opus_soap.ledger.models import Account, AccountRule, DimensionValue, Supplier, UserRight
from opus_soap.store.extract_models import Subscription

from .conftest import records, rows


def one(found, table, **key):
    (record,) = [row for row in found[table] if key.items() <= row.items()]
    return record


def test_everything_is_there_and_the_same_in_xml_and_csv(company, run):
    folder = run(bank_details=True)
    found = records(folder)
    control = found.pop("CONTROL_FIELDS")[0]
    assert (control["MODE"], control["COMP_CODE"], "PERSONS" in control) == ("FULL", "0020", False)
    assert found == rows(folder)
    assert list(found) == [table.name for table in TABLES]
    assert len(found["GL_ACCOUNT"]) == Account.select().count()
    assert len(found["VENDOR"]) == Supplier.select().count()
    assert sum(len(of) for name, of in found.items() if name in books.DIMENSIONS) == (
        DimensionValue.select().count()
    )
    assert not any("ACTION" in row for of in found.values() for row in of)
    (manifest,) = folder.glob("*.manifest.json")
    assert verify(manifest).ok
    told = json.loads(manifest.read_bytes())
    assert told["totals"]["records"] == sum(map(len, found.values()))
    (path,) = folder.glob("*.xml")
    assert STAMDATA.schema.validate(etree.parse(path))
    # what the next is compared with stays here
    assert len(list(folder.glob(".*.state"))) == len(TABLES)
    assert not any(file["name"].endswith(".state") for file in told["files"])


def test_an_account_tells_the_rule_that_covers_it(company, run):
    found = records(run(tables=["GL_ACCOUNT"]))
    bank = one(found, "GL_ACCOUNT", GL_ACCOUNT="90520001")
    paper = one(found, "GL_ACCOUNT", GL_ACCOUNT="22000300")
    assert (bank["RULE"], bank["FORBIDS"], "REQUIRES_ONE_OF" in bank) == (
        "10",
        "COSTCENTER WBS_ELEMENT",
        False,
    )
    assert (paper["RULE"], paper["REQUIRES_ONE_OF"], paper["TAX_CODE"]) == (
        "20",
        "COSTCENTER WBS_ELEMENT",
        "K25",
    )
    assert one(found, "GL_ACCOUNT", GL_ACCOUNT="22009900")["BLOCKED"] == "X"


def test_rights_and_the_hierarchy(company, run):
    found = records(run(tables="USER_RIGHT, PROFIT_CTR"))
    assert list(found) == ["CONTROL_FIELDS", "PROFIT_CTR", "USER_RIGHT"]
    assert one(found, "PROFIT_CTR", PROFIT_CTR="P411")["PARENT"] == "P410"
    assert one(found, "USER_RIGHT", USERNAME="MOHA", EAN="5798009900012") == {
        "USERNAME": "MOHA",
        "EAN": "5798009900012",
        "AMOUNT_LIMIT": "25000.00",
    }


def test_the_order_is_that_of_the_characters_numbers(company, run, monkeypatch):
    monkeypatch.setattr(books, "AT_ONCE", 3)
    kept = Supplier.get(Supplier.number == "200099")
    with transaction():
        for number in ("Å1", "a1", "B1", "_1", "æ1"):
            data = {**kept.__data__, "id": None, "uuid": delta_uuid(number), "number": number}
            Supplier.insert({k: v for k, v in data.items() if k != "id"}).execute()
        for priority in (-3, 100, 9):
            AccountRule.create(company_code=company, priority=priority, pattern="Q")
    found = records(run())
    numbers = [row["VENDOR_NO"] for row in found["VENDOR"]]
    assert numbers == sorted(numbers)
    assert len(numbers) == Supplier.select().count()
    assert [row["PRIORITY"] for row in found["ACCOUNT_RULE"]] == ["-3", "9", "10", "20", "100"]


@pytest.mark.usefixtures("database")
def test_no_database_compares_as_a_language_does():
    text, _ = Supplier.select(Supplier.id).order_by(books.binary(Supplier.number)).sql()
    assert ('COLLATE "C"' in text) == is_postgresql()


def delta_uuid(number):
    return hashlib.md5(number.encode()).hexdigest()


def test_persons_and_bank_details_only_where_they_are_asked_for(company, run):
    digest = "CPR#0123456789abcdef0123456789abcdef"
    Supplier.update(person=True, cvr=None, identifiers=[digest, "GLN:5798002000016"]).where(
        Supplier.number == "200001"
    ).execute()
    without = run()
    assert "200001" not in {row["VENDOR_NO"] for row in records(without)["VENDOR"]}
    assert "VENDOR_BANK" not in records(without)
    assert not list(without.glob("*_VENDOR_BANK.csv"))
    folder = run("kreditorer", persons=True, bank_details=True)
    person = one(records(folder), "VENDOR", VENDOR_NO="200001")
    assert (person["PERSON"], person["IDENTIFIERS"]) == ("X", "GLN:5798002000016")
    assert one(records(folder), "VENDOR_BANK", VENDOR_NO="200001")["IBAN"].startswith("DK")
    for path in (*folder.iterdir(), *without.iterdir()):
        assert b"CPR#" not in path.read_bytes()


def test_bank_details_of_a_person_are_not_told_without_persons(company, run):
    Supplier.update(person=True).where(Supplier.number == "200001").execute()
    found = records(run(bank_details=True))
    assert "200001" not in {row["VENDOR_NO"] for row in found["VENDOR_BANK"]}


def test_creditors_for_purchasing_are_those_that_are_marked(company, run):
    folder = run("kreditorer")
    assert [row["VENDOR_NO"] for row in records(folder)["VENDOR"]] == ["200001", "200002", "200005", "200010"]
    Supplier.update(purchasing=False).where(Supplier.number == "200002").execute()
    Supplier.update(purchasing=True).where(Supplier.number == "200003").execute()
    told = records(run("kreditorer"))["VENDOR"]
    assert [(row["ACTION"], row["VENDOR_NO"]) for row in told] == [("SLETTET", "200002"), ("NY", "200003")]


def test_a_delta_tells_what_is_new_changed_and_no_more(company, run, clock):
    run(bank_details=True)
    assert list(records(run(bank_details=True))) == ["CONTROL_FIELDS"]
    Account.update(name="Papir").where(Account.number == "22000300").execute()
    DimensionValue.create(
        company_code=company,
        uuid="c0000000-0000-4000-8000-000000000001",
        kind="cost_center",
        code="5001",
        name="Ny",
        valid_from=date(2027, 1, 1),
    )
    Supplier.update(iban="", bank_registration="", bank_account="").where(
        Supplier.number == "200001"
    ).execute()
    ean = "5798009900012"
    parking.set_right("999", "moha", "", limit_ore=0, actor="t", clock=clock, ean=ean)
    folder = run(bank_details=True)
    found = records(folder)
    assert found.pop("CONTROL_FIELDS")[0]["MODE"] == "DELTA"
    assert found == rows(folder)
    account = one(found, "GL_ACCOUNT", GL_ACCOUNT="22000300")
    assert (account["ACTION"], account["NAME"]) == ("RETTET", "Papir")
    new = one(found, "COSTCENTER", COSTCENTER="5001")
    assert (new["ACTION"], new["VALID_FROM"]) == ("NY", "20270101")
    assert found["VENDOR_BANK"] == [{"ACTION": "SLETTET", "VENDOR_NO": "200001"}]
    assert found["USER_RIGHT"] == [{"ACTION": "SLETTET", "USERNAME": "MOHA", "EAN": ean}]
    assert sum(map(len, found.values())) == 4
    (path,) = folder.glob("*.xml")
    assert STAMDATA.schema.validate(etree.parse(path))


def test_users_that_were_told_in_small_letters_are_told_once_more(company, run, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr("opus_soap.interfaces.master_data.kind._of_user", tuple)
        before = records(run(tables=["USER_RIGHT"]))["USER_RIGHT"]
    after = records(run(tables=["USER_RIGHT"]))["USER_RIGHT"]
    assert [row["USERNAME"] for row in after] == [row["USERNAME"].upper() for row in before]
    assert {row["ACTION"] for row in after} == {"RETTET"}
    assert "USER_RIGHT" not in records(run(tables=["USER_RIGHT"]))


def test_a_rule_that_changes_changes_the_accounts_that_it_covers(company, run):
    run()
    AccountRule.update(forbids_any_of=["order"]).where(AccountRule.priority == 10).execute()
    found = records(run())
    assert {row["FORBIDS"] for row in found["GL_ACCOUNT"]} == {"ORDERID"}
    assert len(found["ACCOUNT_RULE"]) == 1


def test_after_a_full_one_a_delta_goes_on_from_it(company, run):
    run()
    UserRight.update(limit_ore=1).where(UserRight.user == "akri").execute()
    assert "ACTION" not in one(records(run(full=True)), "USER_RIGHT", USERNAME="AKRI")
    assert "USER_RIGHT" not in records(run())


@pytest.mark.parametrize("change", ["deleted", "cut", "cut between lines", "of another key"])
@pytest.mark.parametrize("table", ["COMP_CODE", "GL_ACCOUNT", "USER_RIGHT"])
def test_without_what_the_extract_before_held_there_is_no_delta(company, run, table, change):
    folder = run()
    (held,) = folder.glob(f".*.{table}.state")
    if change == "deleted":
        held.unlink()
    elif change == "cut":
        held.write_bytes(held.read_bytes()[:-30])
    elif change == "cut between lines":
        held.write_bytes(b"".join(held.read_bytes().splitlines(keepends=True)[:-2]))
    else:
        held.write_bytes(b"x" + held.read_bytes())
    with pytest.raises(ExtractStateUnusable):
        run()


@pytest.mark.parametrize("changed", [{"tables": ["VENDOR"]}, {"bank_details": True}, {"persons": True}])
def test_options_of_deltas_do_not_change(company, run, changed):
    run()
    with pytest.raises(SubscriptionFixed):
        run(**changed)


def take_full_ones_only():
    """As `subscribe --full` would: then the options may be changed, and deltas may be asked for again."""
    Subscription.update(delta=False).execute()


@pytest.mark.parametrize("tables", [["DOC_TYPE"], ["DOC_TYPE", "TAX_CODE", "GL_ACCOUNT"]])
def test_after_other_options_everything_comes_again(company, run, tables):
    run(tables=["DOC_TYPE", "TAX_CODE"])
    take_full_ones_only()
    found = records(run(tables=tables))
    assert found.pop("CONTROL_FIELDS")[0]["MODE"] == "FULL"
    assert sorted(found) == sorted(tables)


def test_keys_of_any_characters_are_told_apart(company, run):
    for number in ("a", "a\tb", "a\nb", "a b", "a\x7fb", "a\x80"):
        Supplier.create(municipality="999", uuid=delta_uuid(number), number=number, name="Rør")
    run()
    assert list(records(run())) == ["CONTROL_FIELDS"]
    Supplier.update(number="a\tc").where(Supplier.number == "a\tb").execute()
    told = records(run())["VENDOR"]
    assert [(row["ACTION"], row["VENDOR_NO"]) for row in told] == [("SLETTET", "a\tb"), ("NY", "a\tc")]


@pytest.mark.parametrize(
    "options",
    [
        {"tables": []},
        {"tables": ["GL_ACCOUNT", "X"]},
        {"tables": ["VENDOR_BANK"]},
        {"tables": 5},
        {"persons": "ja"},
        {"bank_details": 1},
        {"tables": ["GL_ACCOUNT"], "bank_details": True},
        {"conditions": []},
    ],
)
def test_options_that_cannot_be_are_refused(company, options):
    with pytest.raises(SubscriptionInvalid):
        STAMDATA_KIND.check(company, options)
