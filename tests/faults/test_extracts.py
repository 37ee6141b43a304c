"""Extracts: killed at every named point of the way, and at random moments; each posting arrives once.

No partial file stands under its final name at any time, and what was produced before stays as it is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest

from opus_soap.extracts import manifest
from opus_soap.extracts.schedule import run_due
from opus_soap.extracts.verifying import verify
from opus_soap.failpoints import EXTRACTS, VARIABLE
from opus_soap.ledger.models import Voucher
from opus_soap.store.extract_models import Extract
from tests.extracts.conftest import Desk, desk, make_desk  # noqa: F401  fixtures
from tests.faults.conftest import KILLED

KILLS = int(os.environ.get("OPUS_SOAP_TEST_KILLS", "20"))  # `make faults`: 200
SEED = 20261130
A_DAY = timedelta(days=1)


class Due:
    """A desk at which something is due, and a process of its own that does it."""

    def __init__(self, desk: Desk, url: str, folder: Path) -> None:  # noqa: F811
        self.desk = desk
        self._command = [sys.executable, "-m", "tests.extracts.due", url, str(folder)]
        desk.subscribe(calendar="weekdays", at="06:00")

    def start(self, failpoint: str = "") -> subprocess.Popen[bytes]:
        """Do what is due now."""
        now = self.desk.clock.now().isoformat()
        environ = {**os.environ, VARIABLE: failpoint}
        return subprocess.Popen([*self._command, now], env=environ)

    def finish(self) -> None:
        """The next one, when what the dead one had leased is free again."""
        self._check_files()
        self.desk.clock.advance(5 * A_DAY)  # a weekday is among them
        run_due(self.desk.producer, self.desk.deliverer)
        self._check_files()
        wanted = Counter(str(row.uuid) for row in Voucher.select())
        assert Counter(self.desk.received()) == wanted
        assert not Extract.select().where(Extract.state != Extract.DELIVERED).exists()

    def _check_files(self) -> None:
        """Whatever has its final name is whole: here, and where it was put."""
        for path in (*self.desk.inbox.glob("*.json"), *self.desk.producer.folder.rglob("[!.]*.json")):
            assert path.name.endswith(manifest.ENDING)
            assert verify(path).ok
        for path in self.desk.producer.folder.glob("999/LIS/[!.]*"):
            assert (path / f"{path.name}{manifest.ENDING}").exists()


@pytest.fixture
def due(desk: Desk, database_url: str, tmp_path: Path) -> Due:  # noqa: F811
    """Two days' postings: the first day's have been handed over."""
    made = Due(desk, database_url, tmp_path)
    desk.post(2)
    run_due(desk.producer, desk.deliverer)
    desk.post(30)
    desk.clock.advance(A_DAY)
    return made


@pytest.mark.parametrize("failpoint", [*EXTRACTS, "extracts.copied:2", "extracts.copied:3"])
def test_it_may_die_at_every_named_point(due: Due, failpoint: str):
    assert due.start(failpoint).wait() == KILLED
    due.finish()


def test_it_may_die_at_any_moment(due: Due):
    random, kills = Random(SEED), 0
    start = monotonic()
    assert due.start().wait() == 0
    whole = monotonic() - start
    for _ in range(max(KILLS // 10, 8)):
        due.desk.post(5)
        due.desk.clock.advance(A_DAY)
        process = due.start()
        sleep(random.uniform(0.2, 0.9) * whole)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == KILLED
        due.finish()
    assert kills, "none of them was in time"
