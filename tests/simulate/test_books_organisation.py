"""A made-up organisation: loaded by the house's own rules, the same again, in nobody's place."""

from __future__ import annotations

from collections import Counter

import pytest
from stdnum import ean

from opus_soap.errors import MunicipalityTooBare
from opus_soap.interfaces.master_data.organisation import persons
from opus_soap.ledger.models import Account, DimensionValue, Supplier, UserRight
from opus_soap.simulate.books_organisation import add_organisation
from opus_soap.store.models import AuditEntry
from opus_soap.store.organisation_models import Employee, OrgUnit


@pytest.fixture
def add(company, clock):
    return lambda employees: add_organisation(company, employees, actor="test", clock=clock)


def state() -> list[dict]:
    return [row.__data__ for model in (OrgUnit, Employee) for row in model.select().order_by(model.number)]


def test_so_many_employees_in_units_below_one_top(add):
    assert add(400) == 400
    units = {row.number: row for row in OrgUnit.select()}
    assert [row.long_name for row in units.values() if row.parent is None] == ["Eksempelby Kommune, opdigtet"]
    assert {row.parent for row in units.values()} - {None} <= units.keys()
    assert len(units) == 1 + 5 + 50
    assert len({row.ean for row in units.values()}) == 56
    assert all(ean.is_valid(row.ean) for row in units.values())
    centers = {row.code for row in DimensionValue.select().where(DimensionValue.kind == "cost_center")}
    assert {row.cost_center for row in units.values()} <= centers - {"1199"}
    people = list(Employee.select())
    assert len(people) == len({row.user_id for row in people}) == 400
    assert Counter(row.is_manager for row in people) == {True: 56, False: 344}
    assert {row.org_unit for row in people} == units.keys()


def test_who_gets_invoices_has_a_limit_and_a_right_to_the_units_own(add):
    add(400)
    eans = {row.number: row.ean for row in OrgUnit.select()}
    recipients = list(Employee.select().where(Employee.invoice_recipient))
    assert 120 < len(recipients) < 200
    rights = {(row.user, row.ean): row.limit_ore for row in UserRight.select().where(UserRight.user ** "x0%")}
    assert rights == {
        (row.user_id.casefold(), eans[row.org_unit]): row.invoice_limit_ore for row in recipients
    }
    assert not Employee.select().where(~Employee.invoice_recipient, Employee.invoice_limit_ore > 0).exists()


def test_their_numbers_are_nobodys(add):
    add(60)
    for row in Employee.select():
        cpr = persons.find(row.personal_sha256).cpr
        assert 61 <= int(cpr[:2]) <= 91
        assert cpr.endswith("0000")


def test_the_same_again_changes_nothing(add):
    add(40)
    before = state()
    assert add(40) == 0
    assert state() == before
    assert AuditEntry.select().where(AuditEntry.event == "organisation.loaded").count() == 1


@pytest.mark.parametrize("employees", [0, 1, 7, 8, 9, 17])
def test_a_small_one(add, employees):
    assert add(employees) == employees == Employee.select().count()
    assert OrgUnit.select().exists() == (employees > 0)


def test_who_has_such_a_number_already_is_left_alone(add):
    add(20)
    Employee.update(last_name="Ægte").where(Employee.number == "90000003").execute()
    OrgUnit.update(long_name="Ægte").where(OrgUnit.number == "90001001").execute()
    assert add(30) == 10
    assert Employee.get(Employee.number == "90000003").last_name == "Ægte"
    assert OrgUnit.get(OrgUnit.number == "90001001").long_name == "Ægte"


def test_what_cannot_be_filled_leaves_nobody_behind(fill):
    Account.update(blocked=True).where(~Account.is_balance).execute()
    before = Supplier.select().count()
    with pytest.raises(MunicipalityTooBare):
        fill(suppliers=5, employees=5, invoices=10)
    assert Supplier.select().count() == before
    assert not Employee.select().exists()
