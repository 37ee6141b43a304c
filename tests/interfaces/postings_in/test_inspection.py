"""Checking without effect: what a delivery would tell, and where in the file it is."""

from __future__ import annotations

import pytest

from opus_soap.interfaces.postings_in.inspection import Inspector, locate
from opus_soap.interfaces.postings_in.reading import Place, ReadingLimits
from opus_soap.ledger.models import Voucher
from opus_soap.store.models import Content, PostingDocument, PostingFile
from tests.interfaces.postings_in.conftest import CONTROL, CREDIT, DEBIT, HEADER, NAME, document, request


@pytest.fixture
def inspect(sender, clock, tmp_path):
    """What is told of a file: (line:column, voucher, line, code)."""

    def check(data: bytes, name: str = NAME) -> list[tuple[str, str, int, str]]:
        path = tmp_path / "file.xml"
        path.write_bytes(data)
        return [
            (f"{told.line}:{told.column}", told.number, told.finding.place.line, told.finding.error.code)
            for told in Inspector("999", ReadingLimits(), clock).inspect(path, name)
        ]

    return check


def test_a_good_file_has_none_and_leaves_nothing_behind(inspect):
    line = {**DEBIT, "PAYEE_NO_CODE": "02", "PAYEE_NO": "0101901234"}
    line["ZZCSYSIDN"] = line.pop("ZZCSYSIDN")
    assert inspect(request(document(), document(RECEIV_DOC="2", lines=[line, CREDIT]))) == []
    assert [model.select().count() for model in (Voucher, PostingFile, PostingDocument, Content)] == [0] * 4


def test_what_real_senders_got_wrong_is_told_a_line_for_each(inspect):
    """The mistakes that files were rejected for, for months: element, what stood there, where."""
    renamed = {("NO_DOC-POSITION" if name == "NO_DOC_POSITION" else name): HEADER[name] for name in HEADER}
    late = {name: value for name, value in DEBIT.items() if name != "COSTCENTER"} | {"WBS_ELEMENT": "XG-1-1"}
    words = [{**DEBIT, "DEB_CRED_IND": "Debet"}, {**CREDIT, "DEB_CRED_IND": "Kredit"}]
    again = document(RECEIV_DOC="6").replace("</LINES>", "</LINES><LINES></LINES>")
    data = request(
        document(renamed, RECEIV_DOC="1"),
        document(DOC_DATE="23112026", RECEIV_DOC="2"),
        document(RECEIV_DOC="3", lines=[{**DEBIT, "ITEM_TEXT": "x" * 59}, CREDIT]),
        document(RECEIV_DOC="4" * 21),
        document(RECEIV_DOC="5", lines=words),
        again,
        document(RECEIV_DOC="7", lines=[late, CREDIT]),
        control={**CONTROL, "SEND_DATE": "2026-11-23"},
    )
    told = inspect(data)
    assert [(number, line, code) for _, number, line, code in told] == [
        ("", 0, "PIN-426"),
        ("", 0, "PIN-404"),
        ("1", 0, "PIN-421"),
        ("2", 0, "PIN-426"),
        ("3", 1, "PIN-425"),
        ("4" * 21, 0, "PIN-425"),
        ("5", 1, "PIN-426"),
        ("5", 2, "PIN-426"),
        ("6", 0, "PIN-424"),
        ("6", 0, "PIN-423"),
        ("7", 1, "PIN-422"),
    ]
    lines = data.decode().splitlines()
    for where, *_ in told[2:]:
        line, column = (int(part) for part in where.split(":"))
        assert lines[line - 1][column - 1] == "<"
    found = {code: where for where, _, _, code in told}
    line, column = (int(part) for part in found["PIN-422"].split(":"))
    assert lines[line - 1][column - 1 :].startswith("<WBS_ELEMENT>")


def test_the_ledgers_rules_are_told_too(inspect, deliver):
    deliver(request(document()))
    wrong = document(RECEIV_DOC="2", lines=[{**DEBIT, "GL_ACCOUNT": "99999999"}, CREDIT])
    told = inspect(request(document(), wrong))
    assert [row[1:] for row in told] == [("10000000", 0, "PIN-456"), ("2", 1, "LED-010")]


def test_without_an_agreement_the_rest_is_told_all_the_same(inspect):
    data = request(document(NO_DOC_POSITION="3"), control={**CONTROL, "SENDERID": "XX99"})
    assert [code for *_, code in inspect(data)] == ["PIN-406", "PIN-441"]


def test_what_is_no_file_is_one_mistake(inspect):
    assert [code for *_, code in inspect(b"no")] == ["PIN-401"]


def test_places_far_down_have_their_lines(tmp_path):
    path = tmp_path / "long.xml"
    path.write_bytes(request(*[document().replace("<LINE>", "\n" * 30 + "<LINE>")] * 2000))
    place = Place(2000, 2, "AMT_DOCCUR")
    line, column = locate(path, {place})[place]
    text = path.read_text("utf-8").splitlines()[line - 1]
    assert line > 65_536
    assert text[column - 1 :].startswith("<AMT_DOCCUR>")
