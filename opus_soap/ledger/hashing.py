"""A voucher's hash: SHA-256 over one canonical form of the voucher and all its postings.

The form is JSON (UTF-8, NFC, keys sorted, no white space) of the fields named here, in
`["opus-soap-voucher-2", {voucher}, [[posting], …]]`: the voucher by the names of its fields, a posting by
their order. Dates are ISO, instants UTC with microseconds, amounts integers of øre, absent values null;
`details` is the text that stands in its column, as a string. So what is hashed is what is stored, and
anybody can compute it again without this program.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from opus_soap.clock import isoformat
from opus_soap.database import encode_json
from opus_soap.ledger.models import Voucher

FORM = "opus-soap-voucher-2"
_OTHERWISE = frozenset((UUID, bytes, memoryview))  # than JSON has it
_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME

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
    "details",
)


def head_of(voucher: Voucher, *, reversed_uuid: UUID | None) -> dict[str, object]:
    """A voucher that is about to be written, as the mapping that `voucher_hash` takes."""
    values = voucher.__data__  # what the attributes hold, in half of the time
    return {
        **{name: values[name] for name in VOUCHER_FIELDS},
        "municipality": voucher.company_code.municipality_id,  # its code
        "company_code": voucher.company_code.code,
        "reverses": reversed_uuid,
        "details": encode_json(voucher.details) if voucher.details else None,
    }


def voucher_hash(head: Mapping[str, object], rows: Sequence[Sequence[object]]) -> bytes:
    """The 32 bytes of a voucher whose postings are `rows` in line order, each of `POSTING_FIELDS`' values.

    Dates and instants may also be as Python has them; everything else is as the database holds it.
    """
    text = orjson.dumps([FORM, head, rows], option=_CANONICAL, default=_plain)
    return hashlib.sha256(text if text.isascii() else _composed(text)).digest()


def _composed(text: bytes) -> bytes:
    """The text in NFC."""
    plain = text.decode()
    try:
        plain.encode("latin-1")
    except UnicodeEncodeError:
        # a string begins and ends with a quotation mark, which nothing composes with: all at once is the same
        return unicodedata.normalize("NFC", plain).encode()
    return text  # nothing in it composes; to be told that is much quicker so


def row_text(values: Sequence[object]) -> bytes:
    """Canonical JSON of a row's values as the database holds them: a list, UTF-8, no white space.

    A UUID is its 32 digits, bytes are hex.
    """
    plain = [_stored(value) if type(value) in _OTHERWISE else value for value in values]
    return orjson.dumps(plain, option=_CANONICAL, default=_plain)


def row_hash(form: str, values: Sequence[object]) -> bytes:
    """SHA-256 over the canonical JSON of a form's name and a row's values."""
    return hashlib.sha256(row_text([form, *values])).digest()


def _stored(value: Any) -> str:
    found: str = value.hex if isinstance(value, UUID) else value.hex()
    return found


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return isoformat(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):  # nothing that we write; somebody's who changed the tables
        return value.hex()
    raise TypeError(type(value).__name__)
