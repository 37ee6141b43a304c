"""Files that were refused as a whole: they leave a trace, and nobody fills the database with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest

from opus_soap.errors import PostingFileRefused
from opus_soap.interfaces.postings_in import refusals
from opus_soap.interfaces.postings_in.reading import ReadingLimits
from opus_soap.store.models import PostingFile, PostingRefusal

from .conftest import NAME, document, request


@pytest.fixture
def refuse(receiver):
    """Deliver what is refused."""

    def give(data: bytes, name: str = NAME, by=receiver, actor: str = "folder:KY01") -> None:
        with pytest.raises(PostingFileRefused):
            by.deliver(BytesIO(data), name, actor=actor)

    return give


def test_who_what_when_and_why(refuse, clock):
    refuse(b"no xml")
    first = clock.now()
    clock.advance(timedelta(days=1))
    refuse(b"no xml")
    refuse(b"<a/>")
    xml, again = PostingRefusal.select().order_by(PostingRefusal.times)
    assert (again.municipality, again.door, again.name) == ("999", "folder:KY01", NAME)
    assert (again.times, again.first_at, again.last_at) == (2, first, clock.now())
    assert [code for code, _ in again.errors] == ["PIN-401"]
    assert xml.errors == [["PIN-402", xml.errors[0][1]]]
    assert refusals.of_name(NAME) == [xml, again]


def test_one_that_is_good_and_one_that_is_interrupted_leave_none(deliver, refuse, receiver, monkeypatch):
    deliver(request(document()))

    def broken(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(type(receiver), "_file", broken)
    with pytest.raises(OSError):  # noqa: PT011
        deliver(request(document()))
    assert PostingRefusal.select().count() == 0


def test_one_that_is_too_large_leaves_one_without_a_hash(refuse, receiver):
    refuse(request(document()), by=replace(receiver, limits=ReadingLimits(max_bytes=100)))
    row = PostingRefusal.get()
    assert (row.sha256, row.errors[0][0]) == ("", "PIN-403")


def test_another_file_under_the_same_name_leaves_one(deliver, refuse):
    file = deliver(request(document()))
    refuse(request(document(RECEIV_DOC="2")))
    assert PostingRefusal.get().errors[0][0] == "PIN-407"
    assert PostingFile.get() == file


def test_of_a_door_only_the_newest_are_kept(refuse, monkeypatch, clock):
    monkeypatch.setattr(refusals, "MOST_OF_A_DOOR", 3)
    refuse(b"<other/>", actor="http:AB12")
    for number in range(6):
        clock.advance(timedelta(minutes=1))
        refuse(b"<a/>" + b" " * number)
    refuse(b"<a/>" + b" " * 4)
    kept = [row for row in PostingRefusal.select() if row.door == "folder:KY01"]
    assert sorted(row.times for row in kept) == [1, 1, 2]
    assert PostingRefusal.select().count() == 4


def test_nothing_of_a_stranger_is_kept_as_it_came(refuse):
    refuse(b"<a/>", "0101901234\x1b[2J\udcff\0" + "x" * 300 + ".xml", actor="cli:" + "u" * 100)
    row = PostingRefusal.get()
    assert "0101901234" not in row.name
    assert row.name.startswith(
        "\u2022\u2022\u2022\u2022\u2022\u2022-\u2022\u2022\u2022\u2022\ufffd[2J\ufffd\ufffdxxx"
    )
    assert (len(row.name), len(row.door)) == (120, 80)
