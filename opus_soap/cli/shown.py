"""What commands print: tables that lose nothing, local times, the text of others made harmless."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from opus_soap.clock import COPENHAGEN
from opus_soap.errors import mask_cpr
from opus_soap.texts import visible

_WIDE = 1000


def shown(text: str) -> str:
    """A text as a terminal may have it: what moves the cursor or the reading direction becomes `�`."""
    return mask_cpr(visible(text, keep="\n\t"))


def shown_all(value: Any) -> Any:
    """The same for every text in a structure that is printed as JSON."""
    if isinstance(value, dict):
        return {name: shown_all(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shown_all(item) for item in value]
    return shown(value) if isinstance(value, str) else value


def counted(number: int, what: str) -> str:
    """`1 seal`, `2 seals`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def local(at: datetime | None) -> str:
    """An instant as the clock on the wall in Copenhagen shows it, with its offset; empty for none."""
    return at.astimezone(COPENHAGEN).isoformat(" ", "seconds") if at else ""


def listing(*columns: str, numbers: tuple[str, ...] = (), **options: Any) -> Table:
    """An empty table whose cells are folded, never cut; `numbers` are columns of amounts."""
    table = Table(**options)
    for name in columns:
        if name in numbers:
            table.add_column(name, justify="right", no_wrap=True)
        else:
            table.add_column(name, overflow="fold")
    return table


class PlainConsole(Console):
    """A console that takes every string literally; style is said with `style=`, not in brackets.

    What is written to a file or a pipe is as wide as it must be.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if not self.is_terminal and "width" not in options:
            self.width = _WIDE

    def render_str(self, text: str, **options: Any) -> Text:
        """A string as `shown`, without markup or emoji codes."""
        return super().render_str(shown(text), **{**options, "markup": False, "emoji": False})
