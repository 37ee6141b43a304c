"""Invoices that others published: each into a fresh ledger, out for approval, back, into the books."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from opus_soap.database import connect, transaction
from opus_soap.documents.invoice import DocumentLimits, InvoiceDocument
from opus_soap.documents.reading import read_invoice
from opus_soap.interfaces.invoice_approval import lending
from opus_soap.interfaces.invoice_approval.importing import import_invoice
from opus_soap.ledger.master_data import company_code, find_supplier
from opus_soap.ledger.models import Municipality, Posting, Supplier, Voucher
from opus_soap.ledger.verification import verify
from opus_soap.money import round_to_ore
from opus_soap.simulate.behaviours import Choice
from opus_soap.simulate.receiving import received
from opus_soap.store.models import ExchangeRate, InboxEntry, Invoice, RoutingRule, System
from tests.acceptance.in_process import Loop
from tests.conftest import NO_SAMPLES
from tests.documents.test_samples import FILES, is_valid, name

VALID = [path for path in FILES if is_valid(path)]
RATES = {"EUR": "746.00", "NOK": "64.00", "SEK": "68.00"}

pytestmark = pytest.mark.skipif(not FILES, reason=NO_SAMPLES)


def address_to_us(document: InvoiceDocument) -> None:
    """Make the municipality the one that the document is addressed to."""
    if document.customer.cvr:
        Municipality.update(cvr=document.customer.cvr).execute()
    elif document.customer.gln:
        rule = RoutingRule.select().order_by(RoutingRule.priority.desc()).first()
        RoutingRule.create(
            municipality="999", priority=rule.priority + 1, ean=document.customer.gln, system=rule.system
        )
    else:
        RoutingRule.update(ean=None).execute()


def know_the_world_of(document: InvoiceDocument, town: Loop) -> None:
    """Its supplier in the master data, and a rate for its currency."""
    address_to_us(document)
    with town.case_system.here():  # which acts for the same
        System.update(cvr=document.customer.cvr or System.cvr).execute()
    connect(town.opus.database_url)
    identifiers = document.supplier.known_by
    with transaction():
        if find_supplier("999", identifiers) is None:
            Supplier.create(
                municipality="999",
                uuid="5a0b7c0e-0000-4000-8000-000000000001",
                number="300001",
                name=document.supplier.name,
                cvr=document.supplier.cvr,
                identifiers=list(identifiers) or ["X:1"],
            )
        if document.currency != "DKK":
            ExchangeRate.create(
                municipality="999",
                currency=document.currency,
                valid_from="2000-01-01",
                rate_per_hundred=RATES[document.currency],
            )


@pytest.mark.parametrize("path", VALID, ids=name)
def test_each_valid_document_takes_the_whole_way(path: Path, loop: Callable[[Choice], Loop]):
    town = loop(Choice())
    data = path.read_bytes()
    document = read_invoice(data, DocumentLimits())
    know_the_world_of(document, town)
    company = company_code("999", "0020")
    imported = import_invoice(
        data, path.name, company, clock=town.clock, settings=town.settings["opus"], actor="test"
    )
    assert imported.payable_cents == round_to_ore(document.payable)
    assert imported.tax_cents == round_to_ore(document.tax_total)
    lending.send(imported, actor="test", clock=town.clock)
    town.run()
    invoice = Invoice.get()
    assert (invoice.state, invoice.state_code) == (Invoice.BOOKED, ""), invoice.state_reason
    check_voucher(invoice, document)
    assert verify().problems == ()
    with town.case_system.here():
        facts = received(InboxEntry.get())
        assert facts["number"] == document.number


def in_ore(amount: Decimal, document: InvoiceDocument) -> int:
    """An amount of the document in øre, negative on a credit note; reckoned here, not by the house."""
    sign = -1 if document.document_type == "credit_note" else 1
    return sign * round_to_ore(amount * Decimal(RATES.get(document.currency, "100")) / 100)


def check_voucher(invoice: Invoice, document: InvoiceDocument) -> None:
    """One voucher: the supplier has what is to be paid, VAT is at most the document's, the sum is zero."""
    company = company_code("999", "0020")
    (voucher,) = Voucher.select()
    assert voucher.reference == invoice.number
    postings = list(Posting.select().where(Posting.voucher == voucher))
    assert sum(line.amount_ore for line in postings) == 0
    supplier = [line for line in postings if line.account == company.supplier_account]
    assert [line.amount_ore for line in supplier] == [-in_ore(document.payable, document)]
    assert {line.supplier for line in supplier} == {invoice.supplier_number}
    vat = sum(line.amount_ore for line in postings if line.account == company.vat_refund_account)
    assert abs(vat) <= abs(in_ore(document.tax_total, document))
