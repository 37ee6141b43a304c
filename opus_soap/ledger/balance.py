"""The trial balance: what each account opened with, what moved, what it stands at; or by a dimension."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from peewee import Case, fn

from opus_soap.ledger.models import Account, CompanyCode, DimensionValue, Posting, Voucher

# what the source of an opening voucher starts with: carried forward, or entered for the first year
CARRY_FORWARD_SOURCE, ENTERED_SOURCE = "carry-forward", "opening-balance"


# what a balance can be broken down by: fields of the posting, and of its voucher
DIMENSIONS = (*DimensionValue.KINDS, "partner_profit_center", "supplier", "tax_code")
VOUCHER_FIELDS = ("document_type", "period")


@dataclass(frozen=True)
class TrialBalanceRow:
    """One account in one year. Øre; debit and credit are both positive, opening and closing are signed.

    `value` is that of the dimension asked for; empty for postings that have none, and without a dimension.
    """

    account: str
    name: str
    opening_ore: int
    debit_ore: int
    credit_ore: int
    value: str = ""

    @property
    def closing_ore(self) -> int:
        """Opening plus debit minus credit."""
        return self.opening_ore + self.debit_ore - self.credit_ore


def trial_balance(
    company: CompanyCode, year: int, by: str | None = None, until: int | None = None
) -> list[TrialBalanceRow]:
    """Every account that was posted on in a year, in order of number; with `until`, up to that voucher's id.

    With `by` (one of `DIMENSIONS` or `VOUCHER_FIELDS`), every value of it with its accounts; the postings
    are the same, so the rows of an account sum to what it has without.
    """
    parts: list[Any] = []
    if by is not None:
        parts.append(getattr(Voucher if by in VOUCHER_FIELDS else Posting, by))
    opening = is_opening()
    amount = Posting.amount_ore

    moved = ~opening
    query: Any = (
        Posting.select(
            Posting.account,
            *parts,
            _total(opening).alias("opening_ore"),
            _total(moved & (amount > 0)).alias("debit_ore"),
            _total(moved & (amount < 0)).alias("credit_ore"),
        )
        .join(Voucher)
        .where(Voucher.company_code == company, Voucher.year == year)
        .group_by(Posting.account, *parts)
        .order_by(*parts, Posting.account)
    )
    if until is not None:
        query = query.where(Voucher.id <= until)
    accounts: Any = Account.select(Account.number, Account.name).where(Account.company_code == company)
    names: dict[str, str] = dict(accounts.tuples())
    rows: Iterable[tuple[Any, ...]] = query.tuples()
    found = [
        TrialBalanceRow(account, names[account], int(opened), int(debit), -int(credit), _text(value))
        for account, *value, opened, debit, credit in rows
    ]
    return sorted(found, key=lambda row: row.value)  # the engines put what has none at either end


def _text(value: list[object]) -> str:
    return str(value[0]) if value and value[0] is not None else ""


def is_opening() -> Any:
    """The condition on `Voucher` of those that open a year."""
    return Voucher.source.startswith(CARRY_FORWARD_SOURCE) | Voucher.source.startswith(ENTERED_SOURCE)


def _total(condition: Any) -> Any:
    return fn.COALESCE(fn.SUM(Case(None, [(condition, Posting.amount_ore)], 0)), 0)
