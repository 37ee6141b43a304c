"""A voucher's hash as `ledger.hashing` has it, though its postings come in pieces."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from opus_soap.ledger.hashing import FORM, row_text


def hash_of(head: Mapping[str, object], pieces: Iterable[Sequence[Sequence[object]]]) -> bytes:
    """The 32 bytes of a voucher: `ledger.hashing.voucher_hash` of all the pieces together.

    The form's JSON is made piece by piece: a list ends behind what it holds, rows stand between commas.
    """
    digest = hashlib.sha256(_composed(row_text([FORM, head, []]).removesuffix(b"]]")))
    between = b""
    for rows in pieces:
        digest.update(between + _composed(row_text(rows)[1:-1]))
        between = b","
    digest.update(b"]]")
    return digest.digest()


def _composed(text: bytes) -> bytes:
    """In NFC; a string begins and ends with a quotation mark, which nothing composes with."""
    return text if text.isascii() else unicodedata.normalize("NFC", text.decode()).encode()
