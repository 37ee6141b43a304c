"""Money is whole øre in integers inside, Decimal kroner at the edge, never a float."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

_ORE = Decimal("0.01")
# whole kroner; or two decimals behind a point or comma, thousands told apart by points before a comma alone
_WRITTEN = re.compile(r"(\d{1,12})(?:[.,](\d{2}))?|(\d{1,3}(?:\.\d{3}){1,3}),(\d{2})", re.ASCII)


def ore_from_kroner(kroner: Decimal) -> int:
    """Exact conversion of kroner to øre; raises ValueError when there are fractions of an øre."""
    scaled = kroner.scaleb(2)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{kroner} has fractions of an øre")
    return int(scaled)


def ore_from_text(text: str) -> int:
    """Kroner as people write them and nobody misreads: `100000`, `100000.00`, `100000,00`, `100.000,00`.

    Raises ValueError for any other: in `100.000` a Dane sees a hundred thousand and a program one hundred.
    """
    found = _WRITTEN.fullmatch(text)
    if not found:
        raise ValueError(f"{text} is not an amount that can be read in one way alone")
    kroner, decimals = found[1] or found[3].replace(".", ""), found[2] or found[4] or "00"
    return int(kroner + decimals)


def round_to_ore(kroner: Decimal) -> int:
    """Kroner rounded half up (away from zero) to whole øre, as invoices are."""
    return int(kroner.quantize(_ORE, rounding=ROUND_HALF_UP).scaleb(2))


def kroner_from_ore(ore: int) -> Decimal:
    """`123450` → `Decimal('1234.50')`; always two decimals."""
    return Decimal(ore).scaleb(-2).quantize(_ORE)


def danish(ore: int) -> str:
    """`123450` → `1.234,50`, the way a Danish reader expects an amount."""
    return f"{kroner_from_ore(ore):,.2f}".translate(str.maketrans(",.", ".,"))
