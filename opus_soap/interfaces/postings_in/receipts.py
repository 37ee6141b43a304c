"""FinancePostingResponse, as production writes it: first of the file, then of each voucher.

A text of four digits has as many as it needs beyond 9,999. Written piece by piece, so that a receipt of a
million vouchers takes no more memory than one of ten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from xml.sax.saxutils import escape

from opus_soap.clock import COPENHAGEN
from opus_soap.errors import LedgerError, OpusSoapError, PostingFileRefused, PostingsInError, mask_cpr
from opus_soap.interfaces.postings_in.schema import NAMESPACE
from opus_soap.money import danish
from opus_soap.texts import legal_xml

MESSAGE_CLASS = "ZFIR_EXTPOST"
INFORMATION, ERROR = "I", "E"
DETAIL = "D"  # ours alone, for people: production's receipt has no such row
LONGEST_TEXT = 220
LONGEST_FIELD = 255  # of CONTROL_FIELDS that break the schema
LEDGER_NUMBERS = 500  # LED-010 is message 510
OTHER_NUMBER = 599
_SENT = "%Y%m%d %H%M%S"
_IN_DIGITS = re.compile(r"(?:19|20)\d{6} \d{6}", re.ASCII)
_SEPARATORS = {ord("-"): None, ord(":"): None}


@dataclass(frozen=True)
class Return:
    """One RETURN: `document` is RECEIV_DOC (empty: the file), `line` 0 the voucher itself."""

    number: str
    text: str
    document: str = ""
    line: int = 0
    kind: str = INFORMATION


@dataclass(frozen=True)
class Counts:
    """How many vouchers came, and what became of them."""

    received: int
    accepted: int

    @property
    def rejected(self) -> int:
        """Those that are not in the books."""
        return self.received - self.accepted


def of_file(counts: Counts, control: Mapping[str, str], at: datetime) -> Iterator[Return]:
    """What is said of the file: 200 statistics, 201–204 counts, 002 its name."""
    local = at.astimezone(COPENHAGEN)
    yield Return("200", f"Statistik: {local:%d.%m.%Y %H:%M}")
    yield Return("201", f"Antal modtagne bilag: {counts.received:04d}")
    yield Return("202", f"Antal godkendte bilag: {counts.accepted:04d}")
    if counts.rejected:
        yield Return("203", f"Antal afviste bilag: {counts.rejected:04d}")
    elif counts.received:
        yield Return("204", "Fil modtaget uden fejl")
    sent = f"{control.get('SEND_DATE', '')} {control.get('SEND_TIME', '')}"
    yield Return("002", f"Fil: {sent} {control.get('FILE_NAME', '')}")


def accepted(document: str, company_code: str, posting_date: str) -> Return:
    """305: a voucher that was taken; `posting_date` as the file writes it."""
    day = f"{posting_date[6:8]}.{posting_date[4:6]}.{posting_date[:4]}"
    return Return(
        "305", f"Firmakode {company_code} bilagsnr. {document} pr. {day} modtaget uden fejl", document
    )


def parked(document: str, amount_ore: int) -> Return:
    """What production's receipt does not tell: the voucher waits for a second person."""
    text = f"Bilaget er parkeret: {danish(amount_ore)} kr. skal godkendes af en anden bruger"
    return Return("306", text, document, kind=DETAIL)


def received_before(document: str, year: int) -> Return:
    """301: a voucher under a number that was taken before."""
    return Return("301", f"Bilagsnr. {document} {year} er tidligere modtaget", document, kind=ERROR)


def of_error(error: OpusSoapError, document: str = "", line: int = 0) -> Return:
    """An error of ours, under its number."""
    return Return(number_of(error), _fit(legal_xml(error.text_danish)), document, line, ERROR)


def number_of(error: OpusSoapError) -> str:
    """MESSAGE_NUM of an error: PIN-4xx its digits, LED-0xx 500 more."""
    if isinstance(error, PostingsInError):
        return error.number()
    if isinstance(error, LedgerError):
        return str(LEDGER_NUMBERS + int(error.code[-3:]))
    return str(OTHER_NUMBER)


def write(out: BinaryIO, control: Mapping[str, str], returns: Iterable[Return]) -> None:
    """The receipt of a file, UTF-8; raises OSError."""
    out.write(b'<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(f'<n0:FinancePostingResponse xmlns:n0="{NAMESPACE}">'.encode())
    out.write(element("CONTROL_FIELDS", control_fields(control)))
    for row in returns:
        if row.kind == DETAIL:
            continue
        out.write(_return(row))
    out.write(b"</n0:FinancePostingResponse>\n")


def refuse(out: BinaryIO, refused: PostingFileRefused, at: datetime, name: str = "") -> None:
    """The receipt of a file that has no effect as a whole: its errors, about no voucher; raises OSError.

    `at` is when it came and `name` what it is called outside: they stand where the file does not tell.
    """
    control = refused_control(refused.control, at, name)
    statistics, *_, about = of_file(Counts(0, 0), control, at)
    about = Return(about.number, _fit(mask_cpr(about.text)))
    write(out, control, [statistics, about, *(of_error(error) for error in refused.errors)])


def refused_control(control: Mapping[str, str], at: datetime, name: str) -> dict[str, str]:
    """CONTROL_FIELDS of a file that may have none: whoever parses the receipt finds every element as always.

    Date and time are the file's own when both are a date and a time, in whichever of the two forms; else when
    it came, in Copenhagen.
    """
    plain = {field: legal_xml(text.strip())[:LONGEST_FIELD] for field, text in control.items()}
    sent = f"{plain.get('SEND_DATE', '')} {plain.get('SEND_TIME', '')}".translate(_SEPARATORS)
    try:
        told = datetime.strptime(sent, _SENT) if _IN_DIGITS.fullmatch(sent) else at.astimezone(COPENHAGEN)  # noqa: DTZ007
    except ValueError:
        told = at.astimezone(COPENHAGEN)
    date, time = f"{told:%Y%m%d %H%M%S}".split()
    called = plain.get("FILE_NAME") or legal_xml(name)[:LONGEST_FIELD]
    return {**plain, "FILE_NAME": called, "SEND_DATE": date, "SEND_TIME": time}


def _fit(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def control_fields(control: Mapping[str, str]) -> dict[str, str]:
    """CONTROL_FIELDS as a receipt repeats them: date and time written with separators."""
    date, time = control.get("SEND_DATE", ""), control.get("SEND_TIME", "")
    return {
        "SENDERID": control.get("SENDERID", ""),
        "RECEIVER": control.get("RECEIVER", ""),
        "FILE_NAME": control.get("FILE_NAME", ""),
        "SEND_DATE": f"{date[:4]}-{date[4:6]}-{date[6:8]}",
        "SEND_TIME": f"{time[:2]}:{time[2:4]}:{time[4:6]}",
    }


def _return(row: Return) -> bytes:
    """A RETURN, written out, for there may be a million; its numbers and kinds are ours: no escape."""
    return (
        f"<RETURN><RECEIV_DOC>{escape(row.document)}</RECEIV_DOC><POSNR_ACC>{row.line:010d}</POSNR_ACC>"
        f"<MESSAGE_TYPE>{row.kind}</MESSAGE_TYPE><MESSAGE_CLASS>{MESSAGE_CLASS}</MESSAGE_CLASS>"
        f"<MESSAGE_NUM>{row.number}</MESSAGE_NUM><MESSAGE_TEXT>{escape(row.text)}</MESSAGE_TEXT></RETURN>"
    ).encode()


def element(name: str, children: Mapping[str, str]) -> bytes:
    """An element of simple ones."""
    inner = "".join(f"<{child}>{escape(text)}</{child}>" for child, text in children.items())
    return f"<{name}>{inner}</{name}>".encode()
