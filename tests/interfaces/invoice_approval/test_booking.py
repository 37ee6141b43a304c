"""VAT and the voucher's lines, over random amounts: zero in sum, and never more VAT than the invoice has."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opus_soap.interfaces.invoice_approval.booking import Assigned, due_ore, vat_shares, voucher_lines
from opus_soap.ledger.posting import PostingLine

COMPANY = SimpleNamespace(vat_refund_account="90510025", supplier_account="90590100")
VOUCHER = SimpleNamespace(reference=None, supplementary_text=None)
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
    made = list(voucher_lines(assigned(lines), VOUCHER, invoice, COMPANY))
    assert sum(line.amount_ore for line in made) == 0
    assert due_ore(invoice) == total
    vat = sum(line.amount_ore for line in made if line.account == "90510025")
    assert sign * vat <= tax


def test_a_plain_line_gives_its_fifth():
    assert vat_shares(assigned([(12500, 2500)]), 2500, "90510025") == [2500]


def test_what_rounding_lost_goes_to_the_largest_line():
    five = [(1002, 2500)] * 4 + [(1003, 2500)]
    assert vat_shares(assigned(five), 1002, "90510025") == [200, 200, 200, 200, 202]
    assert vat_shares(assigned([(-1002, 2500)] * 2), -401, "90510025") == [-201, -200]


def test_more_than_rounding_is_not_made_up_for():
    assert vat_shares(assigned([(1002, 2500), (1002, 0)]), 401, "90510025") == [200, 0]
    assert vat_shares(assigned([(1002, 2500)] * 2), 403, "90510025") == [200, 200]


def test_a_long_supplier_name_leaves_room_for_what_the_answer_says():
    voucher = SimpleNamespace(reference="SAG-7", supplementary_text="t" * 70)
    invoice = SimpleNamespace(
        document_type="invoice", payable_ore=1, tax_ore=0, supplier_number="1", supplier_name="n" * 300
    )
    *_, supplier = voucher_lines(assigned([(1, 0)]), voucher, invoice, COMPANY)
    assert len(supplier.text) == 255
    assert supplier.text.endswith("n… · SAG-7 · " + "t" * 70)


def test_what_is_too_much_comes_off_the_last_lines():
    assert vat_shares(assigned([(12500, 2500), (12500, 2500)]), 3000, "90510025") == [2500, 500]


@pytest.mark.parametrize(("gross", "share"), [(1, 0), (2, 0), (3, 1), (-3, -1), (333, 67)])
def test_shares_are_rounded_half_away_from_zero(gross, share):
    assert vat_shares(assigned([(gross, 2500)]), share, "90510025") == [share]
