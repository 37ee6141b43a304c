"""The expressions of rules of accounts: what people need is taken, what could hang is not."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from opus_soap.ledger.account_patterns import is_bounded


@pytest.mark.parametrize(
    "pattern",
    [
        ".*",
        "[S9].*",
        "22000300",
        "4[0-4].*|45.*",
        r"9\d{7}",
        "[^9].*",
        "4.{3}0*",
        ".?.?.?",
        "4" * 255,
        "Ø-1/2 .*",
    ],
)
def test_what_rules_say_is_taken(pattern):
    assert is_bounded(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(((.*)*)*)*x",
        "(.*)*x",
        "(4|4)*x",
        "(?:a+)+",
        r"(.)\1",
        "(?=4)4",
        "^4",
        "4$",
        ".*.*.*.*x",
        "." + "?" * 2,
        ".*+",
        "[[:alpha:]]",
        "[",
        "[9-0]",
        "4{3,1}",
        "|4",
        "4||5",
        "",
        "4\n",
        r"\w",
        r"4\Z",
        "４.*",
        "[０-９]*",
        "a{２}",
        "[a --9]",
        "[a--b]",
        "[4-]",
    ],
)
def test_the_rest_is_not(pattern):
    assert not is_bounded(pattern)


@given(
    some.lists(
        some.sampled_from(["4", ".", r"\d", "[0-9]", "*", "+", "?", "{1,3}", "|", "(", ")"]), max_size=40
    )
)
@example([".*", ".*", ".*", "x"] + ["|.*.*.*x"] * 30)
def test_what_is_taken_is_a_choice_of_few_repetitions(parts):
    """The dearest there are: three repetitions in each choice, and nothing that fits in the end."""
    pattern = "".join(parts)
    if is_bounded(pattern):
        assert not set("()") & set(pattern)
        for choice in pattern.split("|"):
            assert sum(choice.count(mark) for mark in "*+?,") <= 3
            re.fullmatch(choice, string.digits)
