"""Vouchers read from the books for an extract: those of a range, as they are stored, some at a time.

Memory grows neither with their number nor with the postings of one: a voucher of many postings gives them in
pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from peewee import fn

from opus_soap.database import is_any_of, stored_rows
from opus_soap.ledger.hashing import POSTING_FIELDS
from opus_soap.ledger.models import CompanyCode, Posting, Voucher

AT_ONCE = 500  # vouchers
PIECE = 2000  # postings; a voucher with more gives them so many at a time
_LINES_AT_ONCE = 10_000  # of vouchers that are read together
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
PLACE: Mapping[str, int] = {name: place for place, name in enumerate(LINE)}
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

    @property
    def label(self) -> str:
        """What others call it; see `label`."""
        return label(self.document_type, self.year, self.number)


class LongLines:
    """The postings of a voucher that has more than `PIECE`: read in pieces, whenever they are asked for."""

    def __init__(self, voucher: int, count: int) -> None:
        self._voucher, self._count = voucher, count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        for piece in self.pieces():
            yield from piece

    def pieces(self) -> Iterator[list[Row]]:
        """Each of at most `PIECE`."""
        query, last, left = _select_lines(Posting.voucher == self._voucher), -1, self._count
        while left:
            piece = stored_rows(query.where(Posting.line > last).limit(PIECE))
            assert piece, "what is sealed stays"
            yield piece
            last, left = piece[-1][PLACE["line"]], left - len(piece)


Lines = list[Row] | LongLines


class Booked(NamedTuple):
    """A voucher with its postings (`LINE`), and its links to what it reverses and what reverses it."""

    head: Head
    lines: Lines
    reverses: str | None  # DOC_TYPE FISC_YEAR DOC_NO
    reverses_uuid: UUID | None
    reversed_by: str | None

    @property
    def is_long(self) -> bool:
        """Whether it gives its postings in pieces."""
        return isinstance(self.lines, LongLines)

    def pieces(self) -> Iterable[list[Row]]:
        """Its postings, all at once or some at a time."""
        return self.lines.pieces() if isinstance(self.lines, LongLines) else (self.lines,)


def vouchers(company: CompanyCode, after: int, until: int) -> Iterator[Booked]:
    """The vouchers with ids in (after, until], in order of entry; memory does not grow with them.

    Of a reversal that came after `until` nothing is told: whoever asks again gets the same.
    """
    for heads in pages(company, after, until):
        yield from with_lines(heads, until)


def pages(company: CompanyCode, after: int, until: int) -> Iterator[list[Head]]:
    """The heads alone, at most `AT_ONCE` at a time, for whoever wants the lines of some of them."""
    while heads := read_heads(_range(company, after, until).order_by(Voucher.id).limit(AT_ONCE)):
        yield heads
        after = heads[-1].id


def select_heads() -> Any:
    """A query of `HEAD`, for `read_heads`."""
    return Voucher.select(*(getattr(Voucher, name) for name in HEAD))


def read_heads(query: Any) -> list[Head]:
    """The heads that a query finds."""
    return [Head._make(row) for row in stored_rows(query)]


def with_lines(heads: Sequence[Head], until: int) -> Iterator[Booked]:
    """The vouchers of some heads, in their order; as `vouchers` tells them."""
    if not heads:
        return
    ids = sorted(head.id for head in heads)
    originals = _originals([head.reverses for head in heads if head.reverses])
    reversals, counts = _reversals(ids, until), _counts(ids)
    for some in _together(heads, counts):
        lines = _lines(some, counts)
        for head in some:
            count = counts.get(head.id, 0)
            own = LongLines(head.id, count) if count > PIECE else lines.get(head.id, [])
            yield Booked(head, own, *originals.get(head.reverses, _NOTHING), reversals.get(head.id))


def count(company: CompanyCode, after: int, until: int) -> int:
    """How many there are."""
    found: int = _range(company, after, until).count()
    return found


def identity(stored: Any) -> str:
    """A UUID as it is stored, in the form with hyphens."""
    return str(stored if isinstance(stored, UUID) else UUID(stored))


def _range(company: CompanyCode, after: int, until: int) -> Any:
    return select_heads().where(Voucher.company_code == company, Voucher.id > after, Voucher.id <= until)


def _of_these(ids: Sequence[int]) -> Any:
    """The condition on `Posting`; `ids` ascend."""
    if ids[-1] - ids[0] < len(ids):  # nobody else's are between them
        return Posting.voucher.between(ids[0], ids[-1])
    return is_any_of(Posting.voucher, ids)


def _counts(ids: Sequence[int]) -> dict[int, int]:
    query = Posting.select(Posting.voucher, fn.COUNT(Posting.line)).where(_of_these(ids))
    return dict(stored_rows(query.group_by(Posting.voucher)))


def _together(heads: Sequence[Head], counts: Mapping[int, int]) -> Iterator[list[Head]]:
    """Heads whose lines are read at once; a long voucher is read by itself."""
    some: list[Head] = []
    lines = 0
    for head in heads:
        own = counts.get(head.id, 0)
        own = own if own <= PIECE else 0
        if lines + own > _LINES_AT_ONCE and some:
            yield some
            some, lines = [], 0
        some.append(head)
        lines += own
    yield some


def _lines(heads: Sequence[Head], counts: Mapping[int, int]) -> dict[int, list[Row]]:
    """The postings of those that are not long, by voucher."""
    ids = sorted(head.id for head in heads if 0 < counts.get(head.id, 0) <= PIECE)
    if not ids:
        return {}
    rows, found, start = stored_rows(_select_lines(_of_these(ids))), {}, 0
    for voucher in ids:
        end = start + counts[voucher]
        found[voucher], start = rows[start:end], end
    assert start == len(rows), "what is sealed stays"
    return found


def _select_lines(whose: Any) -> Any:
    columns = (getattr(Posting, name) for name in LINE)
    return Posting.select(*columns).where(whose).order_by(Posting.voucher, Posting.line)


_NOTHING: tuple[str | None, UUID | None] = (None, None)


def _originals(ids: Sequence[int]) -> Mapping[int | None, tuple[str | None, UUID | None]]:
    if not ids:
        return {}
    query = Voucher.select(Voucher.id, Voucher.uuid, Voucher.document_type, Voucher.year, Voucher.number)
    rows = stored_rows(query.where(Voucher.id.in_(ids)))
    return {row[0]: (label(*row[2:]), UUID(identity(row[1]))) for row in rows}


def _reversals(ids: Sequence[int], until: int) -> dict[int, str]:
    """By the voucher that is reversed; a reversal is in its company code.

    Only that is asked which an index answers: SQLite would take another one, and read all vouchers.
    """
    columns = (Voucher.reverses, Voucher.id, Voucher.document_type, Voucher.year, Voucher.number)
    rows = stored_rows(Voucher.select(*columns).where(is_any_of(Voucher.reverses, ids)))
    return {row[0]: label(*row[2:]) for row in rows if row[1] <= until}


def label(document_type: str, year: int, number: int) -> str:
    """`KR 2026 5100000001`: how vouchers of a company code name each other."""
    return f"{document_type} {year} {number}"
