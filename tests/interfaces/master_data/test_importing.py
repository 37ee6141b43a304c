"""Files of master data: taken in whole or not at all, every mistake told, nothing deleted."""

from __future__ import annotations

import csv
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from lxml import etree

from opus_soap.cli.main import main
from opus_soap.database import connected, proxy, transaction
from opus_soap.errors import CompanyCodeUnknown, ImportRefused, MunicipalityUnknown
from opus_soap.interfaces.master_data import importing
from opus_soap.interfaces.master_data.books import Source
from opus_soap.interfaces.master_data.form import BY_NAME, NAMESPACE, TABLES
from opus_soap.interfaces.master_data.importing import Wanted, import_files
from opus_soap.interfaces.master_data.reading import Limits
from opus_soap.interfaces.master_data.staging import Change, Staging
from opus_soap.ledger.definition import DimensionRow
from opus_soap.ledger.loading import load_dimension, load_municipality
from opus_soap.ledger.models import (
    MODELS,
    Account,
    AccountRule,
    CompanyCode,
    DimensionValue,
    Supplier,
    UserRight,
)
from opus_soap.ledger.parking import set_right
from opus_soap.store.models import AuditEntry
from tests.conftest import ROOT

CONTROL = {
    "RECEIVER": "x",
    "FILE_NAME": "x.xml",
    "MUNICIPALITY": "999",
    "COMP_CODE": "0020",
    "SEQUENCE": "1",
    "MODE": "FULL",
    "BUSINESS_DATE": "20261123",
    "ORDERED_AT": "2026-11-23T11:00:00.000000Z",
    "TABLES": "GL_ACCOUNT",
    "PERSONS": "X",
}
PAPER = {"GL_ACCOUNT": "22000300", "NAME": "Papir", "TAX_CODE": "K25", "ASSIGNABLE": "X"}
OTHER = {"municipality": {"code": "101", "cvr": "12345674", "name": "Andetby Kommune"}}


def stored() -> dict[str, list]:
    return {
        model.__name__: list(model.select().order_by(model._meta.primary_key).dicts()) for model in MODELS
    }


@pytest.fixture
def take(company, clock):
    """Take files into company code 0020 of a municipality."""

    def taken(*paths: Path, municipality: str = "999", tell=None, **how: object):
        wanted = Wanted(municipality, "0020", **how)
        return import_files(paths, wanted, actor="test", clock=clock, tell=tell)

    return taken


@pytest.fixture
def xml(tmp_path):
    """A file of records: (table, elements), behind control fields."""

    def written(*records: tuple[str, dict[str, str]], root: str = "Stamdata", **control: str) -> Path:
        tree = etree.Element(f"{{{NAMESPACE}}}{root}", nsmap={None: NAMESPACE})
        fields = {name: text for name, text in {**CONTROL, **control}.items() if text}
        for name, texts in (("CONTROL_FIELDS", fields), *((f"{t}_RECORD", e) for t, e in records)):
            part = etree.SubElement(tree, f"{{{NAMESPACE}}}{name}")
            part.tail = "\n"
            for element, text in texts.items():
                etree.SubElement(part, f"{{{NAMESPACE}}}{element}").text = text
        path = tmp_path / "in.xml"
        path.write_bytes(etree.tostring(tree, encoding="UTF-8", xml_declaration=False))
        return path

    return written


@pytest.fixture
def table(tmp_path):
    """A CSV file of a table."""

    def written(name: str, *rows: list[str]) -> Path:
        path = tmp_path / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out, delimiter=";").writerows(rows)
        return path

    return written


def refused(taken) -> list[tuple[str, str, int]]:
    """Code, element and line of each mistake; nothing has changed."""
    before = stored()
    with pytest.raises(ImportRefused) as error:
        taken()
    assert stored() == before
    return [(one.error.code, one.error.element, one.line) for one in error.value.mistakes]


def test_what_went_out_comes_back_and_changes_nothing(company, run, take):
    folder = run(bank_details=True, persons=True)
    before = stored()
    for files in ([*folder.glob("*.xml")], sorted(folder.glob("*.csv")), sorted(folder.glob("*.csv"))[::-1]):
        counts = take(*files, complete=True)
        assert list(counts) == [name.name for name in TABLES]
        assert all(set(count) == {"unchanged"} for count in counts.values())
    assert stored() == before


def test_into_the_empty_books_of_another_municipality(company, run, take):
    folder = run(bank_details=True, persons=True)
    load_municipality(OTHER)
    counts = take(*folder.glob("*.xml"), municipality="101", new_ids=True)
    assert all(set(count) == {"new"} for count in counts.values())
    made = CompanyCode.get(CompanyCode.municipality == "101")
    assert made.vat_refund_account == "90510025"
    assert Account.select().where(Account.company_code == made).count() == 56
    again = take(*folder.glob("*.csv"), municipality="101", new_ids=True, complete=True)
    assert all(set(count) == {"unchanged"} for count in again.values())


def test_uuids_of_another_are_refused_unless_they_are_left_out(company, run, take):
    folder = run(tables=["COSTCENTER", "COMP_CODE", "GL_ACCOUNT", "TAX_CODE"])
    load_municipality(OTHER)
    wrong = refused(lambda: take(*folder.glob("*.xml"), municipality="101"))
    assert {code for code, *_ in wrong} >= {"LED-030"}


def test_a_change_is_made_and_told(company, xml, take):
    new = {"COSTCENTER": "5001", "NAME": "Ny", "VALID_FROM": "20270101"}
    told: list[Change] = []
    counts = take(xml(("GL_ACCOUNT", PAPER), ("COSTCENTER", new)), tell=told.append)
    assert (counts["GL_ACCOUNT"]["changed"], counts["COSTCENTER"]["new"]) == (1, 1)
    assert counts["GL_ACCOUNT"]["not in the files"] == 55
    assert told[0][:3] == ("changed", "GL_ACCOUNT", "22000300")
    assert told[0].columns == {"NAME": ("Kontorartikler", "Papir")}
    assert Account.get(Account.number == "22000300").name == "Papir"
    assert str(DimensionValue.get(DimensionValue.code == "5001").valid_from) == "2027-01-01"
    entry = AuditEntry.select().where(AuditEntry.event == "master_data.imported").get()
    assert entry.actor == "test"


def test_a_dry_run_tells_the_same_and_changes_nothing(company, xml, take):
    before, path = stored(), xml(("GL_ACCOUNT", PAPER))
    dry = take(path, dry_run=True)
    assert stored() == before
    assert not AuditEntry.select().where(AuditEntry.event == "master_data.imported").exists()
    assert take(path) == dry


def test_what_is_no_more_is_blocked_and_nothing_is_deleted(company, xml, take):
    gone = [
        ("GL_ACCOUNT", {"ACTION": "SLETTET", "GL_ACCOUNT": "22000300"}),
        ("COSTCENTER", {"ACTION": "SLETTET", "COSTCENTER": "1101"}),
        ("VENDOR", {"ACTION": "SLETTET", "VENDOR_NO": "200001"}),
        ("VENDOR_BANK", {"ACTION": "SLETTET", "VENDOR_NO": "200002"}),
        ("USER_RIGHT", {"ACTION": "SLETTET", "USERNAME": "moha", "PROFIT_CTR": "P210"}),
    ]
    counts = take(xml(*gone, MODE="DELTA"))
    assert [count["removed"] for count in counts.values()] == [1, 1, 1, 1, 1]
    assert Account.get(Account.number == "22000300").blocked
    assert DimensionValue.get(DimensionValue.code == "1101").blocked
    assert not Supplier.get(Supplier.number == "200001").active
    kept = Supplier.get(Supplier.number == "200002")
    assert (kept.iban, kept.bank_account, kept.active) == ("", "", True)
    assert [row.ean for row in UserRight.select().where(UserRight.user == "moha")] == ["5798009900012"]
    again = take(xml(*gone, MODE="DELTA"))
    assert all(set(count) <= {"unchanged", "not in the files"} for count in again.values())


def test_complete_blocks_what_the_files_do_not_hold_in_their_tables(company, table, take):
    Supplier.update(person=True).where(Supplier.number == "200003").execute()
    path = table("VENDOR", ["VENDOR_NO", "NAME"], ["200001", "Grønt"])
    counts = take(path, complete=True)
    assert counts == {"VENDOR": {"changed": 1, "removed": 10, "unchanged": 1, "not in the files": 1}}
    assert {row.number for row in Supplier.select().where(Supplier.active)} == {"200001", "200003"}
    assert not Account.select().where(Account.blocked, Account.number != "22009900").exists()


def test_what_cannot_be_blocked_is_not_taken_away(company, table, take):
    path = table("TAX_CODE", ["TAX_CODE", "NAME", "TAX_RATE"], ["K25", "Købsmoms", "25.00"])
    assert refused(lambda: take(path, complete=True)) == [("EXT-119", "TAX_CODE", 0)]


def test_a_column_that_is_left_out_stays_as_it_is(company, table, take):
    take(table("GL_ACCOUNT", ["NAME", "GL_ACCOUNT"], ["Papir", "22000300"]))
    kept = Account.get(Account.number == "22000300")
    assert (kept.name, kept.tax_code.code, kept.assignable) == ("Papir", "K25", True)
    take(table("GL_ACCOUNT", ["GL_ACCOUNT", "TAX_CODE"], ["22000300", ""]))
    assert Account.get(Account.number == "22000300").tax_code is None


def test_numbers_of_persons_that_a_supplier_is_known_by_stay(company, table, take):
    digest = "CPR#0123456789abcdef0123456789abcdef"
    Supplier.update(identifiers=[digest]).where(Supplier.number == "200001").execute()
    take(table("VENDOR", ["VENDOR_NO", "IDENTIFIERS"], ["200001", "0088:5798002000016"]))
    assert Supplier.get(Supplier.number == "200001").identifiers == ["GLN:5798002000016", digest]


def test_the_form_of_the_books_is_found_behind_that_of_the_file(company, xml, take):
    wbs = {"WBS_ELEMENT": "xg-920-1", "NAME": "Ny svømmehal, projektering"}
    right = {"USERNAME": "MOHA", "PROFIT_CTR": "P210", "AMOUNT_LIMIT": "50000.00"}
    counts = take(xml(("WBS_ELEMENT", wbs), ("USER_RIGHT", right)))
    assert counts["WBS_ELEMENT"]["unchanged"] == counts["USER_RIGHT"]["unchanged"] == 1


def account(**texts: str) -> tuple[str, dict[str, str]]:
    return "GL_ACCOUNT", {name: text for name, text in {**PAPER, **texts}.items() if text}


@pytest.mark.parametrize(
    ("records", "mistakes"),
    [
        ([account(NAME="")], [("EXT-115", "NAME", 2)]),
        ([account(NAME="x" * 256)], [("EXT-116", "NAME", 2)]),
        ([account(NAME="a\u202eb")], [("EXT-116", "NAME", 2)]),
        ([account(GL_ACCOUNT=" 22000300")], [("EXT-116", "GL_ACCOUNT", 2)]),
        ([account(TAX_CODE="Q")], [("LED-030", "accounts 22000300 tax_code", 2)]),
        ([account(), account(GL_ACCOUNT="22000400"), account()], [("EXT-117", "in.xml", 4)]),
        ([account(COLOUR="red")], [("EXT-114", "COLOUR", 2)]),
        (
            [account(), ("TAX_CODE", {"TAX_CODE": "Q", "NAME": "q", "TAX_RATE": "1.00"})],
            [("EXT-118", "TAX_CODE_RECORD", 3)],
        ),
        ([("COLOUR", {"NAME": "red"})], [("EXT-113", "", 2)]),
        ([("TAX_CODE", {"TAX_CODE": "Q", "NAME": "q", "TAX_RATE": "25,00"})], [("EXT-116", "TAX_RATE", 2)]),
        (
            [("TAX_CODE", {"TAX_CODE": "Q", "NAME": "q", "TAX_RATE": "250.00"})],
            [("LED-030", "rate_basis_points", 2)],
        ),
        ([("ACCOUNT_RULE", {"PRIORITY": "1", "PATTERN": "["})], [("LED-030", "pattern", 2)]),
        ([("ACCOUNT_RULE", {"PRIORITY": "1", "PATTERN": "(.*)*x"})], [("LED-030", "pattern", 2)]),
        ([("COSTCENTER", {"COSTCENTER": "04101", "NAME": "x"})], [("LED-048", "dimensions cost_center", 2)]),
        ([("COSTCENTER", {"COSTCENTER": "41\uff11", "NAME": "x"})], [("LED-030", "code", 2)]),
        ([account(NAME="  ")], [("LED-030", "name", 2)]),
        (
            [("ACCOUNT_RULE", {"PRIORITY": "1", "PATTERN": "x", "FORBIDS": "COLOUR"})],
            [("EXT-116", "FORBIDS", 2)],
        ),
        (
            [("COSTCENTER", {"COSTCENTER": "1", "NAME": "x", "VALID_FROM": "20260230"})],
            [("EXT-116", "VALID_FROM", 2)],
        ),
        ([("PROFIT_CTR", {"PROFIT_CTR": "P1", "NAME": "x", "PARENT": "P0"})], [("EXT-121", "PARENT", 2)]),
        (
            [("PROFIT_CTR", {"PROFIT_CTR": "P400", "NAME": "x", "PARENT": "P411"})],
            [("EXT-122", "PROFIT_CTR", 2)],
        ),
        (
            [("VENDOR", {"VENDOR_NO": "1", "NAME": "x", "IDENTIFIERS": "DK:CPR:0101901234"})],
            [("EXT-116", "IDENTIFIERS", 2)],
        ),
        (
            [("VENDOR", {"VENDOR_NO": "1", "NAME": "x", "IDENTIFIERS": "hvem"})],
            [("EXT-116", "IDENTIFIERS", 2)],
        ),
        ([("VENDOR_BANK", {"VENDOR_NO": "1", "IBAN": "DK8499990000200001"})], [("EXT-121", "VENDOR_NO", 2)]),
        ([("VENDOR_BANK", {"VENDOR_NO": "200001", "IBAN": "DK0099990000200001"})], [("LED-030", "iban", 2)]),
        (
            [("VENDOR_BANK", {"VENDOR_NO": "200003", "BANK_KEY": "9999"})],
            [("LED-030", "suppliers 200003 bank_account", 2)],
        ),
        (
            [("USER_RIGHT", {"USERNAME": "a", "PROFIT_CTR": "P9", "AMOUNT_LIMIT": "1.00"})],
            [("EXT-121", "PROFIT_CTR", 2)],
        ),
        ([("USER_RIGHT", {"USERNAME": "a", "AMOUNT_LIMIT": "0.00"})], [("LED-030", "limit_ore", 2)]),
        (
            [("USER_RIGHT", {"USERNAME": "a", "EAN": "1", "AMOUNT_LIMIT": "x"})],
            [("EXT-116", "EAN", 2), ("EXT-116", "AMOUNT_LIMIT", 2)],
        ),
        (
            [("USER_RIGHT", {"ACTION": "VÆK", "USERNAME": "a", "AMOUNT_LIMIT": "1.00"})],
            [("EXT-116", "ACTION", 2)],
        ),
        ([account(RULE="10", REQUIRES_ONE_OF="ORDERID")], [("EXT-120", "22000300", 2)]),
    ],
)
def test_every_mistake_is_told_and_nothing_is_taken(company, xml, take, records, mistakes):
    assert refused(lambda: take(xml(*records))) == mistakes


def test_mistakes_of_all_records_and_files_are_told_together(company, xml, table, take):
    path = xml(account(NAME="x" * 256), account(GL_ACCOUNT="22000400", CHART_STRING="1"))
    other = table("COSTCENTER", ["COSTCENTER", "NAME"], ["12345678901", "x"], ["1", ""], ["1"])
    assert refused(lambda: take(path, other)) == [
        ("EXT-116", "NAME", 2),
        ("EXT-116", "CHART_STRING", 3),
        ("EXT-116", "COSTCENTER", 2),
        ("EXT-115", "NAME", 3),
        ("EXT-118", "COSTCENTER", 4),
    ]


def test_rows_that_a_spreadsheet_leaves_empty_are_passed_over(company, table, take):
    path = table("COSTCENTER", ["COSTCENTER", "NAME"], ["5001", "Ny"], [], ["", ""], ["5002", ""])
    assert refused(lambda: take(path)) == [("EXT-115", "NAME", 5)]


def test_elements_out_of_order_are_told_by_the_schema(company, xml, take):
    path = xml(("GL_ACCOUNT", {"NAME": "Papir", "GL_ACCOUNT": "22000300"}))
    with pytest.raises(ImportRefused) as found:
        take(path)
    [mistake] = found.value.mistakes
    assert (mistake.error.code, mistake.error.element, mistake.line) == ("EXT-118", "GL_ACCOUNT_RECORD", 2)
    assert mistake.error.text_danish == (
        "GL_ACCOUNT_RECORD følger ikke skemaet: NAME: her kan stå: ACTION, GL_ACCOUNT"
    )


def test_the_own_accounts_must_be_in_the_chart(company, xml, take):
    head = {
        "COMP_CODE": "0020",
        "NAME": "x",
        "CURRENCY": "DKK",
        "VAT_ACCOUNT": "12345678",
        "RETAINED_ACCOUNT": "90599000",
        "VENDOR_ACCOUNT": "90590100",
    }
    path = xml(("COMP_CODE", head))
    assert refused(lambda: take(path)) == [("LED-030", "vat_refund_account", 0)]


def test_another_company_code_is_refused(company, xml, table, take):
    assert refused(lambda: take(xml(COMP_CODE="0021"))) == [("EXT-124", "", 0)]
    names = [column.name for column in TABLES[0].columns]
    path = table("COMP_CODE", names, ["0021", "x", "DKK", "90510025", "90599000", "90590100", ""])
    assert ("EXT-124", "", 2) in refused(lambda: take(path))


def test_complete_takes_no_delta_and_no_extract_of_creditors(company, run, xml, take):
    assert refused(lambda: take(xml(MODE="DELTA"), complete=True)) == [("EXT-123", "", 0)]
    creditors = next(run("kreditorer").glob("*.xml"))
    assert refused(lambda: take(creditors, complete=True)) == [("EXT-123", "", 0)]
    assert take(creditors)["VENDOR"]["unchanged"] == 4


def test_a_creditor_that_is_no_longer_told_is_not_blocked(company, xml, take):
    gone = ("VENDOR", {"ACTION": "SLETTET", "VENDOR_NO": "200001"})
    for path in (lambda: xml(gone, PERSONS=""), lambda: xml(gone, root="Kreditorer")):
        assert refused(lambda path=path: take(path())) == [("EXT-126", "VENDOR", 2)]


def test_unknown_books_are_told(company, xml, table, take):
    with pytest.raises(MunicipalityUnknown):
        take(xml(), municipality="102")
    load_municipality(OTHER)
    with pytest.raises(CompanyCodeUnknown):
        take(table("TAX_CODE", ["TAX_CODE", "NAME", "TAX_RATE"], ["K", "x", "1.00"]), municipality="101")


HEAD = f'<?xml version="1.0"?><Stamdata xmlns="{NAMESPACE}">'


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "EXT-111"),
        (HEAD.encode(), "EXT-111"),
        (b"<Stamdata/>", "EXT-113"),
        (f"{HEAD}<TAX_CODE_RECORD/></Stamdata>".encode(), "EXT-118"),
        (
            b'<!DOCTYPE a [<!ENTITY e "x">]>'
            + HEAD[21:].encode()
            + b"<CONTROL_FIELDS>&e;</CONTROL_FIELDS></Stamdata>",
            "EXT-111",
        ),
        (HEAD.encode("utf-16"), "EXT-111"),
        (f"{HEAD}<CONTROL_FIELDS/>".encode() + b" " * 70_000, "EXT-112"),
        (f"{HEAD}<CONTROL_FIELDS>".encode() + b"<a>x</a>" * 10_000, "EXT-112"),
        (HEAD.encode() + b"<a>" * 300, "EXT-111"),
    ],
)
def test_hostile_and_broken_xml_is_refused(company, take, tmp_path, data, code):
    path = tmp_path / "in.xml"
    path.write_bytes(data)
    limits = Limits(max_record_bytes=1000)
    assert code in {found for found, *_ in refused(lambda: take(path, limits=limits))}


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("KONTI.csv", b"GL_ACCOUNT;NAME\r\n", "EXT-113"),
        ("X_GL_ACCOUNT.csv", b"", "EXT-129"),
        ("X_GL_ACCOUNT.csv", b"NAME\r\nx\r\n", "EXT-129"),
        ("X_GL_ACCOUNT.csv", b"GL_ACCOUNT;COLOUR\r\n", "EXT-114"),
        ("X_GL_ACCOUNT.csv", b"GL_ACCOUNT;NAME;NAME\r\n", "EXT-114"),
        ("X_GL_ACCOUNT.csv", b"GL_ACCOUNT,NAME\r\n", "EXT-114"),
        ("X_GL_ACCOUNT.csv", b"GL_ACCOUNT;NAME\r\n1;\xe6\r\n", "EXT-127"),
        ("X_GL_ACCOUNT.csv", b'GL_ACCOUNT;NAME\r\n1;"x', "EXT-111"),
        ("X_GL_ACCOUNT.csv", b"GL_ACCOUNT;NAME\r\n1;" + b"x" * 2000, "EXT-112"),
        ("VENDOR_BANK.csv", b"VENDOR_NO;NAME\r\n", "EXT-114"),
    ],
)
def test_csv_that_cannot_be_read_is_refused(company, take, tmp_path, name, data, code):
    path = tmp_path / name
    path.write_bytes(data)
    limits = Limits(max_record_bytes=1000)
    assert [found for found, *_ in refused(lambda: take(path, limits=limits))] == [code]


def test_limits_of_files_and_records(company, take, xml):
    path = xml(account(), account(GL_ACCOUNT="22000400"))
    assert refused(lambda: take(path, limits=Limits(max_bytes=10))) == [("EXT-112", "bytes", 0)]
    assert refused(lambda: take(path, limits=Limits(max_records=1))) == [("EXT-112", "records", 3)]


def test_no_more_mistakes_than_anybody_reads(company, take, table):
    path = table("COSTCENTER", ["COSTCENTER", "NAME"], *[["12345678901", "x"]] * 1200)
    found = refused(lambda: take(path))
    assert len(found) == 1000


def test_no_cpr_number_stands_in_a_mistake(company, take, table):
    persons = ["DK:CPR:010190-1234", "DK:CPR:01 01 90 12 34", "CPR:12340101"]
    rows = [[f"20000{place}", person, "0101901234"] for place, person in enumerate(persons, start=1)]
    path = table("VENDOR", ["VENDOR_NO", "IDENTIFIERS", "CVR"], *rows)
    with pytest.raises(ImportRefused) as error:
        take(path)
    said = " ".join(f"{one} {one.error.text_danish}" for one in error.value.mistakes)
    assert "1234" not in said
    assert "12 34" not in said
    assert len(error.value.mistakes) == 6


def test_the_command_line_tells_all(company, database_url, monkeypatch, xml, table):
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", database_url)

    def run(*words: object):
        return CliRunner().invoke(main, ["master-data", "import", *map(str, words)])

    good = run(xml(account()), "--dry-run", "--list")
    assert good.exit_code == 0, good.output
    assert "changed GL_ACCOUNT 22000300  NAME: Kontorartikler → Papir" in good.output
    assert "nothing was changed: a dry run" in good.output
    assert Account.get(Account.number == "22000300").name == "Kontorartikler"
    bad = run(xml(account(CHART_STRING="1")))
    assert bad.exit_code == 1
    told = "in.xml:2  GL_ACCOUNT 22000300  EXT-116  CHART_STRING er '1'; skal være 16 cifre. Ret værdien."
    assert told in bad.output
    assert "EXT-110" in bad.output
    assert run(xml(account())).exit_code == 0
    assert Account.get(Account.number == "22000300").name == "Papir"


def test_the_example_of_the_documentation_can_be_taken(company, take):
    example = ROOT / "docs/examples/stamdata.xml"
    counts = take(example, dry_run=True)
    assert all(count["new"] + count["changed"] + count["removed"] for count in counts.values())


def test_a_rule_that_changes_is_the_one_that_accounts_are_compared_with(company, xml, take):
    rule = {"PRIORITY": "5", "PATTERN": "22000300", "FORBIDS": "ORDERID"}
    take(xml(("ACCOUNT_RULE", rule), account(RULE="5", FORBIDS="ORDERID")))
    assert AccountRule.get(AccountRule.priority == 5).forbids_any_of == ["order"]


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-16", "UTF-7"])
@pytest.mark.parametrize("far", ["", " " * 300], ids=["near", "far"])
def test_a_good_file_in_another_encoding_is_refused(company, take, tmp_path, encoding, far):
    text = (ROOT / "docs/examples/stamdata.xml").read_text("utf-8")
    path = tmp_path / "in.xml"
    declared = text.replace('encoding="UTF-8"', f'{far}encoding="{encoding}"', 1)
    assert declared != text
    path.write_bytes(declared.encode(encoding))
    assert "EXT-111" in {found for found, *_ in refused(lambda: take(path))}


@pytest.mark.parametrize(
    ("table_name", "texts"),
    [
        ("GL_ACCOUNT", {"GL_ACCOUNT": "22009999"}),
        ("COSTCENTER", {"COSTCENTER": "9999"}),
        ("VENDOR", {"VENDOR_NO": "299999"}),
        ("VENDOR_BANK", {"VENDOR_NO": "299999"}),
        ("USER_RIGHT", {"USERNAME": "mohaa", "PROFIT_CTR": "P210"}),  # moha is meant
        ("USER_RIGHT", {"USERNAME": "moha", "PROFIT_CTR": "P211"}),
        ("TAX_CODE", {"TAX_CODE": "Q"}),
    ],
)
def test_what_is_to_be_taken_away_must_be_there(company, xml, take, table_name, texts):
    """Who has mistyped a key would otherwise believe that it is blocked, or that a right is gone."""
    with pytest.raises(ImportRefused) as found:
        take(xml((table_name, {"ACTION": "SLETTET", **texts})))
    [mistake] = found.value.mistakes
    key = "/".join(texts.values())
    assert (mistake.error.code, mistake.table, mistake.key, mistake.line) == ("EXT-128", table_name, key, 2)
    assert mistake.error.text_danish == f"{table_name} {key} er SLETTET i filen, men findes ikke i bøgerne"
    assert refused(lambda: take(xml((table_name, {"ACTION": "SLETTET", **texts})), dry_run=True))


def test_what_has_been_taken_away_is_taken_away_once(company, xml, take, clock):
    """A delta that is loaded again is no mistake, though of rights and bank details nothing is left."""
    gone = [
        ("COSTCENTER", {"ACTION": "SLETTET", "COSTCENTER": "1101"}),
        ("VENDOR_BANK", {"ACTION": "SLETTET", "VENDOR_NO": "200002"}),
        ("USER_RIGHT", {"ACTION": "SLETTET", "USERNAME": "moha", "PROFIT_CTR": "P210"}),
        ("USER_RIGHT", {"ACTION": "SLETTET", "USERNAME": "ANKR", "EAN": "5798009900029"}),
    ]
    set_right("999", "ankr", "", ean="5798009900029", limit_ore=0, actor="t", clock=clock)  # by somebody else
    first, again = take(xml(*gone)), take(xml(*gone))
    assert (first["COSTCENTER"]["removed"], again["COSTCENTER"]["unchanged"]) == (1, 1)
    assert (first["VENDOR_BANK"]["removed"], again["VENDOR_BANK"]["unchanged"]) == (1, 1)
    assert (first["USER_RIGHT"]["removed"], first["USER_RIGHT"]["unchanged"]) == (1, 1)
    assert again["USER_RIGHT"]["unchanged"] == 2


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_a_csv_file_of_a_spreadsheet_is_to_be_saved_as_utf_8(company, tmp_path, take, encoding):
    path = tmp_path / "GL_ACCOUNT.csv"
    path.write_bytes(
        ("GL_ACCOUNT;NAME\r\n" + "22000300;Papir\r\n" * 900 + "22000400;Køb\r\n").encode(encoding)
    )
    with pytest.raises(ImportRefused) as found:
        take(path)
    mistake = found.value.mistakes[-1]
    assert mistake.error.code == "EXT-127"
    line, byte = (902, "0xF8") if encoding == "cp1252" else (1, "0xFF")
    assert mistake.error.text_danish == f"Filen er ikke UTF-8: byte {byte} i linje {line}"
    assert "Excel" in mistake.error.remedy_danish
    assert "CSV UTF-8" in mistake.error.remedy_danish


def columns_of(name: str) -> tuple[list[str], list[str]]:
    """What a new record of a table must tell, and a record that does."""
    given = {
        **{"COMP_CODE": "0020", "NAME": "Ny", "CURRENCY": "DKK", "VAT_ACCOUNT": "90510025"},
        **{"RETAINED_ACCOUNT": "90900000", "VENDOR_ACCOUNT": "95100000", "TAX_CODE": "Q", "TAX_RATE": "1.00"},
        **{"DOC_TYPE": "QQ", "FIRST_NUMBER": "1", "PRIORITY": "77", "PATTERN": "x", "GL_ACCOUNT": "22009999"},
        **{"VENDOR_NO": "299999", "USERNAME": "ny", "AMOUNT_LIMIT": "1.00"},
        **dict.fromkeys(("PROFIT_CTR", "COSTCENTER", "WBS_ELEMENT", "ORDERID", "NETWORK", "FUNC_AREA"), "N1"),
    }
    given |= {"WBS_ELEMENT": "XG-0000009999-00001"} | ({"PROFIT_CTR": ""} if name == "USER_RIGHT" else {})
    columns = BY_NAME[name].columns
    needed = [one.name for place, one in enumerate(columns) if one.is_needed or place < BY_NAME[name].keys]
    return needed, [given.get(name, "") for name in needed]


OF_NEW = [one.name for one in TABLES if one.name not in ("COMP_CODE", "VENDOR_BANK")]


@pytest.mark.parametrize("name", OF_NEW)
def test_a_new_record_needs_some_columns_and_is_told_which(company, table, take, name):
    names, row = columns_of(name)
    assert take(table(name, names, row), dry_run=True)[name]["new"] == 1
    for place, column in enumerate(names):
        path = table(name, names[:place] + names[place + 1 :], row[:place] + row[place + 1 :])
        with pytest.raises(ImportRefused) as found:
            take(path)
        [mistake] = found.value.mistakes
        assert mistake.error.code == "EXT-129"
        assert f"kræver kolonnerne {column};" in mistake.error.text_danish
        assert all(one in mistake.error.text_danish for one in BY_NAME[name].names)


def test_an_account_that_is_there_needs_its_key_alone(company, table, take):
    assert (
        take(table("GL_ACCOUNT", ["GL_ACCOUNT", "BLOCKED"], ["22000300", "X"]))["GL_ACCOUNT"]["changed"] == 1
    )


def test_commas_between_the_columns_are_not_guessed_at(company, tmp_path, take):
    path = tmp_path / "GL_ACCOUNT.csv"
    path.write_text("GL_ACCOUNT,NAME\n22000300,Papir\n")
    with pytest.raises(ImportRefused) as found:
        take(path)
    [mistake] = found.value.mistakes
    assert mistake.error.code == "EXT-114"
    assert "semikolon" in mistake.error.remedy_danish
    assert "docs/interfaces/master-data.md" in mistake.error.remedy_danish


@pytest.fixture
def others_write(database_url, monkeypatch):
    """Whether somebody else can write when the import reads the books; SQLite has one lock."""
    if not database_url.startswith("sqlite"):
        pytest.skip("on PostgreSQL who writes other rows waits for nobody")
    other = sqlite3.connect(database_url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
    could = []

    def tried() -> bool:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        other.execute("ROLLBACK")
        return True

    def watched(self, table):
        for record in read(self, table):
            if self.only is None:
                could.append(tried())
            yield record

    read = Source.records
    monkeypatch.setattr(Source, "records", watched)
    yield could, tried
    other.close()


@pytest.mark.parametrize("dry_run", [False, True])
def test_others_write_while_files_are_compared(company, run, take, others_write, dry_run, monkeypatch):
    folder = run(bank_details=True, persons=True)
    could, _ = others_write
    could.clear()
    looked_again = []
    monkeypatch.setattr(Source, "find", lambda *asked: looked_again.append(asked) or {})
    counts = take(*folder.glob("*.xml"), complete=True, dry_run=dry_run)
    assert sum(count["unchanged"] for count in counts.values()) > 100
    assert len(could) > 100
    assert all(could)
    assert not looked_again


def test_the_lock_is_taken_for_what_changes_alone(company, run, table, take, others_write, monkeypatch):
    could, tried = others_write
    noted, told, note = [], [], Staging.note

    def watched(self, change):
        noted.append((change.key, tried()))
        note(self, change)

    monkeypatch.setattr(Staging, "note", watched)
    path = table("COSTCENTER", ["COSTCENTER", "NAME"], ["1101", "Andet navn"], ["1102", "Nyt navn"])
    take(path, tell=lambda change: told.append((change.key, tried())))
    assert all(could)
    assert noted == [("1101", False), ("1102", False)]
    assert told == [("1101", True), ("1102", True)]


def test_what_somebody_else_did_meanwhile_is_seen(company, table, take, monkeypatch):
    """Between the comparison and the lock: the same change, another one, a record that was new."""
    columns = ["COSTCENTER", "NAME"]
    wanted = [["1101", "Andet"], ["1102", "Nyt"], ["9998", "Sidste"], ["9999", "Helt sidste"]]

    @contextmanager
    def after_others():
        load_dimension(company, "cost_center", DimensionRow(code="1101", name="Andet"))
        load_dimension(company, "cost_center", DimensionRow(code="1102", name="Deres"))
        load_dimension(company, "cost_center", DimensionRow(code="9998", name="Deres"))
        with transaction():
            yield

    monkeypatch.setattr(importing, "transaction", after_others)
    told = []
    counts = take(table("COSTCENTER", columns, *wanted), tell=told.append)
    assert counts["COSTCENTER"] == {"unchanged": 1, "changed": 2, "new": 1, "not in the files": 14}
    assert [(one.outcome, one.key, one.columns.get("NAME")) for one in told] == [
        ("changed", "1102", ("Deres", "Nyt")),
        ("changed", "9998", ("Deres", "Sidste")),
        ("new", "9999", ("", "Helt sidste")),
    ]


def test_accounts_that_are_found_have_their_rules(company):
    """Some keys of accounts are asked for; the rules that cover them are all of them."""
    source = Source(company)
    all_of_them = {record.key: record for record in source.records("GL_ACCOUNT")}
    some = source.find("GL_ACCOUNT", list(all_of_them)[:3])
    assert some == {key: all_of_them[key] for key in list(all_of_them)[:3]}
    assert any(record.texts[-3] for record in some.values())


@pytest.mark.parametrize("dry_run", [False, True])
def test_who_listens_slowly_keeps_nobody_from_writing(xml, take, dry_run):
    """A pipe that nobody reads: what is told is told when the books are free again."""
    told: list[tuple[str, bool, bool]] = []

    def tell(change: Change) -> None:
        done = Account.get(Account.number == "22000300").name == "Papir"
        told.append((change.key, proxy.obj.in_transaction(), done))

    assert take(
        xml(account(), ("COSTCENTER", {"COSTCENTER": "5001", "NAME": "Ny"})), tell=tell, dry_run=dry_run
    )
    assert told == [("22000300", False, not dry_run), ("5001", False, not dry_run)]


def test_what_is_refused_after_all_is_not_told(xml, take):
    told: list[Change] = []
    loop = {"COSTCENTER": "5001", "NAME": "Ny", "PARENT": "5001"}
    assert refused(lambda: take(xml(account(), ("COSTCENTER", loop)), tell=told.append))
    assert told == []


def test_two_at_once_make_no_loop(company, clock, xml, tmp_path, monkeypatch):
    one, two = ({"COSTCENTER": code, "NAME": "Ny"} for code in ("9990001", "9990002"))
    wanted = Wanted("999", "0020")
    import_files([xml(("COSTCENTER", one), ("COSTCENTER", two))], wanted, actor="t", clock=clock)
    paths = []
    for child, parent in ((one, two), (two, one)):
        made = xml(("COSTCENTER", child | {"PARENT": parent["COSTCENTER"]}))
        paths.append(made.rename(tmp_path / f"{child['COSTCENTER']}.xml"))
    entered, ending = threading.Barrier(2), importing._Entering.end

    def end(self):
        with suppress(threading.BrokenBarrierError):  # who comes second waits until the first has ended
            entered.wait(1)
        return ending(self)

    monkeypatch.setattr(importing._Entering, "end", end)

    def load(path):
        with connected(), suppress(ImportRefused):
            import_files([path], wanted, actor="t", clock=clock)
        if not proxy.obj.is_closed():
            proxy.obj.close()

    with ThreadPoolExecutor(2) as both:
        list(both.map(load, paths))
    rows = DimensionValue.select().where(DimensionValue.code.in_(["9990001", "9990002"]))
    assert sum(row.parent_code is not None for row in rows) == 1
