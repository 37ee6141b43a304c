"""A voucher's hash: SHA-256 over one canonical form of the voucher and all its postings.

The form is JSON (UTF-8, NFC, keys sorted, no white space) of the fields named here, in
`["opus-soap-voucher-1", {voucher}, [{posting}, …]]`. Dates are ISO, instants UTC with microseconds,
amounts integers of øre, absent values null; `details` is there only where something was delivered with the
voucher or the posting beside its columns. Anybody can compute it again without this program.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from opus_soap.clock import isoformat
from opus_soap.ledger.models import Posting, Voucher

FORM = "opus-soap-voucher-1"

VOUCHER_FIELDS = (
    "uuid",
    "document_type",
    "year",
    "number",
    "period",
    "document_date",
    "posting_date",
    "currency",
    "header_text",
    "reference",
    "entered_at",
    "entered_by",
    "source",
)
POSTING_FIELDS = (
    "line",
    "posting_key",
    "account",
    "amount_ore",
    "supplier",
    "cost_center",
    "wbs_element",
    "profit_center",
    "order",
    "network",
    "activity",
    "functional_area",
    "partner_profit_center",
    "tax_code",
    "value_date",
    "text",
    "allocation",
)


def voucher_hash(
    voucher: Voucher, rows: Sequence[Mapping[str, object]], *, reversed_uuid: UUID | None
) -> bytes:
    """The 32 bytes of a voucher whose postings are `rows` in line order.

    Each has just `POSTING_FIELDS`, and `details` where there are any.
    """
    head: dict[str, object] = {name: getattr(voucher, name) for name in VOUCHER_FIELDS}
    head["municipality"] = voucher.company_code.municipality.code
    head["company_code"] = voucher.company_code.code
    head["reverses"] = reversed_uuid
    if voucher.details:
        head["details"] = voucher.details
    text = json.dumps(
        [FORM, head, rows], ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain
    )
    # a string begins and ends with a quotation mark, which nothing composes with: all at once is the same
    return hashlib.sha256(unicodedata.normalize("NFC", text).encode("utf-8")).digest()


def posting_fields(row: Posting) -> dict[str, object]:
    """A stored posting as the mapping that `voucher_hash` takes."""
    fields = {name: getattr(row, name) for name in POSTING_FIELDS}
    return {**fields, "details": row.details} if row.details else fields


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return isoformat(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)
