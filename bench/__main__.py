"""`python -m bench [--short] [NAME …]`: measure all or what is named, print, and write bench/results."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table

from bench import extracts, posting_shown, postings, references, round_trips, signatures
from bench.peers import comparing, ours, shown, wss4j

RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str]) -> int:
    """Run the benchmarks and write what they found."""
    short = "--short" in arguments
    names = [name for name in arguments if name != "--short"] or list(BENCHMARKS)
    if strangers := set(names) - set(BENCHMARKS):
        sys.exit(f"{', '.join(sorted(strangers))}: there are {', '.join(BENCHMARKS)}")
    console = Console()
    RESULTS.mkdir(exist_ok=True)
    result: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg(),  # what else the machine had to do
        "short": short,
    }
    for name in names:
        result[name] = BENCHMARKS[name](console, short)
    (RESULTS / "results.json").write_text(json.dumps(result, indent=2), encoding="utf-8")
    console.print(f"written: {', '.join(str(path) for path in sorted(RESULTS.iterdir()))}")
    return 0


def _signatures(console: Console, short: bool) -> Any:
    with console.status("Signing and verifying by size …"):
        costs = list(signatures.measure(short=short))
    console.print(_cost_table(costs))
    _plot(costs)
    return costs


def _round_trips(console: Console, short: bool) -> Any:
    with console.status("Round trips against a real server …"):
        trips = round_trips.measure(short=short)
    console.print("Signed round trips (verify, book, seal the commit, sign):", trips)
    return trips


def _peers(console: Console, short: bool) -> Any:
    lacking = wss4j.missing()
    if lacking:
        console.print(f"WSS4J is not measured; not installed: {lacking} (apt-get install {wss4j.PACKAGES})")
    with console.status("Our server and WSS4J …") as status:
        about = "Our server alone" if lacking else "Our server and WSS4J, in turns"

        def tell(what: str) -> None:
            _tell(console, status, f"{about}: {what}")

        found: dict[str, Any] = {"rows": list(comparing.measure(short=short, tell=tell))}
        _tell(console, status, "Signatures of two and of eight references")
        found["references"] = references.measure(short=short)
    found |= {"short": short, "wss4j_missing": lacking, "settings": ours.SETTINGS}
    for sheet in shown.sheets(found):
        console.print(sheet.table())
    (RESULTS / "peers.md").write_text(shown.markdown(found), encoding="utf-8")
    return found


def _postings(console: Console, short: bool) -> Any:
    with console.status("Files of postings …") as status:
        rows = postings.measure(
            short=short, tell=lambda what: _tell(console, status, f"Files of postings: {what}")
        )
    for table in posting_shown.tables(rows):
        console.print(table)
    posting_shown.plot(rows, RESULTS / "postings.png")
    return rows


def _extracts(console: Console, short: bool) -> Any:
    with console.status("Extracts …") as status:
        rows = extracts.measure(short=short, tell=lambda what: _tell(console, status, f"Extracts: {what}"))
    for table in extracts.tables(rows):
        console.print(table)
    return rows


def _tell(console: Console, status: Status, what: str) -> None:
    """What is under way: a line that moves, or one line after another where none can."""
    if console.is_terminal:
        status.update(f"{what} …")
    else:
        console.print(f"{what} …")


BENCHMARKS: dict[str, Callable[[Console, bool], Any]] = {
    "signatures": _signatures,
    "round_trips": _round_trips,
    "postings": _postings,
    "peers": _peers,
    "extracts": _extracts,
}


def _cost_table(costs: list[dict[str, Any]]) -> Table:
    table = Table(title="Milliseconds a message, by size of body; floor = parse + c14n + SHA-256 + RSA")
    names = (
        "shape",
        "body_bytes",
        "parse_ms",
        "verify_ms",
        "floor_verify_ms",
        "verify_ratio",
        "sign_ms",
        "floor_sign_ms",
    )
    for heading in ("body is", "bytes", "parse", "verify", "floor", "×", "sign", "floor"):
        table.add_column(heading, justify="right")
    for row in costs:
        table.add_row(*(f"{row[name]:,}" if name == "body_bytes" else str(row[name]) for name in names))
    return table


def _plot(costs: list[dict[str, Any]]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5))
    for shape in dict.fromkeys(row["shape"] for row in costs):
        rows = [row for row in costs if row["shape"] == shape]
        sizes = [row["body_bytes"] for row in rows]
        axes.plot(sizes, [row["verify_ms"] for row in rows], "o-", label=f"verify, {shape}")
        axes.plot(sizes, [row["sign_ms"] for row in rows], "s--", label=f"sign, {shape}")
        axes.plot(sizes, [row["floor_verify_ms"] for row in rows], ":", label=f"floor, {shape}")
    axes.set(xscale="log", yscale="log", xlabel="body, bytes", ylabel="milliseconds")
    axes.set_title("Cost of a signature by size of body")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(RESULTS / "plot.png", dpi=120, bbox_inches="tight")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
