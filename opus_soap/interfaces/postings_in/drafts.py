"""From a POSTING_DOCUMENT to a voucher draft, field for field; nothing that was delivered is lost.

What the ledger has columns for goes there. The rest stands in `details` under the format's own names,
but for numbers of persons and companies: they go into content that can be purged, and only its hash stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Any

from opus_soap.clock import Clock
from opus_soap.interfaces.postings_in.checks import day, ore
from opus_soap.interfaces.postings_in.reading import Document
from opus_soap.ledger.models import CompanyCode
from opus_soap.ledger.periods import told_period
from opus_soap.ledger.posting import PostingLine, VoucherDraft
from opus_soap.store.models import PostingFile

# the fiscal year and period that a date is posted into
PeriodOf = Callable[[date], tuple[int | None, int | None]]

PERSONAL = ("PAYEE_NO", "SERV_REC_NO", "INFORM_DUTY_NO")
# element → column; in the order of the contract
LINE_COLUMNS = {
    "COSTCENTER": "cost_center",
    "ORDERID": "order",
    "PROFIT_CTR": "profit_center",
    "NETWORK": "network",
    "ACTIVITY": "activity",
    "WBS_ELEMENT": "wbs_element",
    "PART_PRCTR": "partner_profit_center",
}
_TAKEN = {
    "DEB_CRED_IND",
    "AMT_DOCCUR",
    "VALUE_DATE",
    "ITEM_TEXT",
    "ALLOC_NMBR",
    "GL_ACCOUNT",
    *PERSONAL,
}
_HEADER_DETAILS = ("USERNAME", "EXCH_RATE", "TRANS_DATE", "XREF1_HD", "XREF2_HD", "XBLNR_ALT")


def draft(
    document: Document,
    company: CompanyCode,
    *,
    file: PostingFile,
    period_of: PeriodOf,
    personal: str | None = None,
) -> VoucherDraft:
    """The draft of a voucher that has been checked; `personal` is the hash of its numbers of persons."""
    header = document.header
    posting_date, document_date = day(header["PSTNG_DATE"]), day(header["DOC_DATE"])
    assert posting_date is not None  # checked
    assert document_date is not None
    year, period = period_of(posting_date)
    if header.get("FIS_PERIOD"):
        year, period = posting_date.year, int(header["FIS_PERIOD"])
    details: dict[str, Any] = {name: header[name] for name in _HEADER_DETAILS if header.get(name)}
    if personal is not None:
        details["personal_sha256"] = personal
    return VoucherDraft(
        company_code=company,
        document_type=header["DOC_TYPE"],
        document_date=document_date,
        posting_date=posting_date,
        header_text=header["HEADER_TXT"],
        reference=header["RECEIV_DOC"],
        lines=tuple(_line(number, line) for number, line in enumerate(document.lines, start=1)),
        entered_by=file.sender.sender_id,
        source=f"{file.name}#{document.position}",
        currency=header.get("CURRENCY") or company.currency,
        year=year,
        period=period,
        details=details or None,
    )


def periods_of(company: CompanyCode, clock: Clock) -> PeriodOf:
    """`told_period`, looked up once for each date; for one transaction."""
    return cache(lambda day: told_period(company, day, clock=clock))


def _line(number: int, line: Mapping[str, str]) -> PostingLine:
    value_date = line.get("VALUE_DATE")
    columns, details = {}, {}
    for name, text in line.items():
        if column := LINE_COLUMNS.get(name):
            columns[column] = text
        elif text and name not in _TAKEN:
            details[name] = text
    return PostingLine(
        account=line["GL_ACCOUNT"].strip(),
        amount_ore=ore(line["AMT_DOCCUR"]),
        value_date=day(value_date) if value_date else None,
        text=line.get("ITEM_TEXT", ""),
        allocation=line.get("ALLOC_NMBR", ""),
        details=details,
        origin=str(number),
        **{column: text for column, text in columns.items() if text},
    )


def personal_numbers(document: Document) -> dict[str, dict[str, str]]:
    """The numbers of persons and companies, by line and element."""
    found = {}
    for number, line in enumerate(document.lines, start=1):
        numbers = {name: line[name] for name in PERSONAL if line.get(name)}
        if numbers:
            found[str(number)] = numbers
    return found
