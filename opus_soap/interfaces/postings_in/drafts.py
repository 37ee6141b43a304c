"""From a POSTING_DOCUMENT to a voucher draft, field for field; nothing that was delivered is lost.

What the ledger has columns for goes there. The rest stands in `details` under the format's own names,
but for numbers of persons and companies, and attachments: they go into content that can be purged, and only
its hash stays.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from opus_soap.clock import Clock
from opus_soap.interfaces.postings_in.checks import FILE_TYPES, day, decoded, ore
from opus_soap.interfaces.postings_in.currency import RateOn, converted, rate_of
from opus_soap.interfaces.postings_in.reading import Document
from opus_soap.ledger.models import CompanyCode, Voucher
from opus_soap.ledger.periods import LAST_MONTH, SUPPLEMENT, told_period
from opus_soap.ledger.posting import PostingLine, VoucherDraft
from opus_soap.store.models import PostingFile

# the fiscal year and period that a date is posted into
PeriodOf = Callable[[date], tuple[int | None, int | None]]

LINE = "LINE"  # how the ledger's errors name a line, with its number
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
_HEADER_DETAILS = ("USERNAME", "CURRENCY", "EXCH_RATE", "TRANS_DATE", "XREF1_HD", "XREF2_HD", "XBLNR_ALT")


# bytes and their media type → the hash under which they are kept
Keep = Callable[[bytes, str], str]


@dataclass(frozen=True)
class Drafter:
    """Makes the drafts of a file's vouchers in one company code, within one transaction."""

    company: CompanyCode
    file: PostingFile
    rate_on: RateOn
    period_of: PeriodOf
    keep: Keep  # puts aside what must not stand in the books: numbers of persons, attachments

    def draft(self, document: Document, reverses: Voucher | None = None) -> VoucherDraft:
        """The draft of a voucher that has been checked."""
        header = document.header
        posting_date, document_date = day(header["PSTNG_DATE"]), day(header["DOC_DATE"])
        assert posting_date is not None  # checked
        assert document_date is not None
        year, period = self.period_of(posting_date)
        if header.get("FIS_PERIOD"):
            period = int(header["FIS_PERIOD"])
            # the supplement is of the year that is over, or ends on the day
            old = period in SUPPLEMENT and posting_date.month < LAST_MONTH
            year = posting_date.year - old
        rate = rate_of(header, self.company.currency, self.rate_on)
        amounts = converted([ore(line["AMT_DOCCUR"]) for line in document.lines], rate)
        return VoucherDraft(
            company_code=self.company,
            document_type=header["DOC_TYPE"],
            document_date=document_date,
            posting_date=posting_date,
            header_text=header["HEADER_TXT"],
            reference=header["RECEIV_DOC"],
            lines=tuple(
                _line(number, line, amount, foreign=rate is not None)
                for number, (line, amount) in enumerate(zip(document.lines, amounts, strict=True), start=1)
            ),
            entered_by=self.file.sender.sender_id,
            source=f"{self.file.name}#{document.position}",
            currency=self.company.currency,
            year=year,
            period=period,
            details=self._details(document, rate) or None,
            reverses=reverses,
        )

    def _details(self, document: Document, rate: Decimal | None) -> dict[str, Any]:
        header = document.header
        details: dict[str, Any] = {name: header[name] for name in _HEADER_DETAILS if header.get(name)}
        if rate is not None:
            details["EXCH_RATE"] = str(rate)
        if document.files:
            details["FILES"] = [
                {
                    "FILE_NAME": file["FILE_NAME"],
                    "FILE_TYPE": file["FILE_TYPE"],
                    "FILE_LENGTH": file["FILE_LENGTH"],
                    "sha256": self.keep(decoded(file), FILE_TYPES[file["FILE_TYPE"].upper()]),
                }
                for file in document.files
            ]
        if numbers := personal_numbers(document):
            # salted, or the hash would tell them
            salted = json.dumps({"salt": os.urandom(16).hex(), "lines": numbers}, sort_keys=True)
            details["personal_sha256"] = self.keep(salted.encode(), "application/json")
        return details


def periods_of(company: CompanyCode, clock: Clock) -> PeriodOf:
    """`told_period`, looked up once for each date; for one transaction."""
    return cache(lambda day: told_period(company, day, clock=clock))


def _line(number: int, line: Mapping[str, str], amount_ore: int, *, foreign: bool) -> PostingLine:
    value_date = line.get("VALUE_DATE")
    columns, details = {}, {}
    for name, text in line.items():
        if column := LINE_COLUMNS.get(name):
            columns[column] = text
        elif text and name not in _TAKEN:
            details[name] = text
    if foreign:
        details["AMT_DOCCUR"] = line["AMT_DOCCUR"]
    return PostingLine(
        account=line["GL_ACCOUNT"].strip(),
        amount_ore=amount_ore,
        value_date=day(value_date) if value_date else None,
        text=line.get("ITEM_TEXT", ""),
        allocation=line.get("ALLOC_NMBR", ""),
        details=details,
        origin=f"{LINE} {number}",
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
