"""The first year's opening balances, entered from a file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from opus_soap.errors import OpeningLineInvalid, VoucherRefused, YearOpenedOtherwise
from opus_soap.ledger.balance import trial_balance
from opus_soap.ledger.models import Account, Posting, Voucher
from opus_soap.ledger.openings import open_year, read_balances
from opus_soap.ledger.periods import set_period
from opus_soap.ledger.posting import post
from opus_soap.ledger.verification import verify
from opus_soap.ledger.year_end import carry_forward

FILE = "account;amount\n90520001;1000,50\n90590100;-250.5\n90599000;-750,00\n"
BALANCES = {"90520001": 100050, "90590100": -25050, "90599000": -75000}


def rows(company, year):
    return {
        row.account: (row.opening_ore, row.debit_ore, row.credit_ore) for row in trial_balance(company, year)
    }


def enter(company, clock, balances=BALANCES, year=2026):
    return open_year(company, year, balances, clock=clock, entered_by="test")


def codes(refused):
    return [error.code for error in refused.value.errors]


def test_a_file_is_accounts_and_kroner():
    assert read_balances(FILE) == BALANCES
    assert read_balances("\ufeff" + FILE.replace("\n", "\r\n")) == BALANCES


@pytest.mark.parametrize(
    "line",
    ["90520001;1.000,50", "90520001;1,005", "90520001;", "90520001", "90520001;1;2", ";1", "90520001;NaN",
     "90590100;1", "90520001;1e3", "90520001;1000000000000"],
)  # fmt: skip
def test_every_line_that_cannot_be_read_is_told(line):
    with pytest.raises(VoucherRefused) as refused:
        read_balances(f"account;amount\n90590100;1\n{line}\nx;y\n")
    assert codes(refused) == ["LED-028", "LED-028"]
    assert "line 3" in refused.value.text_english
    assert "line 4" in refused.value.text_english


@pytest.mark.parametrize("text", ["", "konto;beløb\n90520001;1\n", "account,amount\n90520001,1\n"])
def test_the_first_line_names_the_columns(text):
    with pytest.raises(OpeningLineInvalid, match="account;amount"):
        read_balances(text)


def test_balances_are_the_opening_of_period_1(company, clock):
    voucher = enter(company, clock)
    assert (voucher.document_type, voucher.year, voucher.period) == ("AB", 2026, 1)
    assert voucher.posting_date == date(2026, 1, 1)
    assert rows(company, 2026) == {account: (ore, 0, 0) for account, ore in BALANCES.items()}
    assert verify().ok


def test_a_corrected_file_posts_the_difference(company, clock):
    enter(company, clock)
    assert enter(company, clock) is None
    enter(company, clock, {"90520001": 100000, "90590100": -100000})
    assert rows(company, 2026) == {
        "90520001": (100000, 0, 0),
        "90590100": (-100000, 0, 0),
        "90599000": (0, 0, 0),
    }
    assert Voucher.select().count() == 2


def test_they_are_carried_forward(company, draft, clock):
    enter(company, clock)
    post(draft, clock)
    carry_forward(company, 2026, clock=clock, entered_by="test")
    opened = {account: row[0] for account, row in rows(company, 2027).items()}
    assert opened == {"90520001": 100050, "90590100": -37550, "90599000": -65000, "90510025": 2500}
    assert carry_forward(company, 2026, clock=clock, entered_by="test") is None


def test_only_balance_accounts_that_exist_and_a_sum_of_zero(company, clock):
    with pytest.raises(VoucherRefused) as refused:
        enter(company, clock, {"22000300": 100, "12345678": -100})
    assert codes(refused) == ["LED-010", "LED-032"]
    with pytest.raises(VoucherRefused) as refused:
        enter(company, clock, {"90520001": 100, "90590100": -99})
    assert codes(refused) == ["LED-002"]
    assert Posting.select().count() == 0


def test_a_blocked_account_has_a_balance_too(company, clock):
    Account.update(blocked=True).where(Account.number == "90520001").execute()
    assert enter(company, clock)


def test_period_1_must_be_open(company, clock):
    set_period(company, 2026, 1, open_=False, actor="test", clock=clock)
    with pytest.raises(VoucherRefused) as refused:
        enter(company, clock)
    assert codes(refused) == ["LED-022"]


def test_a_year_is_opened_in_one_way(company, draft, clock):
    enter(company, clock)
    with pytest.raises(YearOpenedOtherwise, match="2026"):
        carry_forward(company, 2025, clock=clock, entered_by="test")
    assert rows(company, 2026) == {account: (ore, 0, 0) for account, ore in BALANCES.items()}


def test_a_year_with_books_before_it_is_carried_forward_to(company, draft, clock):
    post(replace(draft, posting_date=date(2025, 5, 5)), clock)
    with pytest.raises(YearOpenedOtherwise, match="2026"):
        enter(company, clock)
