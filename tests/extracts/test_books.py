"""Vouchers read from the books: all of a range, or some of them, each with its own lines."""

from __future__ import annotations

from datetime import date

import pytest

from opus_soap.extracts import books
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.ledger.posting import PostingLine, VoucherDraft, post_many, reverse

DAY = date(2026, 11, 23)


@pytest.fixture
def posted(company, clock):
    """Twelve vouchers of two to seven lines; the third is reversed by a thirteenth."""

    def draft(number: int) -> VoucherDraft:
        costs = tuple(PostingLine("22000300", 100, cost_center="1101") for _ in range(number % 6 + 1))
        lines = (*costs, PostingLine("90520001", -100 * len(costs)))
        return VoucherDraft(company, "SA", DAY, DAY, "x", f"{number}", lines, "test", "test")

    vouchers = post_many([draft(number) for number in range(12)], clock)
    reverse(vouchers[2], posting_date=DAY, entered_by="t", source="t", clock=clock)
    return [voucher.id for voucher in Voucher.select().order_by(Voucher.id)]


def held(voucher: int) -> list[int]:
    rows = Posting.select().where(Posting.voucher == voucher).order_by(Posting.line)
    return [row.amount_ore for row in rows]


def told(found: books.Booked) -> tuple[int, list[int]]:
    return found.head.id, [line[books.LINE.index("amount_ore")] for line in found.lines]


@pytest.mark.parametrize(
    ("vouchers", "lines", "piece"),
    [(500, 10_000, 2000), (4, 10_000, 2000), (5, 3, 2000), (1, 1, 1), (500, 10_000, 3), (5, 4, 2)],
)
def test_a_range_has_every_voucher_with_its_lines(posted, company, monkeypatch, vouchers, lines, piece):
    monkeypatch.setattr(books, "AT_ONCE", vouchers)
    monkeypatch.setattr(books, "_LINES_AT_ONCE", lines)
    monkeypatch.setattr(books, "PIECE", piece)
    found = [told(one) for one in books.vouchers(company, posted[0], posted[-2])]
    assert found == [(voucher, held(voucher)) for voucher in posted[1:-1]]


@pytest.mark.parametrize(("lines", "piece"), [(10_000, 2000), (3, 2000), (10_000, 4)])
def test_some_of_a_page_have_their_own_lines(posted, company, monkeypatch, lines, piece):
    monkeypatch.setattr(books, "_LINES_AT_ONCE", lines)
    monkeypatch.setattr(books, "PIECE", piece)
    (page,) = books.pages(company, 0, posted[-1])
    for step in (2, 3):
        found = [told(one) for one in books.with_lines(page[1::step], posted[-1])]
        assert found == [(voucher, held(voucher)) for voucher in posted[1::step]]
    found = [told(one) for one in books.with_lines([page[1], page[2], page[4]], posted[-1])]
    assert [voucher for voucher, _ in found] == [posted[1], posted[2], posted[4]]
    assert [lines for _, lines in found] == [held(voucher) for voucher, _ in found]
    assert not list(books.with_lines([], posted[-1]))


def test_heads_in_another_order_have_their_own_lines(posted, company):
    (page,) = books.pages(company, 0, posted[-1])
    found = [told(one) for one in books.with_lines(page[::-1], posted[-1])]
    assert found == [(voucher, held(voucher)) for voucher in reversed(posted)]


def test_a_long_voucher_gives_its_lines_in_pieces_and_as_often_as_asked(posted, company, monkeypatch):
    monkeypatch.setattr(books, "PIECE", 3)
    found = list(books.vouchers(company, 0, posted[-1]))
    assert [one.is_long for one in found] == [len(held(voucher)) > 3 for voucher in posted]
    for one, voucher in zip(found, posted, strict=True):
        assert len(one.lines) == len(held(voucher))
        pieces = [len(piece) for piece in one.pieces()]
        assert max(pieces) <= 3
        assert sum(pieces) == len(one.lines)
        assert told(one) == told(one) == (voucher, held(voucher))


def test_a_reversal_is_told_of_from_both_sides_once_it_is_in_the_range(posted, company):
    def links(until: int) -> list[tuple[str | None, str | None]]:
        found = list(books.vouchers(company, 0, until))
        return [(found[2].reverses, found[2].reversed_by), (found[-1].reverses, found[-1].reversed_by)]

    original, reversal = (Voucher.get_by_id(posted[place]) for place in (2, -1))
    names = [books.label(one.document_type, one.year, one.number) for one in (original, reversal)]
    assert links(posted[-1]) == [(None, names[1]), (names[0], None)]
    assert links(posted[-2]) == [(None, None), (None, None)]
