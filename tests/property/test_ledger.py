"""The trial balance is the fold of the postings: over random vouchers and reversals.

The same property must catch a ledger that is broken on purpose (the canary), or it proves nothing.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opus_soap.clock import ManualClock
from opus_soap.database import connect, disconnect, proxy
from opus_soap.ledger.balance import TrialBalanceRow, trial_balance
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.posting import PostingLine, VoucherDraft, post, reverse
from tests.conftest import NOON

COSTS = ("22000300", "22000400", "40000100")
AMOUNT = st.integers(-10_000_000, 10_000_000).filter(bool)
# each voucher: cost lines, and whether it is reversed afterwards
VOUCHERS = st.lists(
    st.tuples(st.lists(st.tuples(st.sampled_from(COSTS), AMOUNT), min_size=1, max_size=4), st.booleans()),
    min_size=1,
    max_size=5,
)
Balance = Callable[..., list[TrialBalanceRow]]


def forgets_credits(company: Any, year: int, by: str | None = None) -> list[TrialBalanceRow]:
    """The canary: a trial balance that loses credits of less than 100 kroner."""
    return [
        replace(row, credit_ore=0) if row.credit_ore < 10_000 else row
        for row in trial_balance(company, year, by)
    ]


def forgets_the_rest(company: Any, year: int, by: str | None = None) -> list[TrialBalanceRow]:
    """Another canary: by a dimension, it loses what has none."""
    return [row for row in trial_balance(company, year, by) if row.value or by is None]


def check(template: Path, vouchers: list[Any], balance: Balance) -> None:
    """Post, reverse, and compare the trial balance with a fold of what was posted."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "books.sqlite3"
        shutil.copy(template, path)
        connect(f"sqlite:///{path}").connect()
        try:
            company, clock = company_code("999", "0020"), ManualClock(NOON)
            fold = Counter[str]()
            for lines, is_reversed in vouchers:
                costs = tuple(PostingLine(account, ore, cost_center="1101") for account, ore in lines)
                total = sum(line.amount_ore for line in costs)
                counter = (PostingLine("90520001", -total),) if total else ()
                if len(costs) + len(counter) < 2:
                    continue
                day = date(2026, 11, 23)
                voucher = post(
                    VoucherDraft(company, "SA", day, day, "x", "x", (*costs, *counter), "test", "test"), clock
                )
                for line in (*costs, *counter):
                    fold[line.account] += 0 if is_reversed else line.amount_ore
                if is_reversed:
                    reverse(voucher, posting_date=day, entered_by="test", source="test", clock=clock)
            rows = balance(company, 2026)
            assert {row.account: row.closing_ore for row in rows} == dict(fold)
            assert sum(row.debit_ore - row.credit_ore for row in rows) == 0
            for dimension in ("cost_center", "document_type", "supplier"):
                parts = Counter[str]()
                for row in balance(company, 2026, dimension):
                    parts[row.account] += row.closing_ore
                assert parts == Counter(dict(fold)), dimension
        finally:
            disconnect()
            proxy.initialize(None)


LIMITED = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@LIMITED
@given(vouchers=VOUCHERS)
def test_the_trial_balance_is_the_fold_of_the_postings(sqlite_template, vouchers):
    check(sqlite_template, vouchers, trial_balance)


@pytest.mark.parametrize("canary", [forgets_credits, forgets_the_rest])
def test_the_property_catches_a_broken_ledger(sqlite_template, canary):
    @LIMITED
    @given(vouchers=VOUCHERS)
    def property_of_the_canary(vouchers):
        check(sqlite_template, vouchers, canary)

    with pytest.raises(AssertionError):
        property_of_the_canary()
