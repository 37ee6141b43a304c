"""What holds others as base64 is kept without them: they are there once, as long as anything holds them."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peewee import DatabaseError

from opus_soap import errors
from opus_soap.database import connect, disconnect, is_postgresql, proxy, transaction
from opus_soap.encoded import Base64, as_bytes, pieces
from opus_soap.store import archive, content, purging
from opus_soap.store.models import ArchivedMessage, Content, ContentFolder, ContentPart

ATTACHED, OTHER = b"what is attached", b"another one, attached" * 4
DAYS = timedelta(days=5)


@pytest.fixture(autouse=True)
def folder(database_url, tmp_path, monkeypatch):
    """Connected; base64 of ten characters is long, and what has more than fifty bytes is a file."""
    for module in (content, archive):
        monkeypatch.setattr(module, "LONG", 10)
    monkeypatch.setattr(content, "LARGE", 50)
    connect(database_url, files=tmp_path).connect(reuse_if_open=True)
    yield tmp_path / "contents" / ContentFolder.get().name
    disconnect()
    proxy.initialize(None)


def message(*attached: bytes, words: str = "hello") -> bytes:
    inner = "".join(f"<a>{b64encode(data).decode()}</a>" for data in attached)
    return f"<m><w>{words}</w>{inner}<e/></m>".encode()


def put(data: bytes, clock, **given) -> str:
    row = content.put_pieces(pieces(data, content.LONG), "text/xml", at=clock.now(), **given)
    assert (row.sha256, row.size) == (hashlib.sha256(data).hexdigest(), len(data))
    return row.sha256


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def rows() -> dict[str, Content]:
    return {row.sha256: row for row in Content.select()}


def test_it_is_there_as_it_was_and_what_is_attached_once(clock):
    first, second = message(ATTACHED, OTHER), message(OTHER, words="again")
    digests = [put(first, clock), put(second, clock)]
    assert [content.get(digest) for digest in digests] == [first, second]
    assert content.get(digest_of(ATTACHED)) == ATTACHED
    assert set(rows()) == {*digests, digest_of(ATTACHED), digest_of(OTHER)}
    assert [(rows()[digest].data, rows()[digest].in_file) for digest in digests] == [(None, False)] * 2
    held = b"".join(bytes(part.before) for part in ContentPart.select())
    assert b64encode(ATTACHED) not in held
    assert list(content.verify()) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(given=st.lists(st.binary(max_size=12) | st.binary(max_size=12).map(Base64), max_size=6))
def test_whatever_the_pieces_are(clock, given):
    whole = b"".join(map(as_bytes, given))
    row = content.put_pieces(given, "text/xml", at=clock.now())
    assert (row.sha256, content.get(row.sha256)) == (digest_of(whole), whole)


def test_what_is_short_is_not_kept_apart(clock):
    digest = content.put_pieces([b"<a>", Base64(b"short"), b"</a>"], "text/xml", at=clock.now()).sha256
    assert set(rows()) == {digest}
    assert content.get(digest) == b"<a>c2hvcnQ=</a>"
    assert not ContentPart.select().exists()


def test_what_is_attached_has_the_type_that_is_known(clock):
    put(message(ATTACHED, OTHER), clock, types={digest_of(ATTACHED): "application/pdf"})
    types = {digest: row.media_type for digest, row in rows().items()}
    assert types[digest_of(ATTACHED)] == "application/pdf"
    assert types[digest_of(OTHER)] == content.ATTACHED


def test_all_of_it_or_nothing(clock):
    def stopped() -> None:
        with transaction():
            put(message(ATTACHED), clock)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stopped()
    assert (rows(), ContentPart.select().count()) == ({}, 0)


def test_the_same_again_is_the_same(clock):
    digest = put(message(ATTACHED), clock)
    before = list(ContentPart.select().dicts())
    put(message(ATTACHED), clock)
    clock.advance(timedelta(days=2))
    put(message(ATTACHED), clock)
    assert list(ContentPart.select().dicts()) == before
    assert {row.stored_at for row in rows().values()} == {clock.now()}
    assert content.get(digest) == message(ATTACHED)


def test_what_was_whole_is_so_until_it_is_stored_afresh(folder, clock):
    data = message(ATTACHED)
    digest = content.put(data, "text/xml", at=clock.now()).sha256
    assert put(data, clock) == digest
    assert (rows()[digest].in_file, rows()[digest].in_parts) == (True, False)
    clock.advance(timedelta(days=2))
    put(data, clock)
    assert (rows()[digest].in_file, rows()[digest].in_parts) == (False, True)
    assert content.get(digest) == data
    purging.forget_abandoned(now=clock.now() + timedelta(days=40000))
    assert not any(folder.glob(f"??/{digest}"))
    clock.advance(timedelta(days=2))
    assert content.put(data, "text/xml", at=clock.now()).sha256 == digest
    assert content.get(digest) == data
    assert rows()[digest].in_parts is False
    assert list(content.verify()) == []


def test_cut_otherwise_it_is_the_same(clock):
    data, short = message(ATTACHED, OTHER), Base64(OTHER)
    digest = put(data, clock)
    clock.advance(timedelta(days=2))
    before, _, behind = data.partition(short.encoded)
    content.put_pieces([before, short, behind], "text/xml", at=clock.now())
    assert content.get(digest) == data
    assert ContentPart.select().count() == 3, "the parts that are there will do"


def test_both_go_when_their_retention_is_over(folder, clock):
    digest = put(message(ATTACHED), clock)
    large = put(message(OTHER), clock)
    clock.advance(2 * DAYS)
    assert purging.purge(now=clock.now(), retention=DAYS) == 4
    assert not ContentPart.select().exists(), "what stood around it is gone, too"
    assert not [*folder.glob("??/*")]
    for gone in (digest, large, digest_of(ATTACHED), digest_of(OTHER)):
        with pytest.raises(errors.ContentMissing):
            content.get(gone)
    assert list(content.verify()) == []
    put(message(ATTACHED), clock)
    assert content.get(digest) == message(ATTACHED)


def test_what_is_attached_stays_as_long_as_anything_holds_it(clock):
    """Stored less than a day later, the second does not make it younger."""
    put(message(ATTACHED), clock)
    clock.advance(timedelta(hours=11))
    second = put(message(ATTACHED, words="later"), clock)
    clock.advance(DAYS - timedelta(hours=5))
    assert purging.purge(now=clock.now(), retention=DAYS) == 1
    assert content.get(second) == message(ATTACHED, words="later")
    assert list(content.verify()) == []
    clock.advance(timedelta(days=1))
    assert purging.purge(now=clock.now(), retention=DAYS) == 2


@pytest.mark.parametrize(
    "change",
    [
        ContentPart.update(before=b""),
        ContentPart.update(attached=None),
        ContentPart.delete(),
        ContentPart.delete().where(ContentPart.position == 1),
    ],
    ids=["words", "attachment", "all", "one"],
)
def test_parts_stay_as_they_are(clock, change):
    put(message(ATTACHED), clock)
    with pytest.raises(DatabaseError, match="append-only"):
        change.execute()


def test_what_is_large_without_what_is_attached_is_a_file(folder, clock):
    data = message(ATTACHED, words="words, " * 20)
    digest = put(data, clock)
    assert (rows()[digest].in_file, rows()[digest].in_parts) == (True, False)
    assert content.get(digest) == data
    assert not ContentPart.select().exists()


def whole_again(clock, monkeypatch) -> None:
    clock.advance(timedelta(days=2))
    content.put(message(ATTACHED), "text/xml", at=clock.now())


def attached_itself(clock, monkeypatch) -> None:
    clock.advance(timedelta(days=2))
    put(message(message(ATTACHED)), clock)


def back_after_a_kill(clock, monkeypatch) -> None:
    clock.advance(2 * DAYS)
    with monkeypatch.context() as killed:
        killed.setattr(purging, "_forget_parts", lambda: 0)
        purging.purge(now=clock.now(), retention=DAYS)
    content.put_back(message(ATTACHED), at=clock.now())


@pytest.mark.parametrize("how", [whole_again, attached_itself, back_after_a_kill])
def test_no_words_stay_of_what_is_whole_by_now(clock, monkeypatch, how):
    put(message(ATTACHED), clock)
    how(clock, monkeypatch)
    clock.advance(2 * DAYS)
    purging.purge(now=clock.now(), retention=DAYS)
    assert not ContentPart.select().exists()
    assert all(row.purged_at for row in rows().values())


def test_a_purge_that_begins_as_it_is_stored_takes_no_attachment(clock):
    """Of the shortest retention there is, of what was stored a moment less than that before."""
    put(message(ATTACHED), clock)
    clock.advance(timedelta(hours=23, minutes=59))
    second = put(message(ATTACHED, words="later"), clock)
    assert rows()[digest_of(ATTACHED)].stored_at == clock.now()
    clock.advance(timedelta(minutes=2))
    purging.purge(now=clock.now(), retention=timedelta(days=1))
    assert content.get(second) == message(ATTACHED, words="later")


def test_whoever_is_killed_before_its_parts_are_gone_forgets_them_the_next_time(clock, monkeypatch):
    put(message(ATTACHED), clock)
    clock.advance(2 * DAYS)
    with monkeypatch.context() as killed:
        killed.setattr(purging, "_forget_parts", lambda: 0)
        assert purging.purge(now=clock.now(), retention=DAYS) == 1
    assert ContentPart.select().exists()
    assert purging.purge(now=clock.now(), retention=DAYS) == 1
    assert not ContentPart.select().exists()


@pytest.mark.parametrize("harm", ["changed", "lost", "attached", "order"])
def test_what_was_harmed_is_told(folder, clock, harm):
    digest = put(message(ATTACHED, OTHER), clock)
    for name in ("update", "delete"):
        on = " ON content_part" if is_postgresql() else ""
        proxy.obj.execute_sql(f"DROP TRIGGER content_part_no_{name}{on}")
    if harm == "changed":
        ContentPart.update(before=b"<m/>").where(ContentPart.position == 0).execute()
    elif harm == "lost":
        ContentPart.delete().where(ContentPart.position == 1).execute()
    elif harm == "order":
        ContentPart.update(attached=digest_of(OTHER)).where(ContentPart.position == 0).execute()
    else:
        [file] = folder.glob(f"??/{digest_of(OTHER)}")
        file.unlink()
    told = list(content.verify())
    assert f"content {digest}: a part of it is missing, or has been changed" in told
    assert len(told) == (2 if harm == "attached" else 1)
    with pytest.raises((errors.ContentDamaged, errors.ContentLost)):
        content.get(digest)


def test_what_is_purged_while_it_is_verified_is_no_loss(clock, monkeypatch):
    put(message(ATTACHED), clock)
    clock.advance(2 * DAYS)
    there = content.get

    def slowly(digest):
        purging.purge(now=clock.now(), retention=DAYS)
        return there(digest)

    monkeypatch.setattr(content, "get", slowly)
    assert list(content.verify()) == []


@pytest.mark.parametrize("step", ["_of_parts", "_of_file"])
def test_a_purge_meanwhile_is_told_as_one(clock, monkeypatch, step):
    """Whoever has found the row, and finds no parts, or no attachment: they have been forgotten since."""
    digest = put(message(OTHER), clock)
    clock.advance(2 * DAYS)
    there = getattr(content, step)

    def late(digest):
        purging.purge(now=clock.now(), retention=DAYS)
        return there(digest)

    monkeypatch.setattr(content, step, late)
    with pytest.raises(errors.ContentMissing) as missing:
        content.get(digest)
    assert missing.value.value == digest


def test_an_archived_message_is_kept_so_whether_its_pieces_are_known_or_not(clock):
    data = message(ATTACHED)
    for known in ((), pieces(data, content.LONG)):
        archive.record(
            direction="in",
            content=data,
            pieces=known,
            correlation_id=uuid4(),
            at=clock.now(),
            endpoint="/p",
            outcome="ok",
        )
    assert {row.content_id for row in ArchivedMessage.select()} == {digest_of(data)}
    assert rows()[digest_of(data)].in_parts
    assert content.get(digest_of(data)) == data


def test_of_a_stranger_only_its_hash(clock):
    archive.record(
        direction="in",
        content=message(ATTACHED),
        correlation_id=uuid4(),
        at=clock.now(),
        endpoint="/p",
        outcome="WSS-001",
        most_bytes=5,
    )
    assert set(rows()) == {digest_of(message(ATTACHED))}
    assert rows()[digest_of(message(ATTACHED))].purged_at


def test_an_attachment_that_is_a_message_itself(clock):
    inner = message(ATTACHED)
    outer = message(inner)
    digests = [put(inner, clock), put(outer, clock)]
    assert [content.get(digest) for digest in digests] == [inner, outer]
    clock.advance(2 * DAYS)
    assert purging.purge(now=clock.now(), retention=DAYS) == 3
    assert all(row.purged_at for row in rows().values())


def test_who_stores_and_who_forgets_do_not_cross_each_other(clock):
    """One stores the same again and again, each time when the last is long over; the other purges what is."""
    moments = [clock.now()]

    def store() -> None:
        with proxy.obj.connection_context():
            for _ in range(60):
                moments.append(moments[-1] + 2 * DAYS)
                for words in ("one", "two"):
                    data = message(ATTACHED, OTHER, words=words)
                    digest = content.put_pieces(pieces(data, 10), "text/xml", at=moments[-1]).sha256
                    assert content.get(digest) == data

    def forget() -> None:
        with proxy.obj.connection_context():
            while len(moments) < 60:
                purging.purge(now=moments[-1], retention=DAYS)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(store), pool.submit(forget)]:
            done.result()
    assert list(content.verify()) == []


def test_nobody_waits_for_who_stores_what_is_young(clock, database_url):
    """A letterhead that everybody attaches must not make all of them follow each other."""
    if not is_postgresql():
        pytest.skip("SQLite has one writer at a time")
    put(message(ATTACHED), clock)
    done = Event()

    def other() -> None:
        with proxy.obj.connection_context():
            put(message(ATTACHED), clock)
            put(message(ATTACHED, words="other"), clock)
        done.set()

    with transaction():
        put(message(ATTACHED), clock)
        put(message(ATTACHED, words="mine"), clock)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(other).result(20)
    assert done.is_set()
