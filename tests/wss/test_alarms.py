"""Alarms share a thread: each still rings in its turn, and none hinders another."""

from __future__ import annotations

import os
import signal
from threading import Event
from threading import enumerate as threads

import pytest

from opus_soap.wss.alarms import Alarm

LATE, LONG = 30, 3600  # seconds: until when a test waits, and what nobody waits for


def test_the_next_alarm_rings_first_whenever_it_was_set():
    rung: list[str] = []
    done = Event()
    far = Alarm(LONG, done.set)
    Alarm(0.4, lambda: (rung.append("last"), done.set()))
    Alarm(0.2, lambda: rung.append("first"))
    called_off = Alarm(0.3, lambda: rung.append("never"))
    called_off.cancel()
    called_off.cancel()
    assert done.wait(LATE)
    assert rung == ["first", "last"]
    far.cancel()


def test_alarms_do_not_start_a_thread_each():
    alarms = [Alarm(LONG, lambda: None) for _ in range(50)]
    assert len([thread for thread in threads() if thread.name == "alarms"]) == 1
    for alarm in alarms:
        alarm.cancel()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_alarm_that_fails_takes_no_other_with_it():
    def fail() -> None:
        raise ValueError

    before, after = Event(), Event()
    Alarm(0.3, before.set)
    watch = next(thread for thread in threads() if thread.name == "alarms")
    Alarm(0, fail)
    watch.join(LATE)
    Alarm(0, after.set)
    assert after.wait(LATE)
    assert before.wait(LATE)


def test_a_child_has_alarms_of_its_own():
    """As gunicorn forks workers: none of them cuts a connection of its parent."""
    parents = Event()
    Alarm(1, parents.set)
    child = os.fork()
    if not child:
        signal.alarm(LATE)
        own = Event()
        Alarm(1.2, own.set)
        os._exit(0 if own.wait(LATE) and not parents.is_set() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert parents.wait(LATE)
