"""Loading: all or nothing, the same again is the same, and numbers of persons are in no table."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

import pytest

from opus_soap import errors
from opus_soap.database import proxy
from opus_soap.extracts.output import SCHEMAS
from opus_soap.interfaces.master_data.organisation import persons
from opus_soap.interfaces.master_data.organisation.checks import FIELDS
from opus_soap.interfaces.master_data.organisation.form import Person
from opus_soap.interfaces.master_data.organisation.loading import LOADED
from opus_soap.interfaces.master_data.organisation.reading import Limits
from opus_soap.ledger.models import CompanyCode, Municipality
from opus_soap.store import content, purging
from opus_soap.store.audit import trail
from opus_soap.store.organisation_models import Employee, OrgUnit
from tests.interfaces.master_data.organisation.conftest import CPR, employee, leaver, unit

RETENTION = timedelta(days=365)


def test_texts_days_and_amounts_are_in_columns(organisation):
    organisation.load(
        unit("10", eanNr="5798009900012", parentOrgUnit="11"),
        unit("11"),
        employee("7", isManager="true", invoiceRecipient="false", invoiceLimit="25000.50"),
    )
    (row,) = OrgUnit.select().where(OrgUnit.number == "10")
    assert (row.municipality, row.parent, row.ean) == ("999", "11", "5798009900012")
    assert (row.start_date, row.end_date, row.street) == (date(2020, 1, 1), date(9999, 12, 31), None)
    (who,) = Employee.select()
    assert (who.is_manager, who.invoice_recipient, who.invoice_limit_ore) == (True, False, 2_500_050)
    assert who.personal_sha256 is None


def test_what_a_file_has_replaces_what_was_there_and_the_rest_stays(organisation):
    organisation.load(unit("10", city="Ravn"), unit("11"), employee("7", userId="A"), employee("8"))
    done = organisation.load(unit("10"), unit("11"), employee("7"))
    assert (done.added, done.left) == ({"orgUnit": 0, "employee": 0}, 0)
    assert (done.changed, done.same) == ({"orgUnit": 1, "employee": 1}, {"orgUnit": 1, "employee": 0})
    assert [row.city for row in OrgUnit.select().order_by(OrgUnit.number)] == [None, None]
    assert [row.user_id for row in Employee.select().order_by(Employee.number)] == [None, None]


def test_who_is_not_in_a_whole_organisation_has_left(organisation):
    organisation.load(unit("10"), employee("7"), employee("8"))
    assert organisation.load(unit("10"), employee("8"), full=True).left == 1
    assert [row.number for row in Employee.select()] == ["8"]


def test_another_municipality_is_not_touched(organisation):
    other = Municipality.create(code="998", cvr="90810112", name="Andenby")
    theirs = CompanyCode.create(
        municipality=other,
        code="0020",
        name="A",
        vat_refund_account="1",
        retained_account="1",
        supplier_account="1",
    )
    organisation.load(unit("10"), employee("7"))
    own, organisation.company = organisation.company, theirs
    organisation.load(unit("10", longName="Deres"), employee("7"), employee("8"))
    organisation.load(unit("10", longName="Deres"), employee("9"), full=True)
    assert sorted((row.municipality, row.number) for row in Employee.select()) == [("998", "9"), ("999", "7")]
    organisation.company = own
    organisation.load(leaver("9"))
    assert Employee.select().count() == 2
    assert OrgUnit.get(OrgUnit.municipality == "999").long_name == "Enhed"


def test_a_dry_run_tells_and_does_nothing(organisation):
    done = organisation.load(unit("10"), employee("7", cpr=CPR), dry_run=True)
    assert done.added == {"orgUnit": 1, "employee": 1}
    assert not OrgUnit.select().exists()
    assert not Employee.select().exists()
    assert not list(content.Content.select())
    assert trail("999") == []


def test_one_mistake_and_nothing_is_loaded(wrong, organisation):
    organisation.load(unit("10"), employee("7"))
    units = [unit(str(number)) for number in range(20, 1500)]
    assert wrong(*units, employee("8", orgUnit="1"), leaver("7")) == [(1482, "EXT-137")]


def test_texts_are_kept_composed_and_fit_their_column_then(organisation, wrong):
    organisation.load(unit("10", longName="A\u030a" + "a" * 38))
    assert OrgUnit.get().long_name == "Å" + "a" * 38
    assert wrong(unit("10", longName="\u0958" * 21)) == [(2, "EXT-133")]  # two letters each, composed


def test_who_loaded_what_is_noted(organisation):
    organisation.load(unit("10"), employee("7", cpr=CPR))
    (entry,) = [entry for entry in trail("999") if entry.event == LOADED]
    assert (entry.actor, entry.detail["file"], entry.detail["added"]) == ("test", "in.xml", "2")
    assert CPR not in str(entry.detail)


def test_more_bytes_than_the_limit_are_refused(organisation):
    with pytest.raises(errors.OrganisationFileTooLarge):
        organisation.load(unit("10"), limits=Limits(max_bytes=50))


def everything_stored() -> str:
    """All rows of all tables, but for the bytes of content."""
    database = proxy.obj
    rows = []
    for table in database.get_tables():
        columns = [column.name for column in database.get_columns(table)]
        shown = ", ".join(f'"{name}"' for name in columns if (table, name) != ("content", "data"))
        rows += database.execute_sql(f'SELECT {shown} FROM "{table}"').fetchall()
    return str(rows)


def test_the_number_of_a_person_is_in_no_table_and_no_hash_of_it(organisation):
    organisation.load(unit("10"), employee("7", cpr=CPR), employee("8", cpr=CPR))
    stored = everything_stored()
    assert "Krogh" in stored  # they are looked at
    assert CPR not in stored
    one, other = [row.personal_sha256 for row in Employee.select()]
    assert one != other  # salted
    for guess in (CPR, f"{CPR[:6]}-{CPR[6:]}", f'{{"cpr": "{CPR}", "suppId": null}}'):
        assert hashlib.sha256(guess.encode()).hexdigest() not in stored
    assert persons.find(one) == Person(CPR, None)


def test_a_number_stays_where_it_is_kept_until_it_is_another(organisation):
    def kept() -> str | None:
        return Employee.get().personal_sha256

    organisation.load(unit("10"), employee("7", cpr=CPR))
    first = kept()
    assert organisation.load(employee("7", cpr=CPR)).same["employee"] == 1
    assert organisation.load(employee("7")).same["employee"] == 1  # a file without numbers takes none away
    assert kept() == first
    supp = employee("7", cpr=CPR).replace("<cpr>", '<cpr suppId="1">')
    assert organisation.load(supp).changed["employee"] == 1
    assert persons.find(kept()) == Person(CPR, "1")


def test_the_number_of_who_is_employed_is_kept_and_of_who_left_forgotten(organisation):
    organisation.load(unit("10"), employee("7", cpr=CPR), employee("8"), employee("9", cpr=CPR))
    kept = {row.number: row.personal_sha256 for row in Employee.select()}
    organisation.load(leaver("9"))
    organisation.clock.advance(2 * RETENTION)
    assert purging.purge(now=organisation.clock.now(), retention=RETENTION) == 1
    assert persons.find(kept["7"]) == Person(CPR, None)
    assert persons.find(kept["9"]) is None


def test_every_text_of_the_schema_fits_its_column():
    from lxml import etree

    xs = "{http://www.w3.org/2001/XMLSchema}"
    root = etree.parse(SCHEMAS / "Organisation.xsd").getroot()
    for name, model in (("orgUnit", OrgUnit), ("employee", Employee)):
        record = root.find(f"{xs}element[@name='{name}']")
        declared = {one.get("name"): one.get("type") for one in record.iter(f"{xs}element", f"{xs}attribute")}
        for field in FIELDS[name]:
            longest = getattr(getattr(model, field.column), "max_length", None)
            kind = declared[field.name]
            if kind.startswith(("Text", "Digits")):
                assert longest == int(kind.removeprefix("Text").removeprefix("Digits")), field
        order = [one.get("name") for one in record.findall(f".//{xs}sequence/{xs}element")]
        attributes = ("id", "client", "lastChanged")
        ours = [field.name for field in FIELDS[name] if field.name not in attributes]
        assert [one for one in order if one != "cpr"] == ours
