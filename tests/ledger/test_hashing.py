"""What is hashed is NFC, however it was written."""

from __future__ import annotations

import hashlib
import json
import unicodedata

import pytest

from opus_soap.ledger.hashing import FORM, voucher_hash


@pytest.mark.parametrize(
    "text",
    [
        "Løn",
        "\xff\xb4",
        "A\u030a",
        "e\u0301 – Ørsted",
        "\u212b",
        "ﬁ",
        "\u1100\u1161",
        "\u0344",
        "\u0301",
        '"\u0301',
    ],
)
def test_the_text_is_composed(text):
    head, rows = {"header_text": text, "uuid": "x"}, [[1, text, None]]
    plain = json.dumps([FORM, head, rows], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    expected = hashlib.sha256(unicodedata.normalize("NFC", plain).encode()).digest()
    assert voucher_hash(head, rows) == expected
