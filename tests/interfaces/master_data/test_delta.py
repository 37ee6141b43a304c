"""Two sorted lists told apart: what a receiver makes of a delta is what there is now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opus_soap.extracts import state
from opus_soap.extracts.output import Output
from opus_soap.extracts.state import REMOVED
from opus_soap.interfaces.master_data import delta, kind
from opus_soap.interfaces.master_data.books import Record
from opus_soap.interfaces.master_data.form import CHANGED, DELETED, NEW, Key

# what a declaration may hold and XML cannot is among them
TEXTS = st.text(st.sampled_from("\t\n\r\0\1\2\3\x1f !aAåÅ\x7f\U0001f600"), max_size=3)
NUMBERS = st.one_of(st.integers(-12, 12), st.integers(-(2**63), 2**63 - 1))
KEYS = st.one_of(
    st.lists(st.tuples(TEXTS)),
    st.lists(st.tuples(NUMBERS)),
    st.lists(st.tuples(TEXTS, NUMBERS, TEXTS)),
    st.lists(st.tuples(TEXTS, TEXTS, TEXTS)),
)


def check_order(keys: list[Key], packed: Callable[[Key], str]) -> None:
    assert sorted(keys) == sorted(keys, key=packed)
    assert len({packed(key) for key in keys}) == len(set(keys))


@settings(max_examples=500, deadline=None)
@given(KEYS)
@example([("moha", "", "5798009900012"), ("moha", "P410", ""), ("moha ", "", ""), ("moha\t", "", "")])
@example([(-3,), (9,), (10,), (100,), (-10,)])
def test_texts_of_keys_are_in_the_order_of_the_keys(keys):
    check_order(keys, delta.packed)


@settings(max_examples=500, deadline=None)
@given(KEYS)
def test_a_key_comes_back_from_its_text_which_a_list_can_hold(keys):
    for key in keys:
        assert not {"\t", "\n"} & set(delta.packed(key))
        assert delta.unpacked(delta.packed(key)) == [str(part) for part in key]


def printed(key: Key) -> str:
    return "|".join(map(str, key))


def with_numbers_as_they_are(key: Key) -> str:
    return "\x01".join(map(str, key))


def with_control_characters_below_what_is_between(key: Key) -> str:
    return delta.packed(key).replace("\x01", "\x1f")


def with_control_characters_above(key: Key) -> str:
    return delta.packed(key).replace("\x02", "\x7f")


@pytest.mark.parametrize(
    "broken",
    [
        printed,
        with_numbers_as_they_are,
        with_control_characters_below_what_is_between,
        with_control_characters_above,
    ],
)
def test_the_order_of_keys_is_looked_at(broken):
    @settings(max_examples=2000, deadline=None, report_multiple_bugs=False)
    @given(KEYS)
    def property_of_the_canary(keys):
        check_order(keys, broken)

    with pytest.raises(AssertionError):
        property_of_the_canary()


TABLES = ("ACCOUNT_RULE", "DOC_TYPE")
HELD = st.dictionaries(
    st.one_of(
        st.tuples(st.just(TABLES[0]), st.integers(-11, 11)),
        st.tuples(st.just(TABLES[1]), st.text("abc\t", min_size=1, max_size=2)),
    ),
    st.sampled_from(["x", "y"]),
    max_size=12,
)
Held = dict[tuple[str, Any], str]


def books(held: Held) -> Any:
    def records(table: str) -> Iterator[Record]:
        for code, text in sorted((code, text) for (name, code), text in held.items() if name == table):
            yield Record(table, (code,), (str(code), text))

    return SimpleNamespace(records=records)


def check(before: Held, after: Held) -> None:
    with TemporaryDirectory() as folder:
        first, second, third = (Path(folder, name) for name in ("E1", "E2", "E3"))
        for path in (first, second, third):
            path.mkdir()
        full, following = SimpleNamespace(full=True), SimpleNamespace(full=False, previous=first)
        last = SimpleNamespace(full=False, previous=second)
        for table in TABLES:
            everything = list(kind._told(full, Output(first, "E1"), books(before), table))
            assert [told.action for told in everything] == [""] * sum(name == table for name, _ in before)
        received = {(table, str(code)): text for (table, code), text in before.items()}
        for table in TABLES:
            for action, texts in kind._told(following, Output(second, "E2"), books(after), table):
                key = table, texts[0]
                assert (key in received) == (action != NEW)
                if action == DELETED:
                    del received[key]
                    continue
                assert received.get(key) != texts[1]  # nothing is told that is the same
                assert action in (NEW, CHANGED)
                received[key] = texts[1]
            assert not list(kind._told(last, Output(third, "E3"), books(after), table))  # nor told twice
    assert received == {(table, str(code)): text for (table, code), text in after.items()}


@settings(max_examples=200, deadline=None)
@given(before=HELD, after=HELD)
def test_a_delta_makes_of_what_was_what_is(before, after):
    check(before, after)


def test_the_property_catches_a_delta_that_forgets_the_last(monkeypatch):
    def forgets(*lists):
        found = list(state.changes(*lists))
        yield from found[:-1] if found and found[-1].what is REMOVED else found

    monkeypatch.setattr(kind, "changes", forgets)

    @settings(max_examples=200, deadline=None)
    @given(before=HELD, after=HELD)
    def property_of_the_canary(before, after):
        check(before, after)

    with pytest.raises(AssertionError):
        property_of_the_canary()
