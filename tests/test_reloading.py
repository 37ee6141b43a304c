"""Values made from files, made again when those change."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from opus_soap import reloading as reloading_module
from opus_soap.errors import SigningKeyUnusable
from opus_soap.reloading import Reloading


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("1")
    return path


def read(file: Path) -> int:
    try:
        return int(file.read_text())
    except (ValueError, OSError) as error:
        raise SigningKeyUnusable(element=str(file), value=error) from None


def reloading(file: Path, seconds: float = 0.0) -> Reloading[int]:
    return Reloading("number", lambda: read(file), lambda: [file], seconds)


def test_a_change_is_taken_into_use(file: Path):
    value = reloading(file)
    assert value.current() == 1
    file.write_text("22")
    assert value.current() == 22


def test_what_did_not_change_is_not_read_again(file: Path):
    calls = []
    value = Reloading("number", lambda: calls.append(1) or 1, lambda: [file], 0)
    for _ in range(5):
        value.current()
    assert len(calls) == 1
    os.utime(file, ns=(1, 1))
    value.current()
    assert len(calls) == 2


def test_what_cannot_be_used_leaves_the_old_in_place_and_is_told(file: Path, monkeypatch):
    told: list[str] = []

    class Log:
        def error(self, event: str, **_: object) -> None:
            told.append(event)

        warning = error

    monkeypatch.setattr(reloading_module, "log", Log())
    value = reloading(file)
    for spoilt in ("x", None):
        file.unlink() if spoilt is None else file.write_text(spoilt)
        assert value.current() == 1
        assert [event for event in told if "not taken into use" in event] == told[:1]
        assert value.current() == 1
        assert len(told) == 1, "told once for each change"
        told.clear()
    file.write_text("2")
    assert value.current() == 2


def test_nothing_to_begin_with_is_an_error(tmp_path: Path):
    with pytest.raises(SigningKeyUnusable):
        reloading(tmp_path / "none")


def test_files_are_looked_at_no_more_often_than_said(file: Path):
    value = reloading(file, seconds=0.3)
    file.write_text("22")
    assert value.current() == 1
    time.sleep(0.35)
    assert value.current() == 22


def test_nobody_waits_for_the_one_who_reads(file: Path):
    reading, go_on = threading.Event(), threading.Event()
    slow = threading.Event()

    def load() -> int:
        if slow.is_set():
            reading.set()
            go_on.wait(5)
        return read(file)

    value = Reloading("number", load, lambda: [file], 0)
    slow.set()
    file.write_text("22")
    thread = threading.Thread(target=value.current)
    thread.start()
    assert reading.wait(5)
    assert value.current() == 1
    go_on.set()
    thread.join(5)
    assert value.current() == 22


def test_permissions_that_are_mended_are_a_change(file: Path):
    """A key that everybody could read is tried again once it is ours alone."""
    value = reloading(file)
    file.write_text("x")
    assert value.current() == 1
    file.write_text("22")
    os.utime(file, ns=(1, 1))
    before = file.stat()
    assert value.current() == 22
    file.chmod(0o600)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    calls = []
    value._load = lambda: calls.append(1) or 22
    value.current()
    assert calls
