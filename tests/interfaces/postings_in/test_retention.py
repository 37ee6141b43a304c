"""Bytes whose retention is over go, for they may hold numbers of persons; hashes and receipts stay."""

from __future__ import annotations

import os
from datetime import timedelta
from io import BytesIO

import pytest

from opus_soap.errors import FileStoreFailed, PostingFileRefused
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.interfaces.postings_in.retention import purge
from opus_soap.interfaces.postings_in.verification import verify_files
from opus_soap.store.models import PostingFile

from .conftest import document, request

YEARS = timedelta(days=5 * 366)


@pytest.fixture
def stored(receiver):
    """The hashes of what is in the file store."""
    return lambda: {path.name for path in receiver.store.folder.glob("??/*")}


@pytest.fixture
def purged(receiver, clock):
    """Purge what is older than five years."""
    return lambda: purge(receiver.store, now=clock.now(), retention=YEARS)


@pytest.fixture
def age(receiver, clock):
    """Let time pass over everything that is in the store."""

    def older() -> None:
        at = clock.now().timestamp()
        for path in receiver.store.folder.glob("??/*"):
            os.utime(path, (at, at))
        clock.advance(YEARS + timedelta(days=1))

    return older


def refuse(receiver, data: bytes, name: str = "") -> None:
    with pytest.raises(PostingFileRefused):
        receiver.deliver(BytesIO(data), name, actor="t")


def test_a_file_goes_and_its_receipts_and_hash_stay(deliver, receiver, stored, purged, age):
    file = deliver(request(document()))
    receiver.finish_booked(file)
    refuse(receiver, b"<a/>")
    assert purged() == 0
    age()
    assert purged() == 2
    assert stored() == {file.receipt_sha256, file.booked_sha256}
    assert PostingFile.get().sha256 == file.sha256
    assert list(verify_files(receiver.store)) == [], "purged is not damaged"
    assert purged() == 0


def test_what_is_purged_and_comes_again_is_the_file_that_it_was(deliver, receiver, stored, purged, age):
    file = deliver(request(document()))
    age()
    purged()
    assert deliver(request(document())) == file
    assert file.sha256 in stored()
    assert purged() == 0, "it counts from the last time"
    path = receiver.store.place(file.sha256)
    path.write_bytes(b"changed")
    assert "has been changed" in next(verify_files(receiver.store))


def test_bytes_that_are_gone_but_were_not_purged_are_missing(deliver, receiver):
    receiver.store.forget(deliver(request(document())).sha256)
    assert "is missing" in next(verify_files(receiver.store))


def test_a_receipt_that_somebody_sends_as_a_file_stays(deliver, receiver, stored, purged, age):
    file = deliver(request(document()))
    with receiver.store.open(file.receipt_sha256) as receipt:
        refuse(receiver, receipt.read())
    age()
    purged()
    assert file.receipt_sha256 in stored()


def test_a_file_that_is_not_finished_stays(deliver, stored, purged, age, monkeypatch):
    monkeypatch.setattr(Receiver, "_finish", lambda self, file, **_: None)
    file = deliver(request(document()))
    age()
    purged()
    assert file.sha256 in stored()


def test_young_bytes_of_an_old_file_and_old_bytes_of_a_young_one_stay(deliver, receiver, stored, purged, age):
    data = request(document())
    refuse(receiver, data, "under another name.xml")
    age()
    file = deliver(data)
    os.utime(receiver.store.place(file.sha256), (1, 1))
    assert purged() == 0
    assert file.sha256 in stored()


def test_a_file_that_cannot_be_deleted_keeps_no_other(deliver, receiver, stored, purged, age):
    for number in range(10):
        refuse(receiver, b"<a>%d</a>" % number)
    *stuck, _ = stored()
    for digest in stuck:
        place = receiver.store.place(digest)
        place.unlink()
        place.mkdir()
    age()
    with pytest.raises(FileStoreFailed):
        purged()
    assert stored() == {*stuck}
