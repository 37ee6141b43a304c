"""Content, archive, inbox, audit: what is kept, and how it is found again."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest
from peewee import DatabaseError, IntegrityError

from opus_soap import errors
from opus_soap.database import is_postgresql, proxy, transaction
from opus_soap.store import archive, audit, content, inbox, purging, replay
from opus_soap.store.models import Content

pytestmark = pytest.mark.usefixtures("database")


def test_the_same_bytes_are_stored_once(clock):
    first = content.put(b"abc", "text/plain", at=clock.now())
    assert content.put(b"abc", "text/plain", at=clock.now()) == first
    assert content.get(first.sha256) == b"abc"
    assert Content.select().count() == 1


def test_purged_content_leaves_its_hash_and_can_come_back(clock):
    kept = content.put(b"abc", "text/plain", at=clock.now())
    clock.advance(timedelta(days=10))
    fresh = content.put(b"def", "text/plain", at=clock.now())
    assert purging.purge(now=clock.now(), retention=timedelta(days=5)) == 1
    with pytest.raises(errors.ContentMissing, match="purged"):
        content.get(kept.sha256)
    assert content.get(fresh.sha256) == b"def"
    content.put(b"abc", "text/plain", at=clock.now())
    assert content.get(kept.sha256) == b"abc"


def test_those_who_store_the_same_do_not_block_each_other(clock, database_url):
    """Every one in an order of its own: with the wrong one of them the engine would break a deadlock."""
    items = [(bytes([number]) * 1000, "text/plain") for number in range(40)]
    together = threading.Barrier(4)

    def store(seed: int) -> int:
        shuffled = Random(seed).sample(items, len(items))
        with proxy.obj.connection_context(), transaction():
            if is_postgresql():
                together.wait(10)
            rows = content.put_all(shuffled, at=clock.now())
            assert [row.sha256 for row in rows] == [hashlib.sha256(data).hexdigest() for data, _ in shuffled]
            return len(rows)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(store, range(4))) == [40] * 4
    assert Content.select().count() == 40


def test_only_what_was_purged_is_put_back(clock):
    kept = content.put(b"abc", "text/plain", at=clock.now())
    clock.advance(timedelta(days=10))
    purging.purge(now=clock.now(), retention=timedelta(days=5))
    assert content.put_back(b"abc", at=clock.now())
    assert content.get(kept.sha256) == b"abc"
    assert not content.put_back(b"abc", at=clock.now())
    assert not content.put_back(b"never", at=clock.now())


def test_damage_is_seen(clock):
    kept = content.put(b"abc", "text/plain", at=clock.now())
    on = " ON content" if is_postgresql() else ""
    proxy.obj.execute_sql(f"DROP TRIGGER content_no_change{on}")
    Content.update(data=b"abd").execute()
    with pytest.raises(errors.ContentDamaged):
        content.get(kept.sha256)
    with pytest.raises(errors.ContentMissing, match="never stored"):
        content.get("0" * 64)


@pytest.mark.parametrize(
    "change", [{"data": b"abd"}, {"size": 4}, {"sha256": "0" * 64}, {"data": b"abcd", "size": 4}]
)
def test_bytes_never_become_others(clock, change):
    content.put(b"abc", "text/plain", at=clock.now())
    with pytest.raises(DatabaseError, match="append-only"):
        Content.update(**change).execute()


def test_what_was_forgotten_comes_back_only_in_its_length(clock):
    content.put(b"abc", "text/plain", at=clock.now())
    Content.update(data=None).execute()
    with pytest.raises(DatabaseError, match="append-only"):
        Content.update(data=b"abcd").execute()


def test_content_is_never_deleted(clock):
    content.put(b"abc", "text/plain", at=clock.now())
    with pytest.raises(DatabaseError, match="append-only"):
        Content.delete().execute()


def test_retention_counts_from_the_last_time_the_bytes_were_stored(clock):
    kept = content.put(b"abc", "text/plain", at=clock.now())
    clock.advance(timedelta(days=4))
    content.put(b"abc", "text/plain", at=clock.now())
    clock.advance(timedelta(days=4))
    assert purging.purge(now=clock.now(), retention=timedelta(days=5)) == 0
    assert content.get(kept.sha256) == b"abc"


def test_messages_are_found_by_each_of_their_names(clock):
    correlation = uuid4()
    row = archive.record(
        direction="in",
        content=b"<x/>",
        correlation_id=correlation,
        at=clock.now(),
        endpoint="/p",
        outcome="ok",
        message_id="urn:uuid:1",
    )
    for name in (str(row.id), str(correlation), "urn:uuid:1"):
        assert archive.find(name) == [row]
    assert list(archive.latest(5, outcome="ok")) == [row]
    assert list(archive.latest(5, outcome="SOA-001")) == []
    with pytest.raises(errors.ArchivedMessageUnknown):
        archive.find("7777")


def test_the_inbox_is_keyed_by_interface_sender_and_their_own_id(clock):
    inbox.record("i", "s", "k", body=b"1", answer=b"2", at=clock.now())
    found = inbox.find("i", "s", "k")
    assert found is not None
    assert content.get(found.answer.sha256) == b"2"
    assert {found.body.media_type, found.answer.media_type} == {"application/json"}
    assert inbox.find("i", "other", "k") is None
    inbox.record("i", "s", "x", body=b"<x/>", answer=b"<y/>", at=clock.now(), media_type="text/xml")
    found = inbox.find("i", "s", "x")
    assert found is not None
    assert {found.body.media_type, found.answer.media_type} == {"text/xml"}


def test_the_trail_of_a_subject_is_in_order(clock):
    for event in ("a", "b"):
        audit.record(event, 1, actor="me", at=clock.now(), detail_of="x")
    assert [entry.event for entry in audit.trail(1)] == ["a", "b"]


def test_a_replay_is_forgotten_when_it_has_expired(clock):
    replay.remember("k", clock.now() + timedelta(minutes=5))
    with pytest.raises(errors.MessageReplayed):
        replay.remember("k", clock.now())
    assert replay.forget_expired(clock.now()) == 0
    assert replay.forget_expired(clock.now() + timedelta(minutes=6)) == 0  # a request may be under way
    assert replay.forget_expired(clock.now() + timedelta(minutes=66)) == 1
    replay.remember("k", clock.now())


def test_what_is_only_noted_is_its_hash_and_size(clock):
    noted = content.note(b"abc", "text/xml", at=clock.now())
    with pytest.raises(errors.ContentNotKept, match="3 bytes"):
        content.get(noted.sha256)
    content.put(b"abc", "text/xml", at=clock.now())
    content.note(b"abc", "text/xml", at=clock.now())
    assert content.get(noted.sha256) == b"abc"


def test_what_is_new_is_stored_at_once(clock):
    first, second = content.put_new([(b"abc", "x/y", clock.now()), (b"def", "text/plain", clock.now())])
    assert [content.get(row.sha256) for row in (first, second)] == [b"abc", b"def"]
    assert Content.get_by_id(first.sha256).__data__ == content.put(b"abc", "x/y", at=clock.now()).__data__ | {
        "purged_at": None
    }
    with pytest.raises(IntegrityError):
        content.put_new([(b"abc", "x/y", clock.now())])


def change(*digests: str) -> None:
    """As somebody would who may change the database."""
    on = " ON content" if is_postgresql() else ""
    proxy.obj.execute_sql(f"DROP TRIGGER content_no_change{on}")
    Content.update(data=b"changed").where(Content.sha256.in_(digests)).execute()


def test_content_that_was_changed_is_named_and_purged_content_is_not(clock):
    kept = content.put(b"abc", "text/plain", at=clock.now())
    gone = content.note(b"def", "text/plain", at=clock.now())
    assert list(content.verify()) == []
    change(kept.sha256)
    assert list(content.verify()) == [f"content {kept.sha256}: has been changed"]
    assert gone.sha256 != kept.sha256


def test_what_is_purged_while_it_is_verified_is_no_loss(clock, monkeypatch):
    kept = content.put(b"abc", "text/plain", at=clock.now())
    clock.advance(timedelta(days=10))

    def then_purged():
        yield [kept.sha256] if purging.purge(now=clock.now(), retention=timedelta(days=5)) else []

    monkeypatch.setattr(content, "_in_batches", then_purged)
    assert list(content.verify()) == []
    assert Content.get().data is None


def test_contents_are_verified_some_at_a_time(clock, monkeypatch):
    """However many there are: by pages of rows and batches of bytes; the changed ones are found in each."""
    monkeypatch.setattr(content, "_PAGE", 7)
    monkeypatch.setattr(content, "_BATCH_BYTES", 50)
    data = [f"{number}".encode() * (1 + number % 30) for number in range(40)]
    kept = [content.put(some, "x", at=clock.now()) for some in data]
    content.note(b"known by its hash alone", "x", at=clock.now())
    wrong = sorted(row.sha256 for row in kept[::9])
    change(*wrong)
    read = []
    taken = content._in_batches
    monkeypatch.setattr(content, "_in_batches", lambda: (read.append(some) or some for some in taken()))
    assert list(content.verify()) == [f"content {sha256}: has been changed" for sha256 in wrong]
    sizes = {row.sha256: row.size for row in kept} | dict.fromkeys(wrong, len(b"changed"))
    assert sorted(sha256 for some in read for sha256 in some) == sorted(sizes)
    assert len(read) > 6
    assert all(len(some) == 1 or sum(sizes[sha256] for sha256 in some) <= 50 for some in read)
