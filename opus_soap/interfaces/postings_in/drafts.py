"""From a POSTING_DOCUMENT to a voucher draft, field for field; nothing that was delivered is lost.

What the ledger has columns for goes there. The rest stands in `details` under the format's own names,
but for numbers of persons and companies, and attachments: they go into content that can be purged, and only
its hash stays.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from opus_soap.clock import Clock
from opus_soap.encoded import Base64
from opus_soap.interfaces.postings_in.checks import FILE_TYPES, day
from opus_soap.interfaces.postings_in.currency import RateOn, converted, rate_of
from opus_soap.interfaces.postings_in.examining import Examined
from opus_soap.ledger.models import CompanyCode, Voucher
from opus_soap.ledger.periods import LAST_MONTH, SUPPLEMENT, open_periods, told_period
from opus_soap.ledger.posting import PostingLine, VoucherDraft
from opus_soap.money import kroner_from_ore
from opus_soap.store.content import digest_of
from opus_soap.store.models import PostingFile

# the fiscal year and period that a date is posted into
PeriodOf = Callable[[date], tuple[int | None, int | None]]

NO_DAY = date.min  # of a voucher whose PSTNG_DATE cannot be read
_HEADER_DETAILS = ("USERNAME", "CURRENCY", "EXCH_RATE", "TRANS_DATE", "XREF1_HD", "XREF2_HD", "XBLNR_ALT")


# bytes by their hash, and their media type
Keep = Callable[[str, bytes, str], None]


@dataclass(frozen=True)
class Drafter:
    """Makes the drafts of a file's vouchers in one company code, within one transaction."""

    company: CompanyCode
    file: PostingFile
    rate_on: RateOn
    period_of: PeriodOf
    keep: Keep  # puts aside what must not stand in the books: numbers of persons, attachments
    delivered_by: tuple[str, ...] = ()  # users who brought the file in

    def draft(self, document: Examined, reverses: Voucher | None = None) -> VoucherDraft:
        """The draft of a voucher that has been checked."""
        header = document.header
        posting_date, document_date = day(header["PSTNG_DATE"]), day(header["DOC_DATE"])
        assert posting_date is not None  # checked
        assert document_date is not None
        year, period = self._time(header, posting_date)
        rate = rate_of(header, self.company.currency, self.rate_on)
        return VoucherDraft(
            company_code=self.company,
            document_type=header.get("DOC_TYPE", ""),
            document_date=document_date,
            posting_date=posting_date,
            header_text=header["HEADER_TXT"],
            reference=header["RECEIV_DOC"],
            lines=document.lines if rate is None else tuple(_converted(document.lines, rate)),
            entered_by=self.file.sender.sender_id,
            source=f"{self.file.name}#{document.position}",
            currency=self.company.currency,
            year=year,
            period=period,
            details=self._details(document, rate) or None,
            reverses=reverses,
            delivered_by=self.delivered_by,
        )

    def question(self, document: Examined) -> VoucherDraft:
        """A draft that is never posted: what there is of a voucher with mistakes, to ask the books about."""
        header = document.header
        posting_date = day(header.get("PSTNG_DATE", "")) or NO_DAY
        year, period = self._time(header, posting_date) if posting_date != NO_DAY else (None, None)
        return VoucherDraft(
            company_code=self.company,
            document_type=header.get("DOC_TYPE", ""),
            document_date=posting_date,
            posting_date=posting_date,
            header_text="",
            reference="",
            lines=document.lines,
            entered_by="",
            source="",
            year=year,
            period=period,
        )

    def _time(self, header: Mapping[str, str], posting_date: date) -> tuple[int | None, int | None]:
        """The fiscal year and period that a voucher says, or that its posting date falls into."""
        if not header.get("FIS_PERIOD"):
            return self.period_of(posting_date)
        period = int(header["FIS_PERIOD"])
        # the supplement is of the year that is over, or ends on the day
        old = period in SUPPLEMENT and posting_date.month < LAST_MONTH
        return posting_date.year - old, period

    def _details(self, document: Examined, rate: Decimal | None) -> dict[str, Any]:
        header = document.header
        details: dict[str, Any] = {name: header[name] for name in _HEADER_DETAILS if header.get(name)}
        if rate is not None:
            details["EXCH_RATE"] = str(rate)
        if document.files:
            attached = zip(document.files, document.contents, strict=True)
            details["FILES"] = [self._kept(file, text) for file, text in attached]
        if document.persons:
            # salted, or the hash would tell them
            salted = json.dumps({"salt": os.urandom(16).hex(), "lines": document.persons}, sort_keys=True)
            data = salted.encode()
            details["personal_sha256"] = digest_of(data)
            self.keep(details["personal_sha256"], data, "application/json")
        return details

    def _kept(self, file: Mapping[str, str], attached: Base64 | None) -> dict[str, str]:
        assert attached is not None  # checked
        self.keep(attached.sha256, attached.content, FILE_TYPES[file["FILE_TYPE"].upper()])
        return {
            "FILE_NAME": file["FILE_NAME"],
            "FILE_TYPE": file["FILE_TYPE"],
            "FILE_LENGTH": file["FILE_LENGTH"],
            "sha256": attached.sha256,
        }


def periods_of(company: CompanyCode, clock: Clock) -> PeriodOf:
    """`told_period`, looked up once for each year; for one transaction."""
    open_in = cache(open_periods)
    return cache(lambda day: told_period(company, day, clock=clock, open_in=open_in))


def _converted(lines: Sequence[PostingLine], rate: Decimal) -> Iterator[PostingLine]:
    """Lines in another currency, in øre; what was delivered stands beside."""
    for line, amount in zip(lines, converted([line.amount_ore for line in lines], rate), strict=True):
        delivered = {"AMT_DOCCUR": str(kroner_from_ore(line.amount_ore))}
        yield line._replace(amount_ore=amount, details={**(line.details or {}), **delivered})
