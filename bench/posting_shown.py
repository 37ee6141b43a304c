"""What was measured of files of postings, for people: beside its goals, and as a plot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.table import Table

Row = dict[str, Any]
LINES_PER_SECOND = {"SQLite": 20_000, "PostgreSQL": 10_000}
# column of a row → the goal, and whether it is the least or the most
GOALS = {
    "to_floor": (0.5, "≥"),
    "peak_mb": (250, "<"),
    "verify_seconds_per_million": (10, "<"),
    "verify_peak_mb": (200, "<"),
}
MEASURED = {
    "lines_per_second": "delivered /s",
    "floor_parse_per_second": "parsed /s",
    "floor_insert_per_second": "inserted /s",
    "floor_per_second": "floor /s",
    "to_floor": "to floor",
    "us_per_line": "µs each",
    "peak_mb": "peak MB",
    "verify_seconds": "verify, s",
    "verify_peak_mb": "verify, MB",
    "seals": "seals",
}
GROWTH = 1.2  # time of a line in the longest file to that in the shortest


def tables(rows: list[Row]) -> Iterator[Table]:
    """What was measured; what of it was a goal; where the time goes."""
    yield _measured(rows)
    yield _goals(rows)
    yield _parts(rows)


def _measured(rows: list[Row]) -> Table:
    table = Table(title="Lines of files of postings; floor = parsed by schema + inserted raw")
    table.add_column("lines")
    for row in rows:
        table.add_column(f"{row['engine']}\n{row['lines']:,}", justify="right")
    for name, what in MEASURED.items():
        table.add_row(what, *(_shown(row[name]) for row in rows))
    return table


def _goals(rows: list[Row]) -> Table:
    table = Table(title="Goals, for the longest file")
    for heading in ("engine", "what", "measured", "goal", "held"):
        table.add_column(heading, justify="right" if heading in ("measured", "goal") else "left")
    for engine, what, measured, sign, goal in _judged(rows):
        held = measured < goal if sign == "<" else measured <= goal if sign == "≤" else measured >= goal
        table.add_row(engine, what, _shown(measured), f"{sign} {_shown(goal)}", "yes" if held else "[red]no")
    return table


def _judged(rows: list[Row]) -> Iterator[tuple[str, str, float, str, float]]:
    for engine in dict.fromkeys(row["engine"] for row in rows):
        mine = [row for row in rows if row["engine"] == engine]
        shortest, longest = mine[0], mine[-1]
        yield engine, "lines per second", longest["lines_per_second"], "≥", LINES_PER_SECOND[engine]
        for name, (goal, sign) in GOALS.items():
            yield engine, name.replace("_", " "), longest[name], sign, goal
        if longest is not shortest:
            growth = round(longest["us_per_line"] / shortest["us_per_line"], 3)
            yield engine, f"µs/line to that of {shortest['lines']:,} lines", growth, "≤", GROWTH


def _parts(rows: list[Row]) -> Table:
    explained = [row for row in rows if "parts_us_per_line" in row]
    table = Table(title=f"Microseconds a line, by part ({explained[0]['lines']:,} lines)")
    table.add_column("part")
    for row in explained:
        table.add_column(row["engine"], justify="right")
    for part in explained[0]["parts_us_per_line"]:
        table.add_row(part, *(_shown(row["parts_us_per_line"].get(part, 0.0)) for row in explained))
    table.add_section()
    table.add_row("all (not watched)", *(_shown(row["us_per_line"]) for row in explained))
    table.add_row("all, persons on lines", *(_shown(row["with_persons_us_per_line"]) for row in explained))
    return table


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def plot(rows: list[Row], path: Path) -> None:
    """Lines a second beside the floor, and the parts of a line."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (rates, parts) = pyplot.subplots(1, 2, figsize=(13, 5))
    labels = [f"{row['engine']}\n{row['lines']:,}" for row in rows]
    rates.bar(labels, [row["floor_per_second"] for row in rows], color="lightgray", label="floor")
    rates.bar(labels, [row["lines_per_second"] for row in rows], width=0.5, label="delivered")
    rates.set(ylabel="lines a second", title="Files of postings: delivered, and the floor")
    rates.legend()
    explained = [row for row in rows if "parts_us_per_line" in row]
    left = [0.0] * len(explained)
    for index, part in enumerate(explained[0]["parts_us_per_line"]):
        widths = [row["parts_us_per_line"].get(part, 0.0) for row in explained]
        color = pyplot.get_cmap("tab20")(index)
        parts.barh([row["engine"] for row in explained], widths, left=left, label=part, color=color)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    parts.set(xlabel="µs a line", title=f"Where the time goes, {explained[0]['lines']:,} lines")
    parts.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, dpi=120, bbox_inches="tight")
