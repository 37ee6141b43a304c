"""A voucher that is to be posted: what the caller fills in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from opus_soap.ledger.hashing import POSTING_FIELDS
from opus_soap.ledger.models import CompanyCode, DimensionValue, Posting, Voucher

# what of a line is posted
POSTED = POSTING_FIELDS[POSTING_FIELDS.index("posting_key") + 1 :]


class PostingLine(NamedTuple):
    """One posting to be made. Øre: debit positive, credit negative.

    A tuple, as plain as can be: a large file makes a million of them, and they go from process to process.
    """

    account: str
    amount_ore: int
    supplier: str | None = None
    cost_center: str | None = None
    wbs_element: str | None = None
    profit_center: str | None = None
    order: str | None = None
    network: str | None = None
    activity: str | None = None
    functional_area: str | None = None
    partner_profit_center: str | None = None
    tax_code: str | None = None
    value_date: date | None = None
    text: str = ""
    allocation: str = ""
    details: Mapping[str, str] | None = None  # what else was delivered, by the sender's own names
    origin: str = ""  # what the maker of the draft calls the line; errors name it so; not posted


# a line of its values, in the order of its fields, without a step in Python
line_of: Callable[[Iterable[Any]], PostingLine] = partial(tuple.__new__, PostingLine)

# what a line is posted on: everything but its amount, its texts and its date
ASSIGNMENT = ("account", "supplier", "tax_code", "activity", "partner_profit_center", *DimensionValue.KINDS)
assignment_of = itemgetter(*map(PostingLine._fields.index, ASSIGNMENT))


@dataclass(frozen=True)
class VoucherDraft:
    """A voucher to be posted. Year and period are the posting date's unless given.

    Given are they for the supplement period (13–15 of a year); `periods.posting_period` chooses them.
    A draft that reverses a voucher has the opposite of its lines, line for line.
    """

    company_code: CompanyCode
    document_type: str
    document_date: date
    posting_date: date
    header_text: str
    reference: str
    lines: tuple[PostingLine, ...]
    entered_by: str
    source: str
    currency: str = "DKK"
    period: int | None = None
    year: int | None = None
    details: Mapping[str, Any] | None = None  # what else was delivered, by the sender's own names
    reverses: Voucher | None = None
    uuid: UUID | None = None  # minted before, when the voucher was parked
    delivered_by: tuple[str, ...] = ()  # users who brought it in for `entered_by`: they entered it, too

    @property
    def fiscal_year(self) -> int:
        """The posting date's year, unless it is given (the supplement period posts into the old year)."""
        return self.year if self.year is not None else self.posting_date.year

    @property
    def fiscal_period(self) -> int:
        """The posting date's month, unless the period is given."""
        return self.period if self.period is not None else self.posting_date.month


def lines_of(voucher: Voucher) -> tuple[PostingLine, ...]:
    """A voucher's postings as lines, in order."""
    return tuple(
        PostingLine(**{name: getattr(row, name) for name in POSTED})
        for row in Posting.select().where(Posting.voucher == voucher).order_by(Posting.line)
    )


def label(voucher: Voucher) -> str:
    """`0020 KR 2026 5100000001`: how people name a voucher."""
    return f"{voucher.company_code.code} {voucher.document_type} {voucher.year} {voucher.number}"


def total_ore(lines: Sequence[PostingLine]) -> int:
    """The sum of the lines; zero in a voucher that balances."""
    return sum(line.amount_ore for line in lines)
