"""What the schema says of a value, as it is told in one step."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opus_soap.interfaces.postings_in.schema import ValueType
from opus_soap.interfaces.postings_in.writing import shape_of

TYPES = sorted(
    {
        repr(child.content): child.content
        for name in ("CONTROL_FIELDS", "HEADER", "FILES", "LINE")
        for child in shape_of(name).children
        if isinstance(child.content, ValueType)
    }.items()
)


@settings(max_examples=50, deadline=None)
@pytest.mark.parametrize("form", [form for _, form in TYPES], ids=range(len(TYPES)))
@given(data=st.data())
def test_a_type_takes_what_its_facets_say(form, data):
    texts = st.text(max_size=60) | st.sampled_from(["", "\n", "a\n", " ", "x" * 50, "\u2028" * 51, "D", "١"])
    if form.pattern is not None:
        texts |= st.from_regex(form.pattern) | st.from_regex(form.pattern, fullmatch=True)
    text = data.draw(texts)
    short = form.longest is None or len(text) <= form.longest
    of_form = text in form.choices if form.choices else form.pattern is None or form.pattern.fullmatch(text)
    assert bool(form.takes(text)) == bool(short and of_form)
