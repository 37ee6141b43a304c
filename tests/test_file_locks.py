"""One process holds a file's lock at a time."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path

import pytest

from opus_soap.errors import BooksBeingFilled, DatabaseFailed
from opus_soap.file_locks import locked
from opus_soap.simulate import books_alone


def test_who_comes_second_is_told_so(tmp_path: Path) -> None:
    with locked(tmp_path / "lock") as first, locked(tmp_path / "lock") as second:
        assert (first, second) == (True, False)
    with locked(tmp_path / "lock") as again:
        assert again


def test_what_goes_wrong_inside_goes_out(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="inside"), locked(tmp_path / "lock"):
        raise OSError("inside")
    with locked(tmp_path / "lock") as again:
        assert again


def test_books_are_filled_by_one(tmp_path: Path) -> None:
    books = tmp_path / "opus.sqlite3"
    with books_alone._held_by_file(books), pytest.raises(BooksBeingFilled), books_alone._held_by_file(books):
        pass


def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(DatabaseFailed, match="No locks"), books_alone._held_by_file(tmp_path / "o.sqlite3"):
        pass
