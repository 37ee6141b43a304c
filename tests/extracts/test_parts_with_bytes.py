"""Bytes inside an XML file: base64 in pieces, behind what waits, in an element that keeps to its schema."""

from __future__ import annotations

import base64
from io import BytesIO

import pytest
from lxml import etree

from opus_soap.errors import ExtractFormWrong
from opus_soap.extracts.output import XmlFile
from opus_soap.interfaces.purchase_analysis.form import FORM

CENTER = "<PROFIT_CENTER><PROFIT_CTR>P1</PROFIT_CTR><LEVEL>1</LEVEL><PATH>P1</PATH>{}</PROFIT_CENTER>"
SIZES = (0, 1, 3 * 64 * 1024 - 1, 3 * 64 * 1024, 3 * 64 * 1024 + 1, 1_000_000)


@pytest.mark.parametrize("size", SIZES)
def test_the_bytes_come_whole_and_in_their_place(size, monkeypatch):
    monkeypatch.setattr(type(FORM), "validate", lambda self, parts: None)
    data, out = bytes(number % 251 for number in range(size)), BytesIO()
    file = XmlFile(out, FORM)
    file.part("<a/>")
    file.part_with("<b><c>", data, "</c></b>")
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
        file.part_with(before, b"x", "</STRANGE>" if before == "<STRANGE>" else "")
    assert out.tell() == head
