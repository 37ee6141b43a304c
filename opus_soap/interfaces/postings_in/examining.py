"""A voucher looked at by itself: every mistake that can be told without the books, or what is to post."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from opus_soap.interfaces.postings_in.checks import PARTIES, check, day, ore
from opus_soap.interfaces.postings_in.reading import LINE, Control, Document, Finding, ReadingLimits
from opus_soap.ledger.drafts import PostingLine

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
    header: dict[str, str]
    files: tuple[dict[str, str], ...]
    digest: bytes  # SHA-256 of the delivered values
    weight: int  # what it takes to deal with: its lines, and the kilobytes of its attachments
    readable: bool  # the schema finds it good: what its values mean can be told
    findings: tuple[Finding, ...]
    lines: tuple[PostingLine, ...]  # amounts in hundredths of the voucher's own currency
    persons: dict[str, dict[str, str]]  # the numbers of persons and companies, by line and element


def examine(
    parts: Iterable[Control | Document | Finding], municipality: str, limits: ReadingLimits
) -> Iterator[Examined]:
    """The vouchers among the parts of a file that was read."""
    for part in parts:
        if isinstance(part, Document):
            yield _examined(part, part.findings or tuple(check(part, municipality, limits)))


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


def _examined(document: Document, findings: tuple[Finding, ...]) -> Examined:
    lines = () if findings else tuple(_line(number, line) for number, line in enumerate(document.lines, 1))
    return Examined(
        position=document.position,
        header=document.header,
        files=document.files,
        digest=document.digest,
        weight=document.weight,
        readable=not document.findings,
        findings=findings,
        lines=lines,
        persons={} if findings else _persons(document),
    )


def _line(number: int, delivered: Mapping[str, str]) -> PostingLine:
    """In the order of `PostingLine`, not by its names: a large file has a million of them."""
    line = delivered
    if "" in delivered.values():  # an empty element says what none says
        line = {name: text for name, text in delivered.items() if text}
    value_date = line.get("VALUE_DATE")
    return PostingLine._make(
        (
            line["GL_ACCOUNT"].strip(),
            ore(line["AMT_DOCCUR"]),
            *map(line.get, _IN_ORDER),
            day(value_date) if value_date else None,
            line.get("ITEM_TEXT", ""),
            line.get("ALLOC_NMBR", ""),
            {name: text for name, text in line.items() if name not in _TAKEN},
            f"{LINE} {number}",  # so do the ledger's errors name it
        )
    )


def _persons(document: Document) -> dict[str, dict[str, str]]:
    found = {}
    for number, line in enumerate(document.lines, start=1):
        numbers = {name: line[name] for name in PERSONAL if line.get(name)}
        if numbers:
            found[str(number)] = numbers
    return found
