"""What receivers come for, by whichever door: a file of an extract, and the receipt for all of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO

from opus_soap.errors import (
    Both,
    DownloadMissing,
    DownloadReceiptEarly,
    DownloadReceiptUnwanted,
    DownloadReceiptWrong,
    ExtractDiffers,
    ExtractFolderFailed,
)
from opus_soap.extracts import manifest
from opus_soap.extracts.delivering import Deliverer, is_fetched, waiting_before
from opus_soap.extracts.producing import Producer
from opus_soap.store.extract_models import Extract, Subscription

MADE = (Extract.PRODUCED, Extract.DELIVERED)
_LONGEST_NAME = 120  # in a text


@dataclass(frozen=True)
class Fetched:
    """A file of an extract, open, and what its manifest says of it; `size` in bytes."""

    file: BinaryIO
    size: int
    sha256: str


def find_produced(subscription: Subscription, name: str) -> Extract:
    """An extract of a subscription whose files are there; raises `DownloadMissing`."""
    found: Extract | None = Extract.get_or_none(
        Extract.subscription == subscription, Extract.name == name, Extract.state.in_(MADE)
    )
    if found is None:
        raise DownloadMissing(value=name[:_LONGEST_NAME])
    return found


def open_file(producer: Producer, extract: Extract, name: str) -> Fetched:
    """A file that the manifest names, or the manifest.

    Raises `DownloadMissing`, `ExtractFolderFailed`, `ExtractDiffers`.
    """
    told_of, own_name = producer.manifest_of(extract), f"{extract.name}{manifest.ENDING}"
    if name == own_name:
        size, sha256 = len(told_of), str(extract.manifest_sha256)
    else:
        files = {file["name"]: file for file in manifest.read(told_of, own_name)["files"]}
        if name not in files:
            raise DownloadMissing(value=name[:_LONGEST_NAME])
        size, sha256 = files[name]["bytes"], files[name]["sha256"]
    try:
        file = (producer.place(extract) / name).open("rb")
    except OSError as error:
        raise ExtractFolderFailed(element=name, value=error.strerror or "?") from None
    if (actual := os.fstat(file.fileno()).st_size) != size:
        file.close()
        raise ExtractDiffers(element=extract.name, value=_lengths(name, actual, size))
    return Fetched(file, size, sha256)


def _lengths(name: str, actual: int, noted: int) -> Both:
    return Both(f"{name}: {actual} byte, noteret {noted}", f"{name}: {actual} bytes, noted {noted}")


def confirm(deliverer: Deliverer, extract: Extract, said: str, where: str) -> Extract:
    """A receiver has all of an extract, and shows the SHA-256 of its manifest; again it changes nothing.

    Raises `DownloadReceiptUnwanted`, `DownloadReceiptWrong`, `DownloadReceiptEarly`.
    """
    target = extract.subscription.target
    if not is_fetched(target):
        raise DownloadReceiptUnwanted(element=extract.name, value=next(iter(target)))
    if said != extract.manifest_sha256:
        raise DownloadReceiptWrong(element=extract.name, value=said[:64])
    if (before := waiting_before(extract)) is not None:
        raise DownloadReceiptEarly(element=extract.name, value=before.name)
    deliverer.note(extract, where, deliverer.producer.files(extract))
    return Extract.get_by_id(extract.id)
