"""The trial balance by a dimension: the same postings, apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opus_soap.ledger.balance import DIMENSIONS, VOUCHER_FIELDS, trial_balance
from opus_soap.ledger.posting import post


def closing(company, by):
    return {(row.value, row.account): row.closing_ore for row in trial_balance(company, 2026, by)}


def test_each_value_stands_apart_and_what_has_none_too(draft, company, clock):
    post(draft, clock)
    other = draft.lines[0]._replace(cost_center="1102", amount_ore=5000)
    lines = (other, draft.lines[2]._replace(amount_ore=-5000))
    post(replace(draft, document_type="SA", lines=lines), clock)
    by_center = {
        (row.value, row.account): row.closing_ore for row in trial_balance(company, 2026, "cost_center")
    }
    assert by_center == {
        ("1101", "22000300"): 10000,
        ("1102", "22000300"): 5000,
        ("", "90510025"): 2500,
        ("", "90590100"): -17500,
    }
    by_type = {
        (row.value, row.account): row.closing_ore for row in trial_balance(company, 2026, "document_type")
    }
    assert by_type["SA", "22000300"] == 5000
    by_supplier = {row.value for row in trial_balance(company, 2026, "supplier") if row.account == "90590100"}
    assert by_supplier == {"200002"}


@pytest.mark.parametrize("by", [*DIMENSIONS, *VOUCHER_FIELDS])
def test_every_dimension_sums_to_the_whole(draft, company, clock, by):
    post(draft, clock)
    whole = {row.account: row.closing_ore for row in trial_balance(company, 2026)}
    parts: dict[str, int] = {}
    for row in trial_balance(company, 2026, by):
        parts[row.account] = parts.get(row.account, 0) + row.closing_ore
    assert parts == whole
