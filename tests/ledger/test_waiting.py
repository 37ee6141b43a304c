"""Parked vouchers found by the start of their UUID, on each engine."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from opus_soap.errors import ParkedVoucherUnknown
from opus_soap.ledger.models import ParkedVoucher
from opus_soap.ledger.waiting import find_parked, parked_with

FIRST, SECOND, OTHER = (
    UUID("00000000-0000-4000-8000-000000000001"),
    UUID("00000000-0000-4000-8000-0000000000ff"),
    UUID("fffffffa-0000-4000-8000-000000000000"),
)


@pytest.fixture(autouse=True)
def parked(company, clock):
    """Two that begin alike, and one that ends the alphabet."""
    for uuid in (FIRST, SECOND, OTHER):
        ParkedVoucher.create(
            uuid=uuid,
            company_code=company,
            reference="7",
            document_type="SA",
            posting_date=date(2026, 11, 23),
            amount_ore=1,
            entered_by="KY01",
            source="",
            draft={},
            state=ParkedVoucher.DISMISSED if uuid == SECOND else ParkedVoucher.PARKED,
            parked_at=clock.now(),
        )


@pytest.mark.parametrize(
    ("start", "uuid"),
    [("fffffffa", OTHER), ("FFFFFFFA-0000", OTHER), (str(SECOND), SECOND), (FIRST.hex, FIRST)],
)
def test_the_only_one_that_begins_so(start, uuid):
    assert find_parked(start).uuid == uuid


@pytest.mark.parametrize("start", ["", "fffffff", "00000000", "zzzzzzzz", "fffffffb", f"{OTHER}0"])
def test_none_or_several(start):
    with pytest.raises(ParkedVoucherUnknown):
        find_parked(start)


def test_by_reference_those_that_wait(company):
    assert [row.uuid for row in parked_with(company, "7")] == [FIRST, OTHER]
    assert parked_with(company, "8") == []
