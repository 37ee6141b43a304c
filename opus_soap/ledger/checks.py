"""What a voucher must keep to. Every check returns its errors, so that one attempt tells them all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from peewee import chunked

from opus_soap.database import is_postgresql
from opus_soap.errors import (
    AccountBlocked,
    AccountRuleMissing,
    AccountUnknown,
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
    SupplierInactive,
    SupplierMissing,
    SupplierUnknown,
    TaxCodeUnknown,
    TextTooLong,
    VoucherTooShort,
    VoucherUnbalanced,
)
from opus_soap.ledger.drafts import PostingLine, VoucherDraft, total_ore
from opus_soap.ledger.master_data import AT_ONCE, valid_on
from opus_soap.ledger.models import (
    Account,
    AccountRule,
    DimensionValue,
    DocumentType,
    FiscalYear,
    Period,
    Posting,
    Supplier,
    TaxCode,
    Voucher,
)
from opus_soap.ledger.periods import SUPPLEMENT

EARLIEST = date(1990, 1, 1)
YEARS_AHEAD = 10  # a document or value date may lie so far beyond the posting date
LARGEST_ORE = 99_999_999_999_999  # 999,999,999,999.99 kroner, the format's largest amount
_WBS = re.compile(r"(X[A-Z])-(\d{1,10})-(\d{1,5})")
_LINE_TEXTS = ("text", "allocation")
_HEADER_TEXTS = ("header_text", "reference", "currency", "entered_by", "source")


def normalised(draft: VoucherDraft) -> VoucherDraft:
    """The draft with its WBS elements in canonical form (leading zeros get lost on the way)."""
    return replace(
        draft,
        lines=tuple(
            replace(line, wbs_element=normalised_wbs(line.wbs_element)) if line.wbs_element else line
            for line in draft.lines
        ),
    )


def normalised_wbs(code: str) -> str:
    """`XG-920-1` → `XG-0000000920-00001`; anything else is returned as it is."""
    match = _WBS.fullmatch(code.strip().upper())
    return f"{match[1]}-{int(match[2]):010d}-{int(match[3]):05d}" if match else code


def check(draft: VoucherDraft) -> list[LedgerError]:
    """Every error of a draft, in the order of its fields and lines."""
    return [*check_header(draft), *check_time(draft), *_check_lines(draft)]


def check_time(draft: VoucherDraft) -> list[LedgerError]:
    """The period agrees with the posting date; the fiscal year is open, and so is the period."""
    if disagreements := list(_check_period_against_date(draft)):
        return disagreements
    year = _kept(
        FiscalYear.select().where(
            FiscalYear.company_code == draft.company_code, FiscalYear.year == draft.fiscal_year
        )
    )
    if year is None:
        return [
            FiscalYearUnknown(
                element="posting date", value=draft.fiscal_year, expected=draft.company_code.code
            )
        ]
    if year.closed:
        return [FiscalYearClosed(element="posting date", value=draft.fiscal_year)]
    period = _kept(Period.select().where(Period.fiscal_year == year, Period.number == draft.fiscal_period))
    if period is None or not period.open:
        return [PeriodClosed(element="posting date", value=f"{draft.fiscal_period} {draft.fiscal_year}")]
    return []


def _kept(query: Any) -> Any:
    """The row, or None; nobody closes it before the voucher's transaction has ended."""
    return (query.for_update("FOR SHARE") if is_postgresql() else query).first()


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


def check_header(draft: VoucherDraft) -> Iterator[LedgerError]:
    """Document type and texts are good, and the lines sum to zero."""
    known = DocumentType.select().where(
        DocumentType.company_code == draft.company_code, DocumentType.code == draft.document_type
    )
    if not known.exists():
        yield DocumentTypeUnknown(
            element="document type", value=draft.document_type, expected=draft.company_code.code
        )
    yield from _check_lengths("voucher", draft, Voucher, _HEADER_TEXTS)
    yield from _check_date("document date", draft.document_date, draft)
    if len(draft.lines) < 2:
        yield VoucherTooShort(element="lines", value=len(draft.lines), expected=2)
    difference = total_ore(draft.lines)
    if difference:
        yield VoucherUnbalanced(element="lines", value=difference, expected=0)


def _check_lines(draft: VoucherDraft) -> Iterator[LedgerError]:
    master_data = _MasterData(draft)
    for number, line in enumerate(draft.lines, start=1):
        where = line.origin or f"line {number}"
        if line.amount_ore == 0:
            yield AmountInvalid(element=f"{where} amount", value=0, expected="≠ 0")
        elif abs(line.amount_ore) > LARGEST_ORE:
            yield AmountInvalid(
                element=f"{where} amount", value=line.amount_ore, expected=f"≤ {LARGEST_ORE} øre"
            )
        yield from _check_lengths(where, line, Posting, _LINE_TEXTS)
        if line.value_date is not None:
            yield from _check_date(f"{where} value_date", line.value_date, draft)
        yield from master_data.check_account(where, line)
        yield from master_data.check_dimensions(where, line, draft.posting_date)
        yield from master_data.check_supplier(where, line)
        if line.tax_code is not None and line.tax_code not in master_data.tax_codes:
            yield TaxCodeUnknown(element=f"{where} tax code", value=line.tax_code)


def _check_lengths(where: str, holder: object, model: type, names: tuple[str, ...]) -> Iterator[LedgerError]:
    for name in names:
        text, longest = getattr(holder, name), getattr(model, name).max_length
        if len(text) > longest:
            yield TextTooLong(element=f"{where} {name}", value=len(text), expected=longest)


def _check_date(element: str, value: date, draft: VoucherDraft) -> Iterator[LedgerError]:
    last = date(draft.posting_date.year + YEARS_AHEAD, 12, 31)
    if not EARLIEST <= value <= last:
        yield DateImplausible(element=element, value=value, expected=f"{EARLIEST} – {last}")


class _MasterData:
    """The master data that a draft's lines name, read once for all of them."""

    def __init__(self, draft: VoucherDraft) -> None:
        company = draft.company_code
        self.supplier_account = company.supplier_account
        numbers = {line.account for line in draft.lines}
        self.accounts = {
            row.number: row
            for some in chunked(sorted(numbers), AT_ONCE)
            for row in Account.select().where(Account.company_code == company, Account.number.in_(some))
        }
        self.rules = [
            (re.compile(rule.pattern), rule)
            for rule in AccountRule.select()
            .where(AccountRule.company_code == company)
            .order_by(AccountRule.priority)
        ]
        codes = {
            code for line in draft.lines for kind in DimensionValue.KINDS if (code := getattr(line, kind))
        }
        codes |= {line.partner_profit_center for line in draft.lines if line.partner_profit_center}
        self.dimensions = {
            (row.kind, row.code): row
            for some in chunked(sorted(codes), AT_ONCE)
            for row in DimensionValue.select().where(
                DimensionValue.company_code == company, DimensionValue.code.in_(some)
            )
        }
        named = {line.supplier for line in draft.lines if line.supplier is not None}
        self.suppliers = {
            row.number: row
            for some in chunked(sorted(named), AT_ONCE)
            for row in Supplier.select().where(
                Supplier.municipality == company.municipality, Supplier.number.in_(some)
            )
        }
        self.tax_codes = {row.code for row in TaxCode.select().where(TaxCode.company_code == company)}

    def check_account(self, where: str, line: PostingLine) -> Iterator[LedgerError]:
        """The account exists, is open, and carries what its rule says."""
        element = f"{where} account"
        account = self.accounts.get(line.account)
        if account is None:
            yield AccountUnknown(element=element, value=line.account)
            return
        if account.blocked:
            yield AccountBlocked(element=element, value=line.account)
        rule = next((rule for pattern, rule in self.rules if pattern.fullmatch(line.account)), None)
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

    def check_dimensions(self, where: str, line: PostingLine, on: date) -> Iterator[LedgerError]:
        """Every dimension value exists, is open, and is valid on the posting date."""
        given = [(kind, kind, getattr(line, kind)) for kind in DimensionValue.KINDS]
        given.append(("partner_profit_center", "profit_center", line.partner_profit_center))
        for field, kind, code in given:
            if not code:
                continue
            value = self.dimensions.get((kind, code))
            if value is None:
                yield DimensionUnknown(element=f"{where} {field}", value=code)
            elif not valid_on(value, on):
                yield DimensionBlocked(element=f"{where} {field}", value=code, expected=on.isoformat())

    def check_supplier(self, where: str, line: PostingLine) -> Iterator[LedgerError]:
        """The supplier exists and is active."""
        if line.supplier is None:
            if line.account == self.supplier_account:
                yield SupplierMissing(element=f"{where} supplier", value=line.account)
            return
        supplier = self.suppliers.get(line.supplier)
        if supplier is None:
            yield SupplierUnknown(element=f"{where} supplier", value=line.supplier)
        elif not supplier.active:
            yield SupplierInactive(element=f"{where} supplier", value=line.supplier)
