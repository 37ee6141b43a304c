"""Every table keeps to its own schema, is in order, and says both trails."""

from __future__ import annotations

import json

import jsonschema
import pytest

from opus_soap.interfaces.audit_extract import catalogue
from opus_soap.interfaces.audit_extract.details import DETAILS
from opus_soap.interfaces.audit_extract.tables import DRAFT, Table
from opus_soap.ledger.models import Account, DimensionValue, Supplier, Voucher
from opus_soap.ledger.openings import open_year
from opus_soap.ledger.seals import key_id, load_seal_key
from opus_soap.store import audit
from tests.conftest import DEFINITION, ROOT

TABLES = [DETAILS, *(value for value in vars(catalogue).values() if isinstance(value, Table))]


@pytest.fixture
def delivered(books):
    open_year(
        books.desk.company,
        2026,
        {"90520001": 5000, "90599000": -5000},
        clock=books.desk.clock,
        entered_by="t",
    )
    return books.extract(street="Torvet 1", postal_code="0999", city="Eksempelby", iban="DK5000400440116243")


def test_every_table_keeps_to_its_schema(delivered):
    assert len(TABLES) == 13
    for table in TABLES:
        schema = delivered.schema(table.name)
        assert schema["$schema"] == DRAFT
        validator = jsonschema.Draft202012Validator(schema)
        validator.check_schema(schema)
        rows = delivered.rows(table.name)
        assert rows, table.name
        for row in rows:
            assert list(row) == schema["x-order"] == table.names
            validator.validate(row)
        for column, property_ in schema["properties"].items():
            assert all(property_[key] for key in ("title", "description", "x-type", "x-source")), column
        keys = [tuple(row[name] for name in table.key) for row in rows]
        assert len(set(keys)) == len(keys), table.name


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Amount", "1,00"),
        ("Amount", ""),
        ("Entered_Date", "24.11.2026"),
        ("Amount_Credit_Debit_Indicator", "K"),
    ],
)
def test_a_schema_refuses_what_is_of_another_type(delivered, column, value):
    schema, row = delivered.schema("GL_Details"), delivered.rows("GL_Details")[0]
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(row)
    assert not validator.is_valid({**row, column: value})
    assert not validator.is_valid({name: said for name, said in row.items() if name != column})


def test_postings_are_in_the_order_of_series_and_number(delivered):
    keys = [
        (row["Bill_Type_Code"], int(row["Journal_Number"]), int(row["Journal_ID_Line_Number"]))
        for row in delivered.rows("GL_Details")
    ]
    assert keys == sorted(keys)


def test_who_entered_and_who_released_and_when_and_what_the_audit_trail_says(delivered):
    released = [row for row in delivered.rows("GL_Details") if row["Approved_By"]]
    assert {row["Reference_Number"] for row in released} == {"P-1"}
    row = released[0]
    assert (row["Entered_By"], row["Approved_By"]) == ("t", "ANNA")
    assert (row["Approved_Date"], row["Approved_Time"]) == ("2026-11-23", "12:00:00")
    entries = {entry["Entry_Number"]: entry for entry in delivered.rows("OPUS_Audit_Trail")}
    events = [entries[number]["Event"] for number in row["Audit_Entries"].split()]
    assert events == ["voucher.parked", "voucher.released"]
    assert {entries[number]["Subject"] for number in row["Audit_Entries"].split()} == {row["Voucher_UUID"]}


def test_what_was_noted_of_an_entry_is_json_all_the_way_down(books):
    person = {
        "files": ["010190-1234.xml", "æ.xml"],
        "counts": {"new": 1010901234, "gone": None, "full": True},
    }
    audit.record("x.noted", "x", actor="a", at=books.desk.clock.now(), municipality="999", **person, number=7)
    entries = {row["Event"]: row["Detail"] for row in books.extract().rows("OPUS_Audit_Trail")}
    assert entries["x.noted"] == (
        '{"counts":{"full":true,"gone":null,"new":"••••••-••••"},"files":["••••••-••••.xml","æ.xml"],"number":"7"}'
    )
    told = {event: json.loads(detail) for event, detail in entries.items()}
    assert told["subscription.added"]["terms"]["options"] == {"year": "2026"}
    assert told["subscription.added"]["terms"]["due_on"] is None


def test_a_reversal_is_told_from_both_sides(delivered):
    rows = delivered.rows("GL_Details")
    (back,) = {row["Journal_ID"]: row for row in rows if row["Reversal_Indicator"] == "true"}.values()
    (forth,) = {row["Journal_ID"]: row for row in rows if row["Reversed_By_Journal_ID"]}.values()
    assert back["Reverses_Journal_ID"] == forth["Journal_ID"] == "SA 2026 100000000"
    assert forth["Reversed_By_Journal_ID"] == back["Journal_ID"] == "SA 2026 100000002"


def test_users_are_those_of_the_year_and_those_with_rights(delivered):
    users = {row["User_ID"]: row for row in delivered.rows("BAS_User")}
    of_the_municipality = {row["user"].upper() for row in DEFINITION["user_rights"]}
    assert set(users) == {"t", "batch", "ANNA"} | of_the_municipality
    assert (users["ANNA"]["Vouchers_Released"], users["ANNA"]["Release_Rights"]) == ("1", "*=10000000.00")


def test_a_supplier_stands_with_what_was_posted_on_it(delivered):
    (row,) = [row for row in delivered.rows("BAS_Supplier") if row["Closing_Balance"] != "0.00"]
    assert (row["Supplier_Account_ID"], row["Opening_Balance"], row["Closing_Balance"]) == (
        "200002",
        "0.00",
        "-30000.00",
    )


def test_seals_stand_with_their_key_and_cover_every_voucher(delivered, books):
    (seal,) = delivered.rows("OPUS_Seals")
    assert seal["Key_ID"] == key_id(load_seal_key(books.desk.producer.key_file).public_key())
    assert (seal["Vouchers"], seal["Holds"]) == (str(Voucher.select().count()), "true")
    assert {row["Seal_Number"] for row in delivered.rows("GL_Details")} == {"1"}


def test_no_file_has_a_cpr_number(books):
    for model in (Account, DimensionValue, Supplier):
        model.update(name="Sag 010190-1234").execute()
    delivered = books.extract()
    for path in delivered.folder.iterdir():
        assert b"010190" not in path.read_bytes(), path.name
    assert "papir til ••••••-••••" in delivered.text("_GL_Details.csv")


def test_the_page_has_every_table_with_its_columns():
    page = (ROOT / "docs/interfaces/audit-extract.md").read_text("utf-8")
    for table in TABLES:
        part = page.partition(f"### {table.name} ({table.danish})")[2].partition("\n### ")[0]
        rows = [line for line in part.splitlines() if line.startswith("| `")]
        assert rows == [
            f"| `{c.name}` | {c.danish} | {c.type}{'' if c.required else ', may be empty'} | {c.meaning} |"
            f" {c.source} |"
            for c in table.columns
        ]
