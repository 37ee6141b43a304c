"""Answers in: booked, kept as rejections, or refused with every reason and still answerable."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from opus_soap.interfaces.invoice_approval import lending
from opus_soap.interfaces.invoice_approval.booking import due_ore
from opus_soap.ledger.models import Account, Period, Posting, Supplier, Voucher
from opus_soap.ledger.verification import verify
from opus_soap.store import agreements, outbox
from opus_soap.store.models import Answer, InboxEntry, Invoice, Lending, System
from tests.interfaces.invoice_approval.conftest import CREDIT_NOTE_AT, center, with_line, with_voucher


def codes(receipt):
    return [error.code for error in receipt.errors]


def state(lent):
    return Invoice.get_by_id(lent.invoice.id).state


def amounts(voucher):
    return {row.account: row.amount_ore for row in Posting.select().where(Posting.voucher == voucher)}


def test_an_approval_becomes_one_voucher_with_its_vat(lend, approval, receive):
    lent = lend()
    invoice = Invoice.get_by_id(lent.invoice.id)
    assert receive(approval(lent)).accepted
    voucher = Voucher.get()
    assert voucher.document_type == "KR"
    assert voucher.reference == invoice.number
    assert amounts(voucher) == {
        "22000300": invoice.payable_ore - invoice.tax_ore,
        "90510025": invoice.tax_ore,
        "90590100": -invoice.payable_ore,
    }
    assert state(lent) == Invoice.BOOKED
    assert outbox.waiting_about(lent.uuid) is None
    assert verify().ok


def test_a_credit_note_is_booked_the_other_way_round(lend, approval, receive):
    lent = lend(CREDIT_NOTE_AT)
    invoice = Invoice.get_by_id(lent.invoice.id)
    assert due_ore(invoice) < 0
    assert receive(approval(lent)).accepted
    voucher = Voucher.get()
    assert voucher.document_type == "KG"
    assert amounts(voucher)["90590100"] == invoice.payable_ore


def test_a_rejection_is_kept_with_its_reasons(lend, approval, receive):
    lent = lend()
    reasons = ({"uuid": str(uuid4()), "element": None, "value": None, "text": "ikke modtaget", "code": "X"},)
    remark = ({"uuid": str(uuid4()), "date": "2026-11-23", "text": "se vedlagt"},)
    rejection = replace(
        approval(lent), result="Afvist", voucher=None, accepted=False, reasons=reasons, correspondence=remark
    )
    assert receive(rejection).accepted
    assert state(lent) == Invoice.REJECTED
    kept = Answer.get()
    assert kept.reasons[0]["text"] == "ikke modtaget"
    assert kept.correspondence[0]["text"] == "se vedlagt"
    assert Voucher.select().count() == 0


REFUSED = {
    "sum": (lambda m: with_line(m, amount=m.voucher.lines[0].amount + 1), ["FAK-005"]),
    "account unknown": (lambda m: with_line(m, account=UUID(int=1)), ["FAK-006"]),
    "account blocked": (
        lambda m: with_line(m, account=Account.get(Account.number == "22009900").uuid),
        ["LED-011"],
    ),
    "against the account rule": (
        lambda m: with_line(m, account=Account.get(Account.number == "90520001").uuid),
        ["LED-014"],
    ),
    "nothing to post on": (lambda m: with_line(m, dimensions={}), ["LED-013"]),
    "dimension unknown": (
        lambda m: with_line(m, dimensions={"OmkostningsstedIdentifikation": UUID(int=1)}),
        ["FAK-006"],
    ),
    "dimension blocked": (
        lambda m: with_line(m, dimensions={"OmkostningsstedIdentifikation": center("1199")}),
        ["LED-016"],
    ),
    "year unknown": (lambda m: with_voucher(m, posting_date=date(2031, 1, 1)), ["LED-020"]),
    "document type unknown": (lambda m: with_voucher(m, document_type="QQ"), ["LED-023"]),
    "company code": (lambda m: with_voucher(m, company_code=UUID(int=1)), ["FAK-012"]),
    "marked as reversal": (lambda m: with_voucher(m, reversal=True), ["FAK-014"]),
    "names an original": (lambda m: with_voucher(m, original=UUID(int=1)), ["FAK-014"]),
    "currency": (lambda m: with_line(m, currency="EUR"), ["FAK-011"]),
    "authority": (lambda m: replace(m, authority_cvr="12345678"), ["FAK-008"]),
    "supplier": (lambda m: replace(m, supplier_cvr="12345678"), ["FAK-013"]),
    "approved and rejected": (lambda m: replace(m, reasons=()), ["FAK-009"]),
    "approved without accounting": (lambda m: replace(m, voucher=None), ["FAK-009"]),
    "rejected with accounting": (
        lambda m: replace(m, result="Afvist", accepted=False, reasons=()),
        ["FAK-009"],
    ),
    "several at once": (
        lambda m: with_line(m, amount=Decimal(1), account=UUID(int=1), currency="EUR"),
        ["FAK-011", "FAK-006", "FAK-005"],
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_bad_content_is_refused_and_the_invoice_is_still_answerable(lend, approval, receive, row):
    change, expected = REFUSED[row]
    lent = lend()
    good = approval(lent)
    assert codes(receive(change(good))) == expected
    assert Voucher.select().count() == 0
    assert Answer.select().count() == 0
    assert InboxEntry.select().count() == 0
    assert state(lent) == Invoice.QUEUED
    assert receive(good).accepted  # the same UUID: a refused attempt is not final
    assert state(lent) == Invoice.BOOKED


def test_a_closed_period_is_refused(lend, approval, receive):
    lent = lend()
    Period.update(open=False).where(Period.number == 11).execute()
    assert codes(receive(approval(lent))) == ["LED-022"]


def test_an_inactive_supplier_is_refused(lend, approval, receive):
    lent = lend()
    Supplier.update(active=False).execute()
    assert codes(receive(approval(lent))) == ["LED-018"]


def test_an_unknown_invoice_is_refused(lend, approval, receive):
    assert codes(receive(replace(approval(lend()), lending=uuid4()))) == ["FAK-001"]


def test_information_only_cannot_be_answered(lend, approval, receive):
    lent = lend()
    Lending.update(state=Lending.INFORMATION).execute()
    assert codes(receive(approval(lent))) == ["FAK-002"]


def test_a_recalled_invoice_cannot_be_answered(lend, approval, receive, clock):
    lent = lend()
    lending.recall(Invoice.get_by_id(lent.invoice.id), actor="test", clock=clock)
    assert codes(receive(approval(lent))) == ["FAK-003"]
    assert state(lent) == Invoice.RECALLED


def test_another_system_or_municipality_cannot_answer(lend, approval, receive, system):
    lent = lend()
    other = agreements.register_system(
        uuid=UUID(int=8), municipality="999", name="Et andet", cvr="33333335", services=[]
    )
    assert codes(receive(approval(lent), other)) == ["FAK-007"]
    System.update(municipality="998").where(System.id == system.id).execute()
    moved = System.get_by_id(system.id)
    assert codes(receive(approval(lent), moved)) == ["FAK-007"]


def test_the_same_answer_again_gets_the_stored_receipt(lend, approval, receive, clock):
    from datetime import timedelta

    lent = lend()
    answer = approval(lent)
    first = receive(answer)
    clock.advance(timedelta(hours=1))
    again = receive(with_line(answer, amount=answer.voucher.lines[0].amount.quantize(Decimal("1.0000"))))
    assert again == first
    assert Voucher.select().count() == 1


def test_other_content_under_the_same_uuid_is_refused_by_its_differences(lend, approval, receive):
    lent = lend()
    answer = approval(lent)
    assert receive(answer).accepted
    other = with_line(answer, text="noget andet")
    receipt = receive(other)
    assert codes(receipt) == ["FAK-004"]
    assert receipt.errors[0].element == "voucher/lines[1]/text"
    assert "noget andet" in receipt.errors[0].text_danish
    assert "varer" in receipt.errors[0].text_danish
    assert Voucher.select().count() == 1


def test_a_new_answer_corrects_a_booked_one(lend, approval, receive):
    lent = lend()
    assert receive(approval(lent)).accepted
    correction = with_line(approval(lent), account=Account.get(Account.number == "22000400").uuid)
    assert receive(correction).accepted
    original, reversal, fresh = Voucher.select().order_by(Voucher.id)
    assert reversal.reverses == original
    assert "22000400" in amounts(fresh)
    assert Answer.select().order_by(Answer.id.desc()).first().corrects is not None
    assert state(lent) == Invoice.BOOKED
    assert verify().ok


def test_a_correction_may_also_reject(lend, approval, receive):
    lent = lend()
    assert receive(approval(lent)).accepted
    rejection = replace(
        approval(lent),
        result="Afvist",
        voucher=None,
        accepted=False,
        reasons=({"uuid": "x", "element": None, "value": None, "text": "fejl", "code": None},),
    )
    assert receive(rejection).accepted
    assert Voucher.select().count() == 2
    assert state(lent) == Invoice.REJECTED


def test_a_correction_whose_reversal_is_impossible_changes_nothing(lend, approval, receive):
    lent = lend()
    assert receive(approval(lent)).accepted
    Period.update(open=False).where(Period.number == 11).execute()
    rejection = replace(approval(lent), result="Afvist", voucher=None, accepted=False, reasons=())
    assert codes(receive(rejection)) == ["LED-022"]
    assert Voucher.select().count() == 1
    assert state(lent) == Invoice.BOOKED


def test_explicit_vat_is_left_as_it_is(lend, approval, receive):
    lent = lend()
    answer = approval(lent)
    line = answer.voucher.lines[0]
    vat = Decimal("10.00")
    lines = (
        replace(line, amount=line.amount - vat),
        replace(line, amount=vat, dimensions={}, account=Account.get(Account.number == "90510025").uuid),
    )
    assert receive(with_voucher(answer, lines=lines)).accepted
    assert amounts(Voucher.get())["90510025"] == 1000
