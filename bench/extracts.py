"""Posteringer UD in total and as a delta: rows a second beside a bare loop, memory, growth."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.table import Table

from bench.postings import ROOT, Tell, engines

SHORT, FULL = (20_000,), (100_000, 1_000_000)  # postings
DELTA = 10_000
Row = dict[str, Any]
# column → the goal, and whether it is the least or the most
GOALS = {"to_bare": (0.5, "≥"), "peak_mb": (150, "<")}
GROWTH = 1.1  # time of a posting among the most to that among the fewest
DELTA_COST = 1.5  # the same, of a delta to that of the total
_SHOWN = {
    "rows_per_second": "rows /s",
    "bare_per_second": "bare loop /s",
    "to_bare": "to the bare loop",
    "fields_per_posting": "fields a row",
    "us_per_row": "µs a row, schema apart",
    "schema_us_per_row": "schema, µs a row",
    "peak_mb": "peak MB",
    "delta_us_per_row": "delta, µs a row",
    "delta_seconds": "delta, s",
}


def measure(*, short: bool, tell: Tell) -> list[Row]:
    """One row for each number of postings and engine."""
    rows = []
    with TemporaryDirectory(prefix="opus-soap-bench-") as name:
        for postings in SHORT if short else FULL:
            for engine, fresh in engines(Path(name)):
                with TemporaryDirectory(dir=name) as folder, fresh() as database:
                    row = {"engine": engine, "postings": postings}
                    about = f"{engine}, {postings:,} postings"
                    rows.append(row | _measured(database, Path(folder), postings, about, tell))
    return rows


def _measured(database: str, folder: Path, postings: int, about: str, tell: Tell) -> Row:
    tell(f"{about}: made up")
    _run("books", database=database, folder=folder, postings=postings)
    tell(f"{about}: the total")
    total = _run("extract", database=database, folder=folder)
    assert total["postings"] == postings
    tell(f"{about}: the bare loop")
    bare = _run("bare", xml=total["xml"], postings=min(postings, 200_000))
    _run("more", database=database, folder=folder, postings=DELTA)
    tell(f"{about}: a delta of {DELTA:,}")
    delta = _run("extract", database=database, folder=folder)
    assert delta["postings"] == DELTA
    own = total["seconds"] - total["schema_seconds"]
    rate, bare_rate = postings / own, bare["postings"] / bare["seconds"]
    return {
        "rows_per_second": round(rate),
        "bare_per_second": round(bare_rate),
        "to_bare": round(rate / bare_rate, 3),
        "fields_per_posting": bare["fields_per_posting"],
        "us_per_row": round(1e6 * own / postings, 2),
        "schema_us_per_row": round(1e6 * total["schema_seconds"] / postings, 2),
        "peak_mb": max(total["peak_mb"], delta["peak_mb"]),
        "delta_seconds": round(delta["seconds"], 3),
        "delta_us_per_row": round(1e6 * (delta["seconds"] - delta["schema_seconds"]) / DELTA, 2),
    }


def _run(task: str, **options: object) -> Row:
    command = [sys.executable, "-m", "bench.extract_runs", task]
    command += [f"{name}={value}" for name, value in options.items()]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    found: Row = json.loads(done.stdout)
    return found


def tables(rows: list[Row]) -> Iterator[Table]:
    """What was measured, and what of it was a goal."""
    table = Table(title="Posteringer UD, XML and CSV, beside a bare loop that writes the same XML")
    table.add_column("postings")
    for row in rows:
        table.add_column(f"{row['engine']}\n{row['postings']:,}", justify="right")
    for name, what in _SHOWN.items():
        table.add_row(what, *(f"{row[name]:,}" for row in rows))
    yield table
    goals = Table(title="Goals, for the most postings")
    for heading in ("engine", "what", "measured", "goal", "held"):
        goals.add_column(heading)
    for engine, what, measured, sign, goal in _judged(rows):
        held = {"<": measured < goal, "≤": measured <= goal, "≥": measured >= goal}[sign]
        goals.add_row(engine, what, f"{measured:,}", f"{sign} {goal:,}", "yes" if held else "[red]no")
    yield goals


def _judged(rows: list[Row]) -> Iterator[tuple[str, str, float, str, float]]:
    for engine in dict.fromkeys(row["engine"] for row in rows):
        own = [row for row in rows if row["engine"] == engine]
        last = own[-1]
        for name, (goal, sign) in GOALS.items():
            yield engine, _SHOWN[name], last[name], sign, goal
        yield engine, "µs a row to that of the fewest", _ratio(last, own[0], "us_per_row"), "≤", GROWTH
        delta = round(last["delta_us_per_row"] / last["us_per_row"], 2)
        yield engine, "µs a row of the delta to that of the total", delta, "≤", DELTA_COST


def _ratio(row: Row, other: Row, name: str) -> float:
    return round(float(row[name]) / float(other[name]), 3)
