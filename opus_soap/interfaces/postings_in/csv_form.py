"""The omposteringsbilag that people upload by hand: 25 columns, as the voucher of a file that it stands for.

Strict where a spreadsheet is generous: nothing is guessed of an encoding, an amount or a date. What is wrong
is told by row and column. The upload itself goes with the voucher as an attachment, so that nothing of it is
lost, also of the columns that the format has no element for.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from zlib import crc32

from opus_soap.clock import COPENHAGEN
from opus_soap.encoded import Base64
from opus_soap.errors import (
    CsvAmountWrong,
    CsvCharacterWrong,
    CsvColumnsWrong,
    CsvDateWrong,
    CsvEncodingWrong,
    CsvHeaderWrong,
    CsvRowEmpty,
    CsvSeparatorWrong,
    CsvSideWrong,
    CsvTooLarge,
    CsvUnreadable,
    PostingsInError,
)
from opus_soap.interfaces.postings_in.writing import FileValues, WrittenDocument
from opus_soap.store.models import PostingSender

# column → element; empty: none, it is kept with the upload alone
COLUMNS = {
    "Artskonto": "GL_ACCOUNT",
    "Omkostningssted": "COSTCENTER",
    "PSP-element": "WBS_ELEMENT",
    "Profitcenter": "PROFIT_CTR",
    "Ordre": "ORDERID",
    "Debet/kredit": "DEB_CRED_IND",
    "Beløb": "AMT_DOCCUR",
    "Næste agent": "",
    "Tekst": "ITEM_TEXT",
    "Betalingsart": "ACTTYPE",
    "Påligningsår": "",
    "Betalingsmodtagernr.": "PAYEE_NO",
    "Betalingsmodtagernr.kode": "PAYEE_NO_CODE",
    "Ydelsesmodtagernr.": "SERV_REC_NO",
    "Ydelsesmodtagernr.kode": "SERV_REC_NO_CODE",
    "Ydelsesperiode fra": "BENEFIT_VALFROM",
    "Ydelsesperiode til": "BENEFIT_VALTO",
    "Oplysningspligtnr.": "INFORM_DUTY_NO",
    "Oplysningspligtmodtagernr.kode": "INFORM_DUTY_NO_C",
    "Oplysningspligtkode": "INFORM_DUTY_CODE",
    "Netværk": "NETWORK",
    "Operation": "ACTIVITY",
    "Mængde": "BENEFIT_QUANT",
    "Mængdeenhed": "BENEFIT_UNIT",
    "Referencenøgle": "REF_KEY_1",
}
ENCODINGS = ("utf-8", "windows-1252")
_BY_ELEMENT = {element: column for column, element in COLUMNS.items() if element}
_SEPARATOR = ";"
_OTHERS = {",": ",", "\t": "\\t", "|": "|"}  # what others write between columns → how it is shown
_SIDES = {"Debet": "D", "Kredit": "K"}
_AMOUNT = re.compile(r"(\d{1,12}|\d{1,3}(?:\.\d{3}){1,3}(?=,))(?:,(\d{1,2}))?", re.ASCII)
_DATE = re.compile(r"(\d{2})\.(\d{2})\.(\d{4})", re.ASCII)
_MOST_ROWS = 99_999  # lines of a voucher
_MOST_MISTAKES = 1000


@dataclass(frozen=True)
class CsvMistake:
    """What is wrong, and where: the row of the file (1: the headings), the column's heading."""

    error: PostingsInError
    row: int
    column: str = ""


@dataclass(frozen=True)
class Heading:
    """What the upload form asks for beside the file: the head of the voucher."""

    company_code: str
    document_type: str
    posting_date: date
    document_date: date
    number: str  # RECEIV_DOC
    text: str
    reference: str


@dataclass
class CsvForm:
    """An upload that was read: its lines by element, the row of each, and every mistake."""

    lines: list[dict[str, str]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    mistakes: list[CsvMistake] = field(default_factory=list)

    def place_of(self, line: int, element: str) -> tuple[int, str]:
        """Row and column of a LINE's element; row 0 is the head of the voucher."""
        row = self.rows[line - 1] if 0 < line <= len(self.rows) else 0
        return row, _BY_ELEMENT.get(element, element)


def read_csv(data: bytes, encoding: str) -> CsvForm:
    """Read an upload in the encoding that the operator says; every mistake is told, not the first."""
    form = CsvForm()
    try:
        text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        other = next(name for name in ENCODINGS if name != encoding)
        wrong = CsvEncodingWrong(value=f"0x{data[error.start]:02X}", expected=encoding, other=other)
        form.mistakes.append(CsvMistake(wrong, data.count(b"\n", 0, error.start) + 1))
        return form
    records = csv.reader(StringIO(text, newline=""), delimiter=_SEPARATOR, strict=True)
    try:
        _read(form, records)
    except csv.Error as error:
        form.mistakes.append(CsvMistake(CsvUnreadable(value=error), records.line_num))
    return form


def document_of(
    form: CsvForm, heading: Heading, data: bytes, file_name: str, sender: PostingSender
) -> WrittenDocument:
    """The voucher that an upload without mistakes stands for; its bytes are attached."""
    lines = [
        line | {"REF_KEY_3": str(number), "ZZCSYSIDN": sender.short}
        for number, line in enumerate(form.lines, start=1)
    ]
    header = {
        "NO_DOC_POSITION": str(len(lines)),
        "BALANCE_DEBET": _total(lines, "D"),
        "BALANCE_CREDIT": _total(lines, "K"),
        "MUNICIPALITY": sender.municipality,
        "COMP_CODE": heading.company_code,
        "DOC_TYPE": heading.document_type,
        "DOC_DATE": f"{heading.document_date:%Y%m%d}",
        "PSTNG_DATE": f"{heading.posting_date:%Y%m%d}",
        "RECEIV_DOC": heading.number,
        "HEADER_TXT": heading.text,
        "XREF1_HD": heading.reference,
    }
    attached: FileValues = {
        "FILE_NAME": file_name,
        "FILE_LENGTH": str(len(data)),
        "FILE_TYPE": "CSV",
        "FILE": Base64(data),
    }
    return WrittenDocument(header, lines, [attached])


def moment_of(heading: Heading) -> datetime:
    """The second that the file is named after: of the posting date, another for each number."""
    midnight = datetime.combine(heading.posting_date, time(), COPENHAGEN)
    return midnight + timedelta(seconds=crc32(heading.number.encode()) % 80_000)


def _read(form: CsvForm, records: Any) -> None:
    headings: list[str] = next(records, [])
    separator = _other_separator(headings)
    if separator:  # not 25 headings that are each wrong
        form.mistakes.append(CsvMistake(CsvSeparatorWrong(value=separator, expected=_SEPARATOR), 1))
        return
    for place, column in enumerate(COLUMNS):
        given = headings[place].strip() if place < len(headings) else ""
        if given != column:
            form.mistakes.append(
                CsvMistake(CsvHeaderWrong(value=given[:60] or "-", expected=column), 1, column)
            )
    if len(headings) > len(COLUMNS):
        form.mistakes.append(CsvMistake(CsvColumnsWrong(value=len(headings), expected=len(COLUMNS)), 1))
    if form.mistakes:
        return
    row = 2
    for record in records:
        form.mistakes += _line(form, record, row)
        row = records.line_num + 1
        if len(form.lines) > _MOST_ROWS or len(form.mistakes) >= _MOST_MISTAKES:
            form.mistakes.append(CsvMistake(CsvTooLarge(value=len(form.lines), expected=_MOST_ROWS), row))
            return
    if not form.rows:
        form.mistakes.append(CsvMistake(CsvRowEmpty(element="2"), 2))


def _other_separator(headings: Sequence[str]) -> str:
    """What is between the headings when they are read as a single one; empty otherwise."""
    if len(headings) != 1:
        return ""
    return next((told for mark, told in _OTHERS.items() if headings[0].count(mark) >= len(COLUMNS) // 2), "")


def _line(form: CsvForm, record: Sequence[str], row: int) -> Iterator[CsvMistake]:
    form.rows.append(row)
    if not any(value.strip() for value in record):
        yield CsvMistake(CsvRowEmpty(element=str(row)), row)
        return
    if len(record) != len(COLUMNS):
        yield CsvMistake(CsvColumnsWrong(value=len(record), expected=len(COLUMNS)), row)
        return
    values = {
        column: value if column == "Tekst" else value.strip()
        for column, value in zip(COLUMNS, record, strict=True)
    }
    line: dict[str, str] = {}
    for column, value in values.items():
        try:
            _check_characters(value)
            if COLUMNS[column]:
                line[COLUMNS[column]] = _converted(column, value, values)
        except PostingsInError as error:
            yield CsvMistake(error, row, column)
    form.lines.append(line)


def _check_characters(value: str) -> None:
    for character in value:
        if unicodedata.category(character) in ("Cc", "Cs", "Cn"):
            raise CsvCharacterWrong(value=f"U+{ord(character):04X}")


def _converted(column: str, value: str, values: Mapping[str, str]) -> str:
    """A value as the format writes it."""
    match COLUMNS[column]:
        case "DEB_CRED_IND":
            if value not in _SIDES:
                raise CsvSideWrong(value=value[:20] or "-", expected=" / ".join(_SIDES))
            return _SIDES[value]
        case "AMT_DOCCUR":
            return _amount(value, negative=values["Debet/kredit"] == "Kredit")
        case "BENEFIT_VALFROM" | "BENEFIT_VALTO":
            return f"{read_date(value):%Y%m%d}" if value else ""
        case _:
            return value


def _amount(value: str, *, negative: bool) -> str:
    found = _AMOUNT.fullmatch(value)
    if not found:
        raise CsvAmountWrong(value=value[:30] or "-", expected="1234,56")
    kroner, decimals = found[1].replace(".", ""), (found[2] or "").ljust(2, "0")
    return f"{'-' if negative else ''}{kroner}.{decimals}"


def read_date(value: str) -> date:
    """dd.mm.yyyy; raises `CsvDateWrong`."""
    found = _DATE.fullmatch(value)
    try:
        if found:
            return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        pass
    raise CsvDateWrong(value=value[:20] or "-", expected="dd.mm.åååå")


def _total(lines: Sequence[Mapping[str, str]], side: str) -> str:
    amounts = (Decimal(line["AMT_DOCCUR"]) for line in lines if line["DEB_CRED_IND"] == side)
    return f"{sum(amounts, Decimal()):.2f}"
