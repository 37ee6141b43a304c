"""What a schema cannot tell: each rule, with the line it is told for."""

from __future__ import annotations

import pytest

from tests.interfaces.master_data.organisation.conftest import (
    CPR,
    DOUBTFUL_EAN,
    GOOD_EAN,
    codes,
    employee,
    leaver,
    unit,
)


def test_a_number_stands_once(wrong):
    found = wrong(unit("10"), unit("11"), unit("10"), employee("7"), employee("7"), leaver("7"))
    assert found == [(4, "EXT-134"), (6, "EXT-134"), (7, "EXT-134")]
    assert wrong(unit("10"), leaver("7"), employee("7")) == [(4, "EXT-134")]


def test_a_unit_and_an_employee_may_have_the_same_number(organisation):
    assert organisation.load(unit("10"), employee("10")).added == {"orgUnit": 1, "employee": 1}


def test_the_unit_above_is_there(wrong, organisation):
    assert wrong(unit("10"), unit("11", parentOrgUnit="12")) == [(3, "EXT-135")]
    organisation.load(unit("12"))
    assert organisation.load(unit("10"), unit("11", parentOrgUnit="12")).added["orgUnit"] == 2


def test_units_below_may_stand_before_those_above(organisation):
    assert organisation.load(unit("10", parentOrgUnit="11"), unit("11")).added["orgUnit"] == 2


def test_units_are_not_below_themselves(wrong):
    assert wrong(unit("10", parentOrgUnit="10")) == [(2, "EXT-136")]
    circle = [unit("10", parentOrgUnit="12"), unit("11", parentOrgUnit="10"), unit("12", parentOrgUnit="11")]
    assert wrong(*circle, unit("13", parentOrgUnit="12")) == [(2, "EXT-136")]
    two = [unit("20", parentOrgUnit="21"), unit("21", parentOrgUnit="20")]
    assert wrong(unit("13", parentOrgUnit="12"), *circle, *two) == [(3, "EXT-136"), (6, "EXT-136")]


def test_nor_by_way_of_a_unit_that_is_there_already(wrong, organisation):
    organisation.load(unit("10"), unit("11", parentOrgUnit="10"))
    assert wrong(unit("12"), unit("10", parentOrgUnit="11")) == [(3, "EXT-136")]


def test_the_unit_of_an_employee_is_there(wrong, organisation):
    assert wrong(unit("10"), employee("7", orgUnit="11")) == [(3, "EXT-137")]
    organisation.load(unit("11"))
    assert organisation.load(employee("7", orgUnit="11")).added["employee"] == 1


def test_a_whole_organisation_does_not_lean_on_what_was_there(wrong, organisation):
    organisation.load(unit("10"), unit("11"))
    assert wrong(unit("10"), employee("7", orgUnit="11"), full=True) == [(0, "EXT-141"), (3, "EXT-137")]


@pytest.mark.parametrize(
    "record",
    [
        unit(startDate="2026-02-30"),
        unit(startDate="1899-12-31"),
        unit(startDate="2026-02-01", endDate="2026-01-31"),
        unit().replace("2026-01-01", "2026-13-01").replace("2026-13-01", "2025-02-29"),
        employee(entryDate="2026-02-01", leaveDate="2026-01-31"),
        employee(leaveDate="2026-04-31"),
    ],
)
def test_days_are_sane(wrong, record: str):
    records = (record,) if record.startswith("<orgUnit") else (unit(), record)
    assert wrong(*records) == [(1 + len(records), "EXT-138")]


def test_an_end_may_be_on_the_day_of_the_beginning(organisation):
    organisation.load(unit(startDate="2026-02-01", endDate="2026-02-01"))


def test_units_come_before_employees(wrong):
    assert wrong(unit("10"), employee("7"), unit("11")) == [(4, "EXT-133")]
    assert wrong(unit("10"), leaver("7"), unit("11")) == [(4, "EXT-133")]


def test_an_employee_has_something_and_a_leaver_nothing(wrong):
    assert wrong('<employee id="7"/>') == [(2, "EXT-133")]
    leaves = employee("7").replace('id="7"', 'id="7" action="leave"')
    assert wrong(unit(), leaves) == [(3, "EXT-133")]


@pytest.mark.parametrize("name", ["firstName", "address", "position", "email", "userId", "workContractText"])
def test_the_number_of_a_person_stands_in_cpr_alone(wrong, name: str):
    assert wrong(unit(), employee(**{name: CPR})) == [(3, "EXT-139")]


def test_numbers_that_are_no_persons_may_look_like_one(organisation):
    organisation.load(unit(pNr=CPR, phoneNumber="01 01 90 12 34", costCenter=CPR))


def test_the_check_digit_of_an_ean_is_a_warning(organisation):
    done = organisation.load(unit("10", eanNr=GOOD_EAN), unit("11", eanNr=DOUBTFUL_EAN))
    assert codes(done.warnings) == [(3, "EXT-142")]
    assert done.added["orgUnit"] == 2


def test_a_leaver_whom_nobody_knows_is_a_warning(organisation):
    organisation.load(unit("10"), employee("7"))
    done = organisation.load(leaver("8"), leaver("7"))
    assert (codes(done.warnings), done.left) == ([(2, "EXT-143")], 1)


def test_all_rules_are_told_at_once_in_the_order_of_lines(wrong):
    found = wrong(
        unit("10", parentOrgUnit="99"), unit("11", endDate="2019-01-01"), employee("7", orgUnit="98")
    )
    assert found == [(2, "EXT-135"), (3, "EXT-138"), (4, "EXT-137")]


def test_a_large_limit_is_no_persons_number(organisation):
    organisation.load(unit("10"), employee("10", invoiceLimit="1601000000.00"))


HIDDEN = ["\u202e", "\u200b", "\u00ad", "\u2028", "\ue000", "\u0085", "\ufeff", "\u3164", "\t", "&#10;"]


@pytest.mark.parametrize("hidden", HIDDEN, ids=[ascii(one) for one in HIDDEN])
def test_what_nobody_sees_is_refused(wrong, hidden: str):
    found = wrong(unit(longName=f"En{hidden}hed"), employee(lastName=f"Kr{hidden}ogh"))
    assert found == [(2, "EXT-133"), (3, "EXT-133")]
