"""Which processor core works for whom, and for how long: each server has one, what drives it another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ALL = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
# the last core is the servers', one server at a time; what sends messages takes the others
SERVER, DRIVERS = _ALL[-1:], _ALL[:-1] or _ALL
# of /proc/PID/stat, behind the program's name: its session; user and system time, its own and its children's
_SESSION, _TIMES = 3, slice(11, 15)


@contextmanager
def on(cores: list[int]) -> Iterator[None]:
    """This thread, and whatever process or thread it starts meanwhile, on these cores alone (`taskset`).

    Where cores cannot be chosen, on all of them.
    """
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def seconds_worked(session: int) -> float:
    """Processor time of a session's processes so far; 0 where nobody tells."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(fields[_SESSION]) == session:
                ticks += sum(map(int, fields[_TIMES]))
    return ticks / os.sysconf("SC_CLK_TCK")
