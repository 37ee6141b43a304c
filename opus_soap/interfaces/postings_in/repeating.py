"""A voucher that comes again under its number: whether it is the same, or what is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any
from uuid import UUID

from opus_soap.interfaces.postings_in.drafts import Drafter
from opus_soap.interfaces.postings_in.elements import ELEMENTS
from opus_soap.interfaces.postings_in.examining import Examined
from opus_soap.ledger.drafts import PostingLine, VoucherDraft, lines_of
from opus_soap.ledger.models import ParkedVoucher, Voucher
from opus_soap.ledger.parking import draft_of
from opus_soap.money import kroner_from_ore

_SHOWN = 3  # differences; more of them are counted
_HEADER = {
    "document_type": "DOC_TYPE",
    "document_date": "DOC_DATE",
    "posting_date": "PSTNG_DATE",
    "header_text": "HEADER_TXT",
}
_ADDED = frozenset({"RELEASED_BY", "personal_sha256"})  # not delivered; salted
_NONE = "-"

# what is compared, by element
Values = dict[str, str]


def what_differs(document: Examined, drafter: Drafter, taken: UUID | VoucherDraft) -> str:
    """Element by element, what a voucher has otherwise than the one that was taken under its number.

    That one is booked, or parked; or about to be, as a draft.
    """
    again = replace(drafter, keep=lambda *_: None).draft(document)
    first, lines = (taken, taken.lines) if isinstance(taken, VoucherDraft) else _first(taken)
    if first is None:  # the books do not hold what they should; `ledger verify` tells that
        return _NONE
    found = list(_differences(_of_header(first), _of_header(again), ""))
    for number, (line, other) in enumerate(zip_longest(lines, again.lines), start=1):
        found += _differences(_of_line(line), _of_line(other), f" linje {number}")
    if not found:  # only what is kept apart, or what the books hold in one form
        return "numre på personer eller virksomheder" if document.persons else "kun skrivemåden"
    more = f" … {len(found)} i alt" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more


def _first(uuid: UUID) -> tuple[Voucher | VoucherDraft | None, tuple[PostingLine, ...]]:
    """What was taken, booked or still parked, and its lines."""
    voucher: Voucher | None = Voucher.get_or_none(Voucher.uuid == uuid)
    if voucher is not None:
        return voucher, lines_of(voucher)
    parked: ParkedVoucher | None = ParkedVoucher.get_or_none(ParkedVoucher.uuid == uuid)
    draft = draft_of(parked) if parked is not None else None
    return draft, draft.lines if draft is not None else ()


def _differences(first: Values, again: Values, where: str) -> Iterator[str]:
    for name in first | again:
        before, now = first.get(name, _NONE), again.get(name, _NONE)
        if before != now:
            yield f"{name}{where}: {before} → {now}"


def _of_header(draft: VoucherDraft | Voucher) -> Values:
    details: Mapping[str, Any] = draft.details or {}
    values = {element: str(getattr(draft, name)) for name, element in _HEADER.items()}
    return values | {name: _told(value) for name, value in details.items() if name not in _ADDED}


def _of_line(line: PostingLine | None) -> Values:
    """A line as it was delivered: amounts in the voucher's own currency."""
    if line is None:
        return {}
    values = {
        element: str(value) for name, element in ELEMENTS.items() if (value := getattr(line, name, None))
    }
    details = {"AMT_DOCCUR": str(kroner_from_ore(line.amount_ore)), **(line.details or {})}
    return values | details


def _told(value: Any) -> str:
    if isinstance(value, list):  # attachments
        return ", ".join(f"{file['FILE_NAME']} ({file['sha256'][:8]}…)" for file in value)
    return str(value)
