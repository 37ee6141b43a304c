"""What a fiscal year opens with: carried forward from the year before, or entered for the first year.

Both are vouchers of bilagsart AB in period 1, told from others by their source. Both post only what the
year's openings lack, so that they can be done again: after late postings, or with a corrected file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from opus_soap.clock import Clock
from opus_soap.database import is_postgresql, transaction
from opus_soap.errors import (
    AccountNotBalance,
    AccountUnknown,
    Both,
    FiscalYearUnknown,
    LedgerError,
    OpeningLineInvalid,
    VoucherRefused,
    YearOpenedOtherwise,
)
from opus_soap.ledger.balance import CARRY_FORWARD_SOURCE, ENTERED_SOURCE, is_opening
from opus_soap.ledger.drafts import PostingLine, VoucherDraft
from opus_soap.ledger.models import Account, CompanyCode, FiscalYear, Posting, Voucher
from opus_soap.ledger.posting import post_closing
from opus_soap.money import ore_from_kroner

DOCUMENT_TYPE = "AB"
COLUMNS = ["account", "amount"]
_ONCE = Both("90520001;1234,50, én gang", "90520001;1234,50, once")
_AMOUNT = re.compile(
    r"-?\d{1,12}([.,]\d{1,2})?", re.ASCII
)  # no thousands separator: 1.234 would be two things


def read_balances(text: str) -> dict[str, int]:
    """Øre by account from `account;amount` lines: kroner, debit positive, decimal comma or point.

    Raises `OpeningLineInvalid` for other columns, `VoucherRefused` with every line that is wrong.
    """
    head, *rows = [line.split(";") for line in text.removeprefix("\ufeff").splitlines()] or [[]]
    if head != COLUMNS:
        raise OpeningLineInvalid(element="line 1", value=";".join(head)[:80], expected=";".join(COLUMNS))
    balances: dict[str, int] = {}
    errors: list[LedgerError] = []
    for number, row in enumerate(rows, start=2):
        account, amount = row if len(row) == len(COLUMNS) else ("", "")
        if not account or account in balances or not _AMOUNT.fullmatch(amount):
            errors.append(
                OpeningLineInvalid(element=f"line {number}", value=";".join(row)[:80], expected=_ONCE)
            )
        else:
            balances[account] = ore_from_kroner(Decimal(amount.replace(",", ".")))
    if errors:
        raise VoucherRefused(errors)
    return balances


def open_year(
    company: CompanyCode, year: int, balances: Mapping[str, int], *, clock: Clock, entered_by: str
) -> Voucher | None:
    """Enter the opening balances (øre by account) of the first year; None when nothing has changed since.

    Raises `VoucherRefused` (a result account, a sum that is not zero, a closed period …),
    `FiscalYearUnknown`, and `YearOpenedOtherwise` for a year that comes after another in these books.
    """
    with transaction():
        lock_year(company, year)
        earlier = Voucher.select().where(Voucher.company_code == company, Voucher.year < year)
        if earlier.exists():
            raise YearOpenedOtherwise(element=company.code, value=year, expected="carry-forward")
        errors = list(_check_accounts(company, balances))
        if errors:
            raise VoucherRefused(errors)
        return post_difference(
            company,
            year,
            balances,
            text="Primosaldo",
            reference=str(year),
            source=f"{ENTERED_SOURCE} {year}",
            clock=clock,
            entered_by=entered_by,
        )


def _check_accounts(company: CompanyCode, balances: Mapping[str, int]) -> Iterator[LedgerError]:
    query = Account.select().where(Account.company_code == company, Account.number.in_(sorted(balances)))
    known = {row.number: row for row in query}
    for number in sorted(balances):
        if number not in known:
            yield AccountUnknown(element="account", value=number)
        elif not known[number].is_balance:
            yield AccountNotBalance(element="account", value=number)


def lock_year(company: CompanyCode, year: int) -> FiscalYear:
    """The fiscal year, so that two openings come one after the other; raises `FiscalYearUnknown`."""
    query = FiscalYear.select().where(FiscalYear.company_code == company, FiscalYear.year == year)
    row: FiscalYear | None = (query.for_update() if is_postgresql() else query).first()
    if row is None:
        raise FiscalYearUnknown(element="year", value=year, expected=company.code)
    return row


def post_difference(
    company: CompanyCode,
    year: int,
    wanted: Mapping[str, int],
    *,
    text: str,
    reference: str,
    source: str,
    clock: Clock,
    entered_by: str,
) -> Voucher | None:
    """Post what the year's openings lack of `wanted` (øre by account), in the caller's transaction.

    Raises `YearOpenedOtherwise` when the openings there are of the other kind, `VoucherRefused`.
    """
    lines = tuple(_difference(wanted, _opened(company, year, source), text))
    if not lines:
        return None
    draft = opening_draft(company, year, lines, reference=reference, source=source, entered_by=entered_by)
    return post_closing(draft, clock)


def opening_draft(
    company: CompanyCode,
    year: int,
    lines: tuple[PostingLine, ...],
    *,
    reference: str,
    source: str,
    entered_by: str,
) -> VoucherDraft:
    """A voucher that opens a year, for `post_closing`; `source` begins as one of the two kinds does."""
    day = date(year, 1, 1)
    return VoucherDraft(
        company_code=company,
        document_type=DOCUMENT_TYPE,
        document_date=day,
        posting_date=day,
        header_text=f"Primosaldi {year}",
        reference=reference,
        lines=lines,
        entered_by=entered_by,
        source=source,
    )


def _difference(wanted: Mapping[str, int], opened: Mapping[str, int], text: str) -> Iterator[PostingLine]:
    for account in sorted(wanted.keys() | opened.keys()):
        amount = wanted.get(account, 0) - opened.get(account, 0)
        if amount:
            yield PostingLine(account=account, amount_ore=amount, text=text)


def _opened(company: CompanyCode, year: int, source: str) -> dict[str, int]:
    """Øre by account that the year has been opened with."""
    query = (
        Posting.select(Posting.account, Posting.amount_ore, Voucher.source)
        .join(Voucher)
        .where(Voucher.company_code == company, Voucher.year == year, is_opening())
    )
    other = ENTERED_SOURCE if source.startswith(CARRY_FORWARD_SOURCE) else CARRY_FORWARD_SOURCE
    opened: dict[str, int] = {}
    for row in query:
        if row.voucher.source.startswith(other):
            raise YearOpenedOtherwise(element=company.code, value=year, expected=other)
        opened[row.account] = opened.get(row.account, 0) + row.amount_ore
    return opened
