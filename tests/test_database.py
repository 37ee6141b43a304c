"""What the database layer encodes by itself is what the library would have made of it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from opus_soap.database import encode_json
from opus_soap.ledger.hashing import FORM, voucher_hash

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | _TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner),
)


@given(_VALUES)
def test_json_is_what_its_definition_says(value):
    """Keys sorted, UTF-8, no white space: whoever computes a hash again needs no library of ours."""
    expected = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert encode_json(value) == expected


@given(st.dictionaries(_TEXTS, _TEXTS | st.integers(0, 10**14) | st.none()), st.lists(st.lists(_TEXTS)))
def test_a_hash_is_what_its_definition_says(head, rows):
    from hashlib import sha256
    from unicodedata import normalize

    text = json.dumps([FORM, head, rows], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert voucher_hash(head, rows) == sha256(normalize("NFC", text).encode()).digest()
