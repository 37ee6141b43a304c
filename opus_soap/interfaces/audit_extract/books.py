"""A year of the books as it is read: series by series, in the order of their numbers, with both trails.

A page of vouchers at a time, so memory does not grow with the year; each voucher with what it came from
(the transaction trail) and who did what to it (the control trail).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from peewee import Tuple, fn

from opus_soap.database import stored_rows
from opus_soap.extracts.books import HEAD, Head, Row, identity, label
from opus_soap.ledger.hashing import POSTING_FIELDS
from opus_soap.ledger.models import CompanyCode, DocumentType, NumberRange, Posting, Voucher
from opus_soap.store.models import Answer, ArchivedMessage, AuditEntry, PostingDocument, PostingFile

AT_ONCE = 500  # vouchers
_LINES_AT_ONCE = 10_000
RELEASED = "voucher.released"
FILE, ANSWER = "posteringer-ind", "faktura-svar"


@dataclass(frozen=True)
class Year:
    """What an extract is of: the vouchers of a fiscal year with ids up to `until`."""

    company: CompanyCode
    year: int
    until: int

    @property
    def own(self) -> Any:
        """The condition on `Voucher`."""
        return (
            (Voucher.company_code == self.company) & (Voucher.year == self.year) & (Voucher.id <= self.until)
        )


class Series(NamedTuple):
    """Nummerserie: the vouchers of one document type in the year."""

    document_type: str
    name: str
    first_number: int  # where the series begins
    next_number: int  # what the series gives next; `first_number` when it gave none
    vouchers: int
    last_number: int  # of those of the extract; one before the first when there are none
    later: int  # vouchers of the series that came after the extract was ordered


@dataclass
class Trail:
    """Where a voucher came from, and who did what to it."""

    reverses: str = ""
    reverses_uuid: UUID | None = None
    reversed_by: str = ""
    message_kind: str = ""
    message_id: str = ""
    message_sha256: str = ""
    released_at: str = ""
    released_actor: str = ""
    audit: list[int] = field(default_factory=list)


class Booked(NamedTuple):
    """A voucher, its postings (`POSTING_FIELDS`), its trail."""

    head: Head
    lines: list[Row]
    trail: Trail


def series(of: Year) -> list[Series]:
    """Every series that the year has vouchers or numbers of, by document type."""
    types: dict[str, DocumentType] = {
        row.code: row for row in DocumentType.select().where(DocumentType.company_code == of.company)
    }
    given = NumberRange.select(NumberRange.document_type, NumberRange.next_number).where(
        NumberRange.company_code == of.company, NumberRange.year == of.year
    )
    following: dict[str, int] = dict(stored_rows(given))
    counted = {row[0]: row[1:] for row in stored_rows(_counts(of.own))}
    later = (Voucher.company_code == of.company) & (Voucher.year == of.year) & (Voucher.id > of.until)
    after = {row[0]: row[1] for row in stored_rows(_counts(later))}
    found = []
    for code in sorted({*following, *counted}):
        first = types[code].first_number
        vouchers, last = counted.get(code, (0, first - 1))
        found.append(
            Series(
                code, types[code].name, first, following.get(code, first), vouchers, last, after.get(code, 0)
            )
        )
    return found


def _counts(condition: Any) -> Any:
    return (
        Voucher.select(Voucher.document_type, fn.COUNT(Voucher.id), fn.MAX(Voucher.number))
        .where(condition)
        .group_by(Voucher.document_type)
    )


def vouchers(of: Year, document_type: str) -> Iterator[Booked]:
    """The vouchers of a series in the order of their numbers."""
    query = Voucher.select(*(getattr(Voucher, name) for name in HEAD))
    query = query.where(of.own, Voucher.document_type == document_type).order_by(Voucher.number)
    page = stored_rows(query.limit(AT_ONCE))
    while page:
        heads = [Head._make(row) for row in page]
        trails = _trails(of, heads)
        lines = groupby(_lines(of, document_type, heads[0].number, heads[-1].number), key=itemgetter(0))
        following = next(lines, None)
        for head in heads:
            own: list[Row] = []
            if following is not None and following[0] == head.number:
                own = [row[1:] for row in following[1]]
                following = next(lines, None)
            yield Booked(head, own, trails[head.id])
        more = len(page) == AT_ONCE
        page = stored_rows(query.where(Voucher.number > heads[-1].number).limit(AT_ONCE)) if more else []


def _lines(of: Year, document_type: str, first: int, last: int) -> Iterator[Row]:
    """The postings of a page, some at a time, each behind its voucher's number."""
    columns = [Voucher.number, *(getattr(Posting, name) for name in POSTING_FIELDS)]
    query = Posting.select(*columns).join(Voucher).where(of.own, Voucher.document_type == document_type)
    query = query.where(Voucher.number <= last).order_by(Voucher.number, Posting.line).limit(_LINES_AT_ONCE)
    place = Tuple(Voucher.number, Posting.line)
    page = stored_rows(query.where(Voucher.number >= first))
    while page:
        yield from page
        if len(page) < _LINES_AT_ONCE:
            return
        reached = page[-1][:2]
        page = stored_rows(query.where(Voucher.number >= reached[0], place > Tuple(*reached)))


def _trails(of: Year, heads: Sequence[Head]) -> dict[int, Trail]:
    found = {head.id: Trail() for head in heads}
    by_uuid = {identity(head.uuid): found[head.id] for head in heads}
    _link(of, heads, found)
    uuids = [UUID(text) for text in by_uuid]
    _name_files(uuids, by_uuid)
    _name_answers(uuids, by_uuid, heads)
    entries = AuditEntry.select(
        AuditEntry.id, AuditEntry.at, AuditEntry.event, AuditEntry.actor, AuditEntry.subject
    )
    for number, at, event, actor, subject in stored_rows(
        entries.where(AuditEntry.subject.in_(list(by_uuid))).order_by(AuditEntry.id)
    ):
        trail = by_uuid[subject]
        trail.audit.append(number)
        if event == RELEASED:
            trail.released_at, trail.released_actor = at, actor
    return found


def _link(of: Year, heads: Sequence[Head], found: dict[int, Trail]) -> None:
    """Reversals, from both sides; what came after the extract was ordered is not in it."""
    named = (Voucher.id, Voucher.uuid, Voucher.document_type, Voucher.year, Voucher.number)
    wanted = [head.reverses for head in heads if head.reverses]
    originals = {}
    if wanted:
        for row in stored_rows(Voucher.select(*named).where(Voucher.id.in_(wanted))):
            originals[row[0]] = (UUID(identity(row[1])), label(*row[2:]))
    for head in heads:
        if head.reverses in originals:
            found[head.id].reverses_uuid, found[head.id].reverses = originals[head.reverses]
    reversing = Voucher.select(Voucher.reverses, Voucher.id, *named[2:]).where(
        Voucher.reverses.in_(list(found))  # nothing else: the index of this answers
    )
    for row in stored_rows(reversing):
        if row[1] <= of.until:
            found[row[0]].reversed_by = label(*row[2:])


def _name_files(uuids: Sequence[UUID], by_uuid: dict[str, Trail]) -> None:
    query = (
        PostingDocument.select(
            PostingDocument.voucher_uuid, PostingFile.name, PostingDocument.position, PostingFile.sha256
        )
        .join(PostingFile)
        .where(PostingDocument.voucher_uuid.in_(uuids))
    )
    for uuid, name, position, sha256 in stored_rows(query):
        trail = by_uuid[identity(uuid)]
        trail.message_kind, trail.message_id, trail.message_sha256 = FILE, f"{name}#{position}", sha256


def _name_answers(uuids: Sequence[UUID], by_uuid: dict[str, Trail], heads: Sequence[Head]) -> None:
    """Answers to invoices name the call that they came with; the archive has its bytes by their hash."""
    answers = stored_rows(
        Answer.select(Answer.voucher_uuid, Answer.uuid).where(Answer.voucher_uuid.in_(uuids))
    )
    if not answers:
        return
    calls = {}
    for head in heads:
        try:
            calls[UUID(head.source)] = identity(head.uuid)
        except ValueError:  # the source is no call
            continue
    for voucher, answer in answers:
        trail = by_uuid[identity(voucher)]
        trail.message_kind, trail.message_id = ANSWER, identity(answer)
    query = ArchivedMessage.select(ArchivedMessage.correlation_id, ArchivedMessage.content).where(
        ArchivedMessage.correlation_id.in_(list(calls)), ArchivedMessage.direction == "in"
    )
    for call, sha256 in stored_rows(query.order_by(ArchivedMessage.id)):
        by_uuid[calls[UUID(identity(call))]].message_sha256 = sha256
