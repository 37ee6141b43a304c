"""Folders that are there whole or not at all: written beside their place, synced, renamed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from opus_soap.errors import ExtractFolderFailed
from opus_soap.store.files import sync_folder

_LONGEST_WRITE = 86_400.0  # seconds; who writes for longer is dead


@contextmanager
def working(place: Path) -> Iterator[Path]:
    """A fresh folder beside `place`; what is left of it afterwards is deleted.

    Raises `ExtractFolderFailed`.
    """
    part = place.with_name(f".{place.name}.{uuid4().hex[:8]}.part")
    _forget_parts(place)
    try:
        part.mkdir(parents=True, mode=0o700)
        yield part
    except OSError as error:
        raise ExtractFolderFailed(element=place.name, value=error.strerror or "?") from None
    finally:
        with suppress(OSError):
            shutil.rmtree(part)


def _forget_parts(place: Path) -> None:
    """Delete what killed processes left of it; what is younger somebody may be writing."""
    before = time.time() - _LONGEST_WRITE
    for part in place.parent.glob(f".{place.name}.*.part"):
        with suppress(OSError):
            if part.stat().st_mtime < before:
                shutil.rmtree(part)


def finish(part: Path, place: Path) -> None:
    """Give a written folder its name; raises OSError when there is one already."""
    sync_folder(part)
    part.rename(place)
    sync_folder(place.parent)
