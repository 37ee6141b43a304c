"""Reading: voucher by voucher, all mistakes against the schema, and no effect of what is not whole."""

from __future__ import annotations

import tracemalloc
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from opus_soap import errors
from opus_soap.interfaces.postings_in import reading
from opus_soap.interfaces.postings_in.reading import ReadingLimits, read, survey
from opus_soap.interfaces.postings_in.schema import FOLDER, REQUEST
from tests.interfaces.postings_in.conftest import (
    CONTROL,
    CREDIT,
    DEBIT,
    HEADER,
    document,
    documents_in,
    element,
    request,
)

SCHEMA = etree.XMLSchema(file=str(FOLDER / "FinancePostingRequest.xsd"))


def test_a_file_is_read_as_it_was_written(findings):
    attached = {"FILE_NAME": "a.pdf", "FILE_LENGTH": "1", "FILE_TYPE": "PDF", "FILE": "YQ=="}
    data = request(document(), document(RECEIV_DOC="10000001", FILES=[attached]))
    assert findings(data) == []
    first, second = documents_in(data)
    assert first.header == HEADER
    assert first.lines == [DEBIT, CREDIT]
    assert second.files == (attached,)
    summary = survey(BytesIO(data), ReadingLimits())
    assert (summary.documents, summary.size, summary.control.fields) == (2, len(data), CONTROL)


def test_the_same_voucher_in_another_file_has_the_same_digest():
    (one,) = documents_in(request(document()))
    (other,) = documents_in(
        request(document().replace("<LINES>", "<LINES >"), control={**CONTROL, "SEND_TIME": "1"})
    )
    (changed,) = documents_in(request(document(HEADER_TXT="andet")))
    assert one.digest == other.digest != changed.digest


def swapped(line: dict, name: str, after: str) -> dict:
    kept = {key: value for key, value in line.items() if key != name}
    return {
        key: value
        for pair in kept.items()
        for key, value in ([pair, (name, line[name])] if pair[0] == after else [pair])
    }


# what real senders wrote, and what they should have been told
MISTAKES = {
    "a hyphen in a name": (
        document({("NO_DOC-POSITION" if k == "NO_DOC_POSITION" else k): v for k, v in HEADER.items()}),
        [("PIN-421", 1, 0)],
    ),
    "a day first": (document(DOC_DATE="23112026"), [("PIN-426", 1, 0)]),
    "a text too long": (document(lines=[{**DEBIT, "ITEM_TEXT": "x" * 59}, CREDIT]), [("PIN-425", 1, 1)]),
    "a voucher number too long": (document(RECEIV_DOC="1" * 21), [("PIN-425", 1, 0)]),
    "words for sides": (
        document(lines=[{**DEBIT, "DEB_CRED_IND": "Debet"}, {**CREDIT, "DEB_CRED_IND": "Kredit"}]),
        [("PIN-426", 1, 1), ("PIN-426", 1, 2)],
    ),
    "out of order": (
        document(
            lines=[
                swapped({**DEBIT, "WBS_ELEMENT": "XG-1-1"}, "WBS_ELEMENT", "ZZCSYSIDN"),
                CREDIT,
            ]
        ),
        [("PIN-422", 1, 1)],
    ),
    "lines again": (
        document().replace("</LINES>", "</LINES>" + element("LINES", {"LINE": CREDIT})),
        [("PIN-424", 1, 0)],
    ),
    "a comma": (document(lines=[{**DEBIT, "AMT_DOCCUR": "100,00"}, CREDIT]), [("PIN-426", 1, 1)]),
    "a year beyond": (document(PSTNG_DATE="20600101"), [("PIN-426", 1, 0)]),
    "thirteen digits": (
        document(lines=[{**DEBIT, "AMT_DOCCUR": "1000000000000.00"}, CREDIT]),
        [("PIN-426", 1, 1)],
    ),
    "no header": ("<POSTING_DOCUMENT><LINES/></POSTING_DOCUMENT>", [("PIN-423", 1, 0), ("PIN-423", 1, 0)]),
    "an attribute": (document().replace("<HEADER>", '<HEADER a="b">'), [("PIN-427", 1, 0)]),
    "elements in a value": (document(HEADER_TXT="<b>x</b>"), [("PIN-427", 1, 0)]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_told_where_it_is(findings, name):
    wrong, expected = MISTAKES[name]
    data = request(document(), wrong)
    assert not SCHEMA.validate(etree.fromstring(data))
    assert sorted(findings(data)) == sorted((code, 2, line) for code, _, line in expected)


def test_all_of_them_at_once(findings):
    data = request(*(wrong for wrong, _ in MISTAKES.values()), control={**CONTROL, "SEND_DATE": "2026-11-23"})
    assert len(findings(data)) == 1 + sum(len(expected) for _, expected in MISTAKES.values())


def test_a_person_is_never_shown(findings):
    line = {**DEBIT, "PAYEE_NO_CODE": "02", "PAYEE_NO": "0101901234x"}
    line["ZZCSYSIDN"] = line.pop("ZZCSYSIDN")
    data = request(document(lines=[line, CREDIT]))
    (part,) = [part for part in read(BytesIO(data), ReadingLimits()) if getattr(part, "lines", None)]
    (found,) = [item for item in part.findings if item.place.element == "PAYEE_NO"]
    assert "0101901234" not in found.error.text_danish + found.error.text_english


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", errors.PostingFileUnreadable),
        (b"no", errors.PostingFileUnreadable),
        (request(document())[:-40], errors.PostingFileUnreadable),
        (
            request(document()).replace(b"kontanthj\xc3\xa6lp", b"kontanthj\xe6lp"),
            errors.PostingFileUnreadable,
        ),
        (request(document()).replace(b"Ydelser", b"Ydel\x07ser"), errors.PostingFileUnreadable),
        (
            request(document()).replace(b"?>", b"?><!DOCTYPE x [<!ENTITY a 'b'>]>", 1),
            errors.PostingFileUnreadable,
        ),
        (request(document()).replace(b"FinancePostingRequest", b"FinancePosting"), errors.PostingRootWrong),
        (b"<a>" + b"<b/>" * 100_000, errors.PostingRootWrong),
    ],
)
def test_what_is_not_whole_is_refused_as_a_whole(data, error):
    with pytest.raises(error):
        survey(BytesIO(data), ReadingLimits())


@pytest.mark.parametrize(
    "limits",
    [
        ReadingLimits(max_bytes=500),
        ReadingLimits(max_documents=2),
        ReadingLimits(max_lines=20),
        ReadingLimits(max_document_bytes=300_000),
        ReadingLimits(max_document_elements=150),
    ],
)
def test_limits(limits):
    data = request(document(), document(), document(HEADER_TXT="x" * 900_000, lines=[DEBIT] * 20))
    data = (
        data.replace(b"</LINES>", b"<a/>" * 100_000 + b"</LINES>")
        if limits.max_document_elements < 1000
        else data
    )
    with pytest.raises(errors.PostingFileTooLarge):
        survey(BytesIO(data), limits)


def test_strangers_beside_the_vouchers_are_told(findings):
    data = request(
        "<POSTING_DOC/>", document(), "text", "<x/>", document(), element("CONTROL_FIELDS", CONTROL)
    )
    assert [code for code, *_ in findings(data)] == ["PIN-421", "PIN-427", "PIN-421", "PIN-424"]


def test_without_control_fields(findings):
    data = request(document()).replace(element("CONTROL_FIELDS", CONTROL).encode(), b"")
    assert findings(data) == [("PIN-423", 0, 0)]


def test_memory_does_not_grow_with_the_file():
    def peak(vouchers: int) -> int:
        data = BytesIO(request(*[document()] * vouchers))
        tracemalloc.start()
        for _ in read(data, ReadingLimits()):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(4000) < 2 * peak(1000)


NAMES = [*HEADER, *DEBIT, "LINE", "LINES", "HEADER", "FILES", "WBS_ELEMENT", "EXCH_RATE", "XYZ"]
VALUES = st.sampled_from(
    ["", " ", "0", "-0.00", "1.00", "1,00", "20261123", "20261399", "D", "x" * 60, "æ", "1" * 21]
)
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
ATTRIBUTES = [
    ("a", "b"),
    (f"{XSI}nil", "true"),
    (f"{XSI}nil", "false"),
    (f"{XSI}type", "x"),
    (f"{XSI}schemaLocation", "urn:x x.xsd"),
]


@st.composite
def mutated(draw) -> bytes:
    """A file in which a few elements were renamed, moved, doubled, taken out or given another value."""
    root = etree.fromstring(request(document(), document(RECEIV_DOC="2")))
    for _ in range(draw(st.integers(0, 4))):
        node = draw(st.sampled_from([node for node in root.iter() if node is not root]))
        parent = node.getparent()
        what = draw(st.sampled_from(["rename", "value", "double", "drop", "move", "attribute", "text"]))
        if what == "rename":
            node.tag = draw(st.sampled_from(NAMES))
        elif what == "value" and not len(node):
            node.text = draw(VALUES)
        elif what == "double":
            parent.insert(0, etree.fromstring(etree.tostring(node, with_tail=False)))
        elif what == "drop":
            parent.remove(node)
        elif what == "move":
            parent.append(node)
        elif what == "text":
            node.tail = draw(st.sampled_from(["x", "\n "]))
        elif what == "attribute":
            node.set(*draw(st.sampled_from(ATTRIBUTES)))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


@given(mutated())
@settings(max_examples=300, deadline=None)
def test_what_is_found_is_what_the_schema_refuses(data):
    """Something is found exactly when the schema does not hold."""
    found = []
    for part in read(BytesIO(data), ReadingLimits()):
        found += getattr(part, "findings", [part])
    if SCHEMA.validate(etree.fromstring(data)):
        assert not any(
            XSI not in finding.error.value for finding in found
        )  # stricter: no xsi:type, no xsi:nil
    else:
        assert found
    # and it was found by us: what nobody but the schema has words for is named by its code
    assert not any(finding.error.value.startswith("SCHEMAV") for finding in found)


def test_what_only_the_schema_refuses_is_refused_all_the_same(findings, monkeypatch):
    monkeypatch.setattr(reading, "mistakes", lambda node, content: iter(()))
    assert findings(request(document(NO_DOC_POSITION="x"))) == [("PIN-427", 1, 0)]


@pytest.mark.parametrize(("name", "value"), ATTRIBUTES[1:4])
def test_a_type_or_nil_of_the_senders_own_is_refused(findings, name, value):
    data = etree.fromstring(request(document()))
    next(data.iter("AMT_DOCCUR")).set(name, value)
    assert findings(etree.tostring(data)) == [("PIN-427", 1, 1)]


def test_one_of_many_wrong_lines_has_its_place(findings):
    lines = [{**DEBIT, "ITEM_TEXT": "x" * 59}] * 4000  # counted once, or this takes half a minute
    assert findings(request(document(lines=lines)))[-1] == ("PIN-425", 1, 4000)


@pytest.mark.parametrize("encoding", ["euc-jp", "utf-16", "utf-16-le", "utf-32", "cp037"])
def test_encodings_that_nobody_uses_are_refused(encoding):
    with pytest.raises(errors.PostingFileUnreadable):
        survey(BytesIO(request(document(lines=[CREDIT, CREDIT]), encoding=encoding)), ReadingLimits())


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "iso-8859-15", "windows-1252"])
def test_encodings_that_senders_use_are_read(encoding, findings):
    assert findings(request(document(), encoding=encoding)) == []


def test_the_first_control_fields_count_even_when_they_are_empty():
    data = request(document()).replace(b"<CONTROL_FIELDS>", b"<CONTROL_FIELDS/><CONTROL_FIELDS>", 1)
    summary = survey(BytesIO(data), ReadingLimits())
    assert summary.control.fields == {}
    assert [error.code for error in summary.errors] == ["PIN-424"]


def test_the_root_is_the_one_that_senders_write():
    assert etree.fromstring(request()).tag == REQUEST
