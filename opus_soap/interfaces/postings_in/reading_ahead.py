"""Reading ahead: a process of its own reads and checks the vouchers of a large file while others are booked.

What can be said of a voucher without the books takes about as long as what the books say of it. The process
is started on this module, gets its task through a socket, writes batches into a file that has no name, and
tells the length of each; it ends with the socket. The file is beside the one that is read, and takes about
as much of the disk: whoever reads is never held up by whoever books.
"""

from __future__ import annotations

import gc
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import opus_soap
from opus_soap.errors import FileStoreFailed, PostingsInError, ReadingInterrupted
from opus_soap.interfaces.postings_in.examining import Examined, batches, examine
from opus_soap.interfaces.postings_in.reading import ReadingLimits, read

WORTH_IT = 8 * 1024 * 1024  # bytes: of a smaller file the process would cost more than it gains
# nothing is imported from where somebody happens to stand: that may be a folder that senders write to
_COMMAND = (sys.executable, "-P", "-m", "opus_soap.interfaces.postings_in.reading_ahead")
_HOUSE = str(Path(opus_soap.__file__).parent.parent)  # where this very program lies, installed or not
_SELDOM = 200_000  # objects
_LENGTH = 8  # bytes that tell the length of a message; zero is the end


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
    `ReadingInterrupted` when that process ends before the file does. Raises `FileStoreFailed`.
    """
    if task.path.stat().st_size < WORTH_IT:
        with closing(_batches(task)) as found:
            yield found
        return
    ours, theirs = socket.socketpair()
    with ours, _unnamed(task.path.parent) as written:
        with theirs:
            process = subprocess.Popen(  # noqa: S603  our own module
                _COMMAND,
                stdin=theirs.fileno(),
                stdout=written.fileno(),
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join((_HOUSE, *_given_path()))},
            )
        try:
            with suppress(ConnectionError):  # whoever asks for what is read will be told
                _send(ours, pickle.dumps(task))
            yield _written(ours, written)
        finally:
            process.kill()
            process.wait()


def _given_path() -> list[str]:
    """PYTHONPATH as it was set, without what stands for the folder that somebody is in."""
    return [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if Path(part).is_absolute()]


def _unnamed(folder: Path) -> BinaryIO:
    try:
        return TemporaryFile(dir=folder, buffering=0)
    except OSError as error:
        raise FileStoreFailed(element=folder.name, value=error.strerror or "?") from None


def _batches(task: Task) -> Generator[list[Examined], None, None]:
    with task.path.open("rb") as file:
        yield from batches(
            examine(read(file, task.limits), task.municipality, task.limits), most=task.limits.max_batch
        )


def _written(ours: socket.socket, written: BinaryIO) -> Iterator[list[Examined]]:
    """Batches as they come."""
    place = 0
    while length := _number(ours):
        message = os.pread(written.fileno(), length, place)
        if len(message) < length:
            raise ReadingInterrupted(value=len(message), expected=length)
        place += length
        yield pickle.loads(message)  # noqa: S301  from the process that we started ourselves


def _send(to: socket.socket, message: bytes) -> None:
    _tell(to, len(message))
    to.sendall(message)


def _receive(source: socket.socket) -> bytes:
    return _exactly(source, _number(source))


def _tell(to: socket.socket, length: int) -> None:
    to.sendall(length.to_bytes(_LENGTH, "big"))


def _number(source: socket.socket) -> int:
    return int.from_bytes(_exactly(source, _LENGTH), "big")


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


class _Collecting:
    """How many want it seldom, in all threads: the last of them leaves it as the first found it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = gc.get_threshold()

    def seldom(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = gc.get_threshold()
                gc.set_threshold(_SELDOM, *self._before[1:])
            self._inside += 1

    def as_before(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                gc.set_threshold(*self._before)


_collecting = _Collecting()


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """A batch is a hundred thousand objects without a cycle: looking for one takes a tenth of the time."""
    _collecting.seldom()
    try:
        yield
    finally:
        _collecting.as_before()


def main() -> None:
    """The process itself: told what to do on its standard input, a socket; its standard output is the file.

    Silent, whatever happens. What is wrong with the file that it reads has been told by whoever looked at it
    first; and when there is no room, or nobody asks any more, the socket ends before the last message.
    """
    with (
        suppress(PostingsInError, OSError),
        collecting_seldom(),
        sys.stdout.buffer as out,
        socket.socket(fileno=sys.stdin.fileno()) as ours,
    ):
        task = pickle.loads(_receive(ours))  # noqa: S301  from the process that started this one
        threading.Thread(target=_end_with, args=(ours,), daemon=True).start()
        for batch in _batches(task):
            message = pickle.dumps(batch, pickle.HIGHEST_PROTOCOL)
            out.write(message)
            out.flush()
            _tell(ours, len(message))
        _tell(ours, 0)


def _end_with(ours: socket.socket) -> None:
    """Whoever asked says nothing more; when it is gone, nobody wants the rest."""
    with suppress(OSError):
        ours.recv(1)
    os._exit(1)


if __name__ == "__main__":
    main()
