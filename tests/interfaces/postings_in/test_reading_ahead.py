"""A large file is read by a process of its own: the same comes of it, whatever becomes of the process."""

import gc
import os
import pickle
import signal
import socket
import subprocess
from contextlib import ExitStack
from dataclasses import replace
from io import BytesIO

import pytest

from opus_soap import errors
from opus_soap.errors import PostingFileRefused, ReadingInterrupted
from opus_soap.interfaces.postings_in import reading_ahead
from opus_soap.interfaces.postings_in.reading import Finding, Place, ReadingLimits
from opus_soap.interfaces.postings_in.reading_ahead import Task, collecting_seldom, reading
from opus_soap.ledger.models import Voucher
from opus_soap.ledger.verification import verify
from tests.interfaces.postings_in.conftest import CREDIT, DEBIT, document, request

LIMITS = ReadingLimits(max_batch=2)


@pytest.fixture(autouse=True)
def _every_file_is_large(monkeypatch):
    monkeypatch.setattr(reading_ahead, "WORTH_IT", 0)


@pytest.fixture
def started(monkeypatch):
    """The processes that were started."""
    found, start = [], subprocess.Popen

    def noted(*arguments, **options):
        found.append(start(*arguments, **options))
        return found[-1]

    monkeypatch.setattr(reading_ahead.subprocess, "Popen", noted)
    return found


def numbered(count):
    return request(*[document(RECEIV_DOC=str(number)) for number in range(1, count + 1)])


def test_nothing_is_imported_from_where_the_operator_stands(receiver, tmp_path, monkeypatch, started):
    """A sender may write to that folder: `pickle.py` there is no module of ours."""
    (tmp_path / "pickle.py").write_text("open('ran', 'w').close()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(("", ".")))
    file = receiver.deliver(BytesIO(numbered(1)), "", actor="test")
    assert (file.state, len(started)) == ("booked", 1)
    assert not (tmp_path / "ran").exists()


def test_it_ends_with_whoever_asked(tmp_path):
    """Killed, a parent tells nobody: the process must see it, even in the midst of a long voucher."""
    place = tmp_path / "file.xml"
    place.write_bytes(numbered(20_000))
    ours, theirs = socket.socketpair()
    with theirs, (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(reading_ahead._COMMAND, stdin=theirs.fileno(), stdout=out)
    message = pickle.dumps(Task(place, "999", LIMITS))
    ours.sendall(len(message).to_bytes(8, "big") + message)
    assert ours.recv(8)  # it is at work
    ours.close()
    process.wait(timeout=10)
    assert (tmp_path / "out").stat().st_size < place.stat().st_size // 2


def test_what_comes_of_a_file_is_the_same(tmp_path, monkeypatch):
    zero = document(lines=[DEBIT | {"AMT_DOCCUR": "0.00"}, CREDIT], RECEIV_DOC="2")
    place = tmp_path / "file.xml"
    place.write_bytes(request(document(RECEIV_DOC="1"), zero, document(RECEIV_DOC="3")))
    task = Task(place, "999", LIMITS)

    def seen():
        with reading(task) as found:
            return [pickle.dumps(batch) for batch in found]

    ahead = seen()
    monkeypatch.setattr(reading_ahead, "WORTH_IT", 1024 * 1024)
    assert len(ahead) == 2
    assert [[repr(one) for one in pickle.loads(batch)] for batch in ahead] == [
        [repr(one) for one in pickle.loads(batch)] for batch in seen()
    ]


def test_a_file_is_booked_and_receipted(receiver, receipt, started):
    file = replace(receiver, limits=LIMITS).deliver(BytesIO(numbered(5)), "", actor="test")
    assert [number for number, *_ in receipt(file)[1]] == ["305"] * 5
    assert verify().ok
    assert [process.returncode is not None for process in started] == [True]


def test_a_process_that_is_killed_loses_nothing(receiver, receipt, started, monkeypatch):
    receiver, data = replace(receiver, limits=LIMITS), numbered(600)
    send = reading_ahead._written

    def cut(ours, written):
        for number, batch in enumerate(send(ours, written)):
            if number == 1:
                os.kill(started[0].pid, signal.SIGKILL)
                started[0].wait()
                ours.shutdown(2)
            yield batch

    with monkeypatch.context() as broken:
        broken.setattr(reading_ahead, "_written", cut)
        with pytest.raises(ReadingInterrupted) as raised:
            receiver.deliver(BytesIO(data), "", actor="test")
    assert raised.value.code == "STO-044"
    assert 2 <= Voucher.select().count() < 600
    file = receiver.deliver(BytesIO(data), "", actor="test")
    assert [number for number, *_ in receipt(file)[1]] == ["305"] * 600
    assert Voucher.select().count() == 600
    assert verify().ok


def test_a_process_that_never_came_to_life_is_told(receiver, monkeypatch):
    monkeypatch.setattr(reading_ahead, "_COMMAND", ("/bin/false",))
    with pytest.raises(ReadingInterrupted):
        receiver.deliver(BytesIO(numbered(1)), "", actor="test")


@pytest.mark.parametrize("data", [b"<a/>", b"not xml", b"<!DOCTYPE a><a/>"])
def test_a_file_that_is_refused_leaves_no_process_and_no_noise(receiver, started, data, capfd):
    with pytest.raises(PostingFileRefused):
        receiver.deliver(BytesIO(data), "", actor="test")
    assert [process.returncode is not None for process in started] == [True]
    assert capfd.readouterr().err == ""


def test_errors_survive_the_way_between_processes():
    for kind in vars(errors).values():
        if (
            isinstance(kind, type)
            and issubclass(kind, errors.PostingsInError)
            and kind is not PostingFileRefused
        ):
            error = kind(element="AMT_DOCCUR", value="1", expected="2", other="3", english="4")
            again = pickle.loads(pickle.dumps(Finding(error, Place(1))))
            assert (again.error.code, again.error.text_danish) == (error.code, error.text_danish)
            assert isinstance(again.error, kind)


def test_who_collects_seldom_beside_another_leaves_it_as_the_first_found_it():
    before = gc.get_threshold()
    one, other = collecting_seldom(), collecting_seldom()
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(one)
        second.enter_context(other)
        first.close()
        assert gc.get_threshold()[0] > before[0]
    assert gc.get_threshold() == before
