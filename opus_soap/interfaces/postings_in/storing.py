"""Where files of postings and their receipts are: as files, and what is small and made here, in the database.

A file that came by a door is a file, and so is what has to be read. What a message stands for, where all of
it is good, and its receipt, are written in the transaction of the message, and stand or fall with it: a row
costs no sync of its own, of file and folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from shutil import copyfileobj
from typing import Any, BinaryIO, cast

from opus_soap.encoded import Base64
from opus_soap.errors import ContentMissing
from opus_soap.interfaces.postings_in.checks import FILE_TYPES
from opus_soap.interfaces.postings_in.making import Made
from opus_soap.interfaces.postings_in.writing import said_of
from opus_soap.store import content
from opus_soap.store.files import FileStore

_MEDIA_TYPE = "text/xml"
SMALL = content.LARGE  # bytes; a larger one is a file, whoever made it


class _Start(BytesIO):
    """What is written, as long as it is small; of what is large nothing."""

    whole = True

    def write(self, piece: Any, /) -> int:
        if self.whole and self.tell() + len(piece) > SMALL:
            self.whole = False
            self.truncate(0)
        return super().write(piece) if self.whole else len(piece)

    def writelines(self, pieces: Iterable[Any], /) -> None:
        for piece in pieces:
            self.write(piece)


@dataclass(frozen=True)
class PostingStore(FileStore):
    """The file store, and the contents beside it; what is in both is the same, by its hash."""

    def keep_made(self, made: Made, *, at: datetime) -> str:
        """Store a file that was made here, not large and all of it good, without what is attached to it.

        What is attached to its vouchers is among the contents anyway. Raises `FileStoreFailed`.
        """
        pieces, types = made.pieces, _types(made)
        return content.put_pieces(pieces, _MEDIA_TYPE, at=at, types=types, sha256=made.sha256).sha256

    def keep(self, fill: Callable[[BinaryIO], None], *, at: datetime) -> str:
        """Store what a function writes, in the caller's transaction if it is small; returns its hash.

        It is called again when it turns out to be large. Raises `FileStoreFailed`, and what it raises.
        """
        start = _Start()
        fill(cast("BinaryIO", start))
        if start.whole:
            return content.put(start.getvalue(), _MEDIA_TYPE, at=at).sha256
        return self.write(fill).sha256

    def open(self, sha256: str) -> BinaryIO:
        """A stored file to read from; raises `ContentMissing`, `ContentLost`, `ContentDamaged`."""
        with suppress(ContentMissing):
            return super().open(sha256)
        return BytesIO(content.get(sha256))

    def verify(self, sha256: str) -> None:
        """Raise as `open` does unless the file is what its name says."""
        if self.place(sha256).exists():
            super().verify(sha256)
        else:
            content.get(sha256)  # verifies

    def as_file(self, sha256: str) -> Path:
        """Where it is, as a file; it is made when there is none. Raises as `open`, and `FileStoreFailed`."""
        place = self.place(sha256)
        if not place.exists():
            with self.open(sha256) as kept:
                self.write(lambda out: copyfileobj(kept, out))
        return place


def is_large(made: Made) -> bool:
    """Whether it is more than a row, but for what is attached."""
    return content.size_of_rest(made.pieces) > SMALL


def _types(made: Made) -> dict[str, str]:
    """The media types of what is attached, by hash."""
    return {
        text.sha256: FILE_TYPES[kind]
        for document in made.documents
        for file in document.files
        if isinstance(text := file["FILE"], Base64)
        and (kind := said_of(file)["FILE_TYPE"].upper()) in FILE_TYPES
    }
