"""VAT and the voucher's lines, over random amounts: zero in sum, and never more VAT than the invoice has."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opus_soap.interfaces.invoice_approval.booking import Assigned, due_ore, vat_shares, voucher_lines
from opus_soap.ledger.posting import PostingLine

COMPANY = SimpleNamespace(vat_refund_account="90510025", supplier_account="90590100")
ORE = st.integers(-10_000_000, 10_000_000).filter(bool)
LINES = st.lists(st.tuples(ORE, st.sampled_from([0, 2500, 1200])), min_size=1, max_size=8)


def assigned(lines):
    return [Assigned(PostingLine(account="22000300", amount_ore=gross), rate) for gross, rate in lines]


@given(lines=LINES, tax=st.integers(0, 5_000_000), credit=st.booleans())
def test_the_voucher_sums_to_zero_and_vat_stays_within_the_invoices(lines, tax, credit):
    sign = -1 if credit else 1
    total = sum(gross for gross, _ in lines)
    invoice = SimpleNamespace(
        document_type="credit_note" if credit else "invoice",
        payable_ore=sign * total,
        tax_ore=tax,
        supplier_number="1",
        supplier_name="x",
    )
    made = list(voucher_lines(assigned(lines), invoice, COMPANY))
    assert sum(line.amount_ore for line in made) == 0
    assert due_ore(invoice) == total
    vat = sum(line.amount_ore for line in made if line.account == "90510025")
    assert sign * vat <= tax


def test_a_plain_line_gives_its_fifth():
    assert vat_shares(assigned([(12500, 2500)]), 2500, "90510025") == [2500]


def test_what_is_too_much_comes_off_the_last_lines():
    assert vat_shares(assigned([(12500, 2500), (12500, 2500)]), 3000, "90510025") == [2500, 500]


@pytest.mark.parametrize(("gross", "share"), [(1, 0), (2, 0), (3, 1), (-3, -1), (333, 67)])
def test_shares_are_rounded_half_away_from_zero(gross, share):
    assert vat_shares(assigned([(gross, 2500)]), share, "90510025") == [share]
