"""A file that we write is a file that we read: in the contract's order, with nothing lost."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opus_soap.interfaces.postings_in.reading import Control, Document, ReadingLimits, read
from opus_soap.interfaces.postings_in.writing import WrittenDocument, file_name, write

from .conftest import CONTROL, CREDIT, DEBIT, HEADER

TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=25)


def written(*documents: WrittenDocument) -> bytes:
    out = BytesIO()
    write(out, CONTROL, documents)
    return out.getvalue()


@settings(max_examples=50, deadline=None)
@given(order=st.permutations(sorted(HEADER)), line=st.permutations(sorted(DEBIT)), text=TEXT)
def test_whatever_the_order_what_is_read_is_what_was_given_and_good(order, line, text):
    header = {name: HEADER[name] for name in order} | {"HEADER_TXT": text}
    lines = [{name: DEBIT[name] for name in line} | {"ITEM_TEXT": text}, CREDIT]
    file = {"FILE": "YQ==", "FILE_TYPE": "PDF", "FILE_LENGTH": "1", "FILE_NAME": "a.pdf"}
    control, document, again = read(
        BytesIO(written(WrittenDocument(header, lines, [file]), WrittenDocument(header, lines))),
        ReadingLimits(),
    )
    assert isinstance(control, Control)
    assert (control.fields, control.findings) == (CONTROL, ())
    assert isinstance(document, Document)
    assert (document.findings, document.header, document.lines) == ((), header, lines)
    assert list(document.files) == [file]
    assert isinstance(again, Document)
    assert again.position == 2


def test_what_is_empty_is_left_out_and_a_stranger_is_the_callers_error():
    (_, document) = read(
        BytesIO(written(WrittenDocument(HEADER | {"USERNAME": ""}, [DEBIT, CREDIT]))), ReadingLimits()
    )
    assert isinstance(document, Document)
    assert "USERNAME" not in document.header
    with pytest.raises(KeyError):
        written(WrittenDocument({"TAX_CODE": "K25"}, []))


def test_file_name():
    assert file_name("999", "KY01", "20261123", "120000") == CONTROL["FILE_NAME"]
