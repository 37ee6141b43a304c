"""What was measured of both sides, for people: a table beside its goals, and the parts of our request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

Row = dict[str, Any]
Found = dict[str, Any]
PARTS = ("read", "wait", "verify", "validate", "dispatch", "sign", "commit", "rest")

_WORKED = ("WSS4J, ms", "ours, ms")  # of the processor, a request


@dataclass(frozen=True)
class Sheet:
    """A table: its title, its headings, its rows."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def table(self) -> Table:
        """For a terminal."""
        table = Table(title=self.title)
        for number, heading in enumerate(self.headings):
            table.add_column(heading, justify="right" if number else "left", no_wrap=True)
        for row in self.rows:
            table.add_row(*("[red]no" if cell == "no" else cell for cell in row))
        return table

    def markdown(self) -> str:
        """For a page."""
        lines = [self.headings, ["---", *["---:"] * (len(self.headings) - 1)], *self.rows]
        return "\n".join([f"{self.title}:", "", *(f"| {' | '.join(line)} |" for line in lines)])


def sheets(found: Found) -> Iterator[Sheet]:
    """Both sides and the goals; where the time goes; what references cost."""
    yield _rates(found)
    yield _parts(found["rows"])
    yield _references(found["references"])


def markdown(found: Found) -> str:
    """The tables as docs/speed.md has them."""
    return "\n\n".join(sheet.markdown() for sheet in sheets(found)) + "\n"


def _rates(found: Found) -> Sheet:
    title = "Requests per second on one core, and processor time of each: WSS4J verifies and signs, we do all"
    if found["short"]:
        title += " (short: neither is warm)"
    headings = ("Message", "bytes", "vouchers", "WSS4J/s", "ours/s", "ratio", "goal", "held", *_WORKED)
    rows = [
        (
            row["name"],
            f"{row['bytes']:,}",
            str(row["vouchers"]),
            _shown(row.get("wss4j_per_second")),
            _shown(row["ours_per_second"]),
            _shown(row["ratio"]),
            f"≥ {row['goal']}",
            _held(row["held"]),
            _shown(row.get("wss4j_worked_ms")),
            _shown(row["ours_worked_ms"]),
        )
        for row in found["rows"]
    ]
    return Sheet(title, headings, rows)


def _parts(rows: Sequence[Row]) -> Sheet:
    headings = ("Message", *PARTS, "whole")
    cells = [
        (row["name"], *(_shown(row["parts_ms"].get(part, 0.0)) for part in PARTS), _shown(row["ms"]))
        for row in rows
    ]
    return Sheet("Milliseconds of one of our requests by part, medians, one caller alone", headings, cells)


def _references(measured: Found) -> Sheet:
    (few, few_ms), (many, many_ms) = measured["ms"].items()
    title = f"Milliseconds to verify {measured['bytes']:,} bytes by references in the signature"
    row = (
        f"attachment, {few} and {many}",
        _shown(few_ms),
        _shown(many_ms),
        _shown(measured["ratio"]),
        f"≤ {measured['goal']}",
        _held(measured["held"]),
    )
    return Sheet(title, ("Message", f"{few} ref.", f"{many} ref.", "ratio", "goal", "held"), [row])


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _held(held: bool | None) -> str:
    return {None: "–", True: "yes", False: "no"}[held]
