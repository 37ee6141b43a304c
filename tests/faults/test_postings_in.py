"""Files of postings: killed at every named point of the way, and at random moments.

What was acknowledged is not lost, nothing is there twice, the books balance. A receiver that is broken on
purpose (the canary) must be caught by the same assertions, or they prove nothing.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import monotonic

import pytest

from opus_soap import failpoints
from tests.faults.conftest import KILLED, VOUCHERS, Desk, booked, delivery, parked, refused_delivery

ROOT = Path(__file__).parent.parent.parent
KILLS = int(os.environ.get("OPUS_SOAP_TEST_KILLS", "20"))  # `make faults`: 200
SEED = 20261123
IN_A_BATCH = ("batch_begun", "vouchers_posted", "batch_booked", "position_saved", "batch_committed")


def points() -> Iterator[tuple[str, bool]]:
    """Every named point, and whether the file that comes by is good."""
    for name in failpoints.NAMES:
        room, _, step = name.partition(".")
        if name != "folders.refused":
            yield name, True
        if step in IN_A_BATCH:
            yield f"{name}:3", True  # batches before it, and after
        if room == "files":
            yield f"{name}:2", True  # the receipt
        if room == "folders":
            yield name, False


@pytest.mark.parametrize(("failpoint", "good"), list(points()))
def test_it_may_die_at_every_named_point(desk: Desk, failpoint: str, good: bool):
    desk.put(delivery(1) if good else refused_delivery(1))
    assert desk.run(failpoint=failpoint) == KILLED
    desk.finish()


@pytest.mark.parametrize(
    "failpoint",
    [
        "folders.claimed",
        "postings_in.file_committed",
        "postings_in.batch_committed:3",
        "postings_in.finish_committed",
        "folders.receipt_synced",
        "folders.moving",
    ],
)
def test_a_sender_may_send_something_else_under_the_name_while_it_is_dead(desk: Desk, failpoint: str):
    first = delivery(1)
    desk.put(first)
    assert desk.run(failpoint=failpoint) == KILLED
    second = first.data.replace(b"kontanthj", b"Kontanthj")
    place = desk.home / "request" / first.name
    assert not place.exists(), "nobody can touch what was begun"
    place.write_bytes(second)
    os.utime(place, (1, 1))
    desk.deliveries.clear()  # the receipt that is seen in the end is the second file's
    desk.run_until_done()
    assert booked(first) == Counter(first.good)
    assert parked(first) == Counter(first.parked)
    assert (desk.home / "archive" / first.name).read_bytes() == first.data
    assert (desk.home / "quarantine" / first.name).read_bytes() == second
    assert b"<MESSAGE_NUM>407<" in (desk.home / "response" / first.name).read_bytes()


@pytest.mark.parametrize(
    ("failpoint", "seen"),
    [
        ("postings_in.vouchers_posted:2", "every good voucher once"),  # booked again
        ("postings_in.batch_booked:2", "never done"),  # what was said of it cannot be said again
    ],
)
def test_a_receiver_whose_transaction_is_torn_is_caught(desk: Desk, failpoint: str, seen: str):
    desk.put(delivery(1))
    assert desk.run(failpoint=failpoint, torn=True) == KILLED
    with pytest.raises((AssertionError, pytest.fail.Exception), match=seen):
        desk.finish(torn=True)


@pytest.mark.slow
def test_it_may_die_at_any_moment(desk: Desk):
    chance, kills, number = Random(SEED), 0, 0
    desk.put(delivery(number))
    started = monotonic()
    assert desk.run() == 0
    whole, positions, everywhere = monotonic() - started, set[int](), {0, VOUCHERS + 1}
    # until it was killed before the books, on the way, and after; a busy machine takes longer to be hit there
    while kills < KILLS or (not everywhere < positions and kills < 10 * KILLS):
        number += 1
        desk.put(refused_delivery(number) if number % 10 == 0 else delivery(number))
        for _ in range(chance.randint(1, 3)):  # times that one file is interrupted
            if desk.run(kill_after=chance.uniform(0, whole)) == KILLED:
                kills += 1
                positions.add(desk.position())
        desk.run_until_done()
    assert everywhere < positions, "killed before the books, on the way, and after"
    desk.finish()


def test_every_point_is_declared_once_and_stands_in_the_code():
    sources = (path.read_text("utf-8") for path in (ROOT / "opus_soap").rglob("*.py"))
    used = [name for text in sources for name in re.findall(r'failpoint\("([a-z_.]+)"\)', text)]
    assert sorted(used) == sorted((*failpoints.NAMES, *failpoints.EXTRACTS))


def test_the_environment_chooses_the_point(desk: Desk):
    desk.put(delivery(1))
    command = [sys.executable, "-m", "opus_soap", "postings", "watch", "--once"]
    chosen = {failpoints.VARIABLE: "postings_in.batch_committed"}
    died = subprocess.run(command, env=os.environ | desk.environment | chosen, capture_output=True)
    assert died.returncode == -signal.SIGKILL
    desk.finish()


def test_a_point_that_does_not_exist_is_refused():
    with pytest.raises(AssertionError, match="no nowhere"):
        failpoints.choose("nowhere")
