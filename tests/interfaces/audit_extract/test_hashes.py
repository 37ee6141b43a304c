"""A voucher's hash of postings that come in pieces is that of all of them together."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opus_soap.interfaces.audit_extract.hashes import hash_of
from opus_soap.ledger.hashing import POSTING_FIELDS, voucher_hash

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["e\u0301", "\u0301", "=\u0338", '"', "],[", "]]", "\\", "Åå"]
)
HEAD = {"uuid": UUID(int=7), "posting_date": date(2026, 11, 23), "reverses": None}
ROW = st.lists(st.none() | st.integers(-(10**15), 10**15) | TEXT, min_size=1, max_size=4).map(tuple)
PIECES = st.lists(st.lists(ROW, min_size=1, max_size=3), min_size=1, max_size=3)


@given(text=TEXT, pieces=PIECES)
def test_in_pieces_it_is_the_ledgers(text, pieces):
    head = {**HEAD, "header_text": text, "details": text}
    rows = [row for piece in pieces for row in piece]
    assert hash_of(head, pieces) == hash_of(head, [rows]) == voucher_hash(head, rows)


@pytest.mark.parametrize("pieces", [[], [[]]])
def test_without_postings_too(pieces):
    assert hash_of(HEAD, pieces) == voucher_hash(HEAD, [])


def test_another_order_is_another_hash():
    rows = [(number, *[None] * (len(POSTING_FIELDS) - 1)) for number in (1, 2)]
    assert hash_of(HEAD, [rows[:1], rows[1:]]) != hash_of(HEAD, [rows[1:], rows[:1]])
