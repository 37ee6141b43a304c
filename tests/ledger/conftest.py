"""A voucher to post."""

from __future__ import annotations

from datetime import date

import pytest

from opus_soap.ledger.posting import PostingLine, VoucherDraft


@pytest.fixture
def draft(company):
    """Paper for 125 kroner from supplier 200002, VAT 25."""
    return VoucherDraft(
        company_code=company,
        document_type="KR",
        document_date=date(2026, 11, 20),
        posting_date=date(2026, 11, 23),
        header_text="Kontorartikler",
        reference="F-1001",
        lines=(
            PostingLine(account="22000300", amount_ore=10000, cost_center="1101", text="papir"),
            PostingLine(account="90510025", amount_ore=2500, tax_code="K25"),
            PostingLine(account="90590100", amount_ore=-12500, supplier="200002"),
        ),
        entered_by="test",
        source="test",
    )
