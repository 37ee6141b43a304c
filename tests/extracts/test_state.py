"""What an extract notes for the next: told apart by one walk, and known when it is not whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opus_soap import errors
from opus_soap.extracts.output import Output
from opus_soap.extracts.state import (
    ADDED,
    CHANGED,
    REMOVED,
    SAME,
    Change,
    Noted,
    changes,
    digest,
    reading,
    writing,
)

RECORDS = st.dictionaries(st.text("0123æ", min_size=1, max_size=3), st.sampled_from("abc"), max_size=12)


def written(folder: Path, records: dict[str, str]) -> Path:
    with writing(Output(folder, "E"), ".state") as state:
        for key, text in sorted(records.items()):
            state.add(key, digest(text))
    return folder / ".E.state"


def test_a_list_is_read_as_it_was_written(tmp_path):
    assert list(reading(written(tmp_path, {"2": "b", "10": "a"}))) == [
        Noted("10", digest("a")),
        Noted("2", digest("b")),
    ]


def test_an_empty_list_is_a_list(tmp_path):
    assert list(reading(written(tmp_path, {}))) == []


def test_keys_ascend(tmp_path):
    with writing(Output(tmp_path, "E"), ".state") as state:
        state.add("2", digest("a"))
        with pytest.raises(AssertionError):
            state.add("10", digest("a"))


def test_every_byte_that_is_another_or_missing_is_known(tmp_path):
    path = written(tmp_path, {"1": "a", "2": "b"})
    whole = path.read_bytes()
    for place in range(len(whole)):
        for broken in (
            whole[:place],
            whole[:place] + whole[place + 1 :],
            whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :],
            whole[:place] + b"\xff" + whole[place:],
        ):
            path.write_bytes(broken)
            with pytest.raises(errors.ExtractStateUnusable):
                list(reading(path))
    path.write_bytes(whole + b"x")
    with pytest.raises(errors.ExtractStateUnusable):
        list(reading(path))


def test_a_list_that_is_not_there_is_known(tmp_path):
    with pytest.raises(errors.ExtractStateUnusable, match="No such file"):
        list(reading(tmp_path / ".E.state"))


Changes = Callable[..., Iterator[Change[Any]]]


def check(old: dict[str, str], new: dict[str, str], compare: Changes) -> None:
    """One walk finds what two dictionaries tell."""
    noted = [Noted(key, digest(text)) for key, text in sorted(old.items())]
    now = ((key, digest(text), text) for key, text in sorted(new.items()))
    found = list(compare(noted, now))
    assert [change.key for change in found] == sorted({*old, *new})
    for change in found:
        expected = (
            REMOVED
            if change.key not in new
            else ADDED
            if change.key not in old
            else SAME
            if old[change.key] == new[change.key]
            else CHANGED
        )
        assert change.what is expected
        assert change.record == new.get(change.key)


@given(RECORDS, RECORDS)
def test_one_walk_tells_what_became_of_every_record(old, new):
    check(old, new, changes)


def forgets_the_last(noted: list[Noted], now: Any) -> Iterator[Change[Any]]:
    """The canary: who left is told only while somebody comes after."""
    found = list(changes(noted, now))
    while found and found[-1].what is REMOVED:
        found.pop()
    return iter(found)


def test_the_walk_is_looked_at():
    @given(RECORDS, RECORDS)
    def broken(old, new):
        check(old, new, forgets_the_last)

    with pytest.raises(AssertionError):
        broken()
