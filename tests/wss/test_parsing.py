"""Limits and markup, without any signature."""

from __future__ import annotations

import pytest

from opus_soap.wss.errors import EncodingUnsupported, MarkupForbidden, MessageTooLarge, NotWellFormed
from opus_soap.wss.parsing import ParseLimits, parse

SMALL = ParseLimits(max_bytes=2000, max_depth=4, max_elements=10, max_attributes=3, max_namespaces=3)


@pytest.mark.parametrize(
    "data",
    [
        b"<a/>",
        b"\xef\xbb\xbf<a/>",
        b" \r\n<a/>\n",
        b"<?xml version='1.0'?><a/>",
        b"<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<a/>",
        b"<?xml version='1.0' encoding='US-ASCII'?><a/>",
        "<æ>ø</æ>".encode(),
        b"<a><![CDATA[<!-- not a comment -->]]></a>",
    ],
)
def test_plain_documents(data: bytes):
    assert parse(data, SMALL).tag in ("a", "æ")


@pytest.mark.parametrize(
    ("data", "limit"),
    [
        (b"<a><b><c><d/></c></b></a>", None),
        (b"<a><b><c><d><e/></d></c></b></a>", "depth"),
        (b"<a>" + b"<b/>" * 9 + b"</a>", None),
        (b"<a>" + b"<b/>" * 10 + b"</a>", "elements"),
        (b"<a>" + b"<b/>" * 50 + b"</a>", "elements"),
        (b"<a x='1' y='1' z='1'/>", None),
        (b"<a x='1' y='1' z='1' w='1'/>", "attributes"),
        (b"<a xmlns:x='x' xmlns:y='y'><b xmlns:z='z'/><c xmlns:z='z'/></a>", None),
        (b"<a xmlns:x='x' xmlns:y='y'><b xmlns:z='z'><c xmlns:w='w'/></b></a>", "namespaces"),
        (b"<a>" + b"x" * 1993 + b"</a>", None),
        (b"<a>" + b"x" * 1994 + b"</a>", "bytes"),
    ],
)
def test_limits_to_the_unit(data: bytes, limit: str | None):
    if limit is None:
        assert parse(data, SMALL) is not None
        return
    with pytest.raises(MessageTooLarge) as refusal:
        parse(data, SMALL)
    assert refusal.value.element == limit


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", NotWellFormed),
        (b" \n", NotWellFormed),
        (b"text", NotWellFormed),
        (b"<", NotWellFormed),
        (b"<a>", NotWellFormed),
        (b"<a></b>", NotWellFormed),
        (b"<a b='1' b='2'/>", NotWellFormed),
        (b"<p:a/>", NotWellFormed),
        (b"<a>&undeclared;</a>", NotWellFormed),
        (b"<a>\x00</a>", NotWellFormed),
        (b"<a>\xff</a>", NotWellFormed),
        (b"<!DOCTYPE a><a/>", MarkupForbidden),
        (b"\n<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", MarkupForbidden),
        (b"<!DOCTYPE a [<!ENTITY ", MarkupForbidden),  # seen before any parser runs
        (b"<!-- ", MarkupForbidden),
        (b"<?x", MarkupForbidden),
        (b"<!-- x --><a/>", MarkupForbidden),
        (b"<?x?><a/>", MarkupForbidden),
        (b"<?xml version='1.0'?><?x?><a/>", MarkupForbidden),
        (b"<a><!-- x --></a>", MarkupForbidden),
        (b"<a><?x?></a>", MarkupForbidden),
        (b"<a/><!-- x -->", MarkupForbidden),
        (b"<a/><?x?>", MarkupForbidden),
        ("<a/>".encode("utf-16"), EncodingUnsupported),
        ("<a/>".encode("utf-16-be"), EncodingUnsupported),
        ("<a/>".encode("utf-16-le"), EncodingUnsupported),
        ("<?xml version='1.0' encoding='iso-8859-1'?><a>ø</a>".encode("latin-1"), EncodingUnsupported),
    ],
)
def test_refused(data: bytes, error: type[Exception]):
    with pytest.raises(error):
        parse(data, SMALL)


def test_the_reason_quotes_nothing_of_the_message():
    with pytest.raises(NotWellFormed) as refusal:
        parse(b"<a x='1' 0101701234='1'/>", SMALL)
    assert "0101701234" not in str(refusal.value)


def test_text_over_ten_megabytes():
    assert len(parse(b"<a>" + b"A" * 10_500_000 + b"</a>", ParseLimits()).text or "") == 10_500_000


def test_attributes_in_all():
    """Each takes many times its bytes: 33 MB of them took 2.6 GB of memory."""
    few = ParseLimits(max_elements=100)
    element = b"<a " + b" ".join(b'a%d=""' % number for number in range(150)) + b"/>"
    with pytest.raises(MessageTooLarge, match="attributes"):
        parse(b"<r>" + element * 2 + b"</r>", few)
    assert len(parse(b"<r>" + element + b"</r>", few)) == 1
