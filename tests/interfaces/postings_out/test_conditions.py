"""Conditions of a partial extract: read in one way, known to the books, asked of every line."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as some

from opus_soap import errors
from opus_soap.interfaces.postings_out.conditions import check, parse


@pytest.mark.parametrize(
    ("text", "meets", "fails"),
    [
        ("COSTCENTER=4101", ["4101"], ["410", "41011", None]),
        ("COSTCENTER=4101, 4102", ["4101", "4102"], ["4103", None]),
        ("COSTCENTER!=4101", ["4102", None], ["4101"]),
        ("GL_ACCOUNT=40000000..49999999", ["40000000", "45", "49999999"], ["39999999", "5", None]),
        ("GL_ACCOUNT!=40000000..49999999", ["39999999", None], ["40000000"]),
        ("PROFIT_CTR=10*", ["10", "1001"], ["0110", "2010", None]),
        ("PROFIT_CTR= 10*", ["10", "1001"], ["0110"]),
        ("PROFIT_CTR=*10", ["10", "0110"], ["101", None]),
        ("PROFIT_CTR=1*0*", ["100", "1990x"], ["11", "010", None]),
        ("PROFIT_CTR=a.c*", ["a.cd"], ["abcd"]),
        ("FIS_PERIOD=2..10", ["2", "9", "10"], ["1", "11"]),
        ("WBS_ELEMENT=xg-920-1", ["XG-0000000920-00001"], ["XG-0000000920-00002"]),
    ],
)
def test_what_meets_it(text, meets, fails):
    condition = parse(text)
    assert [value for value in meets if not condition.holds(value)] == []
    assert [value for value in fails if condition.holds(value)] == []


@pytest.mark.parametrize(
    "text", ["COSTCENTER=4101,4102", "GL_ACCOUNT!=1..2", "WBS_ELEMENT=xg-920-1", "DOC_TYPE=S*"]
)
def test_its_normal_form_says_the_same(text):
    normal = parse(text).text
    assert parse(normal).text == normal


@pytest.mark.parametrize(
    "text",
    ["", "COSTCENTER", "COSTCENTER=", "COSTCENTER=,", "COSTCENTER=1..", "COSTCENTER=2..1", "costcenter=1",
     "COSTCENTER=41*,42*", "COSTCENTER=4*..5*", "COSTCENTER==4*", "COSTCENTER=1..2,3",
     "COSTCENTER=" + "1," * 1001 + "1", "COSTCENTER=" + "1" * 10_001],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(errors.ConditionInvalid):
        parse(text)


def test_a_dimension_that_there_is_not_is_named():
    with pytest.raises(errors.ConditionDimensionUnknown, match="COLOUR"):
        parse("COLOUR=red")


@pytest.mark.parametrize(
    "text",
    ["COSTCENTER=1101", "GL_ACCOUNT=52000200", "DOC_TYPE=SA,KR", "VENDOR_NO=200002", "TAX_CODE=K25",
     "FISC_YEAR=2026", "FIS_PERIOD=11", "ENTERED_BY=anybody", "COSTCENTER=9*", "COSTCENTER=8..9",
     "ACTIVITY=0010"],
)  # fmt: skip
def test_what_the_books_know_may_be_asked_for(company, text):
    (condition,) = check(company, [text])
    assert condition.text == text


@pytest.mark.parametrize(
    "text",
    ["COSTCENTER=9999", "GL_ACCOUNT=1", "DOC_TYPE=XX", "VENDOR_NO=1", "TAX_CODE=K99", "FISC_YEAR=1999",
     "PART_PRCTR=nope", "COSTCENTER=1101,9999", "COSTCENTER!=9999"],
)  # fmt: skip
def test_what_they_do_not_know_is_told(company, text):
    with pytest.raises(errors.ConditionUnknown):
        check(company, [text])


def test_there_is_a_limit(company):
    with pytest.raises(errors.ConditionInvalid):
        check(company, ["COSTCENTER=1101"] * 21)


def test_a_pattern_of_many_stars_is_soon_told_from_what_is_nearly_it():
    """Whoever tries every way to place thirty texts among sixty does not come back."""
    condition = parse("ENTERED_BY=" + "*1" * 30 + "*2")
    assert not condition.holds("1" * 70)
    assert condition.holds("1" * 69 + "2")


@given(some.text("ab*", min_size=1).filter(lambda text: "*" in text), some.text("ab", min_size=1))
def test_a_pattern_means_what_it_does_elsewhere(pattern, value):
    assert parse(f"ENTERED_BY={pattern}").holds(value) == fnmatchcase(value, pattern)
