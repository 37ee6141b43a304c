"""Bytes inside an XML file: base64 in pieces, behind what waits, in an element that keeps to its schema."""

from __future__ import annotations

import base64
from collections.abc import Callable
from io import BytesIO

import pytest
from lxml import etree

from opus_soap.errors import ExtractFormWrong
from opus_soap.extracts.output import XmlFile
from opus_soap.interfaces.postings_out.form import FORM as UD
from opus_soap.interfaces.postings_out.form import HEADER, LINE, around, lines_text
from opus_soap.interfaces.purchase_analysis.form import FORM

CENTER = "<PROFIT_CENTER><PROFIT_CTR>P1</PROFIT_CTR><LEVEL>1</LEVEL><PATH>P1</PATH>{}</PROFIT_CENTER>"
VALUES = {
    "COMP_CODE": "0020", "DOC_TYPE": "SA", "FISC_YEAR": "2026", "DOC_NO": "100000000", "FIS_PERIOD": "11",
    "DOC_DATE": "20261123", "PSTNG_DATE": "20261123", "CURRENCY": "DKK", "NO_DOC_POSITION": "3",
    "ENTERED_AT": "2026-11-23T11:00:00.000000Z", "ENTERED_BY": "t", "DOC_HASH": "0" * 64,
    "DOC_ID": "00000000-0000-4000-8000-000000000000",
}  # fmt: skip
HEAD = [VALUES.get(name) for name in HEADER]
SIZES = (0, 1, 3 * 64 * 1024 - 1, 3 * 64 * 1024, 3 * 64 * 1024 + 1, 1_000_000)


def line(number: int) -> list[str | None]:
    """A posting by `LINE`."""
    told = {"POSTING_KEY": "40", "DEB_CRED_IND": "D", "AMT_DOCCUR": "1.00", "GL_ACCOUNT": "52000200"}
    return [{"ITEMNO": str(number), **told}.get(name) for name in LINE]


@pytest.mark.parametrize("size", SIZES)
def test_the_bytes_come_whole_and_in_their_place(size, monkeypatch):
    monkeypatch.setattr(type(FORM), "validate", lambda self, parts: None)
    data, out = bytes(number % 251 for number in range(size)), BytesIO()
    file = XmlFile(out, FORM)
    file.part("<a/>")
    file.long_part("<b><c>", ("",), "", data, "</c></b>")
    file.part("<d/>")
    file.end()
    root = etree.fromstring(out.getvalue(), etree.XMLParser(huge_tree=True))
    assert [etree.QName(child).localname for child in root] == ["a", "b", "d"]
    assert base64.b64decode(root[1][0].text or "", validate=True) == data


@pytest.mark.parametrize(("waiting", "before"), [("<STRANGE/>", CENTER.format("")), ("", "<STRANGE>")])
def test_what_breaks_the_schema_is_not_written(waiting, before):
    out = BytesIO()
    file = XmlFile(out, FORM)
    head = out.tell()
    file.part(waiting)
    with pytest.raises(ExtractFormWrong):
        file.long_part(before, ("",), "", b"x", "</STRANGE>" if before == "<STRANGE>" else "")
    assert out.tell() == head


def test_a_child_in_pieces_is_the_bytes_that_it_is_at_once():
    def written(add: Callable[[XmlFile], None]) -> bytes:
        out = BytesIO()
        file = XmlFile(out, UD)
        file.part(whole)
        add(file)
        file.part(whole)
        file.end()
        return out.getvalue()

    before, after = around(HEAD)
    pieces = [lines_text([line(1), line(2)]), lines_text([line(3)])]
    whole = f"{before}{''.join(pieces)}{after}"
    in_pieces = written(lambda file: file.long_part(before, iter(pieces), after))
    assert in_pieces == written(lambda file: file.part(whole))


def test_each_piece_is_held_against_the_schema_before_it_is_written():
    before, after = around(HEAD)
    pieces = iter([lines_text([line(number)]) for number in (1, 2, -3, 4)])
    out = BytesIO()
    file = XmlFile(out, UD)
    with pytest.raises(ExtractFormWrong, match="-3"):
        file.long_part(before, pieces, after)
    assert out.getvalue().count(b"<LINE>") == 2
    assert next(pieces)


def test_what_later_pieces_stand_behind_is_held_against_it_and_not_written():
    file = "<FILES><FILE_NAME>a</FILE_NAME><FILE_LENGTH>1</FILE_LENGTH><FILE_TYPE>b</FILE_TYPE></FILES>"
    (before, after), (later, _) = around(HEAD, file), around(HEAD)
    pieces, out = [lines_text([line(number)]) for number in (1, 2, -3)], BytesIO()
    written = XmlFile(out, UD)
    with pytest.raises(ExtractFormWrong, match="FILES"):  # its hash is missing
        written.long_part(before, pieces, after, later=later)
    good = before.replace("</FILES>", f"<FILE_SHA256>{'0' * 64}</FILE_SHA256></FILES>")
    with pytest.raises(ExtractFormWrong, match="-3"):
        written.long_part(good, pieces, after, later=later)
    assert out.getvalue().decode().endswith(f"{good}{''.join(pieces[:2])}")


def test_what_stands_around_the_pieces_is_held_against_it_as_well():
    before, after = around([*HEAD[:2], "26", *HEAD[3:]])
    out = BytesIO()
    file = XmlFile(out, UD)
    head = out.tell()
    with pytest.raises(ExtractFormWrong, match="FISC_YEAR"):
        file.long_part(before, (lines_text([line(1)]),), after)
    assert out.tell() == head
