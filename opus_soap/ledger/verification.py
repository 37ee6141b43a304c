"""Do the books hold? Every voucher's hash, sum and number, every reversal, every seal, recomputed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from peewee import fn

from opus_soap.database import proxy, snapshot
from opus_soap.errors import DatabaseUnsafe
from opus_soap.ledger.hashing import posting_fields, voucher_hash
from opus_soap.ledger.models import CompanyCode, DocumentType, NumberRange, Posting, Seal, Voucher
from opus_soap.ledger.posting import label, lines_of
from opus_soap.ledger.seals import BATCH, NO_ROOT, digest_after, signature_holds
from opus_soap.store.schema import check_triggers

MOST_PROBLEMS = 100


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
    for root in sorted(missing):
        yield f"no seal has the root {root}"


def _batches(company: CompanyCode, after: int = 0) -> Iterator[list[Voucher]]:
    """The vouchers in order of entry, `BATCH` at a time."""
    while True:
        batch = list(
            Voucher.select()
            .where(Voucher.company_code == company, Voucher.id > after)
            .order_by(Voucher.id)
            .limit(BATCH)
        )
        if not batch:
            return
        yield batch
        after = batch[-1].id


def _check_vouchers(company: CompanyCode, counted: dict[str, int]) -> Iterator[str]:
    for batch in _batches(company):
        rows = Posting.select().where(Posting.voucher.in_(batch)).order_by(Posting.voucher, Posting.line)
        by_voucher = {
            identifier: list(group) for identifier, group in groupby(rows, key=lambda row: row.voucher_id)
        }
        for voucher in batch:
            voucher.company_code = company  # spares a query per voucher
            postings = by_voucher.get(voucher.id, [])
            counted["vouchers"] += 1
            counted["postings"] += len(postings)
            yield from _check_voucher(voucher, postings)


def _check_voucher(voucher: Voucher, postings: list[Posting]) -> Iterator[str]:
    original = Voucher.get_or_none(Voucher.id == voucher.reverses_id) if voucher.reverses_id else None
    computed = voucher_hash(
        voucher,
        [posting_fields(row) for row in postings],
        reversed_uuid=original.uuid if original else None,
    )
    if computed != bytes(voucher.hash):
        yield f"{label(voucher)}: the hash does not match its content"
    if voucher.reverses_id and original is None:
        yield f"{label(voucher)}: the voucher that it reverses is gone"
    total = sum(row.amount_ore for row in postings)
    if total:
        yield f"{label(voucher)}: the postings sum to {total} øre, not to zero"
    if original is not None:
        amounts = [-line.amount_ore for line in lines_of(original)]
        if amounts != [row.amount_ore for row in postings]:
            yield f"{label(voucher)}: is not the opposite of {label(original)}"


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
