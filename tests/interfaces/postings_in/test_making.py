"""What is known of a file that was made here is what reading it finds; where it is not known, it is read."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opus_soap.encoded import LONG, Base64
from opus_soap.interfaces.postings_in.making import Known, Made, known_parts
from opus_soap.interfaces.postings_in.reading import Control, Document, ReadingLimits, read, survey
from opus_soap.interfaces.postings_in.writing import (
    END,
    FileValues,
    WrittenDocument,
    arranged,
    arranged_control,
    beginning,
    shape_of,
    written,
)

from .conftest import CONTROL, CREDIT, DEBIT, HEADER

LIMITS = ReadingLimits()
# what XML can hold, and what schema and tables might take for different things
TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=12)
ODD = st.sampled_from(
    ["\r", "a\rb", "\n", " ", "\xa0", "\u2028x", "\t1", "١", "12", "D", "-0.00", "]]>", "&<>"]
)
VALUE = TEXT | ODD | st.sampled_from([*HEADER.values(), *DEBIT.values()])


def made(*documents: WrittenDocument, control: dict[str, str] = CONTROL) -> Made:
    fields, in_order = arranged_control(control), [arranged(document) for document in documents]
    pieces = [beginning(fields), *(piece for one in in_order for piece in written(one)), END]
    return Made("", pieces, fields, in_order)


def found(file: Made) -> tuple[Known, bool]:
    """What reading finds, and whether it found nothing wrong."""
    summary = survey(BytesIO(file.data), LIMITS)
    control, *documents = read(BytesIO(file.data), LIMITS)
    assert isinstance(control, Control)
    read_well = [document for document in documents if isinstance(document, Document)]
    good = not any((control.findings, summary.errors, *(document.findings for document in read_well)))
    return in_text(Known(summary, read_well)), good


def in_text(known: Known) -> Known:
    """What is attached as its text: a short one is read as no more than that."""
    documents = [
        replace(one, files=tuple({name: str(text) for name, text in file.items()} for file in one.files))
        for one in known.documents
    ]
    return replace(known, documents=documents)


def attached(content: bytes) -> FileValues:
    text = Base64(content)
    return {"FILE_NAME": "a.pdf", "FILE_LENGTH": str(len(content)), "FILE_TYPE": "PDF", "FILE": text}


def changed(values: dict[str, str], element: str) -> st.SearchStrategy[dict[str, str]]:
    names = [child.name for child in shape_of(element).children if child.name != "FILES"]
    return st.dictionaries(st.sampled_from(names), VALUE, max_size=3).map(lambda some: values | some)


@settings(max_examples=400, deadline=None)
@given(
    header=changed(HEADER, "HEADER"),
    line=changed(DEBIT, "LINE"),
    control=changed(CONTROL, "CONTROL_FIELDS"),
    content=st.binary(max_size=9),
)
def test_what_is_known_is_what_is_read_and_nothing_is_wrong_with_it(header, line, control, content):
    for file in (
        made(WrittenDocument(header, [DEBIT, CREDIT])),
        made(WrittenDocument(HEADER, [line, CREDIT]), WrittenDocument(HEADER, [DEBIT, CREDIT])),
        made(WrittenDocument(HEADER, [DEBIT, CREDIT], [attached(content)] * 2), control=control),
    ):
        known = known_parts(file, LIMITS)
        if known is not None:
            expected, good = found(file)
            assert (in_text(known), good) == (expected, True)
            assert [one.contents for one in known.documents] == [one.contents for one in expected.documents]


@pytest.mark.parametrize("size", [LONG * 3 // 4 - 3, LONG * 3 // 4, LONG * 3 // 4 + 1])
def test_what_is_long_is_known_as_it_is_read_with_all_its_digests(size):
    file = made(WrittenDocument(HEADER, [DEBIT, CREDIT], [attached(bytes(size))]))
    known = known_parts(file, LIMITS)
    assert known is not None
    (_, document) = read(BytesIO(file.data), LIMITS)
    assert isinstance(document, Document)
    assert known.documents[0].digest == document.digest
    before, again = known.documents[0].digest_before, document.digest_before
    assert (before and before()) == (again and again())
    assert (before is not None) is (size >= LONG * 3 // 4)
    assert known.documents[0].contents == document.contents


def test_a_good_file_is_known():
    file = made(WrittenDocument(HEADER, [DEBIT, CREDIT], [attached(b"abc")]))
    known = known_parts(file, LIMITS)
    assert known is not None
    assert in_text(known) == found(file)[0]


@pytest.mark.parametrize(
    "document",
    [
        WrittenDocument({**HEADER, "RECEIV_DOC": ""}, [DEBIT, CREDIT]),
        WrittenDocument({**HEADER, "HEADER_TXT": "x" * 300}, [DEBIT, CREDIT]),
        WrittenDocument(HEADER, [{**DEBIT, "AMT_DOCCUR": "1"}, CREDIT]),
        WrittenDocument(HEADER, [{**DEBIT, "ITEM_TEXT": "a\rb"}, CREDIT]),
        WrittenDocument(HEADER, []),
        WrittenDocument(HEADER, [DEBIT, CREDIT], [attached(b"")]),
        WrittenDocument(HEADER, [DEBIT, CREDIT], [attached(b"abc") | {"FILE": "YWJ"}]),
    ],
)
def test_a_file_with_anything_wrong_is_not_known_but_read(document):
    assert known_parts(made(document), LIMITS) is None


@pytest.mark.parametrize(
    "limit",
    ["max_bytes", "max_documents", "max_lines", "max_document_bytes", "max_document_elements"],
)
def test_a_file_beyond_a_limit_is_not_known_but_read(limit):
    file = made(WrittenDocument(HEADER, [DEBIT, CREDIT]))
    assert known_parts(file, replace(LIMITS, **{limit: 0})) is None
