"""Vouchers are written here, once: `post()` and `reverse()`. Nothing else writes postings.

A draft is checked as a whole, so one attempt tells every mistake. The number is taken, the voucher
and its postings written and hashed, in one transaction: the caller's, or one of their own.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date

from peewee import chunked

from opus_soap.clock import Clock
from opus_soap.database import new_uuid, transaction
from opus_soap.errors import AlreadyReversed, ReversalTooEarly, VoucherRefused
from opus_soap.ledger.checks import check, check_header, check_time, normalised
from opus_soap.ledger.drafts import PostingLine, VoucherDraft
from opus_soap.ledger.hashing import voucher_hash
from opus_soap.ledger.master_data import AT_ONCE
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.ledger.numbering import take_number
from opus_soap.ledger.periods import told_period

__all__ = ["PostingLine", "VoucherDraft", "check", "label", "lines_of", "post", "post_closing", "reverse"]

DEBIT_KEY, CREDIT_KEY = "40", "50"
SUPPLIER_CREDIT_KEY, SUPPLIER_DEBIT_KEY = "31", "21"


def post(draft: VoucherDraft, clock: Clock) -> Voucher:
    """Check and write a voucher; raises `VoucherRefused` with every error, and then nothing is written."""
    with transaction():
        draft = normalised(draft)
        errors = check(draft)
        if errors:
            raise VoucherRefused(errors)
        return _write(draft, clock, reverses=None)


def reverse(voucher: Voucher, *, posting_date: date, entered_by: str, source: str, clock: Clock) -> Voucher:
    """Post the opposite of a voucher, linked to it; raises `AlreadyReversed`, `VoucherRefused`.

    It is never dated before the voucher: no period may show the opposite of what it does not yet hold.
    An account or supplier that was blocked since does not hinder it (`post_closing`).
    """
    with transaction():
        earlier = Voucher.get_or_none(Voucher.reverses == voucher)
        if earlier is not None:
            raise AlreadyReversed(element=label(voucher), value=label(earlier))
        if posting_date < voucher.posting_date:
            too_early = ReversalTooEarly(
                element=label(voucher), value=posting_date, expected=voucher.posting_date
            )
            raise VoucherRefused([too_early])
        year, period = told_period(voucher.company_code, posting_date, clock=clock)
        draft = VoucherDraft(
            company_code=voucher.company_code,
            document_type=voucher.document_type,
            document_date=voucher.document_date,
            posting_date=posting_date,
            header_text=f"Tilbf. {voucher.number}"[:25],
            reference=voucher.reference,
            lines=tuple(replace(line, amount_ore=-line.amount_ore) for line in lines_of(voucher)),
            entered_by=entered_by,
            source=source,
            currency=voucher.currency,
            year=year,
            period=period,
        )
        return post_closing(draft, clock, reverses=voucher)


def post_closing(draft: VoucherDraft, clock: Clock, *, reverses: Voucher | None = None) -> Voucher:
    """Post what the books themselves demand (a reversal, a carry-forward); raises `VoucherRefused`.

    The header, the balance and the time are checked. Accounts and dimensions are not: what was blocked
    since it was posted on must neither keep a mistake in the books nor stop the year-end.
    """
    with transaction():
        errors = [*check_header(draft), *check_time(draft)]
        if errors:
            raise VoucherRefused(errors)
        return _write(draft, clock, reverses=reverses)


def lines_of(voucher: Voucher) -> tuple[PostingLine, ...]:
    """A voucher's postings as lines, in order."""
    names = PostingLine.__dataclass_fields__.keys() - {"origin"}
    return tuple(
        PostingLine(**{name: getattr(row, name) for name in names})
        for row in Posting.select().where(Posting.voucher == voucher).order_by(Posting.line)
    )


def label(voucher: Voucher) -> str:
    """`0020 KR 2026 5100000001`: how people name a voucher."""
    return f"{voucher.company_code.code} {voucher.document_type} {voucher.year} {voucher.number}"


def _write(draft: VoucherDraft, clock: Clock, *, reverses: Voucher | None) -> Voucher:
    number = take_number(draft.company_code, draft.document_type, draft.fiscal_year)
    voucher = Voucher(
        uuid=new_uuid(),
        company_code=draft.company_code,
        document_type=draft.document_type,
        year=draft.fiscal_year,
        number=number,
        period=draft.fiscal_period,
        document_date=draft.document_date,
        posting_date=draft.posting_date,
        currency=draft.currency,
        header_text=draft.header_text,
        reference=draft.reference,
        reverses=reverses,
        entered_at=clock.now(),
        entered_by=draft.entered_by,
        source=draft.source,
    )
    rows = [_row(index, line) for index, line in enumerate(draft.lines, start=1)]
    voucher.hash = voucher_hash(voucher, rows, reversed_uuid=reverses.uuid if reverses else None)
    voucher.save(force_insert=True)
    for some in chunked(rows, AT_ONCE):
        Posting.insert_many([{"voucher": voucher, **row} for row in some]).execute()
    return voucher


def _row(number: int, line: PostingLine) -> dict[str, object]:
    if line.supplier is not None:
        key = SUPPLIER_DEBIT_KEY if line.amount_ore > 0 else SUPPLIER_CREDIT_KEY
    else:
        key = DEBIT_KEY if line.amount_ore > 0 else CREDIT_KEY
    facts = asdict(line)
    del facts["origin"]
    return {"line": number, "posting_key": key, **facts}
