"""Money is whole øre in integers inside, Decimal kroner at the edge, never a float."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_ORE = Decimal("0.01")


def ore_from_kroner(kroner: Decimal) -> int:
    """Exact conversion of kroner to øre; raises ValueError when there are fractions of an øre."""
    scaled = kroner.scaleb(2)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{kroner} has fractions of an øre")
    return int(scaled)


def round_to_ore(kroner: Decimal) -> int:
    """Kroner rounded half up (away from zero) to whole øre, as invoices are."""
    return int(kroner.quantize(_ORE, rounding=ROUND_HALF_UP).scaleb(2))


def kroner_from_ore(ore: int) -> Decimal:
    """`123450` → `Decimal('1234.50')`; always two decimals."""
    return Decimal(ore).scaleb(-2).quantize(_ORE)


def danish(ore: int) -> str:
    """`123450` → `1.234,50`, the way a Danish reader expects an amount."""
    return f"{kroner_from_ore(ore):,.2f}".translate(str.maketrans(",.", ".,"))
