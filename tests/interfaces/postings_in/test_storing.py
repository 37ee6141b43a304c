"""What a message stands for, and its receipt: in the database with the message, or with neither."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opus_soap.errors import ContentMissing, PostingFileRefused, PostingSenderUnknown
from opus_soap.interfaces.postings_in import entering, receiving, storing
from opus_soap.interfaces.postings_in.retention import purge
from opus_soap.interfaces.postings_in.verification import verify_files
from opus_soap.ledger.models import Voucher
from opus_soap.store import content, purging
from opus_soap.store.content import digest_of
from opus_soap.store.models import Content, ContentPart, PostingFile

from .test_soap_service import (  # noqa: F401  fixtures
    CREDIT,
    DEBIT,
    NOW,
    attached,
    message,
    send,
    system,
    voucher,
)

YEARS = timedelta(days=5 * 366)
UNKNOWN = DEBIT | {"PosteringslinjeArtskonto": "1"}


@pytest.fixture
def store(tmp_path):
    return storing.PostingStore(tmp_path / "files")


def files_in(store):
    return {path.name for path in store.folder.glob("??/*")}


def test_a_message_and_its_receipt_are_contents(send, store):  # noqa: F811
    send(message(voucher(), voucher(UNKNOWN, CREDIT, PosteringsbilagNummer="2")))
    file = PostingFile.get()
    assert files_in(store) == set()
    with store.open(file.sha256) as kept, store.open(file.receipt_sha256) as receipt:
        assert file.name.encode() in kept.read()
        assert b"305" in receipt.read()
    assert Content.get_by_id(file.sha256).size == file.size
    assert list(verify_files(store)) == []


@pytest.mark.parametrize("which", ["sha256", "receipt_sha256"])
def test_what_is_gone_from_the_contents_is_told(send, store, which):  # noqa: F811
    send(message(voucher()))
    digest = getattr(PostingFile.get(), which)
    Content.update(data=None, purged_at=NOW).where(Content.sha256 == digest).execute()
    assert [problem.endswith(f"{digest} is missing") for problem in verify_files(store)] == [True]
    with pytest.raises(ContentMissing):
        store.open(digest)


def test_what_cannot_be_taken_leaves_nothing(send, store, monkeypatch):  # noqa: F811
    def stop(*_):
        raise RuntimeError

    before = Content.select().count()
    monkeypatch.setattr("opus_soap.interfaces.postings_in.receiving.hash_of_file", stop)
    with pytest.raises(RuntimeError):
        send(message(voucher()))
    assert (Content.select().count(), PostingFile.select().count(), Voucher.select().count()) == (
        before,
        0,
        0,
    )
    assert files_in(store) == set()


def test_a_large_one_is_a_file(send, store, monkeypatch):  # noqa: F811
    monkeypatch.setattr(storing, "SMALL", 100)
    send(message(voucher()))
    file = PostingFile.get()
    assert files_in(store) == {file.sha256, file.receipt_sha256}
    assert Content.select().count() == 0
    assert list(verify_files(store)) == []


def test_what_is_attached_is_kept_once(send, store):  # noqa: F811
    data = b"%PDF-1." * 100_000  # more than is small
    send(message(voucher(files=[attached(data)])))
    file, kept = PostingFile.get(), digest_of(data)
    row = Content.get_by_id(file.sha256)
    assert (row.in_parts, row.size) == (True, file.size)
    assert (part := Content.get_by_id(kept)).media_type == "application/pdf"
    assert (part.size, [piece.attached_id for piece in ContentPart.select()]) == (len(data), [kept, None])
    with store.open(file.sha256) as whole:
        assert digest_of(whole.read()) == file.sha256
    assert list(verify_files(store)) == []


def test_contents_are_held_after_the_books(send, monkeypatch):  # noqa: F811
    """As a file that is delivered holds them: otherwise two with the same attachment stop each other."""
    order: list[str] = []

    def noting(module, name, what):
        there = getattr(module, name)

        def noted(*given, **named):
            order.append(what)
            return there(*given, **named)

        monkeypatch.setattr(module, name, noted)

    noting(entering, "write", "books")
    noting(content, "put_hashed", "contents")
    noting(content, "put_pieces", "contents")
    send(message(voucher(files=[attached(b"%PDF-1." * 10_000)])))
    assert order[0] == "books"
    assert "contents" in order


def test_what_is_refused_is_kept_as_what_is_taken(send, monkeypatch):  # noqa: F811
    def refused(*_):
        raise PostingFileRefused([PostingSenderUnknown(value="-", expected="999")])

    monkeypatch.setattr(receiving, "sender_of", refused)
    send(message(voucher(files=[attached(b"%PDF-1." * 10_000)])))
    assert [row.size > 70_000 for row in Content.select().where(Content.in_parts)] == [True]


def test_sent_again_it_is_the_file_that_it_was(send):  # noqa: F811
    for _ in range(2):
        send(message(voucher(files=[attached(b"%PDF-1." * 10_000)])))
    assert PostingFile.select().count() == 1


def test_it_is_made_a_file_for_whoever_reads_one(send, store):  # noqa: F811
    send(message(voucher()))
    file = PostingFile.get()
    assert store.as_file(file.sha256).stat().st_size == file.size
    assert files_in(store) == {file.sha256}
    assert store.as_file(file.sha256) == store.place(file.sha256)


def test_its_bytes_go_when_their_retention_is_over_and_its_receipt_stays(send, store, clock):  # noqa: F811
    send(message(voucher()))
    file = PostingFile.get()
    clock.advance(YEARS - timedelta(days=1))
    assert purging.purge(now=clock.now(), retention=YEARS) == 0
    clock.advance(timedelta(days=2))
    purging.purge(now=clock.now(), retention=YEARS)
    assert [problem.endswith(f"{file.sha256} is missing") for problem in verify_files(store)] == [True]
    purge(store, now=clock.now(), retention=YEARS)
    assert PostingFile.get().purged_at == clock.now()
    assert list(verify_files(store)) == [], "purged is not damaged"
    with store.open(file.receipt_sha256) as receipt:
        assert b"305" in receipt.read()
    assert send(message(voucher())) is not None
    with store.open(file.sha256) as kept:
        assert kept.read(), "sent again it is there again"


def test_what_is_not_finished_stays(send, store, clock):  # noqa: F811
    send(message(voucher()))
    digest = PostingFile.get().sha256
    begun = PostingFile.select().dicts().get() | {
        "uuid": "0" * 32,
        "name_key": "another",
        "state": "under_way",
    }
    del begun["id"]
    PostingFile.insert(begun).execute()
    clock.advance(2 * YEARS)
    purging.purge(now=clock.now(), retention=YEARS)
    assert content.get(digest)
