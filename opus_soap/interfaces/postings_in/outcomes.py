"""What became of the vouchers of a file, as it is now: in the books, parked, dismissed, refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from peewee import JOIN, fn

from opus_soap.errors import LedgerError, OpusSoapError, PostingsInError, concrete_errors
from opus_soap.interfaces.postings_in.receipts import LEDGER_NUMBERS
from opus_soap.ledger.drafts import label
from opus_soap.ledger.models import ParkedVoucher, Voucher
from opus_soap.store.models import PostingDocument, PostingFile

_PARKED = "306"  # that it was parked, told when it was delivered
_AT_ONCE = 1000  # vouchers


@dataclass
class Outcome:
    """How many vouchers of a file are where."""

    received: int = 0
    booked: int = 0
    parked: int = 0
    dismissed: int = 0
    refused: int = 0

    @property
    def danish(self) -> str:
        """`3 bilag, 1 bogført, 1 parkeret, 1 afvist`."""
        counts = [f"{self.received} bilag", f"{self.booked} bogført"]
        for count, word in (
            (self.parked, "parkeret"),
            (self.dismissed, "forkastet"),
            (self.refused, "afvist"),
        ):
            counts += [f"{count} {word}"] if count else []
        return ", ".join(counts)

    def state(self, file: PostingFile) -> str:
        """Where the file stands, in a word or two."""
        if file.state == PostingFile.UNDER_WAY:
            return "under way"
        if self.refused == self.received:
            return "refused"
        if self.parked:
            return "waits"
        if self.refused:
            return "partly booked" if self.booked else "refused"
        return "booked" if self.booked else "dismissed"


def outcomes(files: Sequence[PostingFile]) -> dict[int, Outcome]:
    """The outcome of each file, by its id."""
    query: Any
    found = {file.id: Outcome(received=file.documents) for file in files}
    query = (
        PostingDocument.select(
            PostingDocument.file,
            ParkedVoucher.state,
            fn.COUNT(PostingDocument.id),
            fn.COUNT(PostingDocument.voucher_uuid),
        )
        .join(ParkedVoucher, JOIN.LEFT_OUTER, on=(ParkedVoucher.uuid == PostingDocument.voucher_uuid))
        .where(PostingDocument.file.in_(list(found)))
        .group_by(PostingDocument.file, ParkedVoucher.state)
        .tuples()
    )
    for file, state, every, taken in query:
        outcome = found[file]
        outcome.refused += every - taken
        match state:
            case ParkedVoucher.PARKED:
                outcome.parked += taken
            case ParkedVoucher.DISMISSED:
                outcome.dismissed += taken
            case _:
                outcome.booked += taken
    return found


def outcome_of(file: PostingFile) -> Outcome:
    """The outcome of one file."""
    return outcomes([file])[file.id]


@dataclass(frozen=True)
class Said:
    """A sentence about a voucher: `code` as in the error codes, or the receipt's number; empty: of now."""

    line: int  # 0: the voucher itself
    code: str
    text: str


def told(file: PostingFile, *, refused_only: bool = False) -> Iterator[tuple[str, list[Said]]]:
    """RECEIV_DOC of each voucher, what was said of it with the way out, and where it is now."""
    query = PostingDocument.select().where(PostingDocument.file == file)
    if refused_only:
        query = query.where(PostingDocument.voucher_uuid.is_null())
    after = 0
    while page := list(
        query.where(PostingDocument.position > after).order_by(PostingDocument.position).limit(_AT_ONCE)
    ):
        taken = [row.voucher_uuid for row in page if row.voucher_uuid is not None]
        vouchers = {row.uuid: row for row in Voucher.select().where(Voucher.uuid.in_(taken))}
        waiting = {row.uuid: row for row in ParkedVoucher.select().where(ParkedVoucher.uuid.in_(taken))}
        for row in page:
            now = _now(row.voucher_uuid, vouchers, waiting)
            decided = row.voucher_uuid in waiting and waiting[row.voucher_uuid].state != ParkedVoucher.PARKED
            said = [
                _said(number, line, text)
                for number, line, _kind, text in row.returns
                if not (decided and number == _PARKED)
            ]
            yield row.number, [*said, *([Said(0, "", now)] if now else [])]
        after = page[-1].position


def _said(number: str, line: int, text: str) -> Said:
    error = _errors().get(number)
    if error is None:
        return Said(line, number, text)
    return Said(line, error.code, f"{text}. {error.remedy_danish}")


def _now(uuid: UUID | None, vouchers: dict[UUID, Voucher], waiting: dict[UUID, ParkedVoucher]) -> str:
    """Where a voucher is now; empty when it was refused, and nothing is to be added."""
    if uuid is None:
        return ""
    parked, voucher = waiting.get(uuid), vouchers.get(uuid)
    booked = f"bogført: {label(voucher)}" if voucher is not None else ""
    if parked is None:
        return booked
    if parked.state == ParkedVoucher.PARKED:
        return f"parkeret nu: `opus-soap vouchers show {uuid.hex[:8]}`"
    if parked.state == ParkedVoucher.DISMISSED:
        return f"forkastet af {parked.decided_by}: {parked.reason}"
    return f"godkendt af {parked.decided_by}, {booked}"


@cache
def _errors() -> dict[str, type[OpusSoapError]]:
    """By the number that a receipt tells them under."""
    found: dict[str, type[OpusSoapError]] = {
        str(LEDGER_NUMBERS + int(error.code[-3:])): error for error in concrete_errors(LedgerError)
    }
    found.update(
        (error.number(), error)
        for error in concrete_errors(PostingsInError)
        if issubclass(error, PostingsInError)
    )
    return found
