"""What a request over HTTP is answered with: bytes, or a file that is sent a piece at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import structlog

from opus_soap.errors import FileEndedEarly

log = structlog.get_logger("opus_soap.soap")

_STEP = 256 * 1024  # bytes
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass
class FileBody:
    """So many bytes of a file from where it stands; closed by whoever sends them, or does not."""

    file: BinaryIO
    length: int
    headers: tuple[tuple[str, str], ...] = ()
    when_closed: Callable[[], None] = lambda: None
    about: Mapping[str, object] = field(default_factory=dict)  # for the log
    sent: int | None = None  # bytes that the connection has taken; None: nobody has begun

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[bytes]:
        """Raises `FileEndedEarly`: the connection is cut, for the length has been announced."""
        left, self.sent = self.length, 0
        while left:
            try:
                piece = self.file.read(min(_STEP, left))
            except OSError:
                piece = b""
            if not piece:
                log.error("file ended early", sent=self.sent, length=self.length, **self.about)
                raise FileEndedEarly(value=self.length - left, expected=self.length)
            left -= len(piece)
            yield piece
            self.sent += len(piece)

    def close(self) -> None:
        """Close the file; the second time nothing happens."""
        if not self.file.closed:
            self.file.close()
            self.when_closed()
            if self.sent is not None and self.sent < self.length:  # the line of its request tells no cut
                log.info("download cut", sent=self.sent, length=self.length, **self.about)


Answer = tuple[int, str, bytes | FileBody]  # status, media type, body


def file_answer(
    environ: dict[str, Any], file: BinaryIO, size: int, etag: str, media_type: str
) -> tuple[int, str, FileBody]:
    """A file of `size` bytes, or the part of it that is asked for, so that a cut download goes on.

    One range is understood (RFC 9110, 14); several, or what is none, get the whole file, as does a range
    of what is not `etag` any more (If-Range).
    """
    headers = (("ETag", f'"{etag}"'), ("Accept-Ranges", "bytes"))
    found = _RANGE.fullmatch(environ.get("HTTP_RANGE", "").strip().replace(" ", ""))
    stale = environ.get("HTTP_IF_RANGE", f'"{etag}"').strip() != f'"{etag}"'
    if found is None or not any(found.groups()) or stale:
        return 200, media_type, FileBody(file, size, headers)
    first, last = _bounds(found[1], found[2], size)
    if first >= size or last < first:
        return 416, media_type, FileBody(file, 0, (*headers, ("Content-Range", f"bytes */{size}")))
    file.seek(first)
    told = ("Content-Range", f"bytes {first}-{last}/{size}")
    return 206, media_type, FileBody(file, last - first + 1, (*headers, told))


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """First and last byte; without a first one, the last so many."""
    if not first:
        return max(size - int(last), 0), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1
