"""Rows of the tables that are not postings, in the order of their keys."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

import orjson
from peewee import Case, fn

from opus_soap.clock import COPENHAGEN, isoformat
from opus_soap.database import stored_rows
from opus_soap.errors import mask_cpr
from opus_soap.extracts.books import identity
from opus_soap.extracts.elements import amount
from opus_soap.extracts.kinds import Job
from opus_soap.extracts.ordering import APPROVED, ORDERED
from opus_soap.identifiers import opus_user
from opus_soap.interfaces.audit_extract.controls import Control, SealSeen
from opus_soap.interfaces.audit_extract.figures import User
from opus_soap.interfaces.audit_extract.year import Year
from opus_soap.ledger.balance import TrialBalanceRow
from opus_soap.ledger.models import (
    Account,
    DimensionValue,
    DocumentType,
    FiscalYear,
    Period,
    Posting,
    SealKey,
    Supplier,
    TaxCode,
    UserRight,
    Voucher,
)
from opus_soap.ledger.periods import LAST_MONTH
from opus_soap.store.models import AuditEntry

_AT_ONCE = 1000
Row = list[object]
Balances = Mapping[str, tuple[int, int]]  # øre by supplier: before the year, up to its end


def accounts(of: Year) -> Iterator[Account]:
    """The chart."""
    yield from Account.select().where(Account.company_code == of.company).order_by(Account.number)


def account_rows(of: Year) -> Iterator[Row]:
    """By `ACCOUNTS`."""
    codes = {row.id: row.code for row in tax_codes(of)}
    for row in accounts(of):
        tax = codes.get(row.__data__["tax_code"])
        name = mask_cpr(row.name)
        yield [
            row.number, name, row.is_balance, row.chart_string, tax, row.blocked, row.assignable, row.uuid
        ]  # fmt: skip


def period_rows(of: Year) -> Iterator[Row]:
    """By `PERIODS`."""
    year: FiscalYear = FiscalYear.get(FiscalYear.company_code == of.company, FiscalYear.year == of.year)
    for row in Period.select().where(Period.fiscal_year == year).order_by(Period.number):
        last = date(of.year, LAST_MONTH, 31)
        first = last
        if row.number <= LAST_MONTH:
            first = date(of.year, row.number, 1)
            last = first.replace(day=calendar.monthrange(of.year, row.number)[1])
        yield [of.year, row.number, first, last, row.number > LAST_MONTH, row.open, year.closed]


def user_rows(of: Year, users: Mapping[str, User]) -> Iterator[Row]:
    """By `USERS`: who entered or released, and who may release."""
    rights: dict[str, list[str]] = {}
    query = UserRight.select().where(UserRight.municipality == of.company.municipality)
    for row in query.order_by(UserRight.user, UserRight.profit_center):
        rights.setdefault(row.user, []).append(f"{row.profit_center or '*'}={amount(row.limit_ore)}")
    entered = {name.casefold() for name in users}
    for name in sorted({*users, *(opus_user(name) for name in rights if name not in entered)}):
        user = users.get(name, User())
        right = " ".join(rights.get(name.casefold(), ()))
        yield [name, user.vouchers, user.postings, user.released, user.first, user.last, right]


def dimensions(of: Year) -> Iterator[DimensionValue]:
    """Every dimension value, a page at a time."""
    query = DimensionValue.select().where(DimensionValue.company_code == of.company)
    for kind in DimensionValue.KINDS:
        own, after = query.where(DimensionValue.kind == kind).order_by(DimensionValue.code), ""
        while page := list(own.where(DimensionValue.code > after).limit(_AT_ONCE)):
            yield from page
            after = page[-1].code


def dimension_rows(of: Year) -> Iterator[Row]:
    """By `SEGMENTS`."""
    for row in dimensions(of):
        name = mask_cpr(row.name)
        yield [
            row.kind, row.code, name, row.parent_code, row.valid_from, row.valid_to, row.blocked, row.uuid
        ]  # fmt: skip


def activities(of: Year) -> list[str]:
    """The activities (operationer) that were posted on: they have no table."""
    query = Posting.select(Posting.activity).join(Voucher).where(of.own, Posting.activity.is_null(False))
    return sorted(row[0] for row in stored_rows(query.distinct()))


def suppliers(of: Year) -> Iterator[Supplier]:
    """Every supplier of the municipality, a page at a time."""
    query = (
        Supplier.select().where(Supplier.municipality == of.company.municipality).order_by(Supplier.number)
    )
    after = ""
    while page := list(query.where(Supplier.number > after).limit(_AT_ONCE)):
        yield from page
        after = page[-1].number


def supplier_balances(of: Year) -> Balances:
    """Of every supplier that was ever posted on up to the end of the year."""
    before = fn.SUM(Case(None, [(Voucher.year < of.year, Posting.amount_ore)], 0))
    query = (
        Posting.select(Posting.supplier, before, fn.SUM(Posting.amount_ore))
        .join(Voucher)
        .where(
            Voucher.company_code == of.company,
            Voucher.year <= of.year,
            Voucher.id <= of.until,
            Posting.supplier.is_null(False),
        )
        .group_by(Posting.supplier)
    )
    return {number: (int(opening), int(closing)) for number, opening, closing in stored_rows(query)}


def supplier_rows(of: Year, balances: Balances) -> Iterator[Row]:
    """By `SUPPLIERS`."""
    for row in suppliers(of):
        opening, closing = balances.get(row.number, (0, 0))
        yield [
            row.number, mask_cpr(row.name), row.cvr, row.active, amount(opening), amount(closing), row.uuid
        ]  # fmt: skip


def tax_codes(of: Year) -> list[TaxCode]:
    """VAT codes."""
    return list(TaxCode.select().where(TaxCode.company_code == of.company).order_by(TaxCode.code))


def tax_rows(of: Year) -> Iterator[Row]:
    """By `TAXES`."""
    for row in tax_codes(of):
        yield [row.code, row.name, amount(row.rate_basis_points)]


def document_type_rows(of: Year) -> Iterator[Row]:
    """By `DOCUMENT_TYPES`."""
    own = DocumentType.select().where(DocumentType.company_code == of.company)
    for row in own.order_by(DocumentType.code):
        yield [row.code, row.name, row.first_number]


def balance_rows(of: Year, ledger: list[TrialBalanceRow]) -> Iterator[Row]:
    """By `TRIAL_BALANCE`."""
    for row in ledger:
        amounts = map(amount, (row.opening_ore, row.debit_ore, row.credit_ore, row.closing_ore))
        yield [of.year, row.account, mask_cpr(row.name), *amounts, of.company.currency]


def seal_rows(chain: list[SealSeen]) -> Iterator[Row]:
    """By `SEALS`."""
    keys = {row.key_id: bytes(row.public_key).hex() for row in SealKey.select()}
    for row, holds, _ in ((seen.row, seen.holds, seen.why) for seen in chain):
        first, last = (
            identity(stored_rows(Voucher.select(Voucher.uuid).where(Voucher.id == voucher))[0][0])
            for voucher in (row.first_voucher_id, row.last_voucher_id)
        )
        hashes = (bytes(row.previous).hex(), bytes(row.root).hex(), row.key_id, keys.get(row.key_id))
        signature = bytes(row.signature).hex()
        yield [
            row.sequence, first, last, row.voucher_count, *hashes, isoformat(row.sealed_at), signature, holds
        ]  # fmt: skip


def audit_rows(of: Year, job: Job) -> Iterator[Row]:
    """By `AUDIT_TRAIL`: the municipality's, from the year's first day (or entry) until the order.

    Who asked for the extract itself, and who approved it, stands there whenever that was.
    """
    start = isoformat(datetime.combine(date(of.year, 1, 1), time(), COPENHAGEN))
    first = Voucher.select(fn.MIN(Voucher.entered_at)).where(of.own)
    entered = stored_rows(first)[0][0]
    names = ("id", "at", "actor", "event", "subject", "detail")
    of_its_time = (AuditEntry.at >= min(start, entered or start)) & (
        AuditEntry.at <= isoformat(job.ordered_at)
    )
    its_own = (AuditEntry.subject == str(job.uuid)) & AuditEntry.event.in_((ORDERED, APPROVED))
    query = AuditEntry.select(*(getattr(AuditEntry, name) for name in names)).where(
        AuditEntry.municipality == of.company.municipality_id, of_its_time | its_own
    )
    after = 0
    ordered = query.order_by(AuditEntry.id).limit(_AT_ONCE)
    while page := stored_rows(ordered.where(AuditEntry.id > after)):
        for number, at, actor, event, subject, detail in page:
            yield [number, at, actor, event, mask_cpr(subject), mask_cpr(_flat(detail))]
        after = page[-1][0]


def _flat(detail: str) -> str:
    """JSON without escapes: a number may not hide behind one."""
    return orjson.dumps(orjson.loads(detail), option=orjson.OPT_SORT_KEYS).decode()


def control_rows(controls: list[Control]) -> Iterator[Row]:
    """By `CONTROLS`."""
    for control in controls:
        yield [control.name, control.holds, control.expected, control.found, mask_cpr(control.note)]


def counted(of: Year) -> tuple[int, int, int, int, Any]:
    """Vouchers, postings, debit and credit (øre, both positive) and the latest posting date."""
    amount_ore = Posting.amount_ore
    debit = fn.COALESCE(fn.SUM(Case(None, [(amount_ore > 0, amount_ore)], 0)), 0)
    credit = fn.COALESCE(fn.SUM(Case(None, [(amount_ore < 0, amount_ore)], 0)), 0)
    lines = Posting.select(fn.COUNT(Posting.id), debit, credit).join(Voucher).where(of.own)
    vouchers = Voucher.select(fn.COUNT(Voucher.id), fn.MAX(Voucher.posting_date)).where(of.own)
    (number, last), (postings, debits, credits_) = stored_rows(vouchers)[0], stored_rows(lines)[0]
    return number, postings, int(debits), -int(credits_), last
