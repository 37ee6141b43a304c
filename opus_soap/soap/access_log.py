"""One JSON line per request: what was asked, what came of it, how long each part took.

No personal data: only ids, codes, sizes and times. `configure_logging` is for the process's start.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import TextIO

import structlog

access = structlog.get_logger("opus_soap.access")
ASKED = "opus_soap.asked"  # in the environ: what a resource adds to the line of its request


def configure_logging(level: str) -> None:
    """Write every structlog event as one line of JSON on stdout, with the time in UTC."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(Unfailing(sys.stdout)),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )


class Unfailing:
    """A stream that loses what cannot be written: a full disk or a closed pipe must not lose an answer."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or not."""
        with suppress(OSError, ValueError):  # ValueError: it has been closed
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        """Flush, or not."""
        with suppress(OSError, ValueError):
            self._stream.flush()


@dataclass
class Timings:
    """Milliseconds by part of one request."""

    parts: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time of the block to a part."""
        start = perf_counter()
        try:
            yield
        finally:
            self.parts[name] = round(self.parts.get(name, 0.0) + (perf_counter() - start) * 1000, 3)
