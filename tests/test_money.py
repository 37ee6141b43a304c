"""Kroner and øre."""

from __future__ import annotations

from decimal import Decimal

import pytest

from opus_soap.money import danish, kroner_from_ore, ore_from_kroner, ore_from_text, round_to_ore


def test_conversion_is_exact_or_refused():
    assert ore_from_kroner(Decimal("1234.5")) == 123450
    assert kroner_from_ore(-5) == Decimal("-0.05")
    with pytest.raises(ValueError, match="fractions"):
        ore_from_kroner(Decimal("0.001"))


@pytest.mark.parametrize(("kroner", "ore"), [("0.005", 1), ("-0.005", -1), ("2.344", 234)])
def test_rounding_is_half_away_from_zero(kroner, ore):
    assert round_to_ore(Decimal(kroner)) == ore


@pytest.mark.parametrize(("ore", "text"), [(123456789, "1.234.567,89"), (-5, "-0,05"), (0, "0,00")])
def test_danish_amounts(ore, text):
    assert danish(ore) == text


@pytest.mark.parametrize(
    ("text", "ore"),
    [
        ("0", 0),
        ("100000", 10000000),
        ("100000.00", 10000000),
        ("100000,00", 10000000),
        ("100.000,00", 10000000),
        ("1.234.567,89", 123456789),
        ("0,05", 5),
    ],
)
def test_amounts_that_can_be_read_in_one_way(text, ore):
    assert ore_from_text(text) == ore


@pytest.mark.parametrize(
    "text",
    [
        *("100.000", "1.000", "1,000", "1.000.000", "100,000.00", "1.5", "1,5", "1.", ",50", "1.2345"),
        *("", " 1", "-1", "+1", "1e3", "x", "10.00,00", "1000.000,00", "1234567890123", "١"),
    ],
)
def test_amounts_that_cannot(text):
    with pytest.raises(ValueError, match="one way"):
        ore_from_text(text)
