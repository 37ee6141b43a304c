"""Carry-forward: balances open the new year, results are closed, late postings are caught up with."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from opus_soap.errors import FiscalYearUnknown
from opus_soap.ledger.balance import trial_balance
from opus_soap.ledger.models import Account, Voucher
from opus_soap.ledger.posting import post
from opus_soap.ledger.verification import verify
from opus_soap.ledger.year_end import carry_forward


def openings(company):
    return {row.account: row.opening_ore for row in trial_balance(company, 2027) if row.opening_ore}


def test_balances_open_the_new_year_and_results_are_closed(draft, company, clock):
    post(draft, clock)
    carry_forward(company, 2026, clock=clock, entered_by="test")
    assert openings(company) == {"90510025": 2500, "90590100": -12500, "90599000": 10000}
    assert carry_forward(company, 2026, clock=clock, entered_by="test") is None
    assert verify().ok


def test_a_blocked_account_is_carried_forward(draft, company, clock):
    post(draft, clock)
    Account.update(blocked=True).where(Account.number == "90510025").execute()
    carry_forward(company, 2026, clock=clock, entered_by="test")
    assert openings(company)["90510025"] == 2500


def test_late_postings_are_caught_up_with(draft, company, clock):
    post(draft, clock)
    carry_forward(company, 2026, clock=clock, entered_by="test")
    post(replace(draft, posting_date=date(2027, 1, 20), year=2026, period=13), clock)
    carry_forward(company, 2026, clock=clock, entered_by="test")
    assert openings(company) == {"90510025": 5000, "90590100": -25000, "90599000": 20000}
    assert Voucher.select().where(Voucher.document_type == "AB").count() == 2


def test_two_years_in_a_row(draft, company, clock):
    post(replace(draft, posting_date=date(2025, 5, 5)), clock)
    carry_forward(company, 2025, clock=clock, entered_by="test")
    carry_forward(company, 2026, clock=clock, entered_by="test")
    assert openings(company) == {"90510025": 2500, "90590100": -12500, "90599000": 10000}


def test_the_next_year_must_be_set_up(draft, company, clock):
    with pytest.raises(FiscalYearUnknown):
        carry_forward(company, 2027, clock=clock, entered_by="test")
