"""Alarms share a thread: each still rings in its turn, and none hinders another."""

from __future__ import annotations

import os
import signal
from threading import Event
from threading import enumerate as threads
from time import monotonic, sleep
from weakref import ref

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

    failed, after = Event(), Event()
    Alarm(0.2, lambda: (failed.set(), fail()))
    Alarm(0.4, after.set)
    assert failed.wait(LATE)
    assert after.wait(LATE)


def test_what_was_called_off_is_not_kept():
    class Held:
        def ring(self) -> None: ...

    held = Held()
    kept, alarm = ref(held), Alarm(LONG, held.ring)
    sleep(0.2)  # the thread waits for it
    alarm.cancel()
    del alarm, held
    until = monotonic() + LATE
    while kept() is not None and monotonic() < until:  # it may just look for the next
        sleep(0.05)
    assert kept() is None


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
