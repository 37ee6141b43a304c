"""What an invoice looks like on its way out, in the order of the contract.

Lines and vouchers have the names of posteringer UD.
"""

from __future__ import annotations

from collections.abc import Iterable

from opus_soap.extracts.books import PLACE, Booked, Row, identity
from opus_soap.extracts.elements import Texts, amount, day, group, leaves, tags
from opus_soap.extracts.output import Form
from opus_soap.extracts.sap_names import OF_LINE, ON_LINES
from opus_soap.interfaces.purchase_analysis.invoices import Invoiced

FORM = Form("Indkoebsanalyse", "urn:opus-soap:udtraek:indkoebsanalyse:1", "Indkoebsanalyse.xsd")

HEADER = (
    "INVOICE_ID",
    "INVOICE_TYPE",
    "INVOICE_NO",
    "ISSUE_DATE",
    "DUE_DATE",
    "SUPPLIER_NO",
    "SUPPLIER_NAME",
    "SUPPLIER_CVR",
    "INVOICE_CURRENCY",
    "PAYABLE_AMOUNT",
    "TAX_AMOUNT",
    "EAN",
    "PERSON_REFERENCE",
    "ORDER_NUMBER",
)
VOUCHER = (
    "COMP_CODE",
    "DOC_TYPE",
    "FISC_YEAR",
    "DOC_NO",
    "FIS_PERIOD",
    "DOC_DATE",
    "PSTNG_DATE",
    "RECEIV_DOC",
    "HEADER_TXT",
    "CURRENCY",
    "NO_DOC_POSITION",
    "ENTERED_AT",
    "ENTERED_BY",
    "SOURCE",
    "DOC_ID",
    "DOC_HASH",
    "REVERSES",
    "REVERSED_BY",
)
LINE = tuple(name for name in OF_LINE if name != "AMT_LOCCUR")  # invoices' are in the books' currency
ORIGINAL = ("FILE_NAME", "FILE_LENGTH", "FILE_SHA256")
COLUMNS = (*HEADER, *VOUCHER, *ORIGINAL, *LINE)  # of the CSV file
_HEADER_TAGS, _VOUCHER_TAGS, _LINE_TAGS = tags(HEADER), tags(VOUCHER), tags(LINE)
_ORIGINAL_TAGS = tags(ORIGINAL)
_TYPES = {"invoice": "INVOICE", "credit_note": "CREDIT_NOTE"}


def header(invoice: Invoiced, lines: Iterable[Row]) -> Texts:
    """By `HEADER`; the supplier's number is the one that was posted on."""
    suppliers = (line[PLACE["supplier"]] for line in lines)
    return [
        str(invoice.uuid),
        _TYPES[invoice.document_type],
        invoice.number,
        day(invoice.issue_date),
        day(invoice.due_date),
        next(filter(None, suppliers), None),
        invoice.supplier_name,
        invoice.supplier_cvr,
        invoice.currency,
        amount(invoice.payable_cents),
        amount(invoice.tax_cents),
        invoice.ean,
        invoice.person_reference,
        invoice.order_number,
    ]


def voucher(company: str, booked: Booked) -> Texts:
    """By `VOUCHER`."""
    head = booked.head
    return [
        company,
        head.document_type,
        str(head.year),
        str(head.number),
        str(head.period),
        day(head.document_date),
        day(head.posting_date),
        head.reference,
        head.header_text,
        head.currency,
        str(len(booked.lines)),
        head.entered_at,
        head.entered_by,
        head.source,
        identity(head.uuid),
        bytes(head.hash).hex(),
        booked.reverses,
        booked.reversed_by,
    ]


def line(row: Row) -> Texts:
    """By `LINE`."""
    ore: int = row[PLACE["amount_ore"]]
    told: dict[str, str | None] = {
        "ITEMNO": str(row[PLACE["line"]]),
        "DEB_CRED_IND": "D" if ore > 0 else "K",
        "AMT_DOCCUR": amount(ore),
        "VALUE_DATE": day(row[PLACE["value_date"]]),
        "ITEM_TEXT": row[PLACE["text"]],
        "ALLOC_NMBR": row[PLACE["allocation"]],
        **{name: row[PLACE[column]] for name, column in ON_LINES.items()},
    }
    return [told[name] for name in LINE]


def original(invoice: Invoiced) -> Texts:
    """By `ORIGINAL`."""
    return [invoice.file_name, str(invoice.size), invoice.sha256]


def around(head: Texts, book: Texts, file: Texts) -> tuple[str, str]:
    """What stands before the lines of an INVOICE, and behind them up to what there is of its original."""
    before = f"{group('HEADER', _HEADER_TAGS, head)}{group('VOUCHER', _VOUCHER_TAGS, book)}"
    return f"<INVOICE>{before}<LINES>\n", f"</LINES>\n<ORIGINAL>{leaves(_ORIGINAL_TAGS, file)}"


def lines_text(lines: Iterable[Texts]) -> str:
    """LINE elements."""
    return "".join(group("LINE", _LINE_TAGS, texts) for texts in lines)
