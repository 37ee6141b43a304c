"""Structures read by their models: the same values that Spyne's own reader gives, and nothing prepared."""

from __future__ import annotations

import base64
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from lxml import etree

from opus_soap.encoded import Base64
from opus_soap.soap.models import (
    AMOUNT,
    DATE,
    INSTANT,
    MARK,
    REVISION,
    Structure,
    many,
    optional,
    plain,
    required,
    text,
)
from opus_soap.soap.models import UUID as UUID_TYPE
from opus_soap.soap.reading import Reader
from opus_soap.soap.service import ContractProtocol

from spyne import ByteArray  # isort: skip
from spyne.model.primitive import AnyXml  # isort: skip
from spyne.protocol.soap import Soap11  # isort: skip

NS = "http://www.kombit.dk/2017/01/01/"


class Inner(Structure):
    _type_info = [("Kode", required(text())), ("Indhold", optional(ByteArray))]


class Outer(Structure):
    _type_info = [
        ("revision", REVISION),
        ("Navn", optional(text(20))),
        ("Nummer", optional(UUID_TYPE)),
        ("Beløb", optional(AMOUNT)),
        ("Dag", optional(DATE)),
        ("Tid", optional(INSTANT)),
        ("Mark", optional(MARK)),
        ("Del", many(Inner)),
        ("Ord", many(text())),
        ("Mere", many(AnyXml)),
        ("Borte", many(Inner)),
    ]


XML = f"""<Outer xmlns="{NS}" revision="r0001" other="x"><Navn> æ ø </Navn>
<Nummer>00000000-0000-0000-0000-000000000007</Nummer><Beløb> 10.50 </Beløb><Dag>2026-11-29</Dag>
<Tid>2026-11-29T12:00:00Z</Tid><Mark>1</Mark>
<Del><Kode/></Del><Del><Kode>b</Kode><Indhold> {base64.b64encode(bytes(100)).decode()}
</Indhold></Del><Ord>a</Ord><Ord/><Mere><x xmlns="urn:x"/></Mere><Mere/></Outer>"""


@pytest.fixture
def read() -> Any:
    return Reader(ContractProtocol().from_unicode).read(Outer, etree.fromstring(XML), {})


def test_values(read):
    assert (read.revision, read.Navn) == ("r0001", " æ ø ")
    assert read.Nummer == UUID(int=7)
    assert read.Beløb == Decimal("10.50")
    assert read.Dag == date(2026, 11, 29)
    assert read.Tid == datetime.fromisoformat("2026-11-29T12:00:00Z")
    assert read.Mark is True
    assert [(part.Kode, part.Indhold) for part in read.Del] == [("", None), ("b", Base64(bytes(100)))]
    assert read.Ord == ["a", ""]
    assert read.Mere[0].tag == "{urn:x}x"
    assert read.Mere[1] is None
    assert read.Borte is None


def test_they_are_those_of_spynes_own_reader(read):
    protocol = ContractProtocol()
    theirs = Soap11.complex_from_element(protocol, None, Outer, etree.fromstring(XML))
    for name in Outer.get_flat_type_info(Outer):
        if name not in ("Del", "Mere"):
            assert getattr(read, name) == getattr(theirs, name), name


def test_both_are_the_same_json(read):
    """What is stored of a message, and held against what comes again."""
    theirs = Soap11.complex_from_element(ContractProtocol(), None, Outer, etree.fromstring(XML))
    assert plain(read) == plain(theirs)
    assert "Borte" not in plain(read)


def test_one_message_leaves_nothing_in_the_next():
    reader = Reader(ContractProtocol().from_unicode)
    reader.read(Outer, etree.fromstring(XML), {})
    empty = reader.read(Outer, etree.fromstring(f'<Outer xmlns="{NS}"/>'), {})
    assert empty.__dict__ == {}
    assert (empty.Del, empty.Navn) == (None, None)


def test_what_was_lifted_is_what_is_read():
    element = etree.fromstring(f'<Del xmlns="{NS}"><Kode>b</Kode><Indhold/></Del>')
    content = Base64(b"content")
    read = Reader(ContractProtocol().from_unicode).read(Inner, element, {element[1]: content})
    assert read.Indhold is content


def test_what_was_lifted_out_of_a_wildcard_is_put_back():
    element = etree.fromstring(f'<Outer xmlns="{NS}"><Mere><x xmlns="urn:x"><y/></x></Mere></Outer>')
    content = Base64(b"content")
    read = Reader(ContractProtocol().from_unicode).read(Outer, element, {element[0][0][0]: content})
    assert read.Mere[0][0].text == str(content)
