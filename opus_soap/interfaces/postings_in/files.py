"""A file as a whole: whose it is, and whether its name, its control fields and its receiver agree."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from opus_soap.database import Prepared
from opus_soap.errors import (
    PostingFileEmpty,
    PostingFileNameUsed,
    PostingFileNameWrong,
    PostingFileRefused,
    PostingReceiverWrong,
    PostingSenderUnknown,
    PostingShortWrong,
    PostingsInError,
)
from opus_soap.interfaces.postings_in.reading import Summary
from opus_soap.store.models import PostingFile, PostingSender

_NAME = re.compile(
    r"ZFIR_KMD_Opus_Posteringer_IND_(\d{3})_([A-Za-z0-9]{4})_(\d{8})_(\d{6})\.xml", re.IGNORECASE | re.ASCII
)
MADE = "made:"  # before the name of a file that no sender named
_RECEIVER = re.compile(r"[PQTDU]\d{2}CLNT(\d{3})", re.ASCII)


def sender_of(summary: Summary, municipality: str, file_name: str, as_sender: str | None) -> PostingSender:
    """The sender of a file that is right as a whole; raises `PostingFileRefused` with all that is not.

    `file_name` is what the file is called outside (empty: not known); `as_sender` the SENDERID that the
    door has made sure of.
    """
    fields = summary.control.fields
    claimed = fields.get("SENDERID", "")
    sender = find_sender(municipality, claimed)
    errors = [*summary.errors, *(finding.error for finding in summary.control.findings)]
    errors += _check_name(fields, file_name, {finding.place.element for finding in summary.control.findings})
    receiver = _RECEIVER.fullmatch(fields.get("RECEIVER", ""))
    if receiver and receiver[1] != municipality:
        errors.append(PostingReceiverWrong(value=fields["RECEIVER"], expected=municipality))
    if not summary.documents:
        errors.append(PostingFileEmpty())
    named = _NAME.fullmatch(fields.get("FILE_NAME", ""))
    if sender is None or (as_sender is not None and as_sender != claimed):
        errors.insert(0, PostingSenderUnknown(value=claimed or "-", expected=municipality))
    elif named and named[2].casefold() != sender.short.casefold():
        errors.append(PostingShortWrong(element=claimed, value=named[2], expected=sender.short))
    if errors or sender is None:
        raise PostingFileRefused(errors, fields)
    return sender


def find_sender(municipality: str, sender_id: str) -> PostingSender | None:
    """The agreement with a SENDERID, if it is not stopped."""
    found: PostingSender | None = _sender.first(municipality, sender_id)
    return found


def find_file(sender: PostingSender, name: str, *, made: bool = False) -> PostingFile | None:
    """A sender's file by FILE_NAME, in any letter case; or one that was `made` here under that name."""
    found: PostingFile | None = _file.first(sender, key_of(name, made=made))
    return found


@Prepared
def _sender(municipality: Any, sender_id: Any) -> Any:
    return PostingSender.select().where(
        PostingSender.municipality == municipality,
        PostingSender.sender_id == sender_id,
        PostingSender.active,
    )


@Prepared
def _file(sender: Any, name_key: Any) -> Any:
    return PostingFile.select().where(PostingFile.sender == sender, PostingFile.name_key == name_key)


def key_of(name: str, *, made: bool) -> str:
    """What a file is known by. One that we make of a message or a CSV takes no name from its sender."""
    return f"{MADE}{name.casefold()}" if made else name.casefold()


def check_same(known: PostingFile, sha256: str, fields: Mapping[str, str]) -> None:
    """Raises `PostingFileRefused` when a file came before under its name with other content."""
    if known.sha256 != sha256:
        used = PostingFileNameUsed(value=known.name, expected=f"{known.received_at:%d.%m.%Y}")
        raise PostingFileRefused([used], fields)


def check_name_is_free(sender: PostingSender, summary: Summary, path: Path, *, made: bool) -> None:
    """`check_same` of a file that has not been delivered."""
    fields = summary.control.fields
    known = find_file(sender, fields["FILE_NAME"], made=made)
    if known is not None:
        with path.open("rb") as data:
            check_same(known, hashlib.file_digest(data, "sha256").hexdigest(), fields)


def _check_name(
    fields: Mapping[str, str], file_name: str, told: Collection[str]
) -> Iterator[PostingsInError]:
    """The file is called as it says, and says the same as its name; `told` are elements known to be wrong."""
    named = _NAME.fullmatch(fields.get("FILE_NAME", ""))
    if file_name and fields.get("FILE_NAME", "").casefold() != file_name.casefold():
        yield PostingFileNameWrong(
            element="FILE_NAME", value=fields.get("FILE_NAME", "-"), expected=file_name
        )
    if named is None:
        return
    municipality, _, date, time = named.groups()
    client = _RECEIVER.fullmatch(fields.get("RECEIVER", ""))
    for element, value, expected in (
        ("RECEIVER", client[1] if client else municipality, municipality),
        ("SEND_DATE", fields.get("SEND_DATE"), date),
        ("SEND_TIME", fields.get("SEND_TIME"), time),
    ):
        if value != expected and element not in told:
            yield PostingFileNameWrong(element=element, value=value or "-", expected=expected)
