"""What a voucher must keep to. Every check returns its errors, so that one attempt tells them all."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Any
from uuid import UUID

from opus_soap.database import is_postgresql
from opus_soap.errors import (
    AccountBlocked,
    AccountRuleMissing,
    AccountUnknown,
    AlreadyReversed,
    AmountInvalid,
    DateImplausible,
    DimensionBlocked,
    DimensionForbidden,
    DimensionRequired,
    DimensionUnknown,
    DocumentTypeUnknown,
    FiscalYearClosed,
    FiscalYearUnknown,
    LedgerError,
    PeriodAgainstDate,
    PeriodClosed,
    PeriodUnknown,
    ReversalDiffers,
    ReversalTooEarly,
    ReversalWaits,
    SupplierInactive,
    SupplierMissing,
    SupplierUnknown,
    TaxCodeUnknown,
    TextTooLong,
    TextUntellable,
    VoucherTooShort,
    VoucherUnbalanced,
)
from opus_soap.ledger.drafts import (
    ASSIGNMENT,
    PostingLine,
    VoucherDraft,
    assignment_of,
    label,
    lines_of,
    total_ore,
)
from opus_soap.ledger.master_data import NEVER
from opus_soap.ledger.models import DimensionValue, ParkedVoucher, Posting, Voucher
from opus_soap.ledger.periods import SUPPLEMENT
from opus_soap.ledger.references import References
from opus_soap.money import kroner_from_ore
from opus_soap.texts import untellable

EARLIEST = date(1990, 1, 1)
YEARS_AHEAD = 10  # a document or value date may lie so far beyond the posting date
LARGEST_ORE = 99_999_999_999_999  # 999,999,999,999.99 kroner, the format's largest amount
NOBODY = UUID(int=0)
_codes = itemgetter(*map(PostingLine._fields.index, DimensionValue.KINDS))
_WBS = re.compile(r"(X[A-Z])-(\d{1,10})-(\d{1,5})")
_LONGEST_TEXT: int = Posting.text.max_length
_LONGEST_ALLOCATION: int = Posting.allocation.max_length
_LINE_TEXTS = (("text", _LONGEST_TEXT), ("allocation", _LONGEST_ALLOCATION))
_HEADER_TEXTS = tuple(
    (name, getattr(Voucher, name).max_length)
    for name in ("header_text", "reference", "currency", "entered_by", "source")
)


def normalised(draft: VoucherDraft) -> VoucherDraft:
    """The draft with its WBS elements in canonical form (leading zeros get lost on the way)."""
    lines = tuple(_normalised_line(line) if line.wbs_element else line for line in draft.lines)
    return draft if lines == draft.lines else replace(draft, lines=lines)


def _normalised_line(line: PostingLine) -> PostingLine:
    assert line.wbs_element is not None
    code = normalised_wbs(line.wbs_element)
    return line if code == line.wbs_element else line._replace(wbs_element=code)


@lru_cache(maxsize=4096)  # a file has many lines and few of them
def normalised_wbs(code: str) -> str:
    """`XG-920-1` → `XG-0000000920-00001`; anything else is returned as it is."""
    match = _WBS.fullmatch(code.strip().upper())
    return f"{match[1]}-{int(match[2]):010d}-{int(match[3]):05d}" if match else code


def check(draft: VoucherDraft, known: References | None = None) -> list[LedgerError]:
    """Every error of a draft, in the order of its fields and lines; `known`: read for several drafts."""
    known = known or References(draft.company_code, [draft])
    if draft.reverses is not None:
        return [
            *check_header(draft, known),
            *check_time(draft, known),
            *_check_reversal(draft, draft.reverses, known),
        ]
    return [
        *check_header(draft, known),
        *_check_date("document date", draft.document_date, draft),
        *check_time(draft, known),
        *check_characters(draft),
        *_check_lines(draft, known),
    ]


def check_entries(draft: VoucherDraft, known: References, *, dated: bool) -> Iterator[LedgerError]:
    """What the books have against a draft that cannot be posted anyway: its type, its time, its lines.

    Sums and texts are left to whoever found it wrong. Without `dated` nobody knows its posting date: then
    nothing is said of what is so on some days only.
    """
    yield from _check_type(draft, known)
    if dated:
        yield from check_time(draft, known)
    for error in _check_lines(draft, known):
        if dated or not isinstance(error, (DimensionBlocked, DateImplausible)):
            yield error


def check_time(draft: VoucherDraft, known: References) -> list[LedgerError]:
    """The period agrees with the posting date; the fiscal year is open, and so is the period."""
    if disagreements := list(_check_period_against_date(draft)):
        return disagreements
    year = known.year(draft.fiscal_year)
    if year is None:
        return [
            FiscalYearUnknown(
                element="posting date", value=draft.fiscal_year, expected=draft.company_code.code
            )
        ]
    if year.closed:
        return [FiscalYearClosed(element="posting date", value=draft.fiscal_year)]
    period = known.period(year, draft.fiscal_period)
    if period is None or not period.open:
        return [PeriodClosed(element="posting date", value=f"{draft.fiscal_period} {draft.fiscal_year}")]
    return []


def _check_period_against_date(draft: VoucherDraft) -> Iterator[LedgerError]:
    """1–12 is the posting date's own month; 13–15 needs the year told, the date's own or the one before.

    A supplement posting is dated in the year it belongs to, or on the day it is made in the next.
    """
    period, year, posted = draft.fiscal_period, draft.fiscal_year, draft.posting_date
    if not 1 <= period <= SUPPLEMENT[-1]:
        yield PeriodUnknown(element="period", value=period, expected="1–15")
    elif period in SUPPLEMENT:
        if draft.year is None or posted.year - year not in (0, 1):
            yield PeriodAgainstDate(
                element=posted.isoformat(), value=f"{period} {year}", expected=f"{posted.year}"
            )
    elif (year, period) != (posted.year, posted.month):
        yield PeriodAgainstDate(
            element=posted.isoformat(), value=f"{period} {year}", expected=f"{posted.month} {posted.year}"
        )


def check_header(draft: VoucherDraft, known: References) -> Iterator[LedgerError]:
    """Document type and texts are good, and the lines sum to zero."""
    yield from _check_type(draft, known)
    yield from _check_lengths("voucher", draft, _HEADER_TEXTS)
    if len(draft.lines) < 2:
        yield VoucherTooShort(element="lines", value=len(draft.lines), expected=2)
    difference = total_ore(draft.lines)
    if difference:
        yield VoucherUnbalanced(element="lines", value=difference, expected=0)


def _check_type(draft: VoucherDraft, known: References) -> Iterator[LedgerError]:
    if draft.document_type not in known.document_types:
        yield DocumentTypeUnknown(
            element="document type", value=draft.document_type or "-", expected=draft.company_code.code
        )


def _check_reversal(draft: VoucherDraft, original: Voucher, known: References) -> Iterator[LedgerError]:
    """The first reversal of a voucher, not before it, and its opposite; whatever was blocked since."""
    if is_postgresql():  # nobody else reverses it meanwhile
        Voucher.select(Voucher.id).where(Voucher.id == original.id).for_update().execute()
    earlier = Voucher.get_or_none(Voucher.reverses == original)
    if earlier is not None:
        yield AlreadyReversed(element=label(original), value=label(earlier))
    elif original.id in known.reversing:
        yield reversed_before(label(original), *known.reversing[original.id])
    else:
        waiting = ParkedVoucher.get_or_none(
            ParkedVoucher.reverses == original,
            ParkedVoucher.state == ParkedVoucher.PARKED,
            ParkedVoucher.uuid != (draft.uuid or NOBODY),  # it waits no longer: this is its release
        )
        if waiting is not None:
            yield ReversalWaits(element=label(original), value=waiting.reference)
    fiscal = (original.year, original.period)
    yield from _check_order(draft, original.posting_date, fiscal, label(original))
    lines = lines_of(original)
    yield from check_characters(draft, _texts_of(original, lines))
    yield from check_opposite(draft.lines, lines)


def reversed_before(name: str, by: str, waits: bool) -> LedgerError:
    """A voucher is reversed by an earlier draft (its reference), which is to be written, or to be parked."""
    error = ReversalWaits if waits else AlreadyReversed
    return error(element=name, value=by)


def check_reversal_of(draft: VoucherDraft, original: VoucherDraft, known: References) -> list[LedgerError]:
    """`check` of a draft that reverses another draft, neither of them in the books."""
    return [
        *check_header(draft, known),
        *check_time(draft, known),
        *check_characters(draft),
        *_check_order(
            draft,
            original.posting_date,
            (original.fiscal_year, original.fiscal_period),
            original.reference,
        ),
        *check_opposite(draft.lines, original.lines),
    ]


def _check_order(
    draft: VoucherDraft, earliest: date, fiscal: tuple[int, int], name: str
) -> Iterator[LedgerError]:
    """A reversal is neither dated before what it reverses nor in a period before its."""
    if draft.posting_date < earliest:
        yield ReversalTooEarly(element=name, value=draft.posting_date, expected=earliest)
    elif (draft.fiscal_year, draft.fiscal_period) < fiscal:
        yield ReversalTooEarly(
            element=name,
            value=f"{draft.fiscal_period} {draft.fiscal_year}",
            expected=f"{fiscal[1]} {fiscal[0]}",
        )


def check_opposite(given: Sequence[PostingLine], lines: Sequence[PostingLine]) -> Iterator[LedgerError]:
    """Whether lines are the opposite of others, line for line: amounts, and what they are posted on."""
    if len(lines) != len(given):
        yield ReversalDiffers(element="lines", value=len(given), expected=len(lines))
    for number, (line, reversed_line) in enumerate(zip(given, lines, strict=False), start=1):
        where = line.origin or f"line {number}"
        if line.amount_ore != -reversed_line.amount_ore:
            yield ReversalDiffers(
                element=f"{where} amount",
                value=kroner_from_ore(line.amount_ore),
                expected=kroner_from_ore(-reversed_line.amount_ore),
            )
        for name in ASSIGNMENT:
            own, expected = getattr(line, name), getattr(reversed_line, name)
            if own != expected:
                yield ReversalDiffers(element=f"{where} {name}", value=own or "-", expected=expected or "-")


def _check_lines(draft: VoucherDraft, known: References) -> Iterator[LedgerError]:
    on, last = draft.posting_date, _latest(draft)
    for number, line in enumerate(draft.lines, start=1):
        where = line.origin or f"line {number}"
        if line.amount_ore == 0:
            yield AmountInvalid(element=f"{where} amount", value=0, expected="≠ 0")
        elif abs(line.amount_ore) > LARGEST_ORE:
            yield AmountInvalid(
                element=f"{where} amount", value=line.amount_ore, expected=f"≤ {LARGEST_ORE} øre"
            )
        if len(line.text) > _LONGEST_TEXT or len(line.allocation) > _LONGEST_ALLOCATION:
            yield from _check_lengths(where, line, _LINE_TEXTS)
        if line.value_date is not None and not EARLIEST <= line.value_date <= last:
            yield DateImplausible(
                element=f"{where} value_date", value=line.value_date, expected=f"{EARLIEST} – {last}"
            )
        assignment = assignment_of(line)
        first_day, last_day = known.good.get(assignment, NEVER)
        if first_day <= on <= last_day:  # most lines of a file are assigned like another
            continue
        days = _open_days(line, known)
        errors = list(_check_assignment(where, line, on, days, known))
        if not errors:
            known.good[assignment] = days
        yield from errors


def _check_assignment(
    where: str, line: PostingLine, on: date, days: tuple[date, date], known: References
) -> Iterator[LedgerError]:
    """What a line is posted on at a date: nothing here looks at its amount or its texts."""
    yield from _check_account(where, line, known)
    if not days[0] <= on <= days[1]:
        yield from _check_dimensions(where, line, on, known)
    yield from _check_supplier(where, line, known)
    if line.tax_code is not None and line.tax_code not in known.tax_codes:
        yield TaxCodeUnknown(element=f"{where} tax code", value=line.tax_code)


def _check_lengths(where: str, holder: object, limits: tuple[tuple[str, int], ...]) -> Iterator[LedgerError]:
    for name, longest in limits:
        if (length := len(getattr(holder, name))) > longest:
            yield TextTooLong(element=f"{where} {name}", value=length, expected=longest)


def check_characters(draft: VoucherDraft, held: Collection[str] = ()) -> Iterator[LedgerError]:
    """No text has a character that XML cannot hold: it would stay in the books, and no extract could tell it.

    `held`: texts that the books hold already, of what is reversed: they must not keep a mistake there.
    """
    if "".join(_texts_of(draft, draft.lines)).isprintable():  # most drafts
        return
    for where, name, text in _texts(draft):
        if (character := untellable(text)) is not None and text not in held:
            yield TextUntellable(element=f"{where} {name}", value=character)


def _texts(draft: VoucherDraft) -> Iterator[tuple[str, str, str]]:
    """Where a text is, its field, and the text: those that nothing else holds to a list or a form."""
    for name, _ in _HEADER_TEXTS:
        yield "voucher", name, getattr(draft, name)
    for name, text in _delivered(draft.details).items():
        yield "voucher", name, text
    for number, line in enumerate(draft.lines, start=1):
        where = line.origin or f"line {number}"
        for name in ("text", "allocation", "activity"):
            yield where, name, getattr(line, name) or ""
        for name, text in _delivered(line.details).items():
            yield where, name, text


def _texts_of(voucher: Voucher | VoucherDraft, lines: Sequence[PostingLine]) -> list[str]:
    """Every text that a voucher holds."""
    texts = [getattr(voucher, name) for name, _ in _HEADER_TEXTS]
    texts += _delivered(voucher.details).values()
    for line in lines:
        texts += (line.text, line.allocation, line.activity or "")
        if line.details:
            texts += [value for value in line.details.values() if isinstance(value, str)]
    return texts


def _delivered(details: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: value for name, value in (details or {}).items() if isinstance(value, str)}


def _check_date(element: str, value: date, draft: VoucherDraft) -> Iterator[LedgerError]:
    if not EARLIEST <= value <= _latest(draft):
        yield DateImplausible(element=element, value=value, expected=f"{EARLIEST} – {_latest(draft)}")


def _latest(draft: VoucherDraft) -> date:
    """The last day that a voucher may name."""
    return date(min(draft.posting_date.year + YEARS_AHEAD, date.max.year), 12, 31)


def _check_account(where: str, line: PostingLine, known: References) -> Iterator[LedgerError]:
    """The account exists, is open, and carries what its rule says."""
    element = f"{where} account"
    blocked = known.accounts.get(line.account)
    if blocked is None:
        yield AccountUnknown(element=element, value=line.account)
        return
    if blocked:
        yield AccountBlocked(element=element, value=line.account)
    rule = known.rule(line.account)
    if rule is None:
        yield AccountRuleMissing(element=element, value=line.account)
        return
    given = [kind for kind in rule.requires_exactly_one_of if getattr(line, kind)]
    if rule.requires_exactly_one_of and len(given) != 1:
        yield DimensionRequired(
            element=element, value=line.account, expected=", ".join(rule.requires_exactly_one_of)
        )
    for kind in rule.forbids_any_of:
        if getattr(line, kind):
            yield DimensionForbidden(element=f"{where} {kind}", value=line.account, expected=kind)


def _check_dimensions(where: str, line: PostingLine, on: date, known: References) -> Iterator[LedgerError]:
    """Every dimension value exists, is open, and is valid on the posting date."""
    for field, kind, code in _dimensions(line):
        days = known.dimensions.get((kind, code))
        if days is None:
            yield DimensionUnknown(element=f"{where} {field}", value=code)
        elif not days[0] <= on <= days[1]:
            yield DimensionBlocked(element=f"{where} {field}", value=code, expected=on.isoformat())


def _open_days(line: PostingLine, known: References) -> tuple[date, date]:
    """The days on which all the dimension values that a line names are open; none when one is unknown."""
    first, last = date.min, date.max
    for _, kind, code in _dimensions(line):
        opens, closes = known.dimensions.get((kind, code), NEVER)
        first, last = max(first, opens), min(last, closes)
    return first, last


def _dimensions(line: PostingLine) -> list[tuple[str, str, str]]:
    """The dimension values that a line names: its field, kind and code."""
    named = [
        (kind, kind, code) for kind, code in zip(DimensionValue.KINDS, _codes(line), strict=True) if code
    ]
    if line.partner_profit_center:
        named.append(("partner_profit_center", "profit_center", line.partner_profit_center))
    return named


def _check_supplier(where: str, line: PostingLine, known: References) -> Iterator[LedgerError]:
    """The supplier exists and is active."""
    if line.supplier is None:
        if line.account == known.company.supplier_account:
            yield SupplierMissing(element=f"{where} supplier", value=line.account)
        return
    active = known.suppliers.get(line.supplier)
    if active is None:
        yield SupplierUnknown(element=f"{where} supplier", value=line.supplier)
    elif not active:
        yield SupplierInactive(element=f"{where} supplier", value=line.supplier)
