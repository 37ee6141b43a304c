"""Files that were refused as a whole: they have no row among the files, but they leave a trace.

A door belongs to somebody whom there is an agreement with; still nobody may fill the database by sending
nonsense. The same file again is counted, and of each door only the newest refusals are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from opus_soap.clock import Clock
from opus_soap.database import transaction
from opus_soap.errors import PostingFileRefused, mask_cpr
from opus_soap.store.models import PostingRefusal
from opus_soap.texts import visible

MOST_OF_A_DOOR = 1000
LONGEST_NAME = 120
LONGEST_DOOR = 80
_MOST_ERRORS = 20
_LONGEST_TEXT = 220


def in_words(name: str) -> str:
    """A name as a log or a list may have it: nothing that moves the cursor, no number of a person."""
    return mask_cpr(visible(name))


@contextmanager
def noted(municipality: str, door: str, name: str, sha256: str, clock: Clock) -> Iterator[None]:
    """Keep a trace of a file that the block refuses; raises on what it raises."""
    try:
        yield
    except PostingFileRefused as refused:
        called = name or refused.control.get("FILE_NAME", "")
        note(municipality, door, called, sha256, refused, at=clock.now())
        raise


def note(
    municipality: str, door: str, name: str, sha256: str, refused: PostingFileRefused, *, at: datetime
) -> None:
    """Keep who sent what, when, and why it was refused; the same again is counted."""
    errors = [
        [error.code, visible(error.text_danish)[:_LONGEST_TEXT]] for error in refused.errors[:_MOST_ERRORS]
    ]
    key = {
        "municipality": municipality,
        "door": in_words(door)[:LONGEST_DOOR],
        "name": in_words(name)[:LONGEST_NAME],
        "sha256": sha256,
    }
    with transaction():
        PostingRefusal.insert(**key, errors=errors, times=1, first_at=at, last_at=at).on_conflict(
            conflict_target=[
                PostingRefusal.municipality,
                PostingRefusal.door,
                PostingRefusal.name,
                PostingRefusal.sha256,
            ],
            update={
                PostingRefusal.errors: errors,
                PostingRefusal.times: PostingRefusal.times + 1,
                PostingRefusal.last_at: at,
            },
        ).execute()
        of_door = (PostingRefusal.municipality == municipality) & (PostingRefusal.door == key["door"])
        newest = PostingRefusal.select(PostingRefusal.id).where(of_door)
        kept = newest.order_by(PostingRefusal.last_at.desc(), PostingRefusal.id.desc()).limit(MOST_OF_A_DOOR)
        PostingRefusal.delete().where(of_door, PostingRefusal.id.not_in(kept)).execute()


def of_name(name: str) -> list[PostingRefusal]:
    """The refusals of files of a name, newest first."""
    shown = in_words(name)[:LONGEST_NAME]
    query = PostingRefusal.select().where(PostingRefusal.name == shown)
    return list(query.order_by(PostingRefusal.last_at.desc(), PostingRefusal.id.desc()))
