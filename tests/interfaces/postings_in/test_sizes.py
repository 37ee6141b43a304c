"""Files at the edges of what the format can say, and beyond what the settings allow."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest

from opus_soap import errors
from opus_soap.interfaces.postings_in.reading import ReadingLimits
from opus_soap.interfaces.postings_in.receipts import Counts, of_file
from opus_soap.ledger.balance import trial_balance
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.ledger.verification import verify

from .conftest import CONTROL, CREDIT, DEBIT, document, request


def large(lines: int) -> str:
    """A voucher of so many lines, each debit followed by its credit."""
    pairs = [
        {**(DEBIT if number % 2 else CREDIT), "REF_KEY_3": str(number)} for number in range(1, lines + 1)
    ]
    if lines % 2:
        pairs[-1]["AMT_DOCCUR"] = "200.00"
        pairs[-2]["AMT_DOCCUR"] = "-300.00"
    total = f"{(lines // 2) * 100 + (200 if lines % 2 else 0)}.00"
    return document(lines=pairs, NO_DOC_POSITION=str(lines), BALANCE_DEBET=total, BALANCE_CREDIT=f"-{total}")


def test_a_voucher_of_as_many_lines_as_the_format_can_count(deliver, receipt, company):
    file = deliver(request(large(99_999), document(RECEIV_DOC="2")))
    assert receipt(file)[1] == [("305", "10000000", 0), ("305", "2", 0)]
    assert Posting.select().count() == 99_999 + 2
    assert sum(row.closing_ore for row in trial_balance(company, 2026)) == 0
    assert verify().ok


def test_a_voucher_of_one_line_more_is_refused_and_the_next_is_booked(deliver, receipt):
    file = deliver(request(large(100_000), document(RECEIV_DOC="2")))
    assert receipt(file)[1] == [("426", "10000000", 0), ("305", "2", 0)]
    assert Voucher.select().count() == 1


LIMITS = {
    "bytes": ReadingLimits(max_bytes=2000),
    "vouchers": ReadingLimits(max_documents=2),
    "lines": ReadingLimits(max_lines=5),
    "bytes of one voucher": ReadingLimits(max_document_bytes=300_000),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_file_beyond_a_limit_has_no_effect_at_all(receiver, name):
    small = replace(receiver, limits=LIMITS[name])
    first, *rest = (document(RECEIV_DOC=str(number)) for number in range(3))
    data = request(first, *rest, document(HEADER_TXT="x" * 900_000))
    with pytest.raises(errors.PostingFileRefused) as refused:
        small.deliver(BytesIO(data), "", actor="t")
    assert [error.code for error in refused.value.errors] == ["PIN-403"]
    assert Voucher.select().count() == 0


def test_a_million_vouchers_are_counted_in_full(clock):
    texts = [row.text for row in of_file(Counts(1_000_000, 999_999), CONTROL, clock.now())]
    assert texts[1:4] == [
        "Antal modtagne bilag: 1000000",
        "Antal godkendte bilag: 999999",
        "Antal afviste bilag: 0001",
    ]


BYTES = {
    "another encoding than it says": request(document()).replace(b"Ydelser", "Ydelsér".encode("latin-1")),
    "an encoding that nobody knows": request(document()).replace(b'"UTF-8"', b'"KMD-8"'),
    "a control character": request(document()).replace(b"Ydelser", b"Yd\x07ser"),
    "a control character as a reference": request(document()).replace(b"Ydelser", b"Yd&#7;ser"),
    "UTF-16 that says UTF-8": request(document()).decode().encode("utf-16"),
    "half a file": request(document())[:-40],
    "two files in one": request(document()) * 2,
    "nothing": b"",
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_file(deliver, name):
    with pytest.raises(errors.PostingFileRefused) as refused:
        deliver(BYTES[name])
    assert [error.code for error in refused.value.errors] == ["PIN-401"]
    assert Voucher.select().count() == 0


def test_another_encoding_that_it_says_is_read(deliver, receipt):
    deliver(request(document(HEADER_TXT="Ydelsér"), encoding="windows-1252"))
    assert Voucher.get().header_text == "Ydelsér"
