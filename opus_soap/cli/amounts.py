"""Amounts on a command line: kroner in, øre out; what can be read in two ways is refused."""

from __future__ import annotations

import click

from opus_soap.money import ore_from_text

_EXAMPLES = "100000, 100000.00, 100000,00 or 100.000,00"


def ore(text: str) -> int:
    """Øre of an amount; raises `click.BadParameter`."""
    try:
        return ore_from_text(text)
    except ValueError:
        said = text or "an empty text"
        raise click.BadParameter(f"{said} is not an amount in kroner: write {_EXAMPLES}") from None


def amount(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    """A callback of an option that is an amount; None when it is left out."""
    return None if text is None else ore(text)
