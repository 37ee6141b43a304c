"""Values and elements as extracts have them."""

from __future__ import annotations

from datetime import date

import pytest
from lxml import etree

from opus_soap.extracts.elements import amount, day, element, escaped, group, leaves, tags

AWKWARD = ("a & b", "<b>", "a > b", "]]>", "a\rb", "\r\n", "æ \N{THUMBS UP SIGN}", "'\"", "4711", "-1.50")


@pytest.mark.parametrize("text", AWKWARD)
def test_a_text_is_read_as_it_was(text):
    node = etree.fromstring(element("R", {"A": "x", "B": text, "C": "y"}))
    assert [(child.tag, child.text) for child in node] == [("A", "x"), ("B", text), ("C", "y")]
    assert etree.fromstring(f"<a>{escaped(text)}</a>").text == text


def test_what_is_not_there_is_left_out():
    assert leaves(tags("ABC"), (None, "", "x")) == "<C>x</C>"
    assert group("R", tags("AB"), ("<", None), "<X/>") == "<R><A>&lt;</A><X/></R>\n"


def test_a_text_without_an_element_is_no_text_less():
    with pytest.raises(ValueError, match="argument"):
        leaves(tags("AB"), ("x",))


@pytest.mark.parametrize(
    ("ore", "text"),
    [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (-123450, "-1234.50"), (10**9, "10000000.00")],
)
def test_an_amount_has_two_decimals(ore, text):
    assert amount(ore) == text


def test_a_day_is_eight_digits_whichever_engine_stored_it():
    assert day("2026-11-23") == day(date(2026, 11, 23)) == "20261123"
    assert day(None) is None
