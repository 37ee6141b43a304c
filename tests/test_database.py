"""What the database layer encodes by itself is what the library would have made of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opus_soap.database import encode_json, encode_texts


@given(st.dictionaries(st.text(), st.text()))
def test_texts_are_encoded_like_any_json_value(texts):
    assert encode_texts(texts) == encode_json(texts)
