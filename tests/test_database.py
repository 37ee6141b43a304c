"""What the database layer encodes by itself is what the library would have made of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peewee import OperationalError

from opus_soap.database import encode_json, retried, transaction
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


def collide(state: str) -> None:
    """What the library makes of it."""
    driver = type("Driver", (RuntimeError,), {"sqlstate": state})()
    try:
        raise driver
    except RuntimeError:
        raise OperationalError("collided")  # noqa: B904  as the library does


@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_a_transaction_that_collided_is_done_again_a_few_times(monkeypatch, database, state):
    monkeypatch.setattr("time.sleep", lambda _: None)
    tries: list[int] = []

    @retried
    def work(until: int) -> str:
        with transaction():
            tries.append(1)
            if len(tries) < until:
                collide(state)
            return "done"

    assert work(3) == "done"
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(OperationalError):
        work(100)
    assert len(tries) == 6


def test_what_is_no_collision_and_what_is_inside_another_transaction_is_done_once(database):
    tries: list[int] = []

    @retried
    def work(state: str) -> None:
        tries.append(1)
        collide(state)

    with pytest.raises(OperationalError):
        work("55P03")
    with pytest.raises(OperationalError), transaction():
        work("40P01")
    assert len(tries) == 2
