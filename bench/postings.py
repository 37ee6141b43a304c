"""Files of postings delivered: lines a second, memory, and how near the floor, on each engine.

The floor is measured in the same run: parsing the file by its schema, and inserting the rows that it becomes.
PostgreSQL is measured when OPUS_SOAP_TEST_POSTGRES names a server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from bench.posting_files import write_file

ROOT = Path(__file__).parent.parent
SHORT, FULL = (20_000,), (100_000, 1_000_000)  # lines
POSTGRES_URL = os.environ.get("OPUS_SOAP_TEST_POSTGRES", "")

Row = dict[str, Any]
Tell = Callable[[str], None]
# makes an empty database, and removes it again; gives its URL
Fresh = Callable[[], AbstractContextManager[str]]


def measure(*, short: bool, tell: Tell) -> list[Row]:
    """One row for each number of lines and engine; `tell` hears what is being measured."""
    sizes = SHORT if short else FULL
    rows = []
    with TemporaryDirectory(prefix="opus-soap-bench-") as name:
        folder = Path(name)
        for lines in sizes:
            tell(f"{lines:,} lines: the file is written")
            file = folder / f"{lines}.xml"
            write_file(file, lines)
            tell(f"{lines:,} lines: the floor of reading")
            parsed = _run("parse", file=file)["seconds"]
            for engine, fresh in engines(folder):
                row = {"engine": engine, "lines": lines, "file_bytes": file.stat().st_size}
                rows.append(row | _delivered(fresh, file, parsed, partial(_about, tell, row)))
        for row in rows[: len(rows) // len(sizes)]:  # the rest of it for the smallest number of lines
            _explain(row, folder, tell)
    return rows


def _delivered(fresh: Fresh, file: Path, parsed: float, tell: Tell) -> Row:
    """Delivery, the floor beside it, and `ledger verify` over the same books."""
    with TemporaryDirectory(dir=file.parent) as name:
        folder = Path(name)
        tell("delivered")
        with fresh() as database:
            delivered = _run("deliver", database=database, folder=folder / "files", file=file)
            _run("keep_rows", database=database, rows=folder / "rows")
        tell("the floor of booking")
        with fresh() as database:
            inserted = _run("insert", database=database, folder=folder, rows=folder / "rows")["seconds"]
            tell("ledger verify")
            verified = _run("ledger_verify", database=database)
    lines, seconds = delivered["lines"], delivered["seconds"]
    assert verified["postings"] == lines
    return {
        "lines_per_second": round(lines / seconds),
        "us_per_line": round(1e6 * seconds / lines, 2),
        "peak_mb": round(delivered["peak_mb"] + delivered["reader_peak_mb"], 1),
        "floor_parse_per_second": round(lines / parsed),
        "floor_insert_per_second": round(lines / inserted),
        "floor_per_second": round(lines / (parsed + inserted)),
        "to_floor": round((parsed + inserted) / seconds, 3),
        "verify_seconds": round(verified["seconds"], 2),
        "verify_seconds_per_million": round(1e6 * verified["seconds"] / lines, 2),
        "verify_peak_mb": verified["peak_mb"],
        "seals": verified["seals"],
    }


def _explain(row: Row, folder: Path, tell: Tell) -> None:
    """Add where the time goes, and what it costs that lines name persons."""
    lines, fresh = row["lines"], dict(engines(folder))[row["engine"]]
    _about(tell, row, "part by part")
    with fresh() as database, TemporaryDirectory(dir=folder) as files:
        run = _run("parts", database=database, folder=files, file=folder / f"{lines}.xml")
    parts = sorted(run["parts"].items(), key=lambda pair: -pair[1])
    row["parts_us_per_line"] = {part: round(1e6 * took / lines, 2) for part, took in parts}
    _about(tell, row, "with persons on the lines")
    with fresh() as database, TemporaryDirectory(dir=folder) as files:
        file = folder / "persons.xml"
        write_file(file, lines, persons=True)
        run = _run("deliver", database=database, folder=files, file=file)
    row["with_persons_us_per_line"] = round(1e6 * run["seconds"] / lines, 2)


def _about(tell: Tell, row: Row, what: str) -> None:
    tell(f"{row['engine']}, {row['lines']:,} lines: {what}")


def _run(task: str, **options: object) -> Row:
    """A task of `posting_runs`, in a process of its own."""
    command = [sys.executable, "-m", "bench.posting_runs", task]
    command += [f"{name}={value}" for name, value in options.items()]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    found: Row = json.loads(done.stdout)
    return found


def engines(folder: Path) -> Iterator[tuple[str, Fresh]]:
    """Each engine that is there, and what makes an empty database of it."""
    yield "SQLite", lambda: _sqlite(folder)
    if POSTGRES_URL:
        yield "PostgreSQL", _postgresql


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    with TemporaryDirectory(dir=folder) as own:
        yield f"sqlite:///{own}/opus.sqlite3"


@contextmanager
def _postgresql() -> Iterator[str]:
    import psycopg

    name = f"opus_soap_bench_{uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES_URL, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(POSTGRES_URL)._replace(path=f"/{name}"))
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
