"""Vouchers read from the books for an extract: those of a range, as they are stored, some at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from peewee import Tuple

from opus_soap.database import is_any_of, stored_rows
from opus_soap.ledger.hashing import POSTING_FIELDS
from opus_soap.ledger.models import CompanyCode, Posting, Voucher

AT_ONCE = 500  # vouchers
_LINES_AT_ONCE = 10_000
HEAD = (
    "id",
    "document_type",
    "year",
    "number",
    "period",
    "document_date",
    "posting_date",
    "currency",
    "header_text",
    "reference",
    "reverses",
    "entered_at",
    "entered_by",
    "source",
    "details",
    "uuid",
    "hash",
)
LINE = POSTING_FIELDS  # of a posting, as they are hashed
Row = tuple[Any, ...]


class Head(NamedTuple):
    """A voucher's own columns as the engine gives them; `reverses` is an id."""

    id: int
    document_type: str
    year: int
    number: int
    period: int
    document_date: Any
    posting_date: Any
    currency: str
    header_text: str
    reference: str
    reverses: int | None
    entered_at: str
    entered_by: str
    source: str
    details: str | None
    uuid: Any
    hash: Any


class Booked(NamedTuple):
    """A voucher with its postings (`LINE`), and its links to what it reverses and what reverses it."""

    head: Head
    lines: list[Row]
    reverses: str | None  # DOC_TYPE FISC_YEAR DOC_NO
    reversed_by: str | None


def vouchers(company: CompanyCode, after: int, until: int) -> Iterator[Booked]:
    """The vouchers with ids in (after, until], in order of entry; memory does not grow with them.

    Of a reversal that came after `until` nothing is told: whoever asks again gets the same.
    """
    for heads in pages(company, after, until):
        yield from with_lines(company, heads, until)


def pages(company: CompanyCode, after: int, until: int) -> Iterator[list[Head]]:
    """The heads alone, at most `AT_ONCE` at a time, for whoever wants the lines of some of them."""
    while page := stored_rows(_range(company, after, until).order_by(Voucher.id).limit(AT_ONCE)):
        heads = [Head._make(row) for row in page]
        yield heads
        after = heads[-1].id


def with_lines(company: CompanyCode, heads: Sequence[Head], until: int) -> Iterator[Booked]:
    """The vouchers of some heads of a page, in their order; as `vouchers` tells them."""
    if not heads:
        return
    ids = [head.id for head in heads]
    originals = _labels([head.reverses for head in heads if head.reverses])
    reversals = _reversals(ids, until)
    lines = groupby(_lines(ids), key=itemgetter(0))
    following = next(lines, None)
    for head in heads:
        own: list[Row] = []
        if following is not None and following[0] == head.id:
            own = [row[1:] for row in following[1]]
            following = next(lines, None)
        yield Booked(head, own, originals.get(head.reverses or 0), reversals.get(head.id))


def count(company: CompanyCode, after: int, until: int) -> int:
    """How many there are."""
    found: int = _range(company, after, until).count()
    return found


def identity(stored: Any) -> str:
    """A UUID as it is stored, in the form with hyphens."""
    return str(stored if isinstance(stored, UUID) else UUID(stored))


def _range(company: CompanyCode, after: int, until: int) -> Any:
    return Voucher.select(*(getattr(Voucher, name) for name in HEAD)).where(
        Voucher.company_code == company, Voucher.id > after, Voucher.id <= until
    )


def _lines(ids: Sequence[int]) -> Iterator[Row]:
    """The postings of vouchers, some at a time: a single voucher may have a hundred thousand."""
    columns = [Posting.voucher, *(getattr(Posting, name) for name in LINE)]
    whole = ids[-1] - ids[0] < len(ids)  # nobody else's are between them
    theirs = Posting.voucher.between(ids[0], ids[-1]) if whole else is_any_of(Posting.voucher, ids)
    query = Posting.select(*columns).where(theirs)
    query = query.order_by(Posting.voucher, Posting.line).limit(_LINES_AT_ONCE)
    place = Tuple(Posting.voucher, Posting.line)
    page = stored_rows(query)
    while page:
        yield from page
        page = stored_rows(query.where(place > Tuple(*page[-1][:2]))) if len(page) == _LINES_AT_ONCE else []


def _labels(ids: Sequence[int]) -> dict[int, str]:
    if not ids:
        return {}
    query = Voucher.select(Voucher.id, Voucher.document_type, Voucher.year, Voucher.number)
    rows = stored_rows(query.where(Voucher.id.in_(ids)))
    return {row[0]: label(*row[1:]) for row in rows}


def _reversals(ids: Sequence[int], until: int) -> dict[int, str]:
    """By the voucher that is reversed; a reversal is in its company code.

    Only that is asked which an index answers: SQLite would take another one, and read all vouchers.
    """
    columns = (Voucher.reverses, Voucher.id, Voucher.document_type, Voucher.year, Voucher.number)
    rows = stored_rows(Voucher.select(*columns).where(Voucher.reverses.in_(ids)))
    return {row[0]: label(*row[2:]) for row in rows if row[1] <= until}


def label(document_type: str, year: int, number: int) -> str:
    """`KR 2026 5100000001`: how vouchers of a company code name each other."""
    return f"{document_type} {year} {number}"
