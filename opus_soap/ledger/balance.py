"""The trial balance: what each account opened with, what moved, what it stands at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from peewee import Case, fn

from opus_soap.ledger.models import Account, CompanyCode, Posting, Voucher

# what the source of an opening voucher starts with: carried forward, or entered for the first year
CARRY_FORWARD_SOURCE, ENTERED_SOURCE = "carry-forward", "opening-balance"


@dataclass(frozen=True)
class TrialBalanceRow:
    """One account in one year. Øre; debit and credit are both positive, opening and closing are signed."""

    account: str
    name: str
    opening_ore: int
    debit_ore: int
    credit_ore: int

    @property
    def closing_ore(self) -> int:
        """Opening plus debit minus credit."""
        return self.opening_ore + self.debit_ore - self.credit_ore


def trial_balance(company: CompanyCode, year: int) -> list[TrialBalanceRow]:
    """Every account that was posted on in a year, in order of number."""
    opening = is_opening()
    amount = Posting.amount_ore

    moved = ~opening
    query: Any = (
        Posting.select(
            Posting.account,
            _total(opening).alias("opening_ore"),
            _total(moved & (amount > 0)).alias("debit_ore"),
            _total(moved & (amount < 0)).alias("credit_ore"),
        )
        .join(Voucher)
        .where(Voucher.company_code == company, Voucher.year == year)
        .group_by(Posting.account)
        .order_by(Posting.account)
    )
    accounts: Any = Account.select(Account.number, Account.name).where(Account.company_code == company)
    names: dict[str, str] = dict(accounts.tuples())
    rows: Iterable[tuple[str, int, int, int]] = query.tuples()
    return [
        TrialBalanceRow(account, names[account], int(opened), int(debit), -int(credit))
        for account, opened, debit, credit in rows
    ]


def is_opening() -> Any:
    """The condition on `Voucher` of those that open a year."""
    return Voucher.source.startswith(CARRY_FORWARD_SOURCE) | Voucher.source.startswith(ENTERED_SOURCE)


def _total(condition: Any) -> Any:
    return fn.COALESCE(fn.SUM(Case(None, [(condition, Posting.amount_ore)], 0)), 0)
