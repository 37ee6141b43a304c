"""GL_Details: a row for each posting, with both trails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from opus_soap.clock import COPENHAGEN, from_isoformat
from opus_soap.errors import mask_cpr
from opus_soap.extracts.books import Booked, identity
from opus_soap.extracts.elements import amount
from opus_soap.interfaces.audit_extract.tables import Column, Table
from opus_soap.interfaces.audit_extract.year import Traced

_C = Column

DETAILS = Table(
    "GL_Details",
    "Posteringer",
    (
        _C("Journal_ID", "text", "Bilag", "Document type, year, number", "voucher"),
        _C("Journal_ID_Line_Number", "integer", "Linje", "Line of the voucher", "posting.line"),
        _C("Bill_Type_Code", "text", "Bilagsart", "Document type", "voucher.document_type"),
        _C("Journal_Number", "integer", "Bilagsnummer", "Number in the series", "voucher.number"),
        _C("Fiscal_Year", "integer", "Regnskabsår", "Fiscal year", "voucher.year"),
        _C("Accounting_Period", "integer", "Periode", "1–15", "voucher.period"),
        _C("Effective_Date", "date", "Bogføringsdato", "Posting date", "voucher.posting_date"),
        _C("Document_Date", "date", "Bilagsdato", "Date of the document", "voucher.document_date"),
        _C("Value_Date", "date", "Valørdato", "Value date", "posting.value_date", False),
        _C("GL_Account_Number", "text", "Artskonto", "G/L account", "posting.account"),
        _C("Amount", "amount", "Beløb", "Debit positive, credit negative", "posting.amount_ore / 100"),
        _C("Amount_Credit_Debit_Indicator", "side", "D/K", "D debit, C credit", "sign of the amount"),
        _C("Amount_Currency", "text", "Valuta", "Of the company code", "company_code.currency"),
        _C("Document_Amount", "text", "Beløb i bilagets valuta", "As it was delivered",
           "posting.details AMT_DOCCUR", False),
        _C("Document_Currency", "text", "Bilagets valuta", "As it was delivered", "voucher.details CURRENCY"),
        _C("Posting_Key", "text", "Posteringsnøgle", "SAP's", "posting.posting_key"),
        _C("JE_Header_Description", "text", "Bilagstekst", "Masked", "voucher.header_text", False),
        _C("JE_Line_Description", "text", "Posteringstekst", "Masked", "posting.text", False),
        _C("Reference_Number", "text", "Reference", "The outside world's number; masked", "voucher.reference",
           False),
        _C("Allocation", "text", "Allokering", "Masked", "posting.allocation", False),
        _C("Supplier_Account_ID", "text", "Kreditor", "Supplier", "posting.supplier", False),
        _C("Tax_Type_Code", "text", "Momskode", "VAT code", "posting.tax_code", False),
        _C("Cost_Center", "text", "Omkostningssted", "Dimension", "posting.cost_center", False),
        _C("WBS_Element", "text", "PSP-element", "Dimension", "posting.wbs_element", False),
        _C("Profit_Center", "text", "Profitcenter", "Dimension", "posting.profit_center", False),
        _C("Order_ID", "text", "Ordre", "Dimension", "posting.order_id", False),
        _C("Network", "text", "Netværk", "Dimension", "posting.network", False),
        _C("Activity", "text", "Operation", "Dimension", "posting.activity", False),
        _C("Functional_Area", "text", "Funktionsområde", "Dimension", "posting.functional_area", False),
        _C("Partner_Profit_Center", "text", "Partner-profitcenter", "Dimension",
           "posting.partner_profit_center", False),
        _C("Reversal_Indicator", "boolean", "Tilbageførsel", "It reverses another", "voucher.reverses"),
        _C("Reverses_Journal_ID", "text", "Tilbagefører", "Which", "voucher.reverses", False),
        _C("Reversed_By_Journal_ID", "text", "Tilbageført af", "What reverses it", "voucher.reverses", False),
        _C("Source", "text", "Kilde", "Transaction trail: message or command; masked", "voucher.source"),
        _C("Message_Type", "text", "Meddelelsestype", "posteringer-ind or faktura-svar",
           "posting_document, answer", False),
        _C("Message_ID", "text", "Meddelelse", "File and place in it, or the answer's UUID",
           "posting_document, answer", False),
        _C("Message_SHA256", "hex", "Meddelelsens hash", "Of the bytes as they came",
           "posting_file.sha256, archived_message", False),
        _C("Entered_By", "text", "Indtastet af", "Control trail: user or system", "voucher.entered_by"),
        _C("Entered_Date", "date", "Indtastet den", "In Copenhagen", "voucher.entered_at"),
        _C("Entered_Time", "time", "Indtastet kl.", "In Copenhagen", "voucher.entered_at"),
        _C("Approved_By", "text", "Godkendt af", "Who released it", "voucher.details RELEASED_BY", False),
        _C("Approved_Date", "date", "Godkendt den", "In Copenhagen", "audit_entry", False),
        _C("Approved_Time", "time", "Godkendt kl.", "In Copenhagen", "audit_entry", False),
        _C("Audit_Entries", "text", "Kontrolspor", "Numbers in OPUS_Audit_Trail", "audit_entry.id", False),
        _C("Voucher_UUID", "uuid", "Bilagets UUID", "Identifier", "voucher.uuid"),
        _C("Voucher_SHA256", "hex", "Bilagets hash", "As it was sealed", "voucher.hash"),
        _C("Seal_Number", "integer", "Segl", "The seal that it is under", "seal", False),
    ),
    ("Bill_Type_Code", "Journal_Number", "Journal_ID_Line_Number"),
)  # fmt: skip


def details(booked: Booked) -> dict[str, Any]:
    """What else was delivered with the voucher, by the sender's names."""
    stored = booked.head.details
    found: dict[str, Any] = orjson.loads(stored) if stored else {}
    return found


@lru_cache(maxsize=4096)
def local(stored: str) -> datetime:
    """An instant as it is stored, in Copenhagen."""
    return from_isoformat(stored).astimezone(COPENHAGEN)


def rows(traced: Traced, told: dict[str, Any], currency: str, seal: int | None) -> Iterator[list[object]]:
    """By `DETAILS`."""
    (head, lines, reverses, _, reversed_by), trail = traced
    entered = local(head.entered_at)
    released = local(trail.released_at) if trail.released_at else None
    name = head.label
    front = (head.document_type, head.number, head.year, head.period, head.posting_date, head.document_date)
    text, reference = mask_cpr(head.header_text), mask_cpr(head.reference)
    back = (
        head.reverses is not None,
        reverses,
        reversed_by,
        mask_cpr(head.source),
        trail.message_kind,
        mask_cpr(trail.message_id),
        trail.message_sha256,
        head.entered_by,
        f"{entered:%Y-%m-%d}",
        f"{entered:%H:%M:%S}",
        told.get("RELEASED_BY"),
        f"{released:%Y-%m-%d}" if released else "",
        f"{released:%H:%M:%S}" if released else "",
        " ".join(map(str, trail.audit)),
        identity(head.uuid),
        bytes(head.hash).hex(),
        seal,
    )
    foreign = told.get("CURRENCY") or head.currency
    for line in lines:
        number, key, account, ore, supplier, *dimensions, tax_code, value_date, said, allocation, more = line
        delivered = orjson.loads(more).get("AMT_DOCCUR") if more else None
        yield [
            name,
            number,
            *front,
            value_date,
            account,
            amount(ore),
            "D" if ore > 0 else "C",
            currency,
            delivered,
            foreign,
            key,
            text,
            mask_cpr(said),
            reference,
            mask_cpr(allocation),
            supplier,
            tax_code,
            *dimensions,
            *back,
        ]
