"""What a voucher says of itself must hold: counts, totals, signs, dates, parties, attachments.

Nothing here looks into the books; the ledger's own rules come after. Every mistake is told, not the first.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from itertools import compress

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
    mask_cpr,
)
from opus_soap.interfaces.postings_in.reading import Document, Finding, Place, ReadingLimits
from opus_soap.money import kroner_from_ore

DEBIT = "D"
CPR = "02"
_HEADER_DATES = ("DOC_DATE", "PSTNG_DATE", "TRANS_DATE")
_LINE_DATES = ("VALUE_DATE", "BENEFIT_VALFROM", "BENEFIT_VALTO")
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
    """Every mistake of a voucher that the schema found good."""
    amounts = [ore(line["AMT_DOCCUR"]) for line in document.lines]
    for error, element in _check_header(document, amounts, municipality, limits):
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
    document: Document, amounts: list[int], municipality: str, limits: ReadingLimits
) -> Iterator[tuple[PostingsInError, str]]:
    header, lines = document.header, document.lines
    if int(header["NO_DOC_POSITION"]) != len(lines):
        wrong = PostingLineCountWrong(value=header["NO_DOC_POSITION"], expected=len(lines))
        yield wrong, "NO_DOC_POSITION"
    debit = sum(compress(amounts, [line["DEB_CRED_IND"] == DEBIT for line in lines]))
    credit = sum(amounts) - debit
    for element, total in (("BALANCE_DEBET", debit), ("BALANCE_CREDIT", credit)):
        said = ore(header[element])
        if said != total and (element == "BALANCE_DEBET" or said != -total):  # credit also without its minus
            wrong_total = PostingTotalWrong(
                element=element, value=header[element], expected=kroner_from_ore(total)
            )
            yield wrong_total, element
    if debit + credit:
        yield PostingUnbalanced(value=kroner_from_ore(debit + credit), expected="0.00"), "LINES"
    if header["MUNICIPALITY"].lstrip("0") != municipality.lstrip("0"):
        foreign = PostingForeignMunicipality(value=header["MUNICIPALITY"], expected=municipality)
        yield foreign, "MUNICIPALITY"
    for name in _HEADER_DATES:
        text = header.get(name)
        if text and day(text) is None:
            yield PostingDateImpossible(element=name, value=text), name
    if mask_cpr(header["HEADER_TXT"]) != header["HEADER_TXT"]:
        yield PostingPersonNumber(element="HEADER_TXT"), "HEADER_TXT"
    for file in document.files:
        yield from _check_attachment(file, limits.max_attachment_bytes)


def _check_line(line: dict[str, str], amount: int) -> Iterator[tuple[PostingsInError, str]]:
    side = line["DEB_CRED_IND"]
    if amount == 0:
        yield PostingAmountZero(value=line["AMT_DOCCUR"]), "AMT_DOCCUR"
    elif (amount > 0) != (side == DEBIT):
        yield PostingSignWrong(value=line["AMT_DOCCUR"], expected=side), "AMT_DOCCUR"
    if line.get("COSTCENTER") and line.get("WBS_ELEMENT"):
        both = PostingAssignmentDouble(value=line["COSTCENTER"], expected=line["WBS_ELEMENT"])
        yield both, "WBS_ELEMENT"
    text = line.get("ITEM_TEXT")
    if text and mask_cpr(text) != text:
        yield PostingPersonNumber(element="ITEM_TEXT"), "ITEM_TEXT"
    for name in _LINE_DATES:
        day_text = line.get(name)
        if day_text and day(day_text) is None:
            yield PostingDateImpossible(element=name, value=day_text), name
    if not _PARTY_ELEMENTS.isdisjoint(line):
        yield from _check_parties(line)


def _check_parties(line: dict[str, str]) -> Iterator[tuple[PostingsInError, str]]:
    for code_element, element in PARTIES:
        code, number = line.get(code_element, ""), line.get(element, "")
        if bool(code) != bool(number):
            yield PostingPartyWrong(element=element, value=code or "-", expected="kode og nummer"), element
        elif code == CPR and len(number) != 10:
            yield PostingPartyWrong(element=element, value=code, expected="10 cifre"), element


def _check_references(document: Document) -> Iterator[Finding]:
    """REF_KEY_3 is the line's own within its voucher; leading zeros do not make another of it."""
    seen: dict[int, int] = {}
    for number, line in enumerate(document.lines, start=1):
        key = int(line["REF_KEY_3"])
        first = seen.setdefault(key, number)
        if first != number:
            again = PostingReferenceRepeated(value=line["REF_KEY_3"], expected=first)
            yield Finding(again, Place(document.position, number, "REF_KEY_3"))


def decoded(file: dict[str, str]) -> bytes:
    """An attachment's bytes; raises ValueError when it is no base64."""
    return base64.b64decode("".join(file["FILE"].split()), validate=True)


def _check_attachment(file: dict[str, str], most_bytes: int) -> Iterator[tuple[PostingsInError, str]]:
    name, said = mask_cpr(file["FILE_NAME"]), int(file["FILE_LENGTH"])
    if name != file["FILE_NAME"]:
        yield PostingPersonNumber(element="FILE_NAME"), "FILE_NAME"
    if file["FILE_TYPE"].upper() not in FILE_TYPES:
        types = ", ".join(sorted(FILE_TYPES))
        yield PostingAttachmentWrong(element=name, value=file["FILE_TYPE"], expected=types), "FILE_TYPE"
    try:
        length = len(decoded(file))
    except ValueError:
        yield PostingAttachmentWrong(element=name, value="FILE", expected="base64"), "FILE"
        return
    if length != said:
        yield (
            PostingAttachmentWrong(element=name, value=f"{said} byte", expected=f"{length} byte"),
            "FILE_LENGTH",
        )
    if length > most_bytes:
        most = f"≤ {most_bytes} byte"
        yield PostingAttachmentWrong(element=name, value=f"{length} byte", expected=most), "FILE"
