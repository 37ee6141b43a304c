"""Indkøbsanalyse: every voucher of an invoice once, with its lines and its original as it came."""

from __future__ import annotations

import base64
import csv
import hashlib
from datetime import date, timedelta

import pytest
from peewee import fn

from opus_soap.errors import HistoryInvalid, SubscriptionInvalid
from opus_soap.extracts import books, schedule
from opus_soap.extracts.delivering import Deliverer
from opus_soap.extracts.verifying import verify
from opus_soap.interfaces.purchase_analysis.form import COLUMNS, FORM, HEADER, LINE
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.ledger.posting import reverse
from opus_soap.store.extract_models import Extract
from opus_soap.store.models import Invoice
from tests.interfaces.invoice_approval.conftest import CREDIT_NOTE_AT
from tests.interfaces.purchase_analysis.conftest import DAY, NS, Read, texts


def originals(read):
    return [base64.b64decode(one.findtext(f"{NS}ORIGINAL/{NS}FILE")) for one in read.invoices]


def links(read):
    return [tuple(texts(one, "VOUCHER", "DOC_TYPE", "REVERSES", "REVERSED_BY")) for one in read.invoices]


def test_the_first_extract_has_each_invoice_with_its_lines_and_its_original(house, subscribe, extract):
    for _ in range(7):
        house.approve(house.lend())
    subscribe()
    read = extract()
    assert FORM.schema.validate(read.xml), FORM.schema.error_log
    assert originals(read) == [document.data for document in house.documents[:7]]
    imported = Invoice.select().order_by(Invoice.id)
    for one, document, invoice in zip(read.invoices, house.documents, imported, strict=False):
        name, length, digest = texts(one, "ORIGINAL", "FILE_NAME", "FILE_LENGTH", "FILE_SHA256")
        assert (name, length) == (document.file_name, str(len(document.data)))
        assert digest == hashlib.sha256(document.data).hexdigest()
        names = ("INVOICE_ID", "INVOICE_NO", "SUPPLIER_NO", "PAYABLE_AMOUNT")
        payable = f"{invoice.payable_cents / 100:.2f}"
        assert texts(one, "HEADER", *names) == [
            str(invoice.uuid),
            document.number,
            invoice.supplier_number,
            payable,
        ]
        voucher = Voucher.get(Voucher.reference == document.number)
        assert texts(one, "VOUCHER", "DOC_ID", "PSTNG_DATE") == [str(voucher.uuid), "20261123"]
        amounts = [line.findtext(f"{NS}AMT_DOCCUR") for line in one.iter(f"{NS}LINE")]
        booked = Posting.select().where(Posting.voucher == voucher).order_by(Posting.line)
        assert amounts == [f"{row.amount_ore / 100:.2f}" for row in booked]


def test_what_is_said_of_the_invoice_is_what_was_read_from_it(house, subscribe, extract):
    house.approve(house.lend())
    subscribe()
    (one,) = extract().invoices
    invoice = Invoice.get()
    assert invoice.tax_cents != invoice.payable_cents
    assert texts(one, "HEADER", *HEADER) == [
        str(invoice.uuid),
        "INVOICE",
        invoice.number,
        invoice.issue_date.replace("-", ""),
        invoice.due_date.replace("-", ""),
        invoice.supplier_number,
        invoice.supplier_name,
        invoice.supplier_key.removeprefix("DK:CVR:"),
        "DKK",
        f"{invoice.payable_cents / 100:.2f}",
        f"{invoice.tax_cents / 100:.2f}",
        invoice.ean,
        invoice.person_reference,
        invoice.order_number,
    ]
    lines = [(line.findtext(f"{NS}DEB_CRED_IND"), line.findtext(f"{NS}AMT_DOCCUR")[0]) for line in one[2]]
    assert {(mark, sign == "-") for mark, sign in lines} == {("D", False), ("K", True)}


def test_a_supplier_without_a_cvr_number_has_none(house, subscribe, extract):
    house.approve(house.lend())
    Invoice.update(supplier_key="sha256:" + "a" * 57).execute()
    subscribe()
    (one,) = extract().invoices
    assert texts(one, "HEADER", "SUPPLIER_CVR") == [None]


def test_totals_are_the_ledgers_and_the_manifest_holds(house, subscribe, extract):
    for _ in range(5):
        house.approve(house.lend())
    house.other()
    subscribe()
    read = extract()
    booked = Posting.select().join(Voucher).where(Voucher.document_type.in_(("KR", "KG")))
    debit = booked.where(Posting.amount_ore > 0).select(fn.SUM(Posting.amount_ore)).scalar()
    assert read.manifest["totals"] == {
        "vouchers": 5,
        "postings": booked.count(),
        "debit_ore": debit,
        "credit_ore": -debit,
        "records": len(read.xml.findall(f"{NS}PROFIT_CENTER")),
        "vouchers_left_out": 1,
    }
    assert verify(read.folder / f"{read.name}.manifest.json").ok


def test_a_credit_note_is_marked_and_its_amounts_are_as_printed(house, subscribe, extract):
    lent = house.lend(at=CREDIT_NOTE_AT)
    house.approve(lent)
    subscribe()
    (one,) = extract().invoices
    invoice = Invoice.get()
    assert texts(one, "HEADER", "INVOICE_TYPE", "PAYABLE_AMOUNT") == [
        "CREDIT_NOTE",
        f"{invoice.payable_cents / 100:.2f}",
    ]
    assert texts(one, "VOUCHER", "DOC_TYPE") == ["KG"]


def test_a_correction_comes_as_a_reversal_and_a_new_voucher(house, subscribe, extract):
    subscribe()
    lent = house.lend()
    house.approve(lent)
    first = extract()
    house.approve(lent)
    second = extract()
    one, reversal, other = (*first.labels(), *second.labels())
    assert links(first) == [("KR", None, None)]  # as it was then
    assert links(second) == [("KR", one, None), ("KR", None, None)]
    assert len({one, reversal, other}) == 3
    assert originals(second) == [house.documents[0].data] * 2
    whole = extract(full=True)
    assert links(whole) == [("KR", None, reversal), ("KR", one, None), ("KR", None, None)]


def test_a_rejection_of_what_was_booked_comes_as_its_reversal(house, subscribe, extract):
    subscribe()
    lent = house.lend()
    house.approve(lent)
    (one,) = extract().labels()
    house.reject(lent)
    assert links(extract()) == [("KR", one, None)]


def test_a_reversal_that_is_reversed_is_the_invoices_still(house, subscribe, extract, clock):
    house.approve(house.lend())
    voucher = Voucher.get()
    for _ in range(3):
        voucher = reverse(voucher, posting_date=DAY, entered_by="t", source="t", clock=clock)
    subscribe()
    read = extract()
    assert len({tuple(texts(one, "HEADER", "INVOICE_ID")) for one in read.invoices}) == 1
    assert len(read.invoices) == 4


def test_what_is_no_invoices_is_left_out(house, subscribe, extract, clock):
    house.approve(house.lend())
    reverse(house.other(), posting_date=DAY, entered_by="t", source="t", clock=clock)
    house.reject(house.lend())
    subscribe()
    read = extract()
    assert len(read.invoices) == 1
    assert read.manifest["totals"]["vouchers_left_out"] == 2


def test_between_invoices_the_lines_of_others_are_not_taken(house, subscribe, extract):
    for _ in range(3):
        house.approve(house.lend())
        house.other()
    subscribe()
    for one in extract().invoices:
        (count,) = texts(one, "VOUCHER", "NO_DOC_POSITION")
        assert len(list(one.iter(f"{NS}LINE"))) == int(count) >= 2


def test_the_history_begins_with_a_posting_date_and_deltas_have_whatever_is_booked(house, subscribe, extract):
    early, late = house.lend(), house.lend()
    house.approve(early, posting_date=date(2026, 10, 31))
    house.approve(late, posting_date=date(2026, 11, 1))
    subscribe("2026-11-01")
    (history,) = extract().invoices
    assert texts(history, "VOUCHER", "PSTNG_DATE") == ["20261101"]
    house.approve(house.lend(), posting_date=date(2026, 10, 30))
    (delta,) = extract().invoices
    assert texts(delta, "VOUCHER", "PSTNG_DATE") == ["20261030"]


def test_an_empty_week_is_an_extract_with_profit_centres_alone(house, subscribe, extract):
    subscribe()
    extract()
    read = extract()
    assert FORM.schema.validate(read.xml)
    assert not read.invoices
    assert read.xml.findtext(f"{NS}CONTROL_FIELDS/{NS}MODE") == "DELTA"


def test_weeks_go_by_and_each_has_what_is_new(house, subscribe, producer, clock):
    subscribe(calendar="weekly:MON")
    deliverer, lent = Deliverer(producer, clock), []
    for missed in (1, 3, 1, 1):  # Mondays until it runs again
        lent.append(house.lend())
        house.approve(lent[-1])
        house.approve(lent[0])
        house.other()
        clock.advance(timedelta(weeks=missed))
        schedule.run_due(producer, deliverer)
        schedule.run_due(producer, deliverer)  # nothing is due any more
    made = list(Extract.select().order_by(Extract.sequence))
    assert [one.due_on for one in made] == ["2026-11-30", "2026-12-21", "2026-12-28", "2027-01-04"]
    told = [label for one in made for label in Read(producer.place(one), one.name).labels()]
    booked = Voucher.select().where(Voucher.document_type.in_(("KR", "KG"))).order_by(Voucher.id)
    assert told == [f"{one.document_type} {one.year} {one.number}" for one in booked]
    assert len(told) > 8


def test_a_large_original_is_the_bytes_that_came(house, subscribe, extract):
    sent = house.documents[0].data + b"\n" * 1_000_001
    house.approve(house.lend(sent))
    house.approve(house.lend(at=1))
    subscribe()
    assert originals(extract()) == [sent, house.documents[1].data]


def test_without_originals_their_hash_stays(house, subscribe, extract):
    house.approve(house.lend())
    subscribe(originals=False)
    read = extract()
    (one,) = read.invoices
    assert texts(one, "ORIGINAL", "FILE", "PURGED") == [None, None]
    assert texts(one, "ORIGINAL", "FILE_SHA256") == [Invoice.get().original_id]
    assert FORM.schema.validate(read.xml)


@pytest.mark.parametrize("with_them", [True, False])
def test_in_pieces_a_voucher_is_what_it_is_at_once(house, subscribe, extract, again, monkeypatch, with_them):
    house.approve(house.lend())
    house.approve(house.lend(at=CREDIT_NOTE_AT))
    subscribe(originals=with_them)
    read = extract()
    monkeypatch.setattr(books, "PIECE", 1)
    again(read)  # compared, byte for byte


def test_the_csv_file_has_a_row_for_each_line(house, subscribe, extract):
    house.approve(house.lend())
    house.approve(house.lend(at=CREDIT_NOTE_AT))
    subscribe()
    read = extract()
    with (read.folder / f"{read.name}.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file, delimiter=";")
    assert head == list(COLUMNS)
    assert len(set(COLUMNS)) == len(COLUMNS)
    lines = [line for one in read.invoices for line in one.iter(f"{NS}LINE")]
    told = [[line.findtext(f"{NS}{name}") or "" for name in LINE] for line in lines]
    assert [row[-len(LINE) :] for row in rows] == told
    numbers = [one.findtext(f"{NS}HEADER/{NS}INVOICE_NO") for one in read.invoices]
    assert sorted({row[COLUMNS.index("INVOICE_NO")] for row in rows}) == sorted(numbers)


WRONG = {
    "missing": ({}, HistoryInvalid),
    "no date": ({"from": "januar"}, HistoryInvalid),
    "another form": ({"from": "20260101"}, HistoryInvalid),
    "a number": ({"from": 20260101}, HistoryInvalid),
    "behind the books": ({"from": "2062-01-01"}, HistoryInvalid),
    "another option": ({"from": "2026-01-01", "persons": True}, SubscriptionInvalid),
    "no truth": ({"from": "2026-01-01", "originals": "nej"}, SubscriptionInvalid),
}


@pytest.mark.parametrize(("options", "error"), WRONG.values(), ids=WRONG)
def test_options_that_cannot_be_are_refused(options, error, company):
    from opus_soap.interfaces.purchase_analysis.kind import PurchaseAnalysis

    with pytest.raises(error):
        PurchaseAnalysis().check(company, options)
