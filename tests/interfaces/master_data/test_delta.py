"""Two sorted lists told apart: what a receiver makes of a delta is what there is now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opus_soap.interfaces.master_data import delta
from opus_soap.interfaces.master_data.books import Record
from opus_soap.interfaces.master_data.form import CHANGED, DELETED, NEW

TABLES = ("TAX_CODE", "DOC_TYPE")
HELD = st.dictionaries(
    st.tuples(st.sampled_from(TABLES), st.text("abc", min_size=1, max_size=2)),
    st.sampled_from(["x", "y"]),
    max_size=12,
)


def records(held: dict[tuple[str, str], str], table: str) -> Iterator[Record]:
    for (name, code), text in sorted(held.items()):
        if name == table:
            yield Record(name, (code,), (code, text))


def check(before: dict, after: dict, path, changes: Callable = delta.changes) -> None:
    out = BytesIO()
    noted = delta.Noted(out, TABLES)
    for table in TABLES:
        list(noted.each(records(before, table)))
    noted.end()
    path.write_bytes(out.getvalue())
    known, received = delta.Before(path, TABLES), dict(before)
    other = delta.Noted(BytesIO(), TABLES)
    for table in TABLES:
        for action, texts in changes(other.each(records(after, table)), known.of(table)):
            key = table, texts[0]
            assert (key in received) == (action != NEW)
            if action == DELETED:
                del received[key]
                continue
            assert received.get(key) != texts[1]  # nothing is told that is the same
            assert action in (NEW, CHANGED)
            received[key] = texts[1]
    assert received == after


@settings(max_examples=200, deadline=None)
@given(before=HELD, after=HELD)
def test_a_delta_makes_of_what_was_what_is(tmp_path_factory, before, after):
    check(before, after, tmp_path_factory.getbasetemp() / "held")


def test_the_property_catches_a_delta_that_forgets_the_last(tmp_path_factory):
    def forgets(*lists):
        told = list(delta.changes(*lists))
        yield from told[:-1] if told and told[-1].action == DELETED else told

    @settings(max_examples=200, deadline=None)
    @given(before=HELD, after=HELD)
    def property_of_the_canary(before, after):
        check(before, after, tmp_path_factory.getbasetemp() / "held", forgets)

    with pytest.raises(AssertionError):
        property_of_the_canary()
