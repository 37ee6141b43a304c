"""What is not simply posted: parked, reversed by its sender, converted, delivered with attachments."""

from __future__ import annotations

import base64
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opus_soap.errors import PostingAmountZero
from opus_soap.interfaces.postings_in.currency import converted
from opus_soap.interfaces.postings_in.examining import BATCH_WEIGHT, batches, examine
from opus_soap.interfaces.postings_in.reading import Document, Finding, Place, ReadingLimits
from opus_soap.ledger import parking
from opus_soap.ledger.models import ParkedVoucher, Posting, Voucher
from opus_soap.ledger.verification import verify
from opus_soap.store import content
from opus_soap.store.models import ExchangeRate, PostingDocument

from .conftest import CONTROL, CREDIT, DEBIT, HEADER, NAME, document, request

ORDER = ("NO_DOC_POSITION", "BALANCE_DEBET", "BALANCE_CREDIT", "MUNICIPALITY", "COMP_CODE", "DOC_TYPE",
         "DOC_DATE", "PSTNG_DATE", "FIS_PERIOD", "USERNAME", "RECEIV_DOC", "HEADER_TXT", "CURRENCY",
         "EXCH_RATE", "TRANS_DATE", "XREF1_HD", "XREF2_HD", "XBLNR_ALT", "FILES")  # fmt: skip


def voucher(lines: tuple = (DEBIT, CREDIT), **change: object) -> str:
    """A voucher whose header has these elements too."""
    whole = {**HEADER, **change}
    return document({name: whole[name] for name in ORDER if name in whole}, lines)


def opposite(**change: object) -> str:
    lines = (
        {**DEBIT, "DEB_CRED_IND": "K", "AMT_DOCCUR": "-100.00"},
        {**CREDIT, "DEB_CRED_IND": "D", "AMT_DOCCUR": "100.00"},
    )
    return voucher(lines, **{"RECEIV_DOC": "2", "XREF2_HD": "TBF:10000000", **change})


def again(*documents: str, time: str = "120001") -> bytes:
    """Another file of the same sender."""
    return request(
        *documents, control={**CONTROL, "SEND_TIME": time, "FILE_NAME": NAME.replace("120000", time)}
    )


# --- parked


LIMITS = {
    "none": ({}, False),
    "its type, reached": ({"SA": 10000}, False),
    "its type, passed": ({"SA": 9999}, True),
    "another type": ({"KR": 0}, False),
    "any": ({"*": 0}, True),
    "its own before any": ({"*": 0, "SA": 10000}, False),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_large_voucher_is_received_and_waits(deliver, receipt, sender, name):
    sender.release_above, waits = LIMITS[name]
    sender.save()
    file = deliver(request(voucher()))
    assert receipt(file)[1] == [("305", "10000000", 0)]  # received; booked is another matter
    assert (ParkedVoucher.select().count(), Voucher.select().count()) == ((1, 0) if waits else (0, 1))


def test_released_it_is_the_voucher_that_the_file_names(deliver, sender, clock):
    sender.release_above = {"SA": 0}
    sender.save()
    file = deliver(request(voucher(USERNAME="OLE"), voucher(RECEIV_DOC="2", DOC_TYPE="AB")))
    assert [row.reference for row in Voucher.select()] == ["2"]
    row = PostingDocument.get(PostingDocument.file == file, PostingDocument.position == 1)
    assert "parkeret: 100,00 kr." in row.returns[1][3]
    parking.set_right("999", "anna", "", limit_ore=10000, actor="t", clock=clock)
    parking.release(row.voucher_uuid, user="anna", actor="t", clock=clock)
    assert Voucher.get(Voucher.uuid == row.voucher_uuid).reference == "10000000"
    assert verify().ok


def test_while_it_waits_its_number_is_taken(deliver, receipt, sender):
    sender.release_above = {"*": 0}
    sender.save()
    deliver(request(voucher()))
    assert receipt(deliver(again(voucher())))[1] == [("301", "10000000", 0)]


# --- reversed by its sender


@pytest.mark.parametrize("same_file", [True, False])
def test_a_sender_reverses_its_voucher(deliver, receipt, same_file):
    if same_file:
        last = deliver(request(voucher(), opposite()))
    else:
        deliver(request(voucher()))
        last = deliver(again(opposite()))
    assert receipt(last)[1][-1] == ("305", "2", 0)
    original, reversal = Voucher.select().order_by(Voucher.id)
    assert (reversal.reverses, reversal.reference) == (original, "2")
    assert verify().ok


NOT_REVERSED = {
    "unknown": ({"XREF2_HD": "TBF:77"}, [("458", 0)]),
    "another company code": ({"COMP_CODE": "0099"}, [("454", 0)]),
    "dated before it": ({"PSTNG_DATE": "20261122"}, [("534", 0)]),
}


@pytest.mark.parametrize("name", NOT_REVERSED)
def test_a_reversal_of_what_is_not_there_is_refused(deliver, receipt, name):
    change, expected = NOT_REVERSED[name]
    deliver(request(voucher()))
    rows = receipt(deliver(again(opposite(**change))))[1]
    assert [(number, line) for number, _, line in rows] == expected
    assert Voucher.select().count() == 1


def test_a_reversal_that_differs_names_the_line(deliver, receipt):
    deliver(request(voucher()))
    wrong = voucher(XREF2_HD="TBF:10000000", RECEIV_DOC="2")  # the same, not the opposite
    assert receipt(deliver(again(wrong)))[1] == [("542", "2", 1), ("542", "2", 2)]


def test_a_second_reversal_and_one_of_a_parked_voucher_are_refused(deliver, receipt, sender):
    deliver(request(voucher()))
    deliver(again(opposite()))
    assert receipt(deliver(again(opposite(RECEIV_DOC="3"), time="120002")))[1] == [("524", "3", 0)]
    sender.release_above = {"*": 0}
    sender.save()
    parked = voucher(RECEIV_DOC="4")
    rows = receipt(deliver(again(parked, opposite(RECEIV_DOC="5", XREF2_HD="TBF:4"), time="120003")))[1]
    assert rows == [("305", "4", 0), ("458", "5", 0)]


# --- in another currency


def rate(currency: str, kroner: str) -> None:
    ExchangeRate.create(
        municipality="999", currency=currency, valid_from="2026-01-01", rate_per_hundred=kroner
    )


RATES = {
    "known": (None, {"CURRENCY": "EUR"}, 74604),
    "given, with nothing to hold it against": ("459", {"CURRENCY": "USD", "EXCH_RATE": "690.5"}, None),
    "given for a day before the first rate": (
        "459",
        {"CURRENCY": "EUR", "EXCH_RATE": "7.46", "TRANS_DATE": "20251231"},
        None,
    ),
    "given and near": (None, {"CURRENCY": "EUR", "EXCH_RATE": "747"}, 74700),
    "of the day of translation": (None, {"CURRENCY": "EUR", "TRANS_DATE": "20260601"}, 74604),
    "its own, said": (None, {"CURRENCY": "DKK", "EXCH_RATE": "100"}, 10000),
    "unknown": ("453", {"CURRENCY": "USD"}, None),
    "not yet": ("453", {"CURRENCY": "EUR", "TRANS_DATE": "20251231"}, None),
    "for one": ("457", {"CURRENCY": "EUR", "EXCH_RATE": "7.46"}, None),
    "nothing": ("457", {"CURRENCY": "USD", "EXCH_RATE": "0"}, None),
    "for its own": ("457", {"CURRENCY": "DKK", "EXCH_RATE": "746"}, None),
    "no currency": ("426", {"CURRENCY": "kr"}, None),
}


@pytest.mark.parametrize("name", RATES)
def test_another_currency(deliver, receipt, name):
    code, header, ore = RATES[name]
    rate("EUR", "746.04")
    rows = receipt(deliver(request(voucher(**header))))[1]
    assert rows == [(code or "305", "10000000", 0)]
    assert [row.amount_ore for row in Posting.select().order_by(Posting.line)] == ([ore, -ore] if ore else [])


def test_a_sender_whose_own_rates_are_taken_is_believed_where_there_is_no_other(deliver, receipt, sender):
    sender.own_rates = True
    sender.save()
    rate("EUR", "746.04")
    usd = voucher(CURRENCY="USD", EXCH_RATE="690.5")
    far = voucher(RECEIV_DOC="2", CURRENCY="EUR", EXCH_RATE="7.46")
    assert receipt(deliver(request(usd, far)))[1] == [("305", "10000000", 0), ("457", "2", 0)]
    assert Posting.get(Posting.line == 1).amount_ore == 69050


def test_what_was_delivered_is_kept_beside_what_is_posted(deliver):
    rate("EUR", "746.04")
    deliver(request(voucher(CURRENCY="EUR")))
    booked = Voucher.get()
    assert (booked.currency, booked.details["CURRENCY"], booked.details["EXCH_RATE"]) == (
        "DKK",
        "EUR",
        "746.04",
    )
    assert Posting.get(Posting.line == 2).details["AMT_DOCCUR"] == "-100.00"


@given(
    st.lists(st.integers(-(10**6), 10**6).filter(bool), min_size=1, max_size=20),
    st.decimals("0.01", "99999", places=2),
)
def test_converted_lines_sum_to_zero_and_none_is_far_off(cents, per_hundred):
    whole = [*cents, -sum(cents)] if sum(cents) else cents
    amounts = converted(whole, per_hundred)
    assert sum(amounts) == 0
    for amount, cent in zip(amounts, whole, strict=True):
        assert abs(amount - Decimal(cent) * per_hundred / 100) < 1
        assert amount * cent >= 0  # no debit becomes a credit


def test_many_small_lines_keep_their_side():
    """2,000 × 0.01 and 1,000 × −0.02 at 50: each is worth half an øre or one, and none pays for all."""
    amounts = converted([1] * 2000 + [-2] * 1000, Decimal(50))
    assert sum(amounts) == 0
    assert set(amounts[:2000]) == {0, 1}
    assert set(amounts[2000:]) == {-1}


@pytest.mark.parametrize("currency", ["EUR ", "dkk", " ", "E", "EURO"])
def test_a_currency_is_three_capitals(deliver, receipt, currency):
    rate("EUR", "746.04")
    file = deliver(request(voucher(CURRENCY=currency, EXCH_RATE="746.04")))
    assert receipt(file)[1] == [("426", "10000000", 0)]


# --- with attachments


def attached(data: bytes, **change: str) -> dict:
    file = {
        "FILE_NAME": "bilag.pdf",
        "FILE_LENGTH": str(len(data)),
        "FILE_TYPE": "pdf",
        "FILE": base64.b64encode(data).decode(),
    }
    return {**file, **change}


def test_attachments_are_kept_apart_and_their_hashes_are_in_the_books(deliver):
    deliver(request(voucher(FILES=[attached(b"one"), attached(b"two", FILE_NAME="to.pdf")])))
    first, second = Voucher.get().details["FILES"]
    assert (first["FILE_NAME"], first["FILE_LENGTH"], second["FILE_NAME"]) == ("bilag.pdf", "3", "to.pdf")
    assert [content.get(file["sha256"]) for file in (first, second)] == [b"one", b"two"]
    assert verify().ok


def test_a_person_in_an_attachments_name_is_refused_and_not_repeated(deliver, receipt):
    data, rows = receipt(
        deliver(request(voucher(FILES=[attached(b"x", FILE_NAME="010190-1234.pdf", FILE_LENGTH="2")])))
    )
    assert [number for number, *_ in rows] == ["449", "451"]
    assert b"010190" not in data


# --- in one transaction

FAULTY = Finding(PostingAmountZero(value="0.00"), Place(1))  # nothing more is looked at


def test_a_transaction_ends_before_memory_does():
    def vouchers(count: int, lines: int, kilobytes: int = 0) -> list[Document]:
        files = ({"FILE": "x" * 1024 * kilobytes},) if kilobytes else ()
        return [Document(place, {}, files, [{}] * lines, b"", (FAULTY,)) for place in range(count)]

    def sizes(documents: list[Document]) -> list[int]:
        examined = examine(documents, "999", ReadingLimits())
        return [len(batch) for batch in batches(examined, most=1000)]

    assert sizes(vouchers(2500, 10)) == [1000, 1000, 500]
    assert sizes(vouchers(5, BATCH_WEIGHT // 2)) == [2, 2, 1]
    assert sizes(vouchers(3, 99_999)) == [1, 1, 1]
    assert sizes(vouchers(5, 2, BATCH_WEIGHT)) == [1, 1, 1, 1, 1]
    assert sizes([]) == []
