"""Made-up invoices: what stands in the books of them is what the real way would have booked."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from uuid import uuid4

import pytest
from peewee import fn
from spyne.util.dictdoc import get_dict_as_object

from opus_soap.clock import isoformat
from opus_soap.database import proxy
from opus_soap.documents.invoice import DocumentLimits
from opus_soap.documents.reading import PEPPOL, read_invoice
from opus_soap.documents.rendering import render_html
from opus_soap.errors import mask_cpr
from opus_soap.extracts import books as extracted
from opus_soap.interfaces.invoice_approval import lending
from opus_soap.interfaces.invoice_approval.answers import content_of, receive_answer
from opus_soap.interfaces.invoice_approval.contract import AfsendFakturaInformationSvar_I
from opus_soap.interfaces.invoice_approval.importing import facts_of, import_invoice, supplier_key
from opus_soap.interfaces.invoice_approval.messages import read_answer
from opus_soap.interfaces.purchase_analysis.invoices import invoices_of
from opus_soap.ledger.loading import load_municipality
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import Posting, Supplier, Voucher
from opus_soap.ledger.posting import label, lines_of
from opus_soap.settings import load
from opus_soap.soap.service import CallContext
from opus_soap.store import audit, content
from opus_soap.store.models import (
    Answer,
    Content,
    InboxEntry,
    Invoice,
    Lending,
    OutboxEntry,
    System,
    SystemCertificate,
)
from opus_soap.store.organisation_models import OrgUnit
from tests.simulate.test_books import SMALL

HEADER = {"TransaktionsId": "1", "TransaktionsTid": "2026-11-23T11:00:00Z"}
SAME = (
    *("municipality", "supplier_key", "supplier_number", "supplier_name", "document_type", "issue_date"),
    *("due_date", "currency", "payable_cents", "tax_cents", "payable_ore", "tax_ore", "exchange_rate"),
    *("ean", "person_reference", "order_number", "company_code"),
)


@pytest.fixture
def filled(fill):
    """Books in which every supplier's voucher comes of an invoice."""
    return fill(postings=700, invoices=100, suppliers=30, employees=40)


def voucher_of(invoice: Invoice) -> Voucher:
    answer = Answer.select().join(Lending).where(Lending.invoice == invoice).get()
    found: Voucher = Voucher.get(Voucher.uuid == answer.voucher_uuid)
    return found


def document_of(invoice: Invoice):
    return read_invoice(content.get(invoice.original_id), DocumentLimits())


def as_message(answer: Answer):
    told = {"HovedOplysninger": HEADER, **content_of(answer)}
    for posting in told["Kontering"]["Postering"]:
        data = posting["Posteringsdata"]
        data["PosteringsdataBeløb"] = Decimal(data["PosteringsdataBeløb"])
    return read_answer(get_dict_as_object(told, AfsendFakturaInformationSvar_I))


def test_what_is_kept_is_what_the_house_reads_in_the_original(filled):
    invoices = list(Invoice.select())
    assert len(invoices) == filled.invoices > 50
    assert {row.document_type for row in invoices} == {"invoice", "credit_note"}
    assert {row.facts["standard"] for row in invoices} == {"OIOUBL-2.1", PEPPOL}
    for row in invoices:
        document = document_of(row)
        assert {name: getattr(row, name) for name in facts_of(document)} == facts_of(document)
        assert row.supplier_key == supplier_key(document)
        assert content.get(row.rendering_id) == render_html(document)
        assert (row.state, row.state_reason) == (Invoice.BOOKED, label(voucher_of(row)))
        assert mask_cpr(row.number) == row.number


def test_the_supplier_is_called_and_lives_as_the_master_data_say(filled):
    lives = set()
    for row in Invoice.select():
        known, told = Supplier.get(Supplier.number == row.supplier_number), document_of(row).supplier
        place = f"{known.postal_code} {known.city}".strip()
        assert told.name == known.name
        assert told.address == tuple(filter(None, (known.street, place, known.country or "DK")))
        lives.add(told.address)
    assert ("DK",) in lives  # of who has no address in the master data, none is made up
    assert len(lives) > 10


def test_the_voucher_is_what_the_invoice_says(filled):
    for row in Invoice.select():
        voucher, sign = voucher_of(row), 1 if row.document_type == "invoice" else -1
        lines = lines_of(voucher)
        assert [(line.supplier, -line.amount_ore) for line in lines if line.supplier] == [
            (row.supplier_number, sign * row.payable_ore)
        ]
        assert sum(line.amount_ore for line in lines if line.account == "90510025") == sign * row.tax_ore
        assert voucher.document_type == ("KR" if sign > 0 else "KG")
        assert (voucher.reference, voucher.document_date.isoformat()) == (row.number, row.issue_date)
        assert Supplier.get(Supplier.number == row.supplier_number).cvr == row.supplier_key[-8:]


def test_the_real_way_books_the_same(filled, company, clock):
    """Each of them imported, lent and answered in earnest, under another number."""
    system = System.get()
    context = CallContext(system, "999", "urn:uuid:x", uuid4(), clock.now())
    seen = Counter()
    for row in list(Invoice.select()):
        made, wrong = row.number.encode(), b"7" + row.number.encode()[1:]
        data = content.get(row.original_id).replace(made, wrong)
        again = import_invoice(data, "x.xml", company, clock=clock, settings=load(), actor="test")
        assert (again.state, again.state_reason) == (Invoice.PARKED, "")
        assert [getattr(again, name) for name in SAME] == [getattr(row, name) for name in SAME]
        lent = lending.lend(again, system, answer_required=True, actor="test", clock=clock)
        answer = Answer.select().join(Lending).where(Lending.invoice == row).get()
        message = replace(as_message(answer), uuid=uuid4(), lending=lent.uuid)
        receipt = receive_answer(message, context, clock)
        assert receipt.errors == ()
        booked, expected = voucher_of(again), voucher_of(row)
        assert lines_of(booked) == lines_of(expected)
        for name in ("document_type", "document_date", "posting_date", "header_text", "entered_by", "period"):
            assert getattr(booked, name) == getattr(expected, name)
        seen[row.document_type, bool(row.tax_cents)] += 1
    assert len(seen) == 4


def test_the_answer_is_kept_as_an_answer_is(filled):
    for answer in Answer.select():
        message = as_message(answer)
        entry = InboxEntry.get(InboxEntry.business_key == str(answer.uuid))
        assert message.canonical() == content.get(entry.body_id)
        assert (message.uuid, message.lending) == (answer.uuid, answer.lending.uuid)
        assert json.loads(content.get(entry.answer_id)) == {"at": isoformat(answer.received_at)}


def test_the_trail_of_each_is_whole_and_in_the_order_of_time(filled):
    whole = []
    for row in Invoice.select():
        trail = audit.trail(row.uuid)
        assert [entry.event.partition(".")[2] for entry in trail] == [
            *("imported", "queued", "delivered", "booked")
        ]
        assert row.received_at == trail[0].at < trail[1].at < trail[2].at < trail[3].at
        assert trail[3].at == voucher_of(row).entered_at
        assert trail[3].detail["voucher"] == row.state_reason
        whole += trail
    whole.sort(key=lambda entry: entry.id)
    assert all(earlier.at <= later.at for earlier, later in pairwise(whole))


def test_nothing_waits_and_nothing_is_sent(filled, clock):
    assert {row.state for row in Lending.select()} == {Lending.ANSWERED}
    assert {(row.state, row.receipt_id is None) for row in OutboxEntry.select()} == {("delivered", False)}
    assert OutboxEntry.select().count() == Lending.select().count() == Answer.select().count()
    assert lending.remind(actor="test", clock=clock) == []
    assert list(content.verify()) == []


def test_nobody_can_speak_as_the_system_that_approved(filled):
    (system,) = System.select()
    assert (system.active, system.services, system.endpoint_url) == (False, [], None)
    assert not SystemCertificate.select().exists()


def test_they_are_addressed_to_units(filled):
    known = {row.ean for row in OrgUnit.select()}
    eans = Counter(row.ean for row in Invoice.select())
    assert set(eans) - {None} <= known
    assert len(eans) > 5
    assert 0 < eans[None] < 0.2 * filled.invoices  # by CVR number


def test_where_there_are_no_units_they_are_addressed_all_the_same(fill):
    assert fill(postings=200, invoices=100).invoices > 10
    assert {row.ean for row in Invoice.select()} <= {"5798009800004", None}


def test_as_many_as_are_said(fill):
    done = fill(postings=4000, invoices=25)
    suppliers = Voucher.select().where(Voucher.document_type.in_(["KR", "KG"]), Voucher.reverses.is_null())
    assert 0.18 < done.invoices / suppliers.count() < 0.32
    assert done.invoices == Invoice.select().count()


def test_none_when_none_are_wanted(fill):
    assert fill(invoices=0).invoices == 0
    assert not any(model.select().exists() for model in (Invoice, System, Content))


@pytest.mark.parametrize("postings", [2, 3, 4, 5, 6, 7, 8, 61, 62])
def test_still_exactly_as_many_postings_as_ordered(fill, postings):
    assert fill(postings=postings, invoices=100).postings == Posting.select().count() == postings


def test_the_same_seed_makes_the_same_documents(fill):
    def documents(**changes) -> set[str]:
        with proxy.obj.atomic() as transaction:
            fill(postings=300, invoices=100, **changes)
            found = {row.original_id for row in Invoice.select()}
            transaction.rollback()
        return found

    first = documents()
    assert documents() == first
    assert not first & documents(seed=2)


def test_made_up_again_they_are_others(fill):
    first, again = fill(postings=300, invoices=100), fill(postings=300, invoices=100)
    numbers = {row.number for row in Invoice.select()}
    assert len(numbers) == first.invoices + again.invoices
    assert System.select().count() == 1


def test_reversed_ones_are_told_with_their_invoice(company, fill):
    fill(postings=6000, invoices=100)
    heads = [head for page in extracted.pages(company, 0, 2**31) for head in page]
    invoices = invoices_of(heads)
    reversals = [head for head in heads if head.reverses is not None and head.id in invoices]
    assert len(reversals) > 3
    assert all(invoices[head.id] == invoices[head.reverses] for head in reversals)


def test_where_nothing_has_vat(fill):
    load_municipality(SMALL)
    done = fill(company_code("998", "0001"), postings=300, invoices=100)
    assert done.invoices > 50
    assert Invoice.select(fn.SUM(Invoice.tax_cents)).scalar() == 0
    assert {row.account for row in Posting.select()} == {"22", "93"}


def test_a_supplier_without_a_cvr_number_sends_none(fill):
    Supplier.update(cvr=None).execute()
    assert fill(invoices=100).invoices == 0
