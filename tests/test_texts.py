"""What nobody sees, and what people read as the same."""

from __future__ import annotations

import pytest

from opus_soap.identifiers import number_key, opus_user
from opus_soap.texts import comparable, names_person, untellable, visible


@pytest.mark.parametrize(
    "other",
    [
        "FA-1001\u200b",
        "FA\u00ad-1001",
        "fa-1001",
        "ＦＡ-1001",
        " FA -\n1001",
        "\u202eFA-1001",
        "FA-1001\ufeff",
        "FA-1001\ufe0f",
        "FA-1001\u034f",
        "FA-1001\u3164",
        "FA-1001\u2800",
        "FA-1001\uffa0",
        "FA-1001\U000e0100",
        "FA\u20111001",
        "FA\u22121001",
        "FA–1001",
    ],
)
def test_texts_that_read_the_same_are_the_same(other):
    assert comparable(other) == comparable("FA-1001")


@pytest.mark.parametrize("other", ["FA-1002", "FB-1001", "FA1001", "FA-10010", "FÅ-1001"])
def test_others_are_others(other):
    assert comparable(other) != comparable("FA-1001")


def test_what_is_hidden_is_shown():
    assert visible("a\u202eb\nc\x1b[0m") == "a\ufffdb\ufffdc\ufffd[0m"
    assert visible("a\nb", keep="\n") == "a\nb"
    assert visible("æøå 100 % €") == "æøå 100 % €"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Æbler\t4 kg\r\n\u0085\u200b\u00a0", None),
        ("", None),
        ("a\x00b\x01", "U+0000"),
        ("\x1f", "U+001F"),
        ("\ud800", "U+D800"),
        ("\uffff", "U+FFFF"),
    ],
)
def test_what_xml_cannot_hold_is_named(text, found):
    assert untellable(text) == found


def test_a_key_is_never_longer_than_its_column():
    long = "\ufdfa" * 64  # one character that stands for eighteen
    assert len(number_key(long)) == 64
    assert number_key(long) != number_key(long[:-1])
    assert number_key("F-1") == "f-1"


@pytest.mark.parametrize(
    "text",
    [
        "0101901234",
        "til 010190-1234, tak",
        "010190/1234",
        "010190_1234",
        "01-01-90-1234",
        "01 01 90 1234",
        "610190 1234",
        "０１０１９０１２３４",
        "010190\u200b1234",
        "010190\u00ad1234",
        "010190\u20111234",
    ],
)
def test_a_person_is_seen_however_it_is_written(text):
    assert names_person(text)


@pytest.mark.parametrize(
    "text", ["", "0113901234", "32019012345", "010190", "FA-10012345678", "2026-11-23 12:00"]
)
def test_other_numbers_are_nobody(text):
    assert not names_person(text)


@pytest.mark.parametrize(
    ("user", "written"), [("moha", "MOHA"), ("Øst1", "ØST1"), ("ıd", "ıd"), ("straße", "straße")]
)
def test_a_user_is_written_in_capitals_where_that_is_the_same(user, written):
    assert opus_user(user) == written
    assert opus_user(user).casefold() == user.casefold()
