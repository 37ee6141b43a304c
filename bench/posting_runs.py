"""One measured run, in a process of its own: `python -m bench.posting_runs TASK NAME=VALUE …` → JSON.

A process each, so that the most memory that one took is its own, and none is warmed by another.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from bench import posting_floor, posting_parts
from bench.posting_files import COMPANY, MUNICIPALITY, SENDER, name
from opus_soap.clock import ManualClock
from opus_soap.database import analyze, connect
from opus_soap.demo.scene import definition
from opus_soap.interfaces.postings_in import reading_ahead
from opus_soap.interfaces.postings_in.reading import ReadingLimits
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.interfaces.postings_in.storing import PostingStore
from opus_soap.ledger.loading import load_municipality
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.ledger.seals import create_seal_key, load_seal_key, seal
from opus_soap.ledger.verification import verify
from opus_soap.store.models import PostingDocument, PostingSender
from opus_soap.store.schema import migrate

CLOCK = ManualClock(datetime(2026, 11, 23, 11, 0, tzinfo=UTC))
_STATUS = Path("/proc/self/status")
_SEAL_EVERY = 10  # transactions: 10,000 vouchers

Found = dict[str, Any]


def prepare(database: str) -> None:
    """Empty books, ready for the files of `posting_files`."""
    connect(database)
    migrate()
    load_municipality(definition())
    PostingSender.create(municipality=MUNICIPALITY, sender_id=SENDER, short=SENDER, name="Kommunernes Ydelse")


def deliver(database: str, folder: str, file: str) -> Found:
    """A file read, checked, booked and receipted; the most memory of both processes."""
    prepare(database)
    seconds = _deliver(folder, file)
    reader = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"seconds": seconds, "lines": Posting.select().count(), "reader_peak_mb": round(reader, 1)}


def parts(database: str, folder: str, file: str) -> Found:
    """The same in one process, and which part took how much of it."""
    prepare(database)
    reading_ahead.WORTH_IT = sys.maxsize
    with posting_parts.watched() as seconds:
        whole = _deliver(folder, file)
    return {"seconds": whole, "lines": Posting.select().count(), "parts": seconds}


def parse(file: str) -> Found:
    """The floor of reading."""
    return {"seconds": posting_floor.parse(Path(file))}


def keep_rows(database: str, rows: str) -> Found:
    """What a delivery put into the books, for `insert` to insert."""
    connect(database)
    posting_floor.keep_rows(Path(rows))
    return {}


def insert(database: str, folder: str, rows: str) -> Found:
    """The floor of booking; books that are as good as the delivery's, sealed now and then."""
    prepare(database)
    create_seal_key(Path(folder) / "seal.key.pem")
    key, company = load_seal_key(Path(folder) / "seal.key.pem"), company_code(MUNICIPALITY, COMPANY)
    seconds = 0.0
    for number, batch in enumerate(posting_floor.insert_rows(Path(rows)), start=1):
        seconds += batch
        if number % _SEAL_EVERY == 0:
            seal(company, key, clock=CLOCK)
    seal(company, key, clock=CLOCK)
    analyze(Voucher, Posting)  # as a delivery does
    return {"seconds": seconds}


def ledger_verify(database: str) -> Found:
    """`ledger verify` over the books."""
    connect(database)
    start = perf_counter()
    report = verify()
    seconds = perf_counter() - start
    assert report.ok, report.problems
    assert not report.unsealed
    return {"seconds": seconds, "postings": report.postings, "seals": report.seals}


def _deliver(folder: str, file: str) -> float:
    receiver = Receiver(MUNICIPALITY, PostingStore(Path(folder)), ReadingLimits(), CLOCK)
    start = perf_counter()
    with open(file, "rb") as data:
        delivered = receiver.deliver(data, name(), actor="bench")
    seconds = perf_counter() - start
    refused = PostingDocument.select().where(PostingDocument.voucher_uuid.is_null()).count()
    assert (delivered.state, refused) == ("booked", 0), (delivered.state, refused)
    return seconds


TASKS: dict[str, Callable[..., Found]] = {
    task.__name__: task for task in (deliver, parts, parse, keep_rows, insert, ledger_verify)
}


def peak_mb() -> float:
    """The most memory that this program ever held."""
    if _STATUS.exists():  # getrusage counts what the process that started it held, too
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: list[str]) -> int:
    """Run the task, print what it found."""
    task, *options = arguments
    found = TASKS[task](**dict(option.split("=", 1) for option in options))
    print(json.dumps({**found, "peak_mb": round(peak_mb(), 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
