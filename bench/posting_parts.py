"""Where the time of a delivery goes: a look at the stack every millisecond, told by the modules on it.

A timer, not a profiler: a profiler's cost for each call would weigh most on what is called most.
"""

from __future__ import annotations

import signal
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from types import FrameType

import opus_soap

_ROOT = Path(opus_soap.__file__).parent
_STEP = 0.001  # seconds
OTHERS = "the rest"
# the innermost of these on the stack: a module, or one function of it
_PARTS = {
    "interfaces/postings_in/reading.py:survey": "first look",
    "interfaces/postings_in/reading.py": "read + schema",
    "interfaces/postings_in/checks.py": "checks",
    "interfaces/postings_in/examining.py": "draft",
    "interfaces/postings_in/judging.py": "judging",
    "interfaces/postings_in/drafts.py": "draft",
    "interfaces/postings_in/receipts.py": "receipt",
    "interfaces/postings_in/receiving.py:_returns": "receipt",
    "interfaces/postings_in/receiving.py": "receiving",
    "interfaces/postings_in/entering.py": "receiving",
    "interfaces/postings_in/proofs.py": "hash",
    "ledger/checks.py": "ledger checks",
    "ledger/references.py": "ledger checks",
    "ledger/hashing.py": "hash",
    "ledger/posting.py": "ledger rows",
    "ledger/numbering.py": "ledger rows",
    "store/files.py": "file stored",
    "store/content.py": "content",
    "database.py:insert_rows": "insert",
    "database.py:insert_stored": "insert",
    "database.py:transaction": "commit",
}
_KEYS = {
    (f"{_ROOT}/{file}", function): part
    for (file, _, function), part in ((key.partition(":"), part) for key, part in _PARTS.items())
}


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """Seconds by the part that is at work while the body runs."""
    seconds: dict[str, float] = defaultdict(float)
    last = perf_counter()

    def look(_: int, frame: FrameType | None) -> None:
        nonlocal last
        now = perf_counter()  # a call into C is looked at once, when it is over: all of its time counts
        seconds[_part(frame)] += now - last
        last = now

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _STEP, _STEP)
    try:
        yield seconds
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _part(frame: FrameType | None) -> str:
    """The innermost module's; a function that is named itself has all that it calls in its module."""
    module = ""
    while frame is not None:
        file, function = frame.f_code.co_filename, frame.f_code.co_name
        if named := _KEYS.get((file, function)):
            return named
        module = module or _KEYS.get((file, ""), "")
        frame = frame.f_back
    return module or OTHERS
