"""Posteringer UD in total and as a delta: rows a second beside a bare loop, memory, growth."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

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
    """One row for each engine and number of postings."""
    rows = []
    with TemporaryDirectory(prefix="opus-soap-bench-") as name:
        for engine, fresh in engines(Path(name)):
            with ExitStack() as kept:
                every = []
                for postings in SHORT if short else FULL:
                    folder = Path(kept.enter_context(TemporaryDirectory(dir=name)))
                    books = Books(engine, postings, kept.enter_context(fresh()), folder)
                    tell(f"{books}: made up")
                    _run("books", database=books.database, folder=folder, postings=postings)
                    every.append(books)
                rows += _in_turns(every, tell)
    return rows


class Books(NamedTuple):
    """Made-up books."""

    engine: str
    postings: int
    database: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.engine}, {self.postings:,} postings"


def _in_turns(every: Sequence[Books], tell: Tell) -> list[Row]:
    """The fewest before and after the most, and a bare loop before and after each, if it is not the first.

    A machine's pace moves meanwhile; what is compared stands between what it is compared with.
    """
    totals: list[dict[str, float]] = []
    before: list[float] = []
    for books in [*every, *every[:1]] if len(every) > 1 else every:
        total = _total(books, tell)
        around = [*before[-1:], total["bare_us"]]
        before.append(total["bare_us"])
        totals.append(total | {"bare_us": mean(around)})
    if len(every) > 1:
        again = totals.pop()
        totals[0] = {name: mean((totals[0][name], again[name])) for name in again}
    return [_row(books, total, _delta(books, tell)) for books, total in zip(every, totals, strict=True)]


def _total(books: Books, tell: Tell) -> dict[str, float]:
    tell(f"{books}: the total")
    total = _run("extract", database=books.database, folder=books.folder, full="yes")
    assert total["postings"] == books.postings
    tell(f"{books}: the bare loop")
    bare = _run("bare", xml=total["xml"], postings=books.postings)
    return {
        "own_us": 1e6 * (total["seconds"] - total["schema_seconds"]) / books.postings,
        "schema_us": 1e6 * total["schema_seconds"] / books.postings,
        "bare_us": 1e6 * bare["seconds"] / bare["postings"],
        "fields": bare["fields_per_posting"],
        "peak_mb": total["peak_mb"],
    }


def _delta(books: Books, tell: Tell) -> dict[str, float]:
    tell(f"{books}: a delta of {DELTA:,}")
    _run("more", database=books.database, folder=books.folder, postings=DELTA)
    delta = _run("extract", database=books.database, folder=books.folder, full="")
    assert delta["postings"] == DELTA
    own = delta["seconds"] - delta["schema_seconds"]
    return {"seconds": delta["seconds"], "own_us": 1e6 * own / DELTA, "peak_mb": delta["peak_mb"]}


def _row(books: Books, total: dict[str, float], delta: dict[str, float]) -> Row:
    return {
        "engine": books.engine,
        "postings": books.postings,
        "rows_per_second": round(1e6 / total["own_us"]),
        "bare_per_second": round(1e6 / total["bare_us"]),
        "to_bare": round(total["bare_us"] / total["own_us"], 3),
        "fields_per_posting": total["fields"],
        "us_per_row": round(total["own_us"], 2),
        "schema_us_per_row": round(total["schema_us"], 2),
        "peak_mb": round(max(total["peak_mb"], delta["peak_mb"]), 1),
        "delta_seconds": round(delta["seconds"], 3),
        "delta_us_per_row": round(delta["own_us"], 2),
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
