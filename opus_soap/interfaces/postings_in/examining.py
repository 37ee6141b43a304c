"""A voucher looked at by itself: every mistake that can be told without the books, or what is to post."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from opus_soap.encoded import Base64
from opus_soap.errors import PostingAssignmentDouble
from opus_soap.interfaces.postings_in.checks import PARTIES, check, day, ore
from opus_soap.interfaces.postings_in.readable import readable
from opus_soap.interfaces.postings_in.reading import LINE, Control, Document, Finding, ReadingLimits
from opus_soap.interfaces.postings_in.writing import said_of
from opus_soap.ledger.drafts import PostingLine, line_of

LONGEST_NUMBER = 16  # characters of RECEIV_DOC
_ANY_AMOUNT = "1.00"
BATCH_WEIGHT = 20_000  # lines, or kilobytes of attachments: with so many the transaction ends before
PERSONAL = tuple(number for _, number in PARTIES)
# the ledger's name of what a line is posted on → the format's
_POSTED_ON = {
    "cost_center": "COSTCENTER",
    "wbs_element": "WBS_ELEMENT",
    "profit_center": "PROFIT_CTR",
    "order": "ORDERID",
    "network": "NETWORK",
    "activity": "ACTIVITY",
    "partner_profit_center": "PART_PRCTR",
}
_BETWEEN = PostingLine._fields[2 : PostingLine._fields.index("value_date")]
_IN_ORDER = tuple(_POSTED_ON.get(name, "") for name in _BETWEEN)  # the format does not know every one
# what of a line has a column of its own, or is put aside
_TAKEN = frozenset(
    (
        *("DEB_CRED_IND", "AMT_DOCCUR", "VALUE_DATE", "ITEM_TEXT", "ALLOC_NMBR", "GL_ACCOUNT"),
        *_POSTED_ON.values(),
        *PERSONAL,
    )
)


@dataclass(frozen=True)
class Examined:
    """A voucher with its mistakes; or, when it has none, with what is to be posted."""

    position: int  # 1-based, in the file
    number: str  # RECEIV_DOC as it was delivered, as far as a receipt takes it
    header: dict[str, str]  # what of it keeps to the schema
    files: tuple[dict[str, str], ...]  # what is said of each that is attached
    contents: tuple[Base64 | None, ...]  # … and what it holds; without mistakes none is missing
    digest: bytes  # SHA-256 of the delivered values
    digest_before: Callable[[], bytes] | None  # … as it was made earlier, where that is another
    weight: int  # what it takes to deal with: its lines, and the kilobytes of its attachments
    findings: tuple[Finding, ...]
    # amounts in hundredths of the voucher's own currency; with mistakes, the lines that can be read
    lines: tuple[PostingLine, ...]
    persons: dict[str, dict[str, str]]  # the numbers of persons and companies, by line and element

    def __reduce__(self) -> tuple[Callable[..., Examined], tuple[dict[str, Any]]]:
        """For pickle, in half of the time: lines as plain tuples."""
        before = self.digest_before and partial(bytes, self.digest_before())  # not with all it is made of
        plain = {"lines": tuple(map(tuple, self.lines)), "digest_before": before}
        return _unpickled, ({**self.__dict__, **plain},)


def _unpickled(values: dict[str, Any]) -> Examined:
    values["lines"] = tuple(map(line_of, values["lines"]))
    return Examined(**values)


def examine(
    parts: Iterable[Control | Document | Finding], municipality: str, limits: ReadingLimits
) -> Iterator[Examined]:
    """The vouchers among the parts of a file that was read."""
    for part in parts:
        if isinstance(part, Document):
            yield _examined(part, municipality, limits)


def batches(vouchers: Iterable[Examined], *, most: int) -> Iterator[list[Examined]]:
    """Vouchers for one transaction each: memory must not grow with the size of a voucher a thousand times."""
    batch: list[Examined] = []
    weight = 0
    for voucher in vouchers:
        batch.append(voucher)
        weight += voucher.weight
        if len(batch) == most or weight >= BATCH_WEIGHT:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def _examined(delivered: Document, municipality: str, limits: ReadingLimits) -> Examined:
    document = readable(delivered) if delivered.findings else delivered
    findings = (*delivered.findings, *check(document, municipality, limits))
    return Examined(
        position=document.position,
        number=delivered.header.get("RECEIV_DOC", "")[:LONGEST_NUMBER],
        header=document.header,
        files=tuple(map(said_of, document.files)),
        contents=document.contents,
        digest=delivered.digest,
        digest_before=delivered.digest_before,
        weight=document.weight,
        findings=tuple(sorted(findings, key=lambda finding: finding.place.line)) if findings else (),
        lines=tuple(_lines(document, findings)),
        persons={} if findings else _persons(document),
    )


def _lines(document: Document, findings: Sequence[Finding]) -> Iterator[PostingLine]:
    """What is to be posted; with findings, what the books can be asked about: sums do not matter any more."""
    double = {
        finding.place.line for finding in findings if isinstance(finding.error, PostingAssignmentDouble)
    }
    for number, line in enumerate(document.lines, start=1):
        if not findings:
            yield _line(number, line)
        elif "GL_ACCOUNT" in line:
            asked = {**line, "AMT_DOCCUR": _ANY_AMOUNT}
            if number in double:  # told already
                del asked["WBS_ELEMENT"]
            yield _line(number, asked)


def _line(number: int, delivered: Mapping[str, str]) -> PostingLine:
    """In the order of `PostingLine`, not by its names: a large file has a million of them."""
    line = delivered
    if not all(delivered.values()):  # an empty element says what none says
        line = {name: text for name, text in delivered.items() if text}
    value_date = line.get("VALUE_DATE")
    return line_of(
        (
            line["GL_ACCOUNT"].strip(),
            ore(line["AMT_DOCCUR"]),
            *map(line.get, _IN_ORDER),
            day(value_date) if value_date else None,
            line.get("ITEM_TEXT", ""),
            line.get("ALLOC_NMBR", ""),
            {name: line[name] for name in _details(tuple(line))},
            _origin(number),
        )
    )


@lru_cache(maxsize=1024)  # many lines have the same elements
def _details(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in _TAKEN)


@lru_cache(maxsize=1024)  # most vouchers have fewer lines
def _origin(number: int) -> str:
    """What the ledger's errors name a line."""
    return f"{LINE} {number}"


def _persons(document: Document) -> dict[str, dict[str, str]]:
    found = {}
    for number, line in enumerate(document.lines, start=1):
        numbers = {name: line[name] for name in PERSONAL if line.get(name)}
        if numbers:
            found[str(number)] = numbers
    return found
