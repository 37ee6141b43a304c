"""The file store: whole or not at all, found by what it is, told when it is damaged."""

from __future__ import annotations

import errno
import hashlib
import io
import os

import pytest

from opus_soap import errors
from opus_soap.store.files import FileStore, forget_parts

DATA = b"postings" * 1000


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "files")


def left(store):
    return sorted(path.name for path in store.folder.rglob("*") if path.is_file())


def test_a_file_is_found_by_its_hash(store):
    kept = store.take(io.BytesIO(DATA), most_bytes=len(DATA))
    assert (kept.sha256, kept.size) == (hashlib.sha256(DATA).hexdigest(), len(DATA))
    with store.open(kept.sha256) as file:
        assert file.read() == DATA
    assert store.take(io.BytesIO(DATA), most_bytes=len(DATA)) == kept
    assert left(store) == [kept.sha256]
    assert store.place(kept.sha256).stat().st_mode & 0o077 == 0
    store.verify(kept.sha256)


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system takes no advice on its cache")
def test_what_was_had_already_is_given_back_by_the_cache_once_it_is_on_disk(store, monkeypatch):
    told = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (told.append("synced"), fsync(handle)))

    def advise(_handle, start, length, advice):
        told.append((start, length, advice))
        raise OSError(errno.EINVAL, "no such advice")  # as a file system may say: it is stored all the same

    monkeypatch.setattr(os, "posix_fadvise", advise)
    store.put(digest := hashlib.sha256(DATA).hexdigest(), DATA)
    with store.open(digest) as file:
        assert file.read() == DATA
    advised = told.index((0, 0, os.POSIX_FADV_DONTNEED))
    assert told[advised - 1] == "synced"
    told.clear()
    store.take(io.BytesIO(DATA), most_bytes=len(DATA))  # it will be read
    assert {*told} == {"synced"}


def test_what_is_too_large_leaves_nothing(store):
    with pytest.raises(errors.FileTooLarge):
        store.take(io.BytesIO(DATA), most_bytes=len(DATA) - 1)
    assert left(store) == []


def test_what_fails_half_way_leaves_nothing(store):
    def fill(out):
        out.write(DATA)
        raise OSError(28, "No space left on device")

    with pytest.raises(errors.FileStoreFailed, match="No space"):
        store.write(fill)
    assert left(store) == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "files").write_text("in the way")
    with pytest.raises(errors.FileStoreFailed):
        FileStore(tmp_path / "files").take(io.BytesIO(DATA), most_bytes=len(DATA))


def test_one_changed_byte_is_seen(store):
    kept = store.take(io.BytesIO(DATA), most_bytes=len(DATA))
    store.place(kept.sha256).write_bytes(DATA[:-1] + b"x")
    with pytest.raises(errors.ContentDamaged):
        store.verify(kept.sha256)
    store.place(kept.sha256).unlink()
    with pytest.raises(errors.ContentMissing):
        store.verify(kept.sha256)


def test_what_a_killed_process_left_is_forgotten_after_a_day(store):
    store.folder.mkdir()
    old, fresh, other = (store.folder / name for name in (".a.part", ".b.part", "c.part"))
    for path in (old, fresh, other):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))
    os.utime(other, (1, 1))
    assert forget_parts(store.folder) == 1
    assert left(store) == [".b.part", "c.part"]
