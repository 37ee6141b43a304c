"""What a file and all that was said of it is held against: hashes that are made when it is dealt with.

`said_root` is a chain over what was said of its vouchers, in their order: SHA-256 of the root before and of
the row's canonical JSON (`ledger.hashing.row_text`). `hash` is SHA-256 over the file's own row with that
root, made when it is finished; it also stands in the audit trail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from opus_soap.database import stored_values
from opus_soap.ledger.hashing import row_hash, row_text
from opus_soap.store.models import PostingFile

FORM = "opus-soap-posting-file-1"
FINISHED = "postings_in.finished"  # in the audit trail
# of PostingDocument, in the order of the row's JSON
SAID = ("position", "sender", "number", "company_code", "year", "digest", "voucher_uuid", "returns")
# of PostingFile
HASHED = (
    "uuid",
    "municipality",
    "sender",
    "name",
    "name_key",
    "called",
    "sha256",
    "size",
    "state",
    "documents",
    "position",
    "control",
    "receipt_sha256",
    "said_root",
    "received_at",
    "finished_at",
)


def root_after(root: bytes, rows: Iterable[Sequence[object]]) -> bytes:
    """The root behind some more rows, each of `SAID`'s values as they are stored."""
    for row in rows:
        root = hashlib.sha256(root + row_text(row)).digest()
    return root


def hash_of(values: Sequence[object]) -> bytes:
    """The hash of a file, of `HASHED`'s values as they are stored."""
    return row_hash(FORM, values)


def hash_of_file(file: PostingFile) -> bytes:
    """The same, of a file that is about to be finished."""
    return hash_of(stored_values(file, HASHED))
