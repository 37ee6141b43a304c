"""A year of the books as it is read: series by series, in the order of their numbers, with both trails.

A page of vouchers at a time, so memory does not grow with the year; each voucher with what it came from
(the transaction trail) and who did what to it (the control trail).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from peewee import fn

from opus_soap.database import stored_rows
from opus_soap.extracts import books
from opus_soap.extracts.books import Booked, Head, identity
from opus_soap.ledger.models import CompanyCode, DocumentType, NumberRange, Voucher
from opus_soap.store.models import Answer, ArchivedMessage, AuditEntry, PostingDocument, PostingFile

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

    message_kind: str = ""
    message_id: str = ""
    message_sha256: str = ""
    released_at: str = ""
    released_actor: str = ""
    audit: list[int] = field(default_factory=list)


class Traced(NamedTuple):
    """A voucher with its trail."""

    booked: Booked
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


def vouchers(of: Year, document_type: str) -> Iterator[Traced]:
    """The vouchers of a series in the order of their numbers."""
    query = books.select_heads().where(of.own, Voucher.document_type == document_type)
    page = query = query.order_by(Voucher.number).limit(books.AT_ONCE)
    while heads := books.read_heads(page):
        trails = _trails(heads)
        for booked in books.with_lines(heads, of.until):
            yield Traced(booked, trails[booked.head.id])
        page = query.where(Voucher.number > heads[-1].number)


def _trails(heads: Sequence[Head]) -> dict[int, Trail]:
    found = {head.id: Trail() for head in heads}
    by_uuid = {identity(head.uuid): found[head.id] for head in heads}
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
