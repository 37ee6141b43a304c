"""Starts `opus-soap` by forking a process that has everything imported: in milliseconds, not in a second.

What it starts are processes like any other; they are killed, and end, like any other. It reads an order a
line (the fields of `Order`, JSON) and answers with the exit status, negative: the signal.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from opus_soap import failpoints
from opus_soap.cli import postings  # noqa: F401  imported before the first fork
from opus_soap.cli.main import main
from opus_soap.clock import SystemClock
from opus_soap.database import connected
from opus_soap.interfaces.postings_in import reading_ahead, receiving

ROOT = Path(__file__).parent.parent.parent
LONGEST_SECONDS = 60.0
_LOOK_SECONDS = 0.001


@dataclass(frozen=True)
class Order:
    """A process to start."""

    arguments: list[str]
    environment: Mapping[str, str]
    log: str
    failpoint: str = ""
    kill_after: float = LONGEST_SECONDS
    later: int = 0  # minutes on its clock
    ahead: bool = False  # a process of its own reads, as for large files
    torn: bool = False  # the canary: every statement of the receiver is a transaction of its own


@dataclass
class Nursery:
    """The process that starts the others, as the tests see it."""

    process: subprocess.Popen[str] = field(
        default_factory=lambda: subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    )

    def run(self, order: Order) -> int:
        """Start a process and wait for its end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(asdict(order)), file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def close(self) -> None:
        """No more orders."""
        self.process.communicate(timeout=LONGEST_SECONDS)


def serve() -> None:
    """Carry out orders until there are no more."""
    for line in iter(sys.stdin.readline, ""):
        order = Order(**json.loads(line))
        child = os.fork()
        if not child:
            _become(order)
        print(_end_of(child, order.kill_after), flush=True)


def _become(order: Order) -> None:
    """The process that was ordered; does not return."""
    with open(order.log, "ab", buffering=0) as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    os.environ.update(order.environment)
    failpoints.choose(order.failpoint)
    if order.ahead:
        reading_ahead.WORTH_IT = 0
    SystemClock.now = lambda _: datetime.now(UTC) + timedelta(minutes=order.later)  # type: ignore[method-assign]
    if order.torn:
        receiving.transaction = _torn  # type: ignore[assignment]
    main(order.arguments, prog_name="opus-soap")  # raises SystemExit, which ends this process


@contextmanager
def _torn() -> Iterator[None]:
    with connected():
        yield


def _end_of(child: int, kill_after: float) -> int:
    kill_at = time.monotonic() + kill_after
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= kill_at:
            os.kill(child, signal.SIGKILL)  # it is not reaped yet, so the id is its own
            kill_at += LONGEST_SECONDS
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    serve()
