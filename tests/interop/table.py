"""The table in docs/interop.md, of what was seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.interop.peers import PEERS

PAGE = Path(__file__).parents[2] / "docs" / "interop.md"
START, END = "<!-- table: written by `make interop` -->\n", "<!-- end of table -->\n"
COLUMNS = {"ping": "`Ping`", "post": "Voucher", "refused": "Refused voucher", "lies": "Changed replies"}

Rows = dict[tuple[str, str], dict[str, str]]


def complete(rows: Rows) -> bool:
    """Whether every peer has answered for everything."""
    return all(set(COLUMNS) <= set(rows.get((peer.name, form), {})) for peer in PEERS for form in peer.forms)


def lines(rows: Rows) -> Iterator[str]:
    """The table."""
    yield f"| Peer | It signs, naming its key by | {' | '.join(COLUMNS.values())} |"
    yield "|---|---|" + "---|" * len(COLUMNS)
    for peer in PEERS:
        for form, sends in peer.forms.items():
            row = rows[peer.name, form]
            cells = [f"{peer.name} {row['version']}", sends, *(row.get(column, "") for column in COLUMNS)]
            yield f"| {' | '.join(cells)} |"


def write(rows: Rows) -> None:
    """Put the table where the old one is."""
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(START)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{START}{chr(10).join(lines(rows))}\n{END}{after}", "utf-8")
