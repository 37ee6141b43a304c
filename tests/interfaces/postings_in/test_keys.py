"""What a voucher is known by (sender, RECEIV_DOC, company code, year), and which year and period it is of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest

from opus_soap.clock import ManualClock
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.ledger.models import Period, Voucher
from opus_soap.store.models import PostingDocument, PostingSender
from tests.interfaces.postings_in.conftest import CONTROL, NAME
from tests.interfaces.postings_in.test_second_looks import again, opposite, request, voucher


def of_another(*documents: str) -> bytes:
    """A file of the sender LO02."""
    name = NAME.replace("KY01", "LO02")
    return request(*documents, control={**CONTROL, "SENDERID": "LO02", "FILE_NAME": name})


def test_two_senders_number_as_they_like(deliver, receipt, sender):
    PostingSender.create(municipality="999", sender_id="LO02", short="LO02", name="Løn")
    deliver(request(voucher()))
    assert receipt(deliver(of_another(voucher())))[1] == [("305", "10000000", 0)]
    assert receipt(deliver(again(voucher())))[1] == [("301", "10000000", 0)]
    assert Voucher.select().count() == 2


def test_a_year_begins_its_numbers_again(deliver, receipt):
    deliver(request(voucher()))
    other = deliver(again(voucher(PSTNG_DATE="20251231", DOC_DATE="20251231", FIS_PERIOD="13")))
    assert receipt(other)[1] == [("305", "10000000", 0)]
    assert sorted(row.year for row in Voucher.select()) == [2025, 2026]


def test_what_is_reversed_is_of_the_same_year_or_the_only_one(deliver, receipt):
    old = voucher(PSTNG_DATE="20251231", DOC_DATE="20251231", FIS_PERIOD="13")
    deliver(request(old))
    across = opposite(PSTNG_DATE="20261123", RECEIV_DOC="2")
    assert receipt(deliver(again(across)))[1] == [("305", "2", 0)]
    assert Voucher.get(Voucher.reference == "2").reverses.year == 2025


def test_of_several_years_none_is_guessed(deliver, receipt, clock):
    old = voucher(PSTNG_DATE="20251231", DOC_DATE="20251231", FIS_PERIOD="13")
    deliver(request(old, voucher()))
    Period.update(open=True).execute()
    clock.advance(timedelta(days=58))  # into January 2027
    late = opposite(PSTNG_DATE="20270120", DOC_DATE="20270120", RECEIV_DOC="2")
    file = deliver(again(late))
    assert receipt(file)[1] == [("458", "2", 0)]
    assert "flere år (2025, 2026)" in PostingDocument.get(PostingDocument.file == file).returns[0][3]


# posting date, FIS_PERIOD → fiscal year and period
SUPPLEMENT = {
    "its own December": ("20251215", "13", (2025, 13)),
    "dated in the next year": ("20260120", "14", (2025, 14)),
    "the last of it": ("20260120", "15", (2025, 15)),
    "no supplement": ("20260120", "1", (2026, 1)),
}


@pytest.mark.parametrize("name", SUPPLEMENT)
def test_the_supplement_is_of_the_year_that_is_over(sender, receiver, name, company):
    day, period, expected = SUPPLEMENT[name]
    Period.update(open=True).execute()
    now = ManualClock(datetime(2026, 1, 25, 11, tzinfo=UTC))
    then = Receiver("999", receiver.store, receiver.limits, now)
    data = request(voucher(PSTNG_DATE=day, DOC_DATE=day, FIS_PERIOD=period))
    then.deliver(BytesIO(data), "", actor="test")
    booked = Voucher.get()
    assert (booked.year, booked.period) == expected


def test_a_third_receipt_is_noted_once(receiver, deliver):
    file = deliver(request(voucher()))
    first = receiver.write_booked(file)
    receiver.note_booked(file, first)
    other = receiver.store.write(lambda out: out.write(b"other"))
    receiver.note_booked(file, other)
    assert file.booked_sha256 == first.sha256


def test_what_came_by_another_door_takes_no_name_from_its_sender(receiver, deliver, receipt):
    """A message that was named after a second, and the sender's own file of that second."""
    made = replace(receiver, made=True)
    first = made.deliver(BytesIO(request(voucher())), NAME, actor="soap:x")
    own = deliver(request(voucher(RECEIV_DOC="2")))
    assert (first.name, first.id) == (own.name, own.id - 1)
    assert receipt(own)[1] == [("305", "2", 0)]
    again_ = made.deliver(BytesIO(request(voucher())), NAME, actor="soap:x")
    assert again_.id == first.id
