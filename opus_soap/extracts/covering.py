"""Offline: are the vouchers of an extract those that its seals cover, each once, in the order of entry?

A seal's root is SHA-256 over the root before it and the hashes of its vouchers, and each voucher in the file
tells its hash (DOC_HASH): of an extract that leaves none out, the file makes the roots that were signed.
That a voucher's fields make its hash is not told here: not all that is hashed goes out (docs/extracts.md).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO

_HASH = re.compile(rb"<DOC_HASH>([0-9a-f]{64})</DOC_HASH>")  # no text has it: there `<` is `&lt;`
_LONGEST = len("<DOC_HASH></DOC_HASH>") + 64  # bytes
_AT_ONCE = 1024 * 1024  # bytes


def has_every_voucher(told: Mapping[str, Any]) -> bool:
    """Whether a manifest says that every voucher of its seals is in the extract, in the order of entry."""
    return bool(
        told["kind"] == "posteringer-ud" and told["seals"] and told["totals"]["vouchers_left_out"] == 0
    )


def first_seal_that_differs(data: BinaryIO, told: Mapping[str, Any]) -> Any:
    """The number of the first seal that the file's vouchers are not those of; None: they all are."""
    hashes = _hashes(data)
    for seal in told["seals"]:
        digest = hashlib.sha256(bytes.fromhex(seal["previous"]))
        for found in islice(hashes, seal["vouchers"]):
            digest.update(found)
        if digest.hexdigest() != seal["root"]:
            return seal["sequence"]
    return told["seals"][-1]["sequence"] if next(hashes, None) is not None else None


def _hashes(data: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while chunk := data.read(_AT_ONCE):
        text, end = rest + chunk, 0
        for found in _HASH.finditer(text):
            yield bytes.fromhex(found[1].decode())
            end = found.end()
        rest = text[max(end, len(text) - _LONGEST) :]
