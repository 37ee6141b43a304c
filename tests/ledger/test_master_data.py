"""Master data: loaded twice is loaded once, found by UUID and by what a document calls its supplier."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta

import pytest

from opus_soap.errors import CompanyCodeUnknown, MasterDataInvalid
from opus_soap.ledger.master_data import (
    account_by_uuid,
    company_code,
    company_code_uuid,
    dimension_by_uuid,
    dimensions,
    find_supplier,
    load_municipality,
    valid_on,
)
from opus_soap.ledger.models import MODELS, Account, DimensionValue, Supplier
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


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"dimensions": {"cost_centre": []}}, "cost_centre"),
        (
            {"accounts": [{"number": "22000300", "name": "x", "is_balance": False, "tax_code": "Q"}]},
            "22000300",
        ),
        ({"accounts": [{"name": "x", "is_balance": False}]}, "number"),
        ({"accounts": [{"number": "22000300", "name": "x" * 256, "is_balance": False}]}, "name"),
    ],
)
def test_a_bad_definition_is_refused_whole(company, change, named):
    before = rows()
    with pytest.raises(MasterDataInvalid) as refused:
        load_municipality(changed(name="Andet navn", **change))
    assert named in f"{refused.value.element} {refused.value.value}"
    assert rows() == before


def test_a_company_code_is_found_or_named(company):
    assert company_code("999", "0020") == company
    assert company_code_uuid(company) == company_code_uuid(company_code("999", "0020"))
    with pytest.raises(CompanyCodeUnknown, match="999/9999"):
        company_code("999", "9999")


def test_accounts_and_dimensions_are_found_by_the_uuids_that_are_listed(company):
    listed = list(dimensions(company))
    assert len({uuid for _, _, _, uuid, _ in listed}) == len(listed)
    assert {kind for kind, *_ in listed} == {"account", *DimensionValue.KINDS}
    for kind, code, _, uuid, _ in listed:
        if kind == "account":
            assert account_by_uuid(company, uuid).number == code
        else:
            assert dimension_by_uuid(company, kind, uuid).code == code


def test_a_uuid_of_another_kind_is_not_found(company):
    uuid = DimensionValue.get(DimensionValue.code == "1101").uuid
    assert dimension_by_uuid(company, "wbs_element", uuid) is None
    assert account_by_uuid(company, uuid) is None
    assert {kind for kind, *_ in dimensions(company, "order")} == {"order"}


@pytest.mark.parametrize(
    "identifier", ["95270514", "DK95270514", "DK:CVR 95270514", "GLN:5798002000023", "5798002000023"]
)
def test_a_supplier_is_found_by_any_of_its_names(company, identifier):
    assert find_supplier("999", ["", identifier]).number == "200002"


def test_a_supplier_is_not_guessed(company):
    Supplier.update(identifiers=["ukendt"]).where(Supplier.number == "200001").execute()
    assert find_supplier("999", ["", "ukendt"]) is None
    assert find_supplier("101", ["95270514"]) is None


def test_validity_includes_both_ends():
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    value = DimensionValue(valid_from=first, valid_to=last)
    day = timedelta(days=1)
    assert [valid_on(value, on) for on in (first - day, first, last, last + day)] == [
        False,
        True,
        True,
        False,
    ]
    assert valid_on(DimensionValue(), first)
    assert not valid_on(DimensionValue(blocked=True), first)
