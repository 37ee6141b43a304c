"""The root of the error tree: personal numbers never reach a text."""

from __future__ import annotations

import pickle
from datetime import date

import pytest

from opus_soap.errors import (
    AccountUnknown,
    Both,
    DimensionBlocked,
    DocumentRefused,
    OpusSoapError,
    ParkedVoucherDecided,
    PostingRateMissing,
    ReversalTooEarly,
    SystemUnknown,
    TotalWrong,
    VoucherRefused,
    VoucherUnbalanced,
    concrete_errors,
)
from opus_soap.errors.base import mask_cpr


class DocumentRefusedForWords(OpusSoapError):
    """Of this test alone: it has no code in the tree's list."""

    danish = "{element} er {value}; {expected}"
    english = "{element} is {value}; {expected}"


SEPARATORS = ["", "-", " ", ".", "\u00a0", "\u202f", "\u2010", "\u2011", "–", "—", "−", " - ", "\t", "\n"]


@pytest.mark.parametrize("separator", SEPARATORS, ids=[ascii(one) for one in SEPARATORS])
@pytest.mark.parametrize("date", ["010170", "311299", "610170"])
def test_a_cpr_number_is_masked_however_it_is_written(date, separator):
    masked = mask_cpr(f"cpr {date}{separator}1234.")
    assert masked == "cpr ••••••-••••."
    assert date not in SystemUnknown(value=f"Jens {date}{separator}1234").text_danish


@pytest.mark.parametrize(
    "text",
    [
        "5100000001",  # a voucher number: no such day
        "0113701234",  # no such month
        "320170 1234",
        "010170  -  1234",  # further apart than one person writes it
        "010170/1234",
        "1010170 1234",
        "010170 12345",
        "ab010170-1234-4d00-8000-000000000001",  # an identifier
        "ab0101701234" + "c" * 52,  # a hash
        "2026-11-23 1200",
    ],
)
def test_what_cannot_be_a_cpr_number_stays(text):
    assert mask_cpr(text) == text


def test_the_element_at_fault_is_masked_too():
    assert "010170" not in str(AccountUnknown(element="line 010170 1234", value="x"))


@pytest.mark.parametrize(
    "refused",
    [VoucherRefused([VoucherUnbalanced(value=5)]), DocumentRefused([TotalWrong(element="x", value=1)])],
    ids=lambda error: error.code,
)
def test_a_refusal_tells_its_reasons_in_the_language_of_the_text(refused):
    (reason,) = refused.errors
    assert reason.text_danish in refused.text_danish
    assert reason.text_english in refused.text_english
    assert reason.text_english in str(refused)
    assert reason.text_danish not in refused.text_english


def test_days_are_written_as_the_language_does():
    error = DimensionBlocked(element="LINE 1 COSTCENTER", value="1101", expected="2026-11-20")
    assert "20.11.2026" in error.text_danish
    assert "2026-11-20" in error.text_english
    early = ReversalTooEarly(element="7", value=date(2026, 11, 20), expected=date(2026, 11, 21))
    assert "20.11.2026" in VoucherRefused([early]).text_danish
    assert "23.11.2026" in PostingRateMissing(value="EUR", expected="2026-11-23").text_danish
    identifier = "00002026-1111-2026-1111-000000000000"
    assert identifier in DimensionBlocked(value=identifier).text_danish


@pytest.mark.parametrize(("state", "danish"), [("released", "godkendt"), ("dismissed", "forkastet")])
def test_a_decision_is_told_in_the_language_of_the_text(state, danish):
    error = ParkedVoucherDecided(element="1", value=state, expected="anna")
    assert f"er {danish} af anna" in error.text_danish
    assert f"been {state} by anna" in error.text_english


def test_remedies_have_nothing_to_fill_in():
    """They are told as they stand."""
    remedies = [(error.remedy_danish, error.remedy_english) for error in concrete_errors()]
    assert [text for pair in remedies for text in pair if "{" in text] == []


def test_words_are_said_in_the_language_of_the_text():
    error = DocumentRefusedForWords(
        element=Both("posten", "the record"), expected=Both("et helt tal", "a whole number"), value="x"
    )
    assert error.text_danish == "posten er x; et helt tal"
    assert error.text_english == str(error).removeprefix(": ") == "the record is x; a whole number"
    assert pickle.loads(pickle.dumps(error)).text_danish == error.text_danish


def test_words_are_masked_in_both_languages_and_kept_back_when_they_may_be_personal():
    masked = DocumentRefusedForWords(value=Both("nr. 010170-1234", "no. 010170-1234"))
    assert "010170" not in masked.text_danish + masked.text_english
    kept = DocumentRefusedForWords(value=Both("hemmelig", "secret"), sensitive=True)
    assert "hemmelig" not in kept.text_danish
    assert "secret" not in kept.text_english
