"""Vouchers are written here, once: `post()`, `post_many()` and `reverse()`. Nothing else writes postings.

A draft is checked as a whole, so one attempt tells every mistake. The number is taken, the voucher
and its postings written and hashed, in one transaction: the caller's, or one of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from operator import itemgetter

from opus_soap.clock import Clock
from opus_soap.database import encode_json, insert_rows, insert_stored, new_identities, new_uuid, transaction
from opus_soap.errors import AlreadyReversed, VoucherRefused
from opus_soap.ledger.checks import check, check_characters, check_header, check_time, normalised
from opus_soap.ledger.drafts import PostingLine, VoucherDraft, label, lines_of
from opus_soap.ledger.hashing import POSTING_FIELDS, head_of, voucher_hash
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.ledger.numbering import take_numbers
from opus_soap.ledger.periods import told_period
from opus_soap.ledger.references import References

__all__ = [
    "PostingLine",
    "VoucherDraft",
    "check",
    "checked",
    "label",
    "lines_of",
    "post",
    "post_closing",
    "post_many",
    "reverse",
    "write",
]

_AS_IT_IS = PostingLine._fields.index("value_date")  # so many of a line's fields are stored as they are
_POSTING_COLUMNS = ("voucher_id", *POSTING_FIELDS)
_VOUCHER_COLUMNS = tuple(
    getattr(field, "object_id_name", field.name) for field in Voucher._meta.sorted_fields
)
_voucher_values = itemgetter(*(field.name for field in Voucher._meta.sorted_fields))
DEBIT_KEY, CREDIT_KEY = "40", "50"
SUPPLIER_CREDIT_KEY, SUPPLIER_DEBIT_KEY = "31", "21"


def post(draft: VoucherDraft, clock: Clock) -> Voucher:
    """Check and write a voucher; raises `VoucherRefused` with every error, and then nothing is written."""
    (result,) = post_many([draft], clock)
    if isinstance(result, VoucherRefused):
        raise result
    return result


def post_many(drafts: Sequence[VoucherDraft], clock: Clock) -> list[Voucher | VoucherRefused]:
    """Check drafts of one company code and write those that are good, in their order.

    What came of each stands in its place. The master data is read once for all of them, the rows are
    written together: for a thousand vouchers this costs a fraction of a thousand times `post`.
    """
    if not drafts:
        return []
    with transaction():
        judged = checked(drafts)
        written = iter(write([draft for draft, refused in judged if refused is None], clock))
        return [refused if refused is not None else next(written) for _, refused in judged]


def checked(
    drafts: Sequence[VoucherDraft], known: References | None = None, waits: Sequence[bool] = ()
) -> list[tuple[VoucherDraft, VoucherRefused | None]]:
    """Drafts of one company code in normal form, each with what is wrong with it.

    `known` also remembers what is reversed: of several that reverse the same voucher the first is good.
    `waits` says of each whether it is to be parked.
    """
    whole = [normalised(draft) for draft in drafts]
    if known is None:
        known = References(whole[0].company_code)
    known.learn(whole)
    found = []
    for place, draft in enumerate(whole):
        errors = check(draft, known)
        if draft.reverses is not None and not errors:
            known.reversing[draft.reverses.id] = draft.reference, bool(waits and waits[place])
        found.append((draft, VoucherRefused(errors) if errors else None))
    return found


def reverse(voucher: Voucher, *, posting_date: date, entered_by: str, source: str, clock: Clock) -> Voucher:
    """Post the opposite of a voucher, linked to it; raises `AlreadyReversed`, `VoucherRefused`.

    It is neither dated before the voucher nor in a period before its: none may show the opposite of what
    it does not hold yet.
    An account or supplier that was blocked since does not hinder it: what was blocked since must not keep
    a mistake in the books.
    """
    with transaction():
        earlier = Voucher.get_or_none(Voucher.reverses == voucher)
        if earlier is not None:
            raise AlreadyReversed(element=label(voucher), value=label(earlier))
        year, period = told_period(voucher.company_code, posting_date, clock=clock)
        late = posting_date >= voucher.posting_date
        if late and year is not None and (year, period) < (voucher.year, voucher.period):
            year, period = voucher.year, voucher.period
        draft = VoucherDraft(
            company_code=voucher.company_code,
            document_type=voucher.document_type,
            document_date=voucher.document_date,
            posting_date=posting_date,
            header_text=f"Tilbf. {voucher.number}"[:25],
            reference=voucher.reference,
            lines=tuple(line._replace(amount_ore=-line.amount_ore) for line in lines_of(voucher)),
            entered_by=entered_by,
            source=source,
            currency=voucher.currency,
            details=voucher.details,
            year=year,
            period=period,
            reverses=voucher,
        )
        return post(draft, clock)


def post_closing(draft: VoucherDraft, clock: Clock) -> Voucher:
    """Post what the year-end demands (a carry-forward); raises `VoucherRefused`.

    The header, the balance, the time and the characters are checked. Accounts and dimensions are not: what
    was blocked since it was posted on must not stop the year-end.
    """
    with transaction():
        known = References(draft.company_code, [draft])
        errors = [*check_header(draft, known), *check_time(draft, known), *check_characters(draft)]
        if errors:
            raise VoucherRefused(errors)
        (voucher,) = write([draft], clock)
        return voucher


def write(drafts: Sequence[VoucherDraft], clock: Clock) -> list[Voucher]:
    """Write drafts of one company code that were `checked` in the caller's transaction, and are good."""
    if not drafts:
        return []
    series = Counter((draft.document_type, draft.fiscal_year) for draft in drafts)
    company = drafts[0].company_code
    # always in the same order: whoever waits for a series holds none that comes after it
    numbers = {key: iter(take_numbers(company, *key, count)) for key, count in sorted(series.items())}
    # drawn after the numbers: whoever has a lower id has held the same lock before
    identities = new_identities(Voucher, len(drafts))
    now, vouchers, postings = clock.now(), [], []
    for identity, draft in zip(identities, drafts, strict=True):
        number = next(numbers[draft.document_type, draft.fiscal_year])
        voucher = _voucher(identity, number, draft, now)
        reversed_uuid = draft.reverses.uuid if draft.reverses else None
        rows = [_row(line, facts) for line, facts in enumerate(draft.lines, start=1)]
        voucher.hash = voucher_hash(head_of(voucher, reversed_uuid=reversed_uuid), rows)
        vouchers.append(voucher)
        postings += [(identity, *row) for row in rows]
    insert_rows(Voucher, _VOUCHER_COLUMNS, [_voucher_values(voucher.__data__) for voucher in vouchers])
    insert_stored(Posting, _POSTING_COLUMNS, postings)
    return vouchers


def _voucher(identity: int, number: int, draft: VoucherDraft, now: datetime) -> Voucher:
    return Voucher(
        id=identity,
        uuid=draft.uuid or new_uuid(),
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
        reverses=draft.reverses,
        entered_at=now,
        entered_by=draft.entered_by,
        source=draft.source,
        details=draft.details or None,
    )


def _row(number: int, line: PostingLine) -> tuple[object, ...]:
    """A posting's `POSTING_FIELDS` as the database holds them."""
    if line.supplier is not None:
        key = SUPPLIER_DEBIT_KEY if line.amount_ore > 0 else SUPPLIER_CREDIT_KEY
    else:
        key = DEBIT_KEY if line.amount_ore > 0 else CREDIT_KEY
    value_date = line.value_date.isoformat() if line.value_date is not None else None
    details = encode_json(line.details) if line.details else None
    return (number, key, *line[:_AS_IT_IS], value_date, line.text, line.allocation, details)
