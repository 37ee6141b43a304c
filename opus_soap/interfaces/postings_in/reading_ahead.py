"""Reading ahead: a process of its own reads and checks the vouchers of a large file while others are booked.

What can be said of a voucher without the books takes about as long as what the books say of it. The process
is started on this module, gets its task through a socket, and sends back batches; it ends with the socket.
"""

from __future__ import annotations

import gc
import pickle
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from opus_soap.errors import PostingsInError, ReadingInterrupted
from opus_soap.interfaces.postings_in.examining import Examined, batches, examine
from opus_soap.interfaces.postings_in.reading import ReadingLimits, read

WORTH_IT = 8 * 1024 * 1024  # bytes: of a smaller file the process would cost more than it gains
_AHEAD = 2  # batches; the memory that reading ahead takes
_COMMAND = (sys.executable, "-m", "opus_soap.interfaces.postings_in.reading_ahead")
_SELDOM = 200_000  # objects
_LENGTH = 8  # bytes before each message; a length of zero is the end


@dataclass(frozen=True)
class Task:
    """What is to be read, for whom."""

    path: Path
    municipality: str
    limits: ReadingLimits


@contextmanager
def reading(task: Task) -> Iterator[Iterator[list[Examined]]]:
    """The vouchers of a file, checked, in batches for one transaction each.

    Of a large file a process of its own has begun to read when this returns. Asking for the next batch raises
    `ReadingInterrupted` when that process ends before the file does.
    """
    if task.path.stat().st_size < WORTH_IT:
        with closing(_batches(task)) as found:
            yield found
        return
    ours, theirs = socket.socketpair()
    with ours, ThreadPoolExecutor(1) as pool:
        with theirs:
            process = subprocess.Popen(_COMMAND, stdin=theirs.fileno(), start_new_session=True)  # noqa: S603  our own module
        try:
            with suppress(ConnectionError):  # whoever asks for what is read will be told
                _send(ours, pickle.dumps(task))
            yield _received(ours, pool)
        finally:
            process.kill()
            process.wait()


def _batches(task: Task) -> Generator[list[Examined], None, None]:
    with task.path.open("rb") as file:
        yield from batches(
            examine(read(file, task.limits), task.municipality, task.limits), most=task.limits.max_batch
        )


def _received(ours: socket.socket, pool: ThreadPoolExecutor) -> Iterator[list[Examined]]:
    """Batches as they come; a thread waits for the next ones, so that neither process waits for the other."""
    upcoming = deque(pool.submit(_receive, ours) for _ in range(_AHEAD))
    while message := upcoming.popleft().result():
        upcoming.append(pool.submit(_receive, ours))
        yield pickle.loads(message)  # noqa: S301  from the process that we started ourselves


def _send(to: socket.socket, message: bytes) -> None:
    to.sendall(len(message).to_bytes(_LENGTH, "big"))
    to.sendall(message)


def _receive(source: socket.socket) -> bytes:
    """The next message, taken from the socket at once; the end is empty."""
    length = int.from_bytes(_exactly(source, _LENGTH), "big")
    return _exactly(source, length) if length else b""


def _exactly(source: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:  # once, unless a signal comes between
        try:
            piece = source.recv(length - len(data), socket.MSG_WAITALL)
        except ConnectionError:
            piece = b""
        if not piece:
            raise ReadingInterrupted(value=len(data), expected=length)
        data = data + piece if data else piece
    return data


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """A batch is a hundred thousand objects without a cycle: looking for one takes a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(_SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def main() -> None:
    """The process itself: reads what it is told to on its standard input, a socket."""
    with socket.socket(fileno=sys.stdin.fileno()) as ours:
        task = pickle.loads(_receive(ours))  # noqa: S301  from the process that started this one
        # what is wrong with the file as a whole has been told by whoever looked at it first
        with suppress(PostingsInError, ConnectionError), collecting_seldom():
            for batch in _batches(task):
                _send(ours, pickle.dumps(batch, pickle.HIGHEST_PROTOCOL))
            _send(ours, b"")


if __name__ == "__main__":
    main()
