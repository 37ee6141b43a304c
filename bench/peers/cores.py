"""Which processor core works for whom: each server has one alone, and what drives it another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_ALL = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
# the last core is the servers', one server at a time; what sends messages takes the others
SERVER, DRIVERS = _ALL[-1:], _ALL[:-1] or _ALL


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
