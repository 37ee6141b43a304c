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

from bench.posting_files import MUNICIPALITY, SENDER, name
from opus_soap.clock import ManualClock
from opus_soap.database import connect
from opus_soap.demo.scene import definition
from opus_soap.interfaces.postings_in.reading import ReadingLimits
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.ledger.loading import load_municipality
from opus_soap.ledger.models import Posting
from opus_soap.store.files import FileStore
from opus_soap.store.models import PostingDocument, PostingSender
from opus_soap.store.schema import migrate

CLOCK = ManualClock(datetime(2026, 11, 23, 11, 0, tzinfo=UTC))


def prepare(database: str) -> None:
    """Empty books, ready for the files of `posting_files`."""
    connect(database)
    migrate()
    load_municipality(definition())
    PostingSender.create(municipality=MUNICIPALITY, sender_id=SENDER, short=SENDER, name="Kommunernes Ydelse")


def deliver(database: str, file: str, store: str) -> dict[str, Any]:
    """A file read, checked, booked and receipted."""
    prepare(database)
    receiver = Receiver(MUNICIPALITY, FileStore(Path(store)), ReadingLimits(), CLOCK)
    start = perf_counter()
    with open(file, "rb") as data:
        delivered = receiver.deliver(data, name(), actor="bench")
    seconds = perf_counter() - start
    refused = PostingDocument.select().where(PostingDocument.voucher_uuid.is_null()).count()
    assert (delivered.state, refused) == ("booked", 0), (delivered.state, refused)
    return {"seconds": seconds, "lines": Posting.select().count()}


TASKS: dict[str, Callable[..., dict[str, Any]]] = {task.__name__: task for task in (deliver,)}


def peak_mb() -> float:
    """The most memory this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: list[str]) -> int:
    """Run the task, print what it found."""
    task, *options = arguments
    found = TASKS[task](**dict(option.split("=", 1) for option in options))
    print(json.dumps({**found, "peak_mb": round(peak_mb(), 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
