"""Master data: loaded twice is loaded once, found by UUID and by what a document calls its supplier."""

from __future__ import annotations

from datetime import date

import pytest

from opus_soap.errors import CompanyCodeUnknown
from opus_soap.identifiers import canonical
from opus_soap.ledger.master_data import (
    AT_ONCE,
    accounts_by_uuid,
    company_code,
    company_code_uuid,
    dimensions,
    dimensions_by_uuid,
    find_supplier,
    open_days,
    some_of,
)
from opus_soap.ledger.models import DimensionValue, Supplier


def test_a_company_code_is_found_or_named(company):
    assert company_code("999", "0020") == company
    assert company_code_uuid(company) == company_code_uuid(company_code("999", "0020"))
    with pytest.raises(CompanyCodeUnknown, match="999/9999"):
        company_code("999", "9999")


def test_accounts_and_dimensions_are_found_by_the_uuids_that_are_listed(company):
    listed = list(dimensions(company))
    assert len({row.uuid for row in listed}) == len(listed)
    assert {kind for kind, *_ in listed} == {"account", *DimensionValue.KINDS}
    for kind, code, _, uuid, *_ in listed:
        if kind == "account":
            assert accounts_by_uuid(company, [uuid])[uuid].number == code
        else:
            assert dimensions_by_uuid(company, [uuid])[uuid].code == code


def test_a_uuid_of_another_kind_is_not_found(company):
    uuid = DimensionValue.get(DimensionValue.code == "1101").uuid
    assert accounts_by_uuid(company, [uuid]) == {}
    assert {kind for kind, *_ in dimensions(company, "order")} == {"order"}


def known(scheme: str, value: str) -> list[str]:
    return [name for name in (canonical("", ""), canonical(scheme, value)) if name]


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("DK:CVR", "DK95270514"),
        ("DK:SE", "95270514"),
        ("0184", "95270514"),
        ("9902", "DK95270514"),
        ("", "DK95270514"),
        ("", "95270514"),
        ("GLN", "5798002000023"),
        ("0088", "5798002000023"),
        ("ean", "5798002000023"),
        ("DUNS", "x-7"),
    ],
)
def test_a_supplier_is_found_by_any_of_its_names(company, scheme, value):
    Supplier.update(identifiers=["GLN:5798002000023", "DUNS:X-7"]).where(
        Supplier.number == "200002"
    ).execute()
    assert find_supplier("999", known(scheme, value)).number == "200002"


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("", "FI95270514"),
        ("FI:OVT", "95270514"),
        ("DK:P", "95270514"),
        ("DK:CPR", "95270514"),
        ("DUNS", "5798002000023"),
        ("", "95270514A"),
        ("", "ukendt"),
    ],
)
def test_a_supplier_is_not_guessed(company, scheme, value):
    assert find_supplier("999", known(scheme, value)) is None


def test_a_supplier_is_the_municipalitys_own(company):
    assert find_supplier("101", ["CVR:95270514"]) is None


def test_a_dimension_value_is_open_on_its_days_and_a_blocked_one_on_none():
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    assert open_days(DimensionValue(valid_from=first, valid_to=last)) == (first, last)
    assert open_days(DimensionValue(valid_from=first)) == (first, date.max)
    assert open_days(DimensionValue()) == (date.min, date.max)
    begins, ends = open_days(DimensionValue(valid_from=first, valid_to=last, blocked=True))
    assert begins > ends


def test_values_are_named_as_many_at_once_as_a_query_takes():
    values = [f"{number:04d}" for number in range(2 * AT_ONCE + 1)]
    assert list(some_of([*reversed(values), values[0]])) == [
        values[:AT_ONCE],
        values[AT_ONCE : 2 * AT_ONCE],
        values[-1:],
    ]
    assert list(some_of(())) == []
