"""Answers in: booked, kept as rejections, or refused with every reason and still answerable."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from opus_soap.database import proxy
from opus_soap.interfaces.invoice_approval import lending
from opus_soap.interfaces.invoice_approval.answers import content_of
from opus_soap.interfaces.invoice_approval.booking import due_ore
from opus_soap.interfaces.invoice_approval.messages import Header
from opus_soap.ledger.models import Account, FiscalYear, Period, Posting, Supplier, Voucher
from opus_soap.ledger.posting import reverse
from opus_soap.ledger.verification import verify
from opus_soap.store import agreements, outbox, purging
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
    rejection = replace(approval(lent), result="Afvist", voucher=None, accepted=False, rejected=True)
    assert receive(rejection).accepted
    assert state(lent) == Invoice.REJECTED
    assert content_of(Answer.get())["result"] == "Afvist"
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
        ["FAK-031", "LED-014"],
    ),
    "on the bank account": (
        lambda m: with_line(m, account=Account.get(Account.number == "90520002").uuid, dimensions={}),
        ["FAK-031"],
    ),
    "on the equity account": (
        lambda m: with_line(m, account=Account.get(Account.number == "90599000").uuid, dimensions={}),
        ["FAK-031"],
    ),
    "value date beyond belief": (lambda m: with_line(m, value_date=date(2060, 1, 1)), ["LED-035"]),
    "document date beyond belief": (lambda m: with_voucher(m, document_date=date(1926, 11, 23)), ["LED-035"]),
    "nothing to post on": (lambda m: with_line(m, dimensions={}), ["LED-013"]),
    "dimension unknown": (
        lambda m: with_line(m, dimensions={"OmkostningsstedIdentifikation": UUID(int=1)}),
        ["FAK-006"],
    ),
    "dimension blocked": (
        lambda m: with_line(m, dimensions={"OmkostningsstedIdentifikation": center("1199")}),
        ["LED-016"],
    ),
    "the end of the calendar": (lambda m: with_voucher(m, posting_date=date(9999, 1, 1)), ["LED-020"]),
    "year unknown": (lambda m: with_voucher(m, posting_date=date(2031, 1, 1)), ["LED-020"]),
    "document type of something else": (lambda m: with_voucher(m, document_type="AB"), ["FAK-018"]),
    "company code": (lambda m: with_voucher(m, company_code=UUID(int=1)), ["FAK-012"]),
    "marked as reversal": (lambda m: with_voucher(m, reversal=True), ["FAK-014"]),
    "names an original": (lambda m: with_voucher(m, original=UUID(int=1)), ["FAK-014"]),
    "currency": (lambda m: with_line(m, currency="EUR"), ["FAK-011"]),
    "authority": (lambda m: replace(m, authority_cvr="12345678"), ["FAK-008"]),
    "supplier": (lambda m: replace(m, supplier_cvr="12345678"), ["FAK-013"]),
    "approved and rejected": (lambda m: replace(m, rejected=True), ["FAK-009"]),
    "rejected and accepted": (lambda m: replace(m, result="Afvist", voucher=None), ["FAK-009"]),
    "approved without accounting": (lambda m: replace(m, voucher=None), ["FAK-009"]),
    "rejected with accounting": (
        lambda m: replace(m, result="Afvist", accepted=False, rejected=True),
        ["FAK-009"],
    ),
    "amount with a sign": (
        lambda m: with_line(m, amount=-m.voucher.lines[0].amount, debit=False),
        ["FAK-015"],
    ),
    "line of another day": (lambda m: with_line(m, posting_date=date(2026, 11, 22)), ["FAK-019"]),
    "due on another day": (lambda m: with_line(m, due_date=date(2031, 1, 1)), ["FAK-019"]),
    "all of it VAT": (
        lambda m: with_line(m, account=Account.get(Account.number == "90510025").uuid, dimensions={}),
        ["FAK-016"],
    ),
    "on the suppliers' account": (
        lambda m: with_line(m, account=Account.get(Account.number == "90590100").uuid, dimensions={}),
        ["FAK-017", "LED-009"],
    ),
    "for another municipality": (
        lambda m: replace(m, header=Header(municipality_cvr="11111111")),
        ["FAK-008"],
    ),
    "from another organisation": (
        lambda m: replace(m, header=Header(sender_organisation="11111111")),
        ["FAK-010"],
    ),
    "from another system": (
        lambda m: replace(m, header=Header(sender_system=str(UUID(int=2)))),
        ["FAK-010"],
    ),
    "to another organisation": (
        lambda m: replace(m, header=Header(receiver_organisation="11111111")),
        ["FAK-010"],
    ),
    "to another system": (
        lambda m: replace(m, header=Header(receiver_system=str(UUID(int=2)))),
        ["FAK-010"],
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
        rejected=True,
    )
    assert receive(rejection).accepted
    assert Voucher.select().count() == 2
    assert state(lent) == Invoice.REJECTED


def test_a_correction_whose_reversal_is_impossible_changes_nothing(lend, approval, receive):
    lent = lend()
    assert receive(approval(lent)).accepted
    Period.update(open=False).where(Period.number == 11).execute()
    rejection = replace(approval(lent), result="Afvist", voucher=None, accepted=False, rejected=True)
    (refused,) = receive(rejection).errors
    assert refused.code == "FAK-033"
    assert "Periode 11 2026 er ikke åben" in refused.text_danish
    assert "The period 11 2026 is not open" in refused.text_english
    assert Voucher.select().count() == 1
    assert state(lent) == Invoice.BOOKED


def test_a_correction_of_what_was_reversed_by_hand_is_refused(lend, approval, receive, clock):
    lent = lend()
    assert receive(approval(lent)).accepted
    voucher = Voucher.get()
    reverse(voucher, posting_date=voucher.posting_date, entered_by="cli:x", source="s", clock=clock)
    (refused,) = receive(replace(approval(lent), uuid=uuid4())).errors
    assert refused.code == "FAK-033"
    assert "allerede tilbageført" in refused.text_danish
    assert Voucher.select().count() == 2


def test_a_correction_dated_earlier_is_reversed_on_the_vouchers_own_day(lend, approval, receive):
    """No month shows the opposite of what it does not hold."""
    lent = lend()
    assert receive(approval(lent)).accepted
    assert receive(with_voucher(approval(lent), posting_date=date(2026, 10, 5))).accepted
    assert receive(with_voucher(approval(lent), posting_date=date(2025, 12, 31))).accepted
    dates = [row.posting_date for row in Voucher.select().order_by(Voucher.id)]
    november, october = date(2026, 11, 23), date(2026, 10, 5)
    assert dates == [november, november, october, october, date(2025, 12, 31)]
    assert verify().ok


def test_a_rejection_of_what_is_posted_ahead_is_dated_with_it(lend, approval, receive):
    lent = lend()
    assert receive(with_voucher(approval(lent), posting_date=date(2026, 12, 15))).accepted
    assert receive(
        replace(approval(lent), result="Afvist", voucher=None, accepted=False, rejected=True)
    ).accepted
    assert {row.posting_date for row in Voucher.select()} == {date(2026, 12, 15)}


def test_a_balance_account_that_is_opened_for_it_may_be_posted_on(lend, approval, receive):
    lent = lend()
    account = Account.get(Account.number == "90560100")
    assert receive(with_line(approval(lent), account=account.uuid, dimensions={})).accepted


def test_an_answer_of_too_many_lines_is_refused_by_their_number_alone(lend, approval, receive):
    answer = approval(lend())
    many = replace(answer, voucher=replace(answer.voucher, lines=answer.voucher.lines * 3))
    assert codes(receive(many, most_lines=2)) == ["FAK-032"]


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


def test_one_identifier_for_two_invoices_at_once_is_taken_once(lend, approval, receive, database_url):
    first, second = approval(lend(0)), approval(lend(1))
    second = replace(second, uuid=first.uuid)
    together = threading.Barrier(2)

    def give(message):
        with proxy.obj.connection_context():
            together.wait(5)
            return receive(message)

    with ThreadPoolExecutor(2) as pool:
        receipts = list(pool.map(give, [first, second]))
    assert sorted(receipt.accepted for receipt in receipts) == [False, True]
    (refused,) = [receipt for receipt in receipts if not receipt.accepted]
    assert "FAK-004" in codes(refused)
    assert Voucher.select().count() == 1


def test_the_stored_receipt_outlives_what_was_purged(lend, approval, receive, clock):
    lent = lend()
    answer = approval(lent)
    first = receive(answer)
    clock.advance(timedelta(days=5000))
    purging.purge(now=clock.now(), retention=timedelta(days=1))
    assert receive(answer) == first
    assert codes(receive(with_line(answer, text="andet"))) == ["FAK-004"]


def test_an_answer_of_many_lines(lend, approval, receive):
    """More than an engine takes in one statement; the last line takes what is left."""
    lent = lend()
    answer = approval(lent)
    (line,) = answer.voucher.lines
    each = [replace(line, amount=Decimal("0.01"))] * 7999
    last = replace(line, amount=line.amount - Decimal("79.99"))
    many = replace(answer, voucher=replace(answer.voucher, lines=(*each, last)))
    assert receive(many).accepted
    assert Posting.select().count() >= 8001
    assert verify().ok


def test_an_answer_of_a_closed_december_goes_into_the_supplement(lend, approval, receive, company):
    old = FiscalYear.get(FiscalYear.company_code == company, FiscalYear.year == 2025)
    Period.update(open=False).where(Period.fiscal_year == old, Period.number <= 13).execute()
    lent, day = lend(), date(2025, 12, 30)
    assert receive(with_voucher(approval(lent), posting_date=day)).accepted
    correction = with_line(approval(lent), account=Account.get(Account.number == "22000400").uuid)
    assert receive(with_voucher(correction, posting_date=day)).accepted
    assert {(row.year, row.period) for row in Voucher.select()} == {(2025, 14)}
    assert Voucher.select().count() == 3
    assert verify().ok


def test_a_missing_dimension_is_named_as_the_contract_does(lend, approval, receive):
    (missing,) = receive(with_line(approval(lend()), dimensions={})).errors
    assert missing.expected == "OmkostningsstedIdentifikation, PSPElementIdentifikation"
    assert "OmkostningsstedIdentifikation" in missing.text_danish
