"""Large contents are files beside the database: there when their row says so."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from shutil import rmtree

import pytest

from opus_soap import errors
from opus_soap.database import connect, disconnect, is_postgresql, proxy, transaction
from opus_soap.store import content, purging
from opus_soap.store.models import Content, ContentFolder

LARGE, SMALL = b"a large one", b"small"
DAYS = timedelta(days=5)
LOST = "its file is missing, or cannot be read"


@pytest.fixture(autouse=True)
def folder(database_url, tmp_path, monkeypatch):
    """Connected, with a folder for what is larger than ten bytes; where its files are."""
    monkeypatch.setattr(content, "LARGE", 10)
    connect(database_url, files=tmp_path).connect(reuse_if_open=True)
    yield tmp_path / "contents" / ContentFolder.get().name
    disconnect()
    proxy.initialize(None)


def files_in(folder):
    return {path.name for path in folder.glob("??/*")}


def put(data, clock):
    return content.put(data, "text/plain", at=clock.now()).sha256


def test_what_is_large_is_a_file_and_what_is_small_a_row(folder, clock):
    large, small = put(LARGE, clock), put(SMALL, clock)
    assert files_in(folder) == {large}
    assert [content.get(digest) for digest in (large, small)] == [LARGE, SMALL]
    assert {row.sha256: row.in_file for row in Content.select()} == {large: True, small: False}
    assert list(content.verify()) == []


def test_the_same_bytes_are_written_once(folder, clock):
    place = folder / (digest := put(LARGE, clock))[:2] / digest
    os.utime(place, (1, 1))
    put(LARGE, clock)
    assert place.stat().st_mtime == 1
    clock.advance(timedelta(days=2))
    put(LARGE, clock)
    assert place.stat().st_mtime > 1


def test_a_folder_that_is_not_mounted_is_not_made(folder, clock):
    first, other = put(LARGE, clock), LARGE + b" and another"
    away = folder.rename(folder.parent / "away")
    for store in (
        lambda: put(other, clock),
        lambda: content.put_new([(other, "text/plain", clock.now())]),
    ):
        with pytest.raises(errors.ContentFolderGone, match="STO-046") as gone:
            store()
        assert gone.value.element == str(folder)
        assert not folder.exists()
        assert [row.sha256 for row in Content.select()] == [first]
    put(SMALL, clock)
    away.rename(folder)
    assert content.get(put(other, clock)) == other
    assert list(content.verify()) == []


def test_a_folder_that_is_not_there_is_told_once(folder, clock):
    put(LARGE, clock), put(LARGE + LARGE, clock)
    folder.rename(folder.parent / "away")
    [told] = content.verify()
    assert told == f"contents: their folder {folder} is not there; 2 are in it, and parts of others"


def test_a_folder_whose_contents_are_all_purged_is_made(folder, clock):
    put(LARGE, clock)
    clock.advance(2 * DAYS)
    assert purging.purge(now=clock.now(), retention=DAYS) == 1
    rmtree(folder)
    assert content.get(put(LARGE + LARGE, clock)) == LARGE + LARGE


def test_purged_it_is_gone_and_can_come_back(folder, clock):
    digest = put(LARGE, clock)
    clock.advance(2 * DAYS)
    assert purging.purge(now=clock.now(), retention=DAYS) == 1
    assert files_in(folder) == set()
    with pytest.raises(errors.ContentMissing, match="purged"):
        content.get(digest)
    assert list(content.verify()) == []
    assert purging.purge(now=clock.now(), retention=DAYS) == 0
    assert content.put_back(LARGE, at=clock.now())
    assert content.get(digest) == LARGE
    assert not content.put_back(LARGE, at=clock.now())


def test_whoever_is_killed_before_the_file_is_gone_deletes_it_the_next_time(folder, clock, monkeypatch):
    again, gone = put(LARGE, clock), put(LARGE + LARGE, clock)
    clock.advance(2 * DAYS)
    with monkeypatch.context() as killed:
        killed.setattr(purging, "_forget_files", lambda: None)
        purging.purge(now=clock.now(), retention=DAYS)
    with pytest.raises(errors.ContentMissing, match="purged"):
        content.get(again)
    put(LARGE, clock)
    purging.purge(now=clock.now(), retention=DAYS)
    assert files_in(folder) == {again} != {gone}
    assert content.get(again) == LARGE


@pytest.mark.parametrize(
    ("harm", "error", "told"),
    [
        (lambda place: place.write_bytes(b"changed"), errors.ContentDamaged, "its file has been changed"),
        (lambda place: place.unlink(), errors.ContentLost, "its file is missing, or cannot be read"),
        (
            lambda place: (place.unlink(), place.mkdir()),
            errors.ContentLost,
            "its file is missing, or cannot be read",
        ),
    ],
)
def test_a_file_that_was_harmed_is_told(folder, clock, harm, error, told):
    digest = put(LARGE, clock)
    put(LARGE + LARGE, clock)
    harm(folder / digest[:2] / digest)
    with pytest.raises(error):
        content.get(digest)
    assert list(content.verify()) == [f"content {digest}: {told}"]


def test_what_is_purged_while_it_is_verified_is_no_loss(folder, clock, monkeypatch):
    digest = put(LARGE, clock)
    there = content.hashes_of

    def slowly(query):
        found = list(there(query))
        clock.advance(2 * DAYS)
        purging.purge(now=clock.now(), retention=DAYS)
        return found

    monkeypatch.setattr(
        content, "hashes_of", lambda query: slowly(query) if clock.now() < later else there(query)
    )
    later = clock.now() + DAYS
    assert list(content.verify()) == []
    assert files_in(folder) == set() != {digest}


def test_without_its_folder_it_is_not_found_and_that_is_said(database_url, clock):
    digest = put(LARGE, clock)
    connect(database_url).connect(reuse_if_open=True)
    with pytest.raises(errors.ContentLost, match="no folder is set"):
        content.get(digest)
    assert list(content.verify()) == [f"content {digest}: {LOST}"]


def test_what_was_a_row_stays_one_until_it_is_stored_afresh(database_url, folder, clock):
    connect(database_url).connect(reuse_if_open=True)
    digest = put(LARGE, clock)
    connect(database_url, files=folder.parents[1]).connect(reuse_if_open=True)
    put(LARGE, clock)
    assert (content.get(digest), files_in(folder)) == (LARGE, set())
    clock.advance(timedelta(days=2))
    put(LARGE, clock)
    assert (content.get(digest), files_in(folder)) == (LARGE, {digest})
    assert Content.get().data is None


def test_a_transaction_that_comes_to_nothing_leaves_a_file_for_a_day(folder, clock):
    kept = put(LARGE, clock)
    with suppress(RuntimeError), transaction():
        lost = put(LARGE + LARGE, clock)
        raise RuntimeError
    assert Content.select().count() == 1
    for digest in (kept, lost):
        os.utime(folder / digest[:2] / digest, (at := clock.now().timestamp(), at))
    clock.advance(timedelta(hours=23))
    assert purging.forget_abandoned(now=clock.now()) == 0
    clock.advance(timedelta(hours=2))
    assert purging.forget_abandoned(now=clock.now()) == 1
    assert files_in(folder) == {kept}


def stuck(folder, digest):
    """A folder where a file should be: it cannot be unlinked, not by root either."""
    place = folder / digest[:2] / digest
    place.unlink()
    place.mkdir()


def test_a_file_that_cannot_be_deleted_keeps_no_other(folder, clock):
    digests = sorted(put(LARGE + bytes([number]), clock) for number in range(4))
    stuck(folder, digests[1])
    clock.advance(2 * DAYS)
    with pytest.raises(errors.FileStoreFailed):
        purging.purge(now=clock.now(), retention=DAYS)
    assert files_in(folder) == {digests[1]}
    assert {row.sha256 for row in Content.select().where(Content.in_file)} == {digests[1]}


def test_nor_one_that_nobody_asks_for(folder, clock):
    *digests, last = [put(LARGE + bytes([number]), clock) for number in range(10)]
    Content.update(in_file=False, purged_at=clock.now()).execute()
    for digest in digests:
        stuck(folder, digest)
    for digest in (*digests, last):
        os.utime(folder / digest[:2] / digest, (1, 1))
    with pytest.raises(errors.FileStoreFailed):
        purging.forget_abandoned(now=clock.now())
    assert files_in(folder) == {*digests}


def test_what_a_killed_process_left_half_written_goes_after_a_day(folder, clock):
    put(LARGE, clock)
    old, young = folder / ".old.part", folder / ".young.part"
    for part in (old, young):
        part.write_bytes(b"half")
    os.utime(old, (1, 1))
    purging.forget_abandoned(now=clock.now())
    assert (old.exists(), young.exists()) == (False, True)


def test_the_files_of_another_database_beside_it_are_let_be(folder, clock):
    digest = put(LARGE, clock)
    os.utime(folder / digest[:2] / digest, (1, 1))
    ContentFolder.update(name="another").execute()
    content._folder_names.clear()
    assert purging.forget_abandoned(now=clock.now()) == 0
    put(LARGE, clock)
    assert files_in(folder) == files_in(folder.parent / "another") == {digest}


def test_a_file_that_was_lost_is_put_back_by_whoever_has_the_bytes(folder, clock):
    digest = put(LARGE, clock)
    (folder / digest[:2] / digest).unlink()
    put(LARGE, clock)
    assert content.get(digest) == LARGE


def test_so_is_one_that_is_no_longer_whole(folder, clock):
    digest = put(LARGE, clock)
    (folder / digest[:2] / digest).write_bytes(LARGE[:3])
    put(LARGE, clock)
    assert content.get(digest) == LARGE


def test_however_many_receipts_there_are_each_is_looked_for_once(clock):
    """PostgreSQL would go through all of them for each old content."""
    if not is_postgresql():
        pytest.skip("SQLite makes an index of them by itself")
    proxy.obj.execute_sql("SET work_mem = '64kB'")
    sql, values = purging._not_held(clock.now()).sql()
    plan = "\n".join(row[0] for row in proxy.obj.execute_sql(f"EXPLAIN {sql}", values).fetchall())
    assert "posting_file" in plan
    assert "SubPlan" not in plan


def test_where_the_disk_is_full_nothing_is_stored(folder, clock):
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    with pytest.raises(errors.FileStoreFailed):
        put(LARGE, clock)
    assert Content.select().count() == 0


def test_what_is_new_is_stored_at_once(folder, clock):
    rows = content.put_new([(LARGE, "x/y", clock.now()), (SMALL, "x/y", clock.now())])
    assert [content.get(row.sha256) for row in rows] == [LARGE, SMALL]
    assert files_in(folder) == {rows[0].sha256}


def test_who_stores_and_who_forgets_do_not_cross_each_other(clock):
    """One stores the same bytes again and again, the other purges whatever is there."""
    long_ago, now = clock.now() - 2 * DAYS, clock.now()

    def store() -> None:
        with proxy.obj.connection_context():
            for _ in range(60):
                digest = content.put(LARGE, "text/plain", at=long_ago).sha256
                with transaction():
                    row = Content.select().where(Content.sha256 == digest)
                    held = (row.for_update() if is_postgresql() else row).get()
                    assert held.purged_at is not None or content.get(digest) == LARGE

    def forget() -> None:
        with proxy.obj.connection_context():
            for _ in range(60):
                purging.purge(now=now, retention=DAYS)
                purging.forget_abandoned(now=now + timedelta(days=400))

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(store), pool.submit(forget)]:
            done.result()
    put(LARGE, clock)
    assert list(content.verify()) == []
