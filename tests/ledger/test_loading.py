"""Declarations of master data: loaded twice is loaded once; a bad one is refused whole."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import pytest

from opus_soap.database import connected, proxy, transaction
from opus_soap.errors import MasterDataInvalid, MasterDataTwin
from opus_soap.ledger import definition
from opus_soap.ledger.loading import load_municipality
from opus_soap.ledger.master_data import hold_municipality
from opus_soap.ledger.models import (
    MODELS,
    Account,
    CompanyCode,
    DimensionValue,
    DocumentType,
    Municipality,
    Period,
    Supplier,
    TaxCode,
    UserRight,
)
from opus_soap.ledger.posting import post
from tests.conftest import DEFINITION


def rows() -> dict[str, list[dict[str, object]]]:
    return {
        model.__name__: list(model.select().order_by(model._meta.primary_key).dicts()) for model in MODELS
    }


def changed(**company: object) -> dict:
    definition = deepcopy(DEFINITION)
    definition["company_codes"][0].update(company)
    return definition


def test_loading_twice_changes_nothing(company):
    before = rows()
    load_municipality(DEFINITION)
    assert rows() == before


def test_loading_updates_what_is_given_and_deletes_nothing(company):
    accounts = [{"number": "22000300", "name": "Papirvarer", "is_balance": False, "tax_code": "K25"}]
    count, uuid = Account.select().count(), Account.get(Account.number == "22000300").uuid
    load_municipality(changed(accounts=accounts))
    renamed = Account.get(Account.number == "22000300")
    assert (renamed.name, renamed.uuid) == ("Papirvarer", uuid)
    assert Account.select().count() == count


def test_case_systems_may_post_on_result_accounts_and_on_those_that_say_so(company):
    bank = {"number": "90520009", "name": "Bank", "is_balance": True}
    accruals = {"number": "90560200", "name": "Periodisering", "is_balance": True, "assignable": True}
    load_municipality(changed(accounts=[bank, accruals]))
    shown = {row.number: row.assignable for row in Account.select()}
    assert (shown["90520009"], shown["90560200"], shown["22000300"]) == (False, True, True)
    assert shown["90510025"], "an answer may decide about VAT itself"
    load_municipality(changed(accounts=[{"number": "90560200", "name": "Afgrænsning"}]))
    assert Account.get(Account.number == "90560200").assignable


PAPER = {"number": "22000300", "name": "Papir", "is_balance": False}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"dimensions": {"cost_centre": []}}, "cost_centre"),
        ({"dimensions": {"cost_center": [{"code": "1" * 11, "name": "x"}]}}, "cost_center"),
        ({"dimensions": {"order": [{"code": "1", "name": "x", "valid_from": "soon"}]}}, "valid_from"),
        ({"accounts": [{**PAPER, "tax_code": "Q"}]}, "22000300"),
        ({"accounts": [{"name": "x", "is_balance": False}]}, "number"),
        ({"accounts": [{**PAPER, "name": "x" * 256}]}, "name"),
        ({"accounts": [{**PAPER, "number": "1" * 11}]}, "number"),
        ({"accounts": [{**PAPER, "is_balance": "no"}]}, "is_balance"),
        ({"accounts": [{**PAPER, "uuid": "no"}]}, "uuid"),
        ({"accounts": [{**PAPER, "colour": "red"}]}, "colour"),
        ({"accounts": [{"number": "33000000", "name": "x"}]}, "Account"),
        ({"account_rules": [{"priority": 1, "pattern": "["}]}, "pattern"),
        ({"account_rules": [{"priority": 1, "pattern": "x", "forbids_any_of": ["x"]}]}, "forbids_any_of"),
        ({"open_periods": {"2031": [1]}}, "open_periods"),
        ({"open_periods": {"2026": [16]}}, "open_periods"),
        ({"retained_account": "12345678"}, "retained_account"),
        ({"supplier_account": "22000300"}, "supplier_account"),
        ({"currency": "kroner"}, "currency"),
    ],
)
def test_a_bad_definition_is_refused_whole(company, change, named):
    before = rows()
    with pytest.raises(MasterDataInvalid) as refused:
        load_municipality(changed(name="Andet navn", **change))
    assert named in f"{refused.value.element} {refused.value.value}"
    assert rows() == before


def test_a_number_that_is_someone_elses_is_refused(company):
    taken = Account.get(Account.number == "22000100").uuid
    with pytest.raises(MasterDataInvalid, match="22000300"):
        load_municipality(changed(accounts=[{**PAPER, "uuid": str(taken)}]))
    stolen = deepcopy(DEFINITION)
    stolen["municipality"]["code"] = "101"
    with pytest.raises(MasterDataInvalid, match="101"):
        load_municipality(stolen)


def test_suppliers_are_kept_under_canonical_names(company):
    row = {
        "number": "200001",
        "identifiers": ["DK:CVR:DK95270514", "0088:5798002000016", "DK:CPR:010190-1234"],
    }
    load_municipality({"municipality": {"code": "999"}, "suppliers": [row]})
    kept = Supplier.get(Supplier.number == "200001").identifiers
    assert kept[:2] == ["CVR:95270514", "GLN:5798002000016"]
    assert kept[2].startswith("CPR#")
    with pytest.raises(MasterDataInvalid, match="200001 identifiers"):
        load_municipality({"municipality": {"code": "999"}, "suppliers": [{**row, "identifiers": ["hvem"]}]})


def supplier(**facts: object) -> dict:
    return {"municipality": {"code": "999"}, "suppliers": [{"number": "200003", **facts}]}


def test_what_a_creditor_is_paid_by_holds_together(company):
    load_municipality(supplier(bank_registration="9999", bank_account="1", iban="DK1399990000200003"))
    load_municipality(supplier(iban=""))
    kept = Supplier.get(Supplier.number == "200003")
    assert (kept.bank_registration, kept.bank_account, kept.iban) == ("9999", "1", "")
    for wrong in (
        {"iban": "DK1499990000200003"},
        {"bank_registration": ""},
        {"bank_account": "x"},
        {"bic": "short"},
        {"fik_creditor": "1"},
        {"country": "Danmark"},
    ):
        with pytest.raises(MasterDataInvalid, match=next(iter(wrong)) if len(wrong) == 1 else ""):
            load_municipality(supplier(**wrong))


def test_who_is_known_by_a_cpr_number_and_has_no_cvr_number_is_a_person(company):
    load_municipality(supplier(identifiers=["DK:CPR:010190-1234"]))
    assert not Supplier.get(Supplier.number == "200001").person
    load_municipality(
        {
            "municipality": {"code": "999"},
            "suppliers": [
                {"number": "300001", "name": "x", "identifiers": ["DK:CPR:010190-1234"]},
                {"number": "300002", "name": "x", "cvr": "12345674", "identifiers": ["CPR:0101901234"]},
            ],
        }
    )
    persons = [row.number for row in Supplier.select().where(Supplier.person)]
    assert "300001" in persons
    assert "300002" not in persons


def test_rights_are_per_profit_centre_and_ean(company):
    tables = {"municipality": {"code": "999"}, "user_rights": []}
    tables["user_rights"] = [
        {"user": "Anna", "limit_ore": 1},
        {"user": "anna", "ean": "5798009900012", "limit_ore": 2},
        {"user": "anna", "profit_center": "P210", "limit_ore": 3},
    ]
    load_municipality(tables)
    load_municipality(tables)
    own = UserRight.select().where(UserRight.user == "anna").order_by(UserRight.limit_ore)
    assert [(row.profit_center, row.ean) for row in own] == [("", ""), ("", "5798009900012"), ("P210", "")]
    for wrong in ({"ean": "1"}, {"limit_ore": 0}, {"limit_ore": -5}):
        with pytest.raises(MasterDataInvalid, match=next(iter(wrong))):
            load_municipality({**tables, "user_rights": [{"user": "anna", "limit_ore": 1, **wrong}]})


def test_only_changes_need_be_declared(company):
    tables = {
        "municipality": {"code": "999"},
        "company_codes": [{"code": "0020", "accounts": [{"number": "22000300", "blocked": True}]}],
        "suppliers": [{"number": "200001", "active": False}],
    }
    load_municipality(tables)
    account = Account.get(Account.number == "22000300")
    assert (account.blocked, account.name) == (True, "Kontorartikler")
    assert not Supplier.get(Supplier.number == "200001").active


def test_a_wbs_element_is_stored_in_its_canonical_form(company):
    load_municipality(changed(dimensions={"wbs_element": [{"code": "XG-12-3", "name": "x"}]}))
    assert DimensionValue.get(DimensionValue.name == "x").code == "XG-0000000012-00003"


def test_periods_are_opened_and_closed(company):
    def open_now() -> list[int]:
        query = Period.select().where(Period.fiscal_year == company.fiscal_years[0], Period.open)
        return sorted(row.number for row in query)

    load_municipality(changed(open_periods={"2025": [12, 13]}))
    assert open_now() == [12, 13]
    load_municipality(DEFINITION)
    assert open_now() == [12, 13]


def test_what_the_books_rest_on_does_not_change(company, draft, clock):
    moved = [{"code": "KR", "name": "Kreditorfaktura", "first_number": 1}]
    load_municipality(changed(document_types=moved))
    load_municipality(DEFINITION)
    voucher = post(draft, clock)
    assert voucher.number == 5100000000
    with pytest.raises(MasterDataInvalid, match="first_number"):
        load_municipality(changed(document_types=moved))
    with pytest.raises(MasterDataInvalid, match="is_balance"):
        load_municipality(changed(accounts=[{**PAPER, "is_balance": True}]))
    load_municipality(changed(accounts=[{"number": "40000100", "is_balance": True}]))  # nothing on it


def test_the_declaration_is_as_long_as_the_columns():
    lengths = {
        (definition.AccountRow, Account): ("number", "name", "chart_string"),
        (definition.DimensionRow, DimensionValue): ("code", "name", "parent_code"),
        (definition.SupplierRow, Supplier): (
            *("number", "name", "cvr", "bank_registration", "bank_account", "iban", "bic", "fik_creditor"),
            *("street", "postal_code", "city", "country"),
        ),
        (definition.UserRightRow, UserRight): ("user", "profit_center", "ean"),
        (definition.CompanyRow, CompanyCode): ("code", "name", "currency", "retained_account"),
        (definition.TaxCodeRow, TaxCode): ("code", "name"),
        (definition.DocumentTypeRow, DocumentType): ("code", "name"),
        (definition.MunicipalityRow, Municipality): ("code", "cvr", "name"),
    }
    for (row, model), names in lengths.items():
        for name in names:
            longest = getattr(model, name).max_length
            key = {each: 1 if each == "priority" else "0" * 10 for each in row.key} | {
                name: "0" * (longest + 1)
            }
            with pytest.raises(ValueError, match=name):
                row.model_validate({**key, name: "0" * (longest + 1)})


@pytest.mark.parametrize("name", ["a\u0007b", "a\u202eb", "a\u200bb"])
def test_names_can_be_seen(database, name):
    tables = {"municipality": {"code": "998", "cvr": "90810112", "name": name}}
    with pytest.raises(MasterDataInvalid, match="can be seen"):
        load_municipality(tables)


@pytest.mark.parametrize("pattern", ["a{99999999999}", "(((.*)*)*)*x"])
def test_an_expression_that_no_machine_can_hold_or_bear_is_refused(database, pattern):
    company = {"code": "0020", "account_rules": [{"priority": 1, "pattern": pattern}]}
    with pytest.raises(MasterDataInvalid, match="without groups"):
        load_municipality({"municipality": {"code": "999"}, "company_codes": [company]})


FULL_WIDTH = "\uff12\uff12"  # two digits to the eye, and others to a machine


@pytest.mark.parametrize(
    "change",
    [
        {"accounts": [{**PAPER, "name": "  "}]},
        {"accounts": [{**PAPER, "number": f"{FULL_WIDTH}000300"}]},
        {"accounts": [{**PAPER, "number": " "}]},
        {"accounts": [{**PAPER, "number": "1,1E+07"}]},
        {"accounts": [{**PAPER, "number": "2E+05"}]},
        {"accounts": [{**PAPER, "number": "1\u00a02"}]},
        {"accounts": [{**PAPER, "number": "\u00bd"}]},
        {"dimensions": {"cost_center": [{"code": FULL_WIDTH, "name": "x"}]}},
        {"dimensions": {"cost_center": [{"code": "41 ", "name": "x"}]}},
        {"tax_codes": [{"code": "K\u0662", "name": "x", "rate_basis_points": 0}]},
    ],
)
def test_numbers_are_what_they_look_like(company, change):
    with pytest.raises(MasterDataInvalid) as refused:
        load_municipality(changed(**change))
    assert "tegn, der kan ses" in refused.value.text_danish
    assert "characters that can be seen" in refused.value.text_english


@pytest.mark.parametrize(
    ("kind", "number"), [("accounts", "1"), ("order", "0"), ("functional_area", "322"), ("suppliers", "1")]
)
def test_zeros_in_front_make_no_other_number(company, kind, number):
    """What a spreadsheet leaves of 0322 is 322: no new value, and no new supplier."""

    def load(number: str, name: str) -> None:
        row = {"number": number, "name": name}
        if kind == "suppliers":
            load_municipality({"municipality": {"code": "999"}, "suppliers": [row]})
        elif kind == "accounts":
            load_municipality(changed(accounts=[{**row, "is_balance": False}]))
        else:
            load_municipality(changed(dimensions={kind: [{"code": number, "name": name}]}))

    load(f"0{number}", "Den rigtige")
    before = rows()
    for twin in (number, f"00{number}"):
        with pytest.raises(MasterDataTwin) as refused:
            load(twin, "Resten af den")
        assert (refused.value.value, refused.value.expected) == (twin, f"0{number}")
        assert kind in refused.value.element
    assert rows() == before
    load(f"0{number}", "Den rigtige, omdøbt")
    load(f"{number}1", "En anden")


@pytest.mark.parametrize(
    ("change", "danish"),
    [
        ({"currency": "kroner"}, "formen ^[A-Z]{3}$"),
        ({"accounts": [{**PAPER, "name": "x" * 256}]}, "højst 255 tegn"),
        ({"accounts": [{**PAPER, "colour": "red"}]}, "intet af det navn"),
        ({"accounts": [{**PAPER, "is_balance": "no"}]}, "true eller false"),
        ({"open_periods": {"2026": [16]}}, "højst 15"),
        ({"years": [1]}, "mindst 1990"),
        ({"accounts": [{"name": "x"}]}, "en værdi"),
        ({"accounts": [3]}, "en tabel"),
        ({"accounts": 3}, "en liste"),
        ({"dimensions": {"cost_centre": []}}, "cost_center/wbs_element"),
        ({"account_rules": [{"priority": 10**9}]}, "højst 999999999"),
        ({"account_rules": [{"priority": -(10**20)}]}, "mindst -999999999"),
    ],
)
def test_what_is_expected_is_told_in_both_languages(company, change, danish):
    with pytest.raises(MasterDataInvalid) as refused:
        load_municipality(changed(**change))
    assert f"(forventet: {danish}" in refused.value.text_danish
    assert not {"should", "Input", "Field", "String"} & set(refused.value.text_english.split())


@pytest.mark.parametrize(
    ("facts", "danish"),
    [
        ({"street": "a\u0001b"}, "tegn, der kan ses"),
        ({"street": "a\nb"}, "tegn, der kan ses"),
        ({"city": "  "}, "tegn, der kan ses"),
        ({"postal_code": "\u200b"}, "tegn, der kan ses"),
        ({"identifiers": ["GLN:" + "1" * 200] * 30}, "højst 4000 tegn i alt"),
        ({"identifiers": ["GLN:" + "|" * 200] * 7}, "højst 4000 tegn i alt"),
    ],
)
def test_what_no_extract_could_tell_of_a_supplier_is_refused(company, facts, danish):
    with pytest.raises(MasterDataInvalid) as refused:
        load_municipality(supplier(name="x", **facts))
    assert danish in refused.value.text_danish


def test_a_wrong_number_that_came_first_is_put_right(company):
    """Blocked, it is in nobody's way; and books that hold both can be loaded from their own extract."""

    def load(code: str, **facts: object) -> None:
        load_municipality(changed(dimensions={"cost_center": [{"code": code, "name": "x"} | facts]}))

    load("322")
    load("322", blocked=True)
    load("0322")
    load("00322", blocked=True)
    with pytest.raises(MasterDataTwin, match="0322"):
        load("000322")
    with pytest.raises(MasterDataTwin, match="0322"):
        load("322", blocked=False)
    load("322", name="Den gamle")
    load_municipality(supplier(name="x"))
    load_municipality(supplier(active=False))
    load_municipality({"municipality": {"code": "999"}, "suppliers": [{"number": "0200003", "name": "x"}]})


@pytest.mark.parametrize(("first", "second"), [("101010101", "0101010101"), ("0101010101", "101010101")])
def test_a_number_of_a_person_is_not_told_by_the_other(company, first, second):
    load_municipality(supplier() | {"suppliers": [{"number": first, "name": "x"}]})
    with pytest.raises(MasterDataTwin) as refused:
        load_municipality(supplier() | {"suppliers": [{"number": second, "name": "x"}]})
    assert "10101" not in f"{refused.value.text_danish} {refused.value.text_english}"


def test_who_loads_waits_for_who_loads_already(company):
    """On PostgreSQL for the municipality's row; SQLite has one writer at a time."""
    loaded = threading.Event()
    twin = {"code": "0020", "dimensions": {"cost_center": [{"code": "0783", "name": "x"}]}}

    def load() -> None:
        with connected():
            load_municipality({"municipality": {"code": "999"}, "company_codes": [twin]})
        if not proxy.obj.is_closed():
            proxy.obj.close()
        loaded.set()

    with ThreadPoolExecutor(1) as other:
        with transaction():
            hold_municipality(company.municipality)
            loading = other.submit(load)
            assert not loaded.wait(0.5)
        loading.result(20)
    assert DimensionValue.select().where(DimensionValue.code == "0783").exists()
