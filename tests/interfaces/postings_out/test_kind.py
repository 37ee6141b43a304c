"""Posteringer UD: what stands in the books goes out, with its links, all of it or what is asked for."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from io import BytesIO, StringIO

import pytest
from lxml import etree

from opus_soap import errors
from opus_soap.extracts import books, manifest
from opus_soap.extracts.output import SCHEMAS, Form
from opus_soap.interfaces.postings_in.receiving import ReadingLimits, Receiver
from opus_soap.interfaces.postings_in.storing import PostingStore
from opus_soap.interfaces.postings_out.form import COLUMNS, FORM
from opus_soap.ledger.models import Posting
from opus_soap.ledger.posting import PostingLine
from opus_soap.store import purging
from opus_soap.store.models import ExchangeRate, PostingSender
from tests.extracts.conftest import UD, Desk
from tests.interfaces.postings_in.conftest import CREDIT, DEBIT, HEADER, document, request

SCHEMA = etree.XMLSchema(etree.parse(SCHEMAS / FORM.file))


@pytest.fixture
def deliver(desk: Desk, tmp_path):
    """Deliver a file of postings."""
    PostingSender.create(municipality="999", sender_id="KY01", short="KY01", name="Kommunernes Ydelse")
    receiver = Receiver("999", PostingStore(tmp_path / "files"), ReadingLimits(), desk.clock)

    def give(*documents: str) -> None:
        receiver.deliver(BytesIO(request(*documents)), "", actor="test")

    return give


def extracted(desk: Desk, **options) -> etree._Element:
    """All that a subscription with these options gets, as XML that keeps to the contract."""
    name = f"S{len(list(desk.inbox.iterdir()))}"
    extract = desk.run(desk.subscribe(name, options=options, receiver=name))
    root = etree.parse(desk.inbox / f"{extract.name}.xml").getroot()
    SCHEMA.assertValid(root)
    return root


def texts(node: etree._Element) -> dict[str, str]:
    return {etree.QName(child).localname: child.text or "" for child in node if not len(child)}


def lines(root: etree._Element) -> list[dict[str, str]]:
    return [texts(node) for node in root.iter(f"{UD}LINE")]


def headers(root: etree._Element) -> list[dict[str, str]]:
    return [texts(node) for node in root.iter(f"{UD}HEADER")]


def test_a_reversal_is_found_from_both_sides(desk):
    voucher = desk.post()[0]
    reversal = desk.reverse(voucher)
    first, second = headers(extracted(desk))
    assert first["REVERSED_BY"] == f"SA 2026 {reversal.number}"
    assert second["REVERSES"] == f"SA 2026 {voucher.number}"
    assert "REVERSES" not in first
    assert "REVERSED_BY" not in second


def test_a_delta_with_a_reversal_names_what_came_before(desk):
    subscription = desk.subscribe()
    voucher = desk.post()[0]
    first = desk.run(subscription)
    desk.reverse(voucher)
    second = desk.run(subscription)
    (header,) = headers(etree.parse(desk.inbox / f"{second.name}.xml").getroot())
    assert header["REVERSES"] == f"SA 2026 {voucher.number}"
    (header,) = headers(etree.parse(desk.inbox / f"{first.name}.xml").getroot())
    assert "REVERSED_BY" not in header


def test_document_types_may_be_left_out(desk):
    desk.post()
    desk.post(document_type="AB")
    root = extracted(desk, exclude_document_types=["AB"])
    assert [header["DOC_TYPE"] for header in headers(root)] == ["SA"]
    told = manifest.read(next(desk.inbox.glob("*.json")).read_bytes(), "m")
    assert told["totals"]["vouchers_left_out"] == 1
    with pytest.raises(errors.ConditionUnknown):
        desk.subscribe("X", options={"exclude_document_types": ["XX"]})


def test_a_partial_extract_has_the_lines_that_meet_every_condition(desk):
    desk.post(2)
    root = extracted(desk, conditions=["COSTCENTER=1101"])
    assert [line["GL_ACCOUNT"] for line in lines(root)] == ["52000200"] * 2
    assert [header["NO_DOC_POSITION"] for header in headers(root)] == ["2", "2"]
    assert lines(extracted(desk, conditions=["COSTCENTER=1101", "GL_ACCOUNT=9*"])) == []
    assert len(lines(extracted(desk, conditions=["COSTCENTER!=1101"]))) == 2
    assert len(lines(extracted(desk, conditions=["DOC_TYPE=SA"]))) == 4
    assert lines(extracted(desk, conditions=["DOC_TYPE=AB"])) == []
    assert len(lines(extracted(desk, conditions=["FIS_PERIOD=11..12", "FISC_YEAR=2026"]))) == 4


def test_totals_are_those_of_the_lines_that_are_in_it(desk):
    desk.post(3)
    extracted(desk, conditions=["COSTCENTER=1101"])
    told = manifest.read(next(desk.inbox.glob("*.json")).read_bytes(), "m")
    totals = told["totals"]
    assert (totals["vouchers"], totals["postings"]) == (3, 3)
    assert (totals["debit_ore"], totals["credit_ore"]) == (30_000, 0)


def test_totals_equal_the_ledgers(desk):
    desk.post(3)
    extracted(desk)
    told = manifest.read(next(desk.inbox.glob("*.json")).read_bytes(), "m")
    debit = sum(row.amount_ore for row in Posting.select() if row.amount_ore > 0)
    assert told["totals"]["debit_ore"] == debit == -told["totals"]["credit_ore"]


def test_the_csv_says_the_same(desk):
    desk.post(2, header_text='Semikolon; "citat" & <tegn>')
    root = extracted(desk)
    text = next(desk.inbox.glob("*.csv")).read_text("utf-8")
    columns, *rows = list(csv.reader(StringIO(text, newline=""), delimiter=";"))
    assert tuple(columns) == COLUMNS
    told = [{name: value for name, value in zip(columns, row, strict=True) if value} for row in rows]
    expected = [
        {**texts(voucher.find(f"{UD}HEADER")), **texts(line)}
        for voucher in root.iter(f"{UD}POSTING_DOCUMENT")
        for line in voucher.iter(f"{UD}LINE")
    ]
    assert told == expected


def test_characters_of_xml_and_line_ends_come_through(desk):
    text = "a&b<c>\"d'\r\ne\tf ]]>"
    lines_ = (
        PostingLine(account="52000200", amount_ore=100, cost_center="1101", text=text),
        PostingLine(account="90540100", amount_ore=-100),
    )
    desk.post(lines=lines_)
    assert lines(extracted(desk))[0]["ITEM_TEXT"] == text


def test_every_dimension_goes_out_under_its_name(desk):
    line = PostingLine(
        account="52000200", amount_ore=100, cost_center="1101", activity="0010",
        value_date=date(2026, 11, 20), text="t", allocation="a",
    )  # fmt: skip
    desk.post(lines=(line, PostingLine(account="90590100", amount_ore=-100, supplier="200002")))
    first, second = lines(extracted(desk))
    assert first == {
        "ITEMNO": "1",
        "POSTING_KEY": "40",
        "DEB_CRED_IND": "D",
        "AMT_DOCCUR": "1.00",
        "VALUE_DATE": "20261120",
        "ITEM_TEXT": "t",
        "ALLOC_NMBR": "a",
        "COSTCENTER": "1101",
        "GL_ACCOUNT": "52000200",
        "ACTIVITY": "0010",
    }
    assert (second["VENDOR_NO"], second["AMT_DOCCUR"], second["DEB_CRED_IND"]) == ("200002", "-1.00", "K")


def test_numbers_of_persons_are_out_only_where_they_are_asked_for(desk, deliver):
    line = {**DEBIT, "PAYEE_NO_CODE": "02", "PAYEE_NO": "0101901234"}
    line["ZZCSYSIDN"] = line.pop("ZZCSYSIDN")
    deliver(document(lines=[line, CREDIT]))
    assert "PAYEE_NO" not in lines(extracted(desk))[0]
    assert lines(extracted(desk, persons=True))[0]["PAYEE_NO"] == "0101901234"
    desk.clock.advance(timedelta(days=4000))
    purging.purge(now=desk.clock.now(), retention=timedelta(days=1))
    assert "PAYEE_NO" not in lines(extracted(desk, persons=True))[0]


def test_attachments_are_named_and_given_where_they_are_asked_for(desk, deliver):
    file = {"FILE_NAME": "bilag.pdf", "FILE_LENGTH": "8", "FILE_TYPE": "PDF", "FILE": "JVBERi0xLjQ="}
    deliver(document(FILES=file))
    (named,) = [texts(node) for node in extracted(desk).iter(f"{UD}FILES")]
    assert (named["FILE_NAME"], named["FILE_LENGTH"]) == ("bilag.pdf", "8")
    assert "FILE" not in named
    (given,) = [texts(node) for node in extracted(desk, attachments=True).iter(f"{UD}FILES")]
    assert given["FILE"] == "JVBERi0xLjQ="


def test_attachments_of_a_long_voucher_are_held_against_the_schema_once(desk, deliver, monkeypatch):
    file = {"FILE_NAME": "bilag.pdf", "FILE_LENGTH": "8", "FILE_TYPE": "PDF", "FILE": "JVBERi0xLjQ="}
    deliver(document(FILES=file))
    monkeypatch.setattr(books, "PIECE", 1)
    held, validate = [], Form.validate
    monkeypatch.setattr(Form, "validate", lambda form, parts: (held.append(parts), validate(form, parts)))
    root = extracted(desk, attachments=True)
    pieces = [parts for parts in held if b"<LINE>" in parts]
    assert [parts.count(b"JVBERi0xLjQ=") for parts in pieces] == [1, 0]
    assert [parts.count(b"<DOC_HASH>") for parts in pieces] == [1, 1]
    assert [texts(node)["FILE"] for node in root.iter(f"{UD}FILES")] == ["JVBERi0xLjQ="]


def test_another_currency_is_told_beside_the_books_own(desk, deliver):
    ExchangeRate.create(
        municipality="999", currency="EUR", valid_from="2026-01-01", rate_per_hundred="746.00"
    )
    header = {name: text for name, text in HEADER.items() if name != "XREF1_HD"}
    deliver(document({**header, "CURRENCY": "EUR", "XREF1_HD": "november"}))
    root = extracted(desk)
    (header,), (first, _) = headers(root), lines(root)
    assert (header["CURRENCY"], header["EXCH_RATE"]) == ("EUR", "746.00")
    assert (first["AMT_DOCCUR"], first["AMT_LOCCUR"]) == ("100.00", "746.00")


def test_what_it_does_not_take_it_refuses(desk):
    with pytest.raises(errors.SubscriptionInvalid, match="colour"):
        desk.subscribe("X", options={"colour": "red"})
