"""What a voucher says of itself must hold: counts, totals, signs, dates, parties, attachments.

Nothing here looks into the books; the ledger's own rules come after. Every mistake is told, not the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import compress
from typing import NamedTuple, cast

from opus_soap.encoded import Base64
from opus_soap.errors import (
    PostingAmountZero,
    PostingAssignmentDouble,
    PostingAttachmentWrong,
    PostingDateImpossible,
    PostingForeignMunicipality,
    PostingLineCountWrong,
    PostingPartyWrong,
    PostingPersonNumber,
    PostingReferenceRepeated,
    PostingSignWrong,
    PostingsInError,
    PostingTotalWrong,
    PostingUnbalanced,
    PostingValueWrong,
    mask_cpr,
)
from opus_soap.interfaces.postings_in.currency import ISO_4217
from opus_soap.interfaces.postings_in.reading import Document, Finding, Place, ReadingLimits
from opus_soap.interfaces.postings_in.writing import FileValues, said_of
from opus_soap.money import kroner_from_ore
from opus_soap.texts import names_person

DEBIT = "D"
CVR, CPR = "01", "02"
_DIGITS_OF = {CVR: 8, CPR: 10}
_HEADER_DATES = ("DOC_DATE", "PSTNG_DATE", "TRANS_DATE")
_LINE_DATES = ("VALUE_DATE", "BENEFIT_VALFROM", "BENEFIT_VALTO")
# what people write into; and what systems number by, where ten digits may well be a date and a count
_HEADER_TEXTS, _HEADER_NUMBERS = (
    ("HEADER_TXT", "USERNAME"),
    ("RECEIV_DOC", "XREF1_HD", "XREF2_HD", "XBLNR_ALT"),
)
_LINE_TEXTS = ("ITEM_TEXT", "ALLOC_NMBR", "REF_KEY_1", "REF_KEY_2", "DISP1", "DISP2", "DISP3")
_TEN_DIGITS = re.compile(r"\d{10,}")
PARTIES = (
    ("PAYEE_NO_CODE", "PAYEE_NO"),
    ("SERV_REC_NO_CODE", "SERV_REC_NO"),
    ("INFORM_DUTY_NO_C", "INFORM_DUTY_NO"),
)
_PARTY_ELEMENTS = frozenset(name for pair in PARTIES for name in pair)
_OFFICE = "application/vnd.openxmlformats-officedocument."
# FILE_TYPE → media type
FILE_TYPES = {
    "PDF": "application/pdf",
    "TIF": "image/tiff",
    "TIFF": "image/tiff",
    "JPG": "image/jpeg",
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "XML": "application/xml",
    "CSV": "text/csv",
    "TXT": "text/plain",
    "DOCX": f"{_OFFICE}wordprocessingml.document",
    "XLSX": f"{_OFFICE}spreadsheetml.sheet",
}


def check(document: Document, municipality: str, limits: ReadingLimits) -> Iterator[Finding]:
    """Every mistake of a voucher, as far as its values are there; those that are keep to the schema."""
    amounts = [ore(line["AMT_DOCCUR"]) if "AMT_DOCCUR" in line else None for line in document.lines]
    if document.all_lines:
        for error, element in _check_totals(document, amounts):
            yield Finding(error, Place(document.position, 0, element))
    for error, element in _check_header(document, municipality, limits):
        yield Finding(error, Place(document.position, 0, element))
    for number, (line, amount) in enumerate(zip(document.lines, amounts, strict=True), start=1):
        for error, element in _check_line(line, amount):
            yield Finding(error, Place(document.position, number, element))
    yield from _check_references(document)


def ore(amount: str) -> int:
    """An amount that the schema found good, in øre."""
    return int(amount.replace(".", "", 1))


@lru_cache(maxsize=4096)  # a file has many lines and few days
def day(text: str) -> date | None:
    """A date as the format writes it; None for a day that the calendar does not have."""
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def _check_header(
    document: Document, municipality: str, limits: ReadingLimits
) -> Iterator[tuple[PostingsInError, str]]:
    header = document.header
    said = header.get("MUNICIPALITY")
    if said is not None and said.lstrip("0") != municipality.lstrip("0"):
        yield PostingForeignMunicipality(value=said, expected=municipality), "MUNICIPALITY"
    for name in _HEADER_DATES:
        text = header.get(name)
        if text and day(text) is None:
            yield PostingDateImpossible(element=name, value=text), name
    number, currency = header.get("RECEIV_DOC", ""), header.get("CURRENCY")
    if number != number.strip():  # people would read it as another's
        blanks = PostingValueWrong(
            element="RECEIV_DOC",
            value=number,
            expected="uden blanke tegn før og efter",
            english="no blanks before or after",
        )
        yield blanks, "RECEIV_DOC"
    if currency and not ISO_4217.fullmatch(currency):
        code = PostingValueWrong(
            element="CURRENCY",
            value=currency,
            expected="tre store bogstaver, fx DKK",
            english="three capitals, e.g. DKK",
        )
        yield code, "CURRENCY"
    yield from _check_texts(header, _HEADER_TEXTS)
    yield from _check_texts(
        {name: _TEN_DIGITS.sub("", header[name]) for name in _HEADER_NUMBERS if name in header},
        _HEADER_NUMBERS,
    )
    for file, attached in zip(document.files, document.contents, strict=True):
        yield from _check_attachment(file, attached, limits.max_attachment_bytes)


def _check_totals(document: Document, amounts: Sequence[int | None]) -> Iterator[tuple[PostingsInError, str]]:
    """Number and sums of the lines; of the sums nothing is said while an amount cannot be read."""
    header, lines = document.header, document.lines
    count = header.get("NO_DOC_POSITION")
    if count is not None and int(count) != len(lines):
        yield PostingLineCountWrong(value=count, expected=len(lines)), "NO_DOC_POSITION"
    sides = [line.get("DEB_CRED_IND") for line in lines]
    if None in amounts or None in sides:
        return
    known = cast("Sequence[int]", amounts)
    debit = sum(compress(known, [side == DEBIT for side in sides]))
    credit = sum(known) - debit
    for element, total in (("BALANCE_DEBET", debit), ("BALANCE_CREDIT", credit)):
        said = ore(header[element]) if element in header else total
        if said != total and (element == "BALANCE_DEBET" or said != -total):  # credit also without its minus
            wrong_total = PostingTotalWrong(
                element=element, value=header[element], expected=kroner_from_ore(total)
            )
            yield wrong_total, element
    if debit + credit:
        yield PostingUnbalanced(value=kroner_from_ore(debit + credit), expected="0.00"), "LINES"


def _check_line(line: Mapping[str, str], amount: int | None) -> Iterator[tuple[PostingsInError, str]]:
    side = line.get("DEB_CRED_IND")
    if amount == 0:
        yield PostingAmountZero(value=line["AMT_DOCCUR"]), "AMT_DOCCUR"
    elif amount is not None and side is not None and (amount > 0) != (side == DEBIT):
        yield PostingSignWrong(value=line["AMT_DOCCUR"], expected=side), "AMT_DOCCUR"
    if line.get("COSTCENTER") and line.get("WBS_ELEMENT"):
        both = PostingAssignmentDouble(value=line["COSTCENTER"], expected=line["WBS_ELEMENT"])
        yield both, "WBS_ELEMENT"
    given = _given(tuple(line))
    for name in given.texts:
        if names_person(line[name]):
            yield PostingPersonNumber(element=name), name
    for name in given.dates:
        day_text = line[name]
        if day_text and day(day_text) is None:
            yield PostingDateImpossible(element=name, value=day_text), name
    if given.parties:
        yield from _check_parties(line)


class _Given(NamedTuple):
    """What there is to be looked at of a line's elements."""

    texts: tuple[str, ...]
    dates: tuple[str, ...]
    parties: bool


@lru_cache(maxsize=1024)  # many lines have the same elements
def _given(names: tuple[str, ...]) -> _Given:
    texts, dates = (tuple(name for name in some if name in names) for some in (_LINE_TEXTS, _LINE_DATES))
    return _Given(texts, dates, not _PARTY_ELEMENTS.isdisjoint(names))


def _check_texts(values: Mapping[str, str], names: Sequence[str]) -> Iterator[tuple[PostingsInError, str]]:
    """No numbers of persons where they would stand in the books for ever."""
    for name in names:
        text = values.get(name)
        if text and names_person(text):
            yield PostingPersonNumber(element=name), name


def _check_parties(line: Mapping[str, str]) -> Iterator[tuple[PostingsInError, str]]:
    for code_element, element in PARTIES:
        code, number = line.get(code_element, ""), line.get(element, "")
        if bool(code) != bool(number):
            missing = element if code else code_element
            wrong = PostingPartyWrong(
                element=element,
                value=code or "-",
                expected=f"{missing} mangler",
                english=f"{missing} is missing",
            )
            yield wrong, element
        elif len(number) != (length := _DIGITS_OF.get(code, len(number))):
            wrong = PostingPartyWrong(
                element=element, value=code, expected=f"{length} cifre", english=f"{length} digits"
            )
            yield wrong, element


def _check_references(document: Document) -> Iterator[Finding]:
    """REF_KEY_3 is the line's own within its voucher; leading zeros do not make another of it."""
    seen: dict[int, int] = {}
    for number, line in enumerate(document.lines, start=1):
        if "REF_KEY_3" not in line:
            continue
        key = int(line["REF_KEY_3"])
        first = seen.setdefault(key, number)
        if first != number:
            again = PostingReferenceRepeated(value=line["REF_KEY_3"], expected=first)
            yield Finding(again, Place(document.position, number, "REF_KEY_3"))


def _check_attachment(
    file: FileValues, text: Base64 | None, most_bytes: int
) -> Iterator[tuple[PostingsInError, str]]:
    said = said_of(file)
    name, kind = mask_cpr(said.get("FILE_NAME", "")), said.get("FILE_TYPE")
    if names_person(said.get("FILE_NAME", "")):
        yield PostingPersonNumber(element="FILE_NAME"), "FILE_NAME"
    if kind is not None and kind.upper() not in FILE_TYPES:
        types = ", ".join(sorted(FILE_TYPES))
        yield PostingAttachmentWrong(element=name, value=kind, expected=types), "FILE_TYPE"
    if "FILE" not in file:
        return
    if text is None:
        yield PostingAttachmentWrong(element=name, value="FILE", expected="base64"), "FILE"
        return
    length = len(text.content)
    length_said = int(said.get("FILE_LENGTH", length))
    if length != length_said:
        yield (
            PostingAttachmentWrong(element=name, value=f"{length_said} byte", expected=f"{length} byte"),
            "FILE_LENGTH",
        )
    if length > most_bytes:
        most = f"≤ {most_bytes} byte"
        yield PostingAttachmentWrong(element=name, value=f"{length} byte", expected=most), "FILE"
