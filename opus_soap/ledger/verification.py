"""Do the books hold? Every voucher's hash, sum and number, every reversal, every seal, recomputed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from peewee import Tuple, fn

from opus_soap.database import proxy, snapshot, stored_rows
from opus_soap.errors import DatabaseUnsafe
from opus_soap.ledger.hashing import POSTING_FIELDS, VOUCHER_FIELDS, row_hash, voucher_hash
from opus_soap.ledger.models import (
    CompanyCode,
    DocumentType,
    NumberRange,
    ParkedVoucher,
    Posting,
    Seal,
    Voucher,
)
from opus_soap.ledger.parking import FORM, KEPT
from opus_soap.ledger.seals import BATCH, NO_ROOT, digest_after, signature_holds
from opus_soap.store.audit import trail
from opus_soap.store.schema import check_triggers

MOST_PROBLEMS = 100
Row = tuple[Any, ...]
_HEAD = (*VOUCHER_FIELDS, "details")
_COLUMNS = ("id", "hash", "reverses", *_HEAD)
_AMOUNT = POSTING_FIELDS.index("amount_ore")
_AT_ONCE = 10_000  # postings
_HEX = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class VerificationReport:
    """What was read, and what does not hold (at most `MOST_PROBLEMS` are listed)."""

    problems: tuple[str, ...]
    vouchers: int
    postings: int
    seals: int
    unsealed: int

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.problems


def verify(
    municipality: str | None = None,
    *,
    trusted: Collection[str] | None = None,
    roots: Collection[str] = (),
) -> VerificationReport:
    """Recompute everything, of one municipality or all; memory does not grow with the books.

    What is kept outside the database tells more than the database can say of itself: with `trusted`
    (key ids) a seal by any other key is a problem; each of `roots` (hex) must be a seal's.
    """
    problems: list[str] = []
    counted = {"vouchers": 0, "postings": 0, "seals": 0, "unsealed": 0}
    companies = CompanyCode.select()
    if municipality is not None:
        companies = companies.where(CompanyCode.municipality == municipality)
    with snapshot():  # others may go on posting
        for problem in _problems(list(companies), counted, trusted, set(roots)):
            problems.append(problem)
            if len(problems) >= MOST_PROBLEMS:
                break
    return VerificationReport(tuple(problems), **counted)


def _problems(
    companies: list[CompanyCode], counted: dict[str, int], trusted: Collection[str] | None, missing: set[str]
) -> Iterator[str]:
    try:
        check_triggers(proxy.obj)
    except DatabaseUnsafe as error:
        yield str(error)
    for company in companies:
        yield from _check_vouchers(company, counted)
        yield from _check_numbers(company)
        yield from _check_seals(company, counted, trusted, missing)
        yield from _check_parked(company)
    for root in sorted(missing):
        yield f"no seal has the root {root}"


def _check_vouchers(company: CompanyCode, counted: dict[str, int]) -> Iterator[str]:
    """Rows as the database holds them, not as the models read them: every byte of them counts."""
    for batch in _batches(company):
        postings = groupby(_postings([row[0] for row in batch]), key=itemgetter(0))
        following = next(postings, None)
        for identity, stored_hash, reverses, *values in batch:
            rows: list[Row] = []
            if following is not None and following[0] == identity:
                rows = [row[1:] for row in following[1]]
                following = next(postings, None)
            counted["vouchers"] += 1
            counted["postings"] += len(rows)
            head = dict(zip(_HEAD, values, strict=True))
            head |= {"municipality": company.municipality_id, "company_code": company.code}
            yield from _check_voucher(head, rows, reverses, bytes(stored_hash))


def _batches(company: CompanyCode) -> Iterator[list[Row]]:
    """The vouchers in order of entry, `BATCH` at a time."""
    query, after = Voucher.select(*(getattr(Voucher, name) for name in _COLUMNS)), 0
    while batch := stored_rows(
        query.where(Voucher.company_code == company, Voucher.id > after).order_by(Voucher.id).limit(BATCH)
    ):
        yield batch
        after = batch[-1][0]


def _postings(vouchers: Sequence[int]) -> Iterator[Row]:
    """The postings of vouchers, some at a time: a single one may have a hundred thousand."""
    query = Posting.select(*(getattr(Posting, name) for name in ("voucher", *POSTING_FIELDS)))
    query = query.where(Posting.voucher.in_(vouchers)).order_by(Posting.voucher, Posting.line).limit(_AT_ONCE)
    place = Tuple(Posting.voucher, Posting.line)
    page = stored_rows(query)
    while page:
        yield from page
        page = stored_rows(query.where(place > Tuple(*page[-1][:2]))) if len(page) == _AT_ONCE else []


def _check_voucher(
    head: dict[str, Any], rows: list[Row], reverses: int | None, stored_hash: bytes
) -> Iterator[str]:
    name = _name(head["company_code"], head)
    original = _head_of(reverses) if reverses else None
    head["reverses"] = original["uuid"] if original else None
    if voucher_hash(_with_uuid(head), rows) != stored_hash:
        yield f"{name}: the hash does not match its content"
    if reverses and original is None:
        yield f"{name}: the voucher that it reverses is gone"
    amounts = [row[_AMOUNT] for row in rows]
    if total := sum(amount for amount in amounts if isinstance(amount, int)):
        yield f"{name}: the postings sum to {total} øre, not to zero"
    if reverses and original is not None:
        theirs = [row[1 + _AMOUNT] for row in _postings([reverses])]
        if not _opposite(amounts, theirs):
            yield f"{name}: is not the opposite of {_name(head['company_code'], original)}"


def _opposite(amounts: list[Any], others: list[Any]) -> bool:
    whole = all(isinstance(amount, int) for amount in (*amounts, *others))
    return whole and amounts == [-amount for amount in others]


def _head_of(voucher: int) -> dict[str, Any] | None:
    found = stored_rows(
        Voucher.select(*(getattr(Voucher, name) for name in VOUCHER_FIELDS)).where(Voucher.id == voucher)
    )
    return _with_uuid(dict(zip(VOUCHER_FIELDS, found[0], strict=True))) if found else None


def _with_uuid(head: dict[str, Any]) -> dict[str, Any]:
    """SQLite holds a UUID as 32 digits of lower case; what is written otherwise is left as it is."""
    held = head["uuid"]
    if isinstance(held, str) and _HEX.fullmatch(held):
        head["uuid"] = UUID(held)
    return head


def _name(company_code: str, head: Mapping[str, Any]) -> str:
    return f"{company_code} {head['document_type']} {head['year']} {head['number']}"


def _check_numbers(company: CompanyCode) -> Iterator[str]:
    """Every series runs from its first number to the one before the next, without a gap."""
    first = {
        row.code: row.first_number
        for row in DocumentType.select().where(DocumentType.company_code == company)
    }
    following = {}
    for series in NumberRange.select().where(NumberRange.company_code == company):
        following[series.document_type, series.year] = series.next_number
        expected = series.next_number - first[series.document_type]
        present = (
            Voucher.select()
            .where(
                Voucher.company_code == company,
                Voucher.document_type == series.document_type,
                Voucher.year == series.year,
                Voucher.number >= first[series.document_type],
                Voucher.number < series.next_number,
            )
            .count()
        )
        if present != expected:
            name = f"{company.code} {series.document_type} {series.year}"
            yield f"{name}: {expected} numbers were given, {present} vouchers are there"
    highest: Any = (
        Voucher.select(Voucher.document_type, Voucher.year, fn.MAX(Voucher.number))
        .where(Voucher.company_code == company)
        .group_by(Voucher.document_type, Voucher.year)
    )
    for document_type, year, number in highest.tuples():
        if number >= following.get((document_type, year), 0):
            yield f"{company.code} {document_type} {year} {number}: the series never gave this number"


def _check_seals(
    company: CompanyCode, counted: dict[str, int], trusted: Collection[str] | None, missing: set[str]
) -> Iterator[str]:
    """The chain, its vouchers and its signatures hold; roots that are found leave `missing`."""
    previous, last_id = NO_ROOT, 0
    seals = Seal.select().where(Seal.company_code == company).order_by(Seal.sequence)
    for sequence, row in enumerate(seals, start=1):
        counted["seals"] += 1
        name = f"seal {company.code}/{row.sequence}"
        batch = digest_after(company, last_id, bytes(row.previous), until=row.last_voucher_id)
        if row.sequence != sequence or bytes(row.previous) != previous:
            yield f"{name}: does not follow on the seal before it"
        if batch.count != row.voucher_count or batch.root != bytes(row.root):
            yield f"{name}: its vouchers are not those that were sealed"
        if not signature_holds(row):
            yield f"{name}: the signature does not hold"
        if trusted is not None and row.key_id not in trusted:
            yield f"{name}: {row.key_id} is not a trusted key"
        missing.discard(bytes(row.root).hex())
        previous, last_id = bytes(row.root), row.last_voucher_id
    counted["unsealed"] += (
        Voucher.select().where(Voucher.company_code == company, Voucher.id > last_id).count()
    )


def _check_parked(company: CompanyCode) -> Iterator[str]:
    """What was parked is what it was, and was decided as the audit trail and the books say."""
    own = ParkedVoucher.company_code == company
    hashed = ParkedVoucher.select(*(getattr(ParkedVoucher, name) for name in (*KEPT, "hash")))
    for *kept, stored in stored_rows(hashed.where(own).order_by(ParkedVoucher.id)):
        if row_hash(FORM, kept) != bytes(stored):
            yield f"parked voucher {_with_uuid({'uuid': kept[0]})['uuid']}: is not what was parked"
    decided = (ParkedVoucher.uuid, ParkedVoucher.state, ParkedVoucher.decided_by, ParkedVoucher.reason)
    released: Any = Voucher.select(Voucher.uuid).join(ParkedVoucher, on=(ParkedVoucher.uuid == Voucher.uuid))
    booked = {row[0] for row in released.where(own).tuples()}
    rows: Any = ParkedVoucher.select(*decided).where(own).order_by(ParkedVoucher.id).tuples()
    for uuid, state, user, reason in rows:
        said = [(entry.event, entry.detail.get("user"), entry.detail.get("reason")) for entry in trail(uuid)]
        expected = [("voucher.parked", None, None)]
        if state != ParkedVoucher.PARKED:
            expected.append((f"voucher.{state}", user, reason))
        if said != expected or (uuid in booked) != (state == ParkedVoucher.RELEASED):
            yield f"parked voucher {uuid}: was not decided as it says ({state})"
