"""Year-end: balances carried into the new year, results closed to the balance account.

The opening voucher (bilagsart AB) stands in period 1 of the new year. A further run posts only what
has come since, so late postings in the supplement period (13–15) are caught up with.
"""

from __future__ import annotations

from datetime import date

from opus_soap.clock import Clock
from opus_soap.database import is_postgresql, transaction
from opus_soap.errors import FiscalYearUnknown
from opus_soap.ledger.balance import CARRY_FORWARD_SOURCE, trial_balance
from opus_soap.ledger.models import Account, CompanyCode, FiscalYear, Posting, Voucher
from opus_soap.ledger.posting import PostingLine, VoucherDraft, post

DOCUMENT_TYPE = "AB"


def carry_forward(company: CompanyCode, year: int, *, clock: Clock, entered_by: str) -> Voucher | None:
    """Open the year after `year` with its closing balances; None when nothing has changed since.

    Raises `FiscalYearUnknown` when the next year is not set up, `VoucherRefused` when its first period
    is closed.
    """
    with transaction():
        query = FiscalYear.select().where(FiscalYear.company_code == company, FiscalYear.year == year + 1)
        following = (
            query.for_update() if is_postgresql() else query
        ).first()  # two runs, one after the other
        if following is None:
            raise FiscalYearUnknown(element="year", value=year + 1, expected=company.code)
        lines = _difference(company, year)
        if not lines:
            return None
        voucher = post(
            VoucherDraft(
                company_code=company,
                document_type=DOCUMENT_TYPE,
                document_date=date(year + 1, 1, 1),
                posting_date=date(year + 1, 1, 1),
                header_text=f"Primosaldi {year + 1}",
                reference=str(year),
                lines=lines,
                entered_by=entered_by,
                source=f"{CARRY_FORWARD_SOURCE} {year}",
            ),
            clock,
        )
        FiscalYear.update(carried_forward_at=clock.now()).where(
            FiscalYear.company_code == company, FiscalYear.year == year
        ).execute()
        return voucher


def _difference(company: CompanyCode, year: int) -> tuple[PostingLine, ...]:
    """What the openings of the next year lack: balance accounts as they are, results on one account."""
    balance_accounts = {
        row.number for row in Account.select().where(Account.company_code == company, Account.is_balance)
    }
    wanted: dict[str, int] = {}
    for row in trial_balance(company, year):
        account = row.account if row.account in balance_accounts else company.retained_account
        wanted[account] = wanted.get(account, 0) + row.closing_ore
    opened = _opened(company, year + 1)
    accounts = sorted(wanted.keys() | opened.keys())
    return tuple(
        PostingLine(account=account, amount_ore=amount, text=f"Primosaldo fra {year}")
        for account in accounts
        if (amount := wanted.get(account, 0) - opened.get(account, 0))
    )


def _opened(company: CompanyCode, year: int) -> dict[str, int]:
    rows = (
        Posting.select(Posting.account, Posting.amount_ore)
        .join(Voucher)
        .where(
            Voucher.company_code == company,
            Voucher.year == year,
            Voucher.source.startswith(CARRY_FORWARD_SOURCE),
        )
    )
    opened: dict[str, int] = {}
    for row in rows:
        opened[row.account] = opened.get(row.account, 0) + row.amount_ore
    return opened
