"""The extract: everything, or what changed; without a namespace; numbers of persons only where asked for."""

from __future__ import annotations

import csv

import pytest
from lxml import etree

from opus_soap import errors
from opus_soap.interfaces.extract_kinds import KINDS
from opus_soap.interfaces.master_data.organisation.form import FORM
from opus_soap.store.organisation_models import Employee, OrgUnit
from tests.interfaces.master_data.organisation.conftest import (
    CPR,
    employee,
    kmd,
    leaver,
    told,
    unit,
    xml_of,
)


def rows_of(place, ending: str) -> list[list[str]]:
    (path,) = place.glob(f"*{ending}.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=";"))


def test_everything_is_given_out_in_the_order_of_numbers(organisation):
    organisation.load(unit("9"), unit("10", parentOrgUnit="9"), employee("8"), employee("70"))
    place = organisation.give()
    assert [(name, number) for name, number, _ in told(place)] == [
        ("orgUnit", "10"),
        ("orgUnit", "9"),
        ("employee", "70"),
        ("employee", "8"),
    ]
    assert organisation.output.totals.records == 4


def test_no_element_has_a_namespace_and_the_whole_file_keeps_its_schema(organisation):
    organisation.load(unit("10", city="A &amp; B"), employee("7", cpr=CPR, invoiceLimit="1.00"))
    data = xml_of(organisation.give(persons=True))
    root = etree.fromstring(data)
    assert b"xmlns" not in data
    assert {etree.QName(node).namespace for node in root.iter()} == {None}
    FORM.schema.assertValid(root)


def test_names_tell_whether_it_is_a_delta(organisation):
    organisation.load(unit("10"))
    first = organisation.give()
    second = organisation.give(first)
    assert {path.name for path in first.iterdir() if path.name[0] != "."} == {
        "E1_full.xml",
        "E1_full_units.csv",
        "E1_full_employees.csv",
    }
    assert "E2_delta.xml" in {path.name for path in second.iterdir()}


def test_a_delta_has_what_is_new_changed_or_left_whole(organisation):
    organisation.load(unit("10"), unit("11"), employee("6"), employee("7"), employee("8"))
    first = organisation.give()
    organisation.load(
        unit("11", endDate="2026-11-30"),
        unit("12"),
        employee("5"),
        employee("7", userId="akri"),
        leaver("8"),
    )
    second = organisation.give(first)
    assert [(name, number) for name, number, _ in told(second)] == [
        ("orgUnit", "11"),
        ("orgUnit", "12"),
        ("employee", "5"),
        ("employee", "7"),
        ("employee", "8"),
    ]
    by_number = {(name, number): values for name, number, values in told(second)}
    assert by_number["orgUnit", "11"]["endDate"] == "2026-11-30"
    assert (by_number["employee", "7"]["userId"], by_number["employee", "7"]["lastName"]) == ("AKRI", "Krogh")
    assert by_number["employee", "8"] == {"action": "leave"}
    assert organisation.output.totals.records == 5
    assert told(organisation.give(second)) == []


def test_who_comes_back_is_new(organisation):
    organisation.load(unit("10"), employee("7"))
    first = organisation.give()
    organisation.load(leaver("7"))
    second = organisation.give(first)
    organisation.load(employee("7"))
    assert [(number, values["firstName"]) for _, number, values in told(organisation.give(second))] == [
        ("7", "Anja")
    ]


def test_a_full_extract_tells_nobody_who_left(organisation):
    organisation.load(unit("10"), employee("7"), employee("8"))
    organisation.give()
    organisation.load(leaver("7"))
    assert [number for name, number, _ in told(organisation.give()) if name == "employee"] == ["8"]


def test_numbers_of_persons_are_given_where_they_are_asked_for(organisation):
    supp = employee("7", cpr=CPR).replace("<cpr>", '<cpr suppId="2">')
    organisation.load(unit("10"), supp, employee("8"))
    place = organisation.give(persons=True)
    assert f'<cpr suppId="2">{CPR}</cpr>'.encode() in xml_of(place)
    head, one, two = rows_of(place, "employees")
    assert dict(zip(head, one, strict=True))["cpr"] == CPR
    assert dict(zip(head, one, strict=True))["suppId"] == "2"
    assert dict(zip(head, two, strict=True))["cpr"] == ""


def test_and_nowhere_else(organisation):
    organisation.load(unit("10"), employee("7", cpr=CPR))
    for place in (organisation.give(), organisation.give(persons=True)):
        for path in place.iterdir():
            is_state = path.name.startswith(".")
            if is_state or place.name == "E1":
                assert CPR not in path.read_text("utf-8"), path.name
                assert "<cpr" not in path.read_text("utf-8")


def test_what_is_noted_for_the_next_extract_tells_no_number(organisation):
    """Whoever holds the list and all else of an employee cannot try the numbers: the salt is missing."""
    organisation.load(unit("10"), employee("7", cpr=CPR))
    before = organisation.give(persons=True)
    (state,) = before.glob(".*employees.state")
    Employee.update(personal_sha256=None).execute()
    organisation.load(employee("7", cpr=CPR))  # the same number, another salt
    (again,) = organisation.give(persons=True).glob(".*employees.state")
    assert state.read_text() != again.read_text()


def test_another_number_is_a_change_only_for_those_who_get_it(organisation):
    organisation.load(unit("10"), employee("7", cpr=CPR))
    without, with_persons = organisation.give(), organisation.give(persons=True)
    organisation.load(employee("7", cpr="6202900000"))
    assert told(organisation.give(without)) == []
    assert [values["cpr"] for _, _, values in told(organisation.give(with_persons, persons=True))] == [
        "6202900000"
    ]


def test_a_number_that_was_purged_is_left_out(organisation):
    from opus_soap.store.models import Content

    organisation.load(unit("10"), employee("7", cpr=CPR))
    Content.update(data=None, purged_at=organisation.clock.now()).execute()
    (_, (_, _, values)) = told(organisation.give(persons=True))
    assert "cpr" not in values
    assert values["lastName"] == "Krogh"


def test_rows_have_the_same_texts(organisation):
    organisation.load(unit("10", city="Å;B"), employee("7", invoiceLimit="100.50"), employee("8"))
    place = organisation.give()
    head, row = rows_of(place, "units")
    texts = dict(zip(head, row, strict=True))
    assert (texts["id"], texts["city"], texts["street"], texts["client"]) == ("10", "Å;B", "", "999")
    organisation.load(leaver("8"), employee("7", invoiceLimit="100.51"))
    head, seven, eight = rows_of(organisation.give(place), "employees")
    assert dict(zip(head, seven, strict=True))["invoiceLimit"] == "100.51"
    assert {key: text for key, text in zip(head, eight, strict=True) if text} == {
        "id": "8",
        "action": "leave",
    }


def test_the_same_organisation_is_the_same_bytes(organisation):
    organisation.load(unit("10"), unit("11"), employee("7", cpr=CPR))
    first, second = organisation.give(persons=True), organisation.give(persons=True)
    assert xml_of(first) == xml_of(second)


def test_without_the_list_of_the_extract_before_there_is_no_delta(organisation):
    organisation.load(unit("10"), employee("7"))
    first = organisation.give()
    (state,) = first.glob(".*units.state")
    state.unlink()
    with pytest.raises(errors.ExtractStateUnusable):
        organisation.give(first)


def test_a_unit_that_is_gone_without_an_end_stops_the_delta(organisation):
    organisation.load(unit("10"), unit("11"))
    first = organisation.give()
    OrgUnit.delete().where(OrgUnit.number == "11").execute()
    with pytest.raises(errors.OrgUnitVanished, match="11"):
        organisation.give(first)


def test_options(company):
    kind = KINDS["organisation"]
    assert (kind.prefix, kind.repeatable, kind.approval) == ("ZLPE", False, False)
    assert kind.check(company, {}) == {"persons": False}
    assert kind.check(company, {"persons": True}) == {"persons": True}
    for wrong in ({"persons": "false"}, {"persons": 1}, {"conditions": []}):
        with pytest.raises(errors.SubscriptionInvalid):
            kind.check(company, wrong)


def test_an_empty_organisation_is_an_empty_file(organisation):
    assert xml_of(organisation.give()) == b'<?xml version="1.0" encoding="UTF-8"?>\n' + kmd().replace(
        b"\n\n", b"\n"
    )
