"""Year-end: balances carried into the new year, results closed to the balance account.

The opening voucher (bilagsart AB) stands in period 1 of the new year. A further run posts only what
has come since, so late postings in the supplement period (13–15) are caught up with.
"""

from __future__ import annotations

from opus_soap.clock import Clock
from opus_soap.database import transaction
from opus_soap.ledger.balance import CARRY_FORWARD_SOURCE, trial_balance
from opus_soap.ledger.models import Account, CompanyCode, FiscalYear, Voucher
from opus_soap.ledger.openings import lock_year, post_difference


def carry_forward(company: CompanyCode, year: int, *, clock: Clock, entered_by: str) -> Voucher | None:
    """Open the year after `year` with its closing balances; None when nothing has changed since.

    Raises `FiscalYearUnknown` when the next year is not set up, `YearOpenedOtherwise` when its openings
    were entered, `VoucherRefused` when its first period is closed.
    """
    with transaction():
        lock_year(company, year + 1)
        voucher = post_difference(
            company,
            year + 1,
            left_to_next(company, year),
            text=f"Primosaldo fra {year}",
            reference=str(year),
            source=f"{CARRY_FORWARD_SOURCE} {year}",
            clock=clock,
            entered_by=entered_by,
        )
        if voucher is not None:
            FiscalYear.update(carried_forward_at=clock.now()).where(
                FiscalYear.company_code == company, FiscalYear.year == year
            ).execute()
        return voucher


def left_to_next(company: CompanyCode, year: int, until: int | None = None) -> dict[str, int]:
    """What a year leaves to the next (øre): balance accounts as they are, results on one account."""
    balance_accounts = {
        row.number for row in Account.select().where(Account.company_code == company, Account.is_balance)
    }
    left: dict[str, int] = {}
    for row in trial_balance(company, year, until=until):
        account = row.account if row.account in balance_accounts else company.retained_account
        left[account] = left.get(account, 0) + row.closing_ore
    return left
