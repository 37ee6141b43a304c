"""What a document may say: amounts in its own currency, numbers that fit, references that can be paid."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from opus_soap.documents.invoice import LONGEST, DocumentLimits, InvoiceDocument
from opus_soap.documents.reading import read_invoice
from opus_soap.errors import DocumentRefused, DocumentTooLarge, DocumentUnknown, FormatUnsupported
from opus_soap.store.models import Invoice, InvoiceAttachment

LIMITS = DocumentLimits()
ATTACHMENT_AT = 4


@pytest.fixture
def read(documents):
    """Read the first synthetic document, or another, with texts replaced."""

    def make(*changes: tuple[str, str], at: int = 0, limits: DocumentLimits = LIMITS) -> InvoiceDocument:
        data = documents[at].data.decode()
        for before, after in changes:
            assert before in data, before
            data = data.replace(before, after)
        return read_invoice(data.encode(), limits)

    return make


def test_a_plain_document_has_no_warnings(read):
    assert read().warnings == ()


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        # an amount of another currency is another amount
        ('<cbc:PayableAmount currencyID="DKK">', '<cbc:PayableAmount currencyID="EUR">', "PayableAmount"),
        ('<cbc:PayableAmount currencyID="DKK">', "<cbc:PayableAmount>", "PayableAmount"),
        (
            '<cbc:LineExtensionAmount currencyID="DKK">20845.00',
            '<cbc:LineExtensionAmount currencyID="SEK">20845.00',
            r"InvoiceLine\[1\]/LineExtensionAmount",
        ),
        ('<cbc:TaxAmount currencyID="DKK">', '<cbc:TaxAmount currencyID="EUR">', "TaxAmount"),
        ('<cbc:TaxableAmount currencyID="DKK">', '<cbc:TaxableAmount currencyID="EUR">', "TaxableAmount"),
        # a number that is none, or too long, or finer than an øre
        ("27300.63</cbc:PayableAmount>", "27300.634</cbc:PayableAmount>", "PayableAmount"),
        ("27300.63</cbc:PayableAmount>", "99999999999999.63</cbc:PayableAmount>", "PayableAmount"),
        ("27300.63</cbc:PayableAmount>", "٣</cbc:PayableAmount>", "PayableAmount"),
        ("27300.63</cbc:PayableAmount>", "NaN</cbc:PayableAmount>", "PayableAmount"),
        ("27300.63</cbc:PayableAmount>", "1e3</cbc:PayableAmount>", "PayableAmount"),
        # a total that does not follow from its parts
        (
            '<cbc:TaxableAmount currencyID="DKK">21840.50</cbc:TaxableAmount>\n'
            '      <cbc:TaxAmount currencyID="DKK">5460.13',
            '<cbc:TaxableAmount currencyID="DKK">21840.50</cbc:TaxableAmount>\n'
            '      <cbc:TaxAmount currencyID="DKK">1.00',
            "TaxTotal",
        ),
        # a date that is none
        ("<cbc:IssueDate>2026-11-05", "<cbc:IssueDate>2026-11-05garbage", "IssueDate"),
        ("<cbc:IssueDate>2026-11-05", "<cbc:IssueDate>2026-13-05", "IssueDate"),
        ("<cbc:IssueDate>2026-11-05", "<cbc:IssueDate>0001-01-01", "IssueDate"),
        ("<cbc:IssueDate>2026-11-05", "<cbc:IssueDate>20261105", "IssueDate"),
        # what the contract cannot carry
        ("<cbc:ID>2036001<", f"<cbc:ID>{'1' * 65}<", "ID"),
        ("<cbc:Name>Nordlys Kontor A/S<", f"<cbc:Name>{'n' * 256}<", "PartyName"),
        ("<cbc:ID>AKRI<", f"<cbc:ID>{'n' * 256}<", "Contact"),
        ("<cbc:ID>4500012345<", f"<cbc:ID>{'n' * 256}<", "OrderReference"),
    ],
)
def test_what_is_refused(read, before, after, named):
    with pytest.raises(DocumentRefused, match=named):
        read((before, after))


def test_a_date_may_have_a_zone(read):
    document = read(("<cbc:IssueDate>2026-11-05", "<cbc:IssueDate>2026-11-05+01:00"))
    assert document.issue_date.isoformat() == "2026-11-05"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("<cbc:Percent>25", "<cbc:Percent>5", "5 %"),
        ("000000020360012", "20", "15 cifre"),
        ("000000020360012", "000000020360011", "kontrolciffer"),
        ("81234567", "X", "kreditornummer"),
        ("<cbc:PaymentMeansCode>93", "<cbc:PaymentMeansCode>ZZZ", "ZZZ"),
        ('schemeID="GLN">5798009900012', 'schemeID="GLN">57900000000AB', "GLN"),
    ],
)
def test_what_is_odd_is_said(read, before, after, said):
    (warning,) = read((before, after)).warnings
    assert said in warning.text


def test_an_iban_has_check_digits(read, documents):
    at = next(index for index, document in enumerate(documents) if b"Code>31<" in document.data)
    data = documents[at].data
    start = data.index(b"<cac:PayeeFinancialAccount>") + len(b"<cac:PayeeFinancialAccount>")
    number = data[data.index(b"<cbc:ID>", start) + 8 : data.index(b"</cbc:ID>", start)].decode()
    (warning,) = read((number, "DK0000000000000000"), at=at).warnings
    assert "IBAN" in warning.text


def test_an_attachment_of_a_type_that_is_not_sent_on_is_said(read):
    document = read(('mimeCode="application/pdf"', 'mimeCode="text/html"'), at=ATTACHMENT_AT)
    assert document.attachments == ()
    assert "text/html" in document.warnings[0].text


@pytest.mark.parametrize("code", ["APPLICATION/PDF", "application/pdf; name=x"])
def test_an_attachments_type_is_read_as_it_is_meant(read, code):
    document = read(('mimeCode="application/pdf"', f'mimeCode="{code}"'), at=ATTACHMENT_AT)
    assert document.attachments[0].media_type == "application/pdf"


@pytest.mark.parametrize("name", ["dir/", "..", "", "x" * 300 + ".pdf"])
def test_an_attachment_always_has_a_name_that_fits(read, name):
    document = read(('filename="timeseddel.pdf"', f'filename="{name}"'), at=ATTACHMENT_AT)
    assert document.attachments[0].file_name == "bilag-1.pdf"


def test_counts_are_limited_before_anything_else_is_looked_at(read):
    with pytest.raises(DocumentTooLarge, match="InvoiceLine"):
        read(limits=replace(LIMITS, max_lines=3))
    with pytest.raises(DocumentTooLarge, match="attachments"):
        read(at=ATTACHMENT_AT, limits=replace(LIMITS, max_attachments=0))
    with pytest.raises(DocumentTooLarge, match="EmbeddedDocumentBinaryObject"):
        read(at=ATTACHMENT_AT, limits=replace(LIMITS, max_attachment_bytes=10))
    many = "<cac:AllowanceCharge/>" * 25_000
    with pytest.raises(DocumentTooLarge):
        read(("<cac:TaxTotal>", f"{many}<cac:TaxTotal>"))


@pytest.mark.parametrize(
    "line", ["<cac:InvoiceLine><cbc:Note/><cbc:ID/></cac:InvoiceLine>", "<cac:InvoiceLine/>"]
)
def test_thousands_of_errors_are_told_by_the_first(read, line):
    """Nobody reads more, and finding where each stands is what costs."""
    started = time.process_time()
    with pytest.raises(DocumentRefused) as refused:
        read(("</Invoice>", f"{line * 15_000}</Invoice>"))
    assert time.process_time() - started < 10  # was minutes
    assert len(refused.value.errors) <= 20
    assert len(str(refused.value)) < 10_000


def test_what_is_no_invoice_is_named():
    with pytest.raises(DocumentUnknown, match="Other"):
        read_invoice(b"<Other/>", LIMITS)
    invoice = b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>'
    with pytest.raises(FormatUnsupported, match="CustomizationID -"):
        read_invoice(invoice, LIMITS)


def test_what_is_read_fits_what_is_stored():
    assert {
        "ID": Invoice.number.max_length,
        "PartyName": Invoice.supplier_name.max_length,
        "Contact/ID": Invoice.person_reference.max_length,
        "OrderReference/ID": Invoice.order_number.max_length,
        "filename": InvoiceAttachment.file_name.max_length,
    } == LONGEST
