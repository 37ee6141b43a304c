"""A year of extracts: weekends, holidays, two changes of the clock, five outages, three kills.

Each receiver has each posting that it asked for exactly once in the end. A schedule that is broken on
purpose (the canary) must be caught by the same count, or it proves nothing.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from lxml import etree

from opus_soap.clock import business_date
from opus_soap.database import proxy
from opus_soap.extracts import delivering, ordering, output
from opus_soap.extracts.calendar import is_business_day
from opus_soap.extracts.schedule import run_due
from opus_soap.failpoints import VARIABLE
from opus_soap.ledger.models import Period, Posting, Voucher
from opus_soap.ledger.posting import reverse
from opus_soap.store.extract_models import Extract, ExtractDelivery, Subscription
from tests.extracts.conftest import UD, Desk

FIRST, LAST = date(2026, 1, 1), date(2027, 1, 5)
HOURS = (0, 2, 5, 13)  # UTC, at which the worker looks
RECEIVERS = {
    "DAILY": {"calendar": "weekdays", "at": "06:00"},
    "NIGHTLY": {"calendar": "weekly:SUN", "at": "02:30", "options": {"conditions": ["COSTCENTER=1101"]}},
    "WEEKLY": {"calendar": "weekly:MON", "at": "07:00"},
}
KILLS = {  # at which of the ways of a day it dies
    date(2026, 2, 3): "extracts.written",
    date(2026, 6, 9): "extracts.copied:2",
    date(2026, 9, 8): "extracts.handed_over",
}


def days(first: date, count: int) -> set[date]:
    return {first + timedelta(days=number) for number in range(count)}


RECEIVER_DOWN = days(date(2026, 1, 13), 3)
WORKER_DOWN = days(date(2026, 4, 1), 8)  # over Easter
DISK_FULL = days(date(2026, 5, 19), 2)
NIGHTLY_DOWN = days(date(2026, 10, 24), 4)  # over the end of summer time
NO_KEY = days(date(2026, 11, 9), 2)


class Year:
    """What happens at a desk in a year."""

    def __init__(self, desk: Desk, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.desk, self.url, self.folder, self._patch = desk, url, folder, monkeypatch
        self._random = Random(2026)
        self._posted: list[Voucher] = []
        for name, terms in RECEIVERS.items():
            (folder / name).mkdir()
            desk.subscribe(name, target={"folder": str(folder / name)}, starts_on=FIRST, **terms)

    def run(self) -> None:
        """Day by day."""
        day = FIRST
        while day <= LAST:
            for hour in HOURS:
                self._move_to(datetime(day.year, day.month, day.day, hour, tzinfo=UTC))
                self._post()
                with self._trouble(day):
                    self._look(day, hour)
            day += timedelta(days=1)

    def _move_to(self, instant: datetime) -> None:
        self.desk.clock.advance(instant - self.desk.clock.now())

    def _post(self) -> None:
        on = business_date(self.desk.clock.now())
        if on.year != 2026 or self._random.random() < 0.6:
            return
        if self._posted and self._random.random() < 0.1:
            voucher = self._posted.pop()
            reverse(voucher, posting_date=on, entered_by="t", source="s", clock=self.desk.clock)
        else:
            self._posted += self.desk.post(posting_date=on, document_date=on)

    def _look(self, day: date, hour: int) -> None:
        if day in WORKER_DOWN:
            return
        if day in KILLS and hour == HOURS[2]:
            self._die(KILLS[day])
        else:
            run_due(self.desk.producer, self.desk.deliverer)

    def _die(self, failpoint: str) -> None:
        now = self.desk.clock.now().isoformat()
        command = [sys.executable, "-m", "tests.extracts.due", self.url, str(self.folder), now]
        done = subprocess.run(command, env={**os.environ, VARIABLE: failpoint}, check=False)
        assert done.returncode == -signal.SIGKILL, "it was to die there"
        self.desk.clock.advance(timedelta(hours=7))  # what it had leased is free again
        run_due(self.desk.producer, self.desk.deliverer)

    @contextmanager
    def _trouble(self, day: date) -> Iterator[None]:
        away = {"DAILY": RECEIVER_DOWN, "NIGHTLY": NIGHTLY_DOWN}
        gone = [self.folder / name for name, when in away.items() if day in when]
        if day in NO_KEY:
            gone.append(self.desk.producer.key_file)
        for path in gone:
            path.rename(path.with_suffix(".away"))
        with self._patch.context() as patch:
            if day in DISK_FULL:
                patch.setattr(output.os, "fsync", self._full)
            yield
        for path in gone:
            path.with_suffix(".away").rename(path)

    @staticmethod
    def _full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def received(self, name: str) -> Counter[str]:
        """How often a receiver has each voucher."""
        return Counter(
            str(node.text)
            for path in (self.folder / name).glob("*.xml")
            for node in etree.parse(path).iter(f"{UD}DOC_ID")
        )


@pytest.fixture
def year(desk: Desk, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Year:
    """Before its first day; every month of it is open."""
    open_ = Period.select().where(Period.number <= 12)
    Period.update(open=True).where(Period.id.in_([row.id for row in open_])).execute()
    desk.clock.advance(datetime(2025, 12, 31, 12, tzinfo=UTC) - desk.clock.now())
    return Year(desk, database_url, tmp_path, monkeypatch)


def asked_for() -> dict[str, set[str]]:
    """What each receiver must have."""
    all_of_them = {str(row.uuid) for row in Voucher.select()}
    marked = Posting.select(Posting.voucher).where(Posting.cost_center == "1101")
    partly = {str(row.uuid) for row in Voucher.select().where(Voucher.id.in_(marked))}
    return {"DAILY": all_of_them, "NIGHTLY": partly, "WEEKLY": all_of_them}


@pytest.mark.slow
def test_each_receiver_has_each_posting_once(year: Year):
    year.run()
    for name, wanted in asked_for().items():
        assert len(wanted) > 300
        assert year.received(name) == Counter(wanted), name
    assert not Extract.select().where(Extract.state != Extract.DELIVERED).exists()
    _check_dates()
    failed = ExtractDelivery.select().where(ExtractDelivery.outcome != "delivered")
    assert failed.count() > len(RECEIVER_DOWN)


def _check_dates() -> None:
    for extract in Extract.select(Extract, Subscription).join(Subscription):
        due = date.fromisoformat(extract.due_on)
        if extract.subscription.name == "DAILY":
            assert is_business_day(due)
        else:
            assert due.weekday() == (6 if extract.subscription.name == "NIGHTLY" else 0)
    daily = Extract.select().join(Subscription).where(Subscription.name == "DAILY").count()
    weekdays = sum(
        is_business_day(FIRST + timedelta(days=number)) for number in range((LAST - FIRST).days + 1)
    )
    missed = sum(is_business_day(day) for day in WORKER_DOWN | NO_KEY)
    assert (
        daily == weekdays - missed + 2
    )  # the last day of each of the two outages came in the night after it


def _overlapping(function: Callable[..., Extract]) -> Callable[..., Extract]:
    """The canary: a delta that begins one voucher too early."""

    def order(*args: object, **options: object) -> Extract:
        extract = function(*args, **options)
        if not extract.full and extract.after:
            proxy.obj.execute_sql(f"DROP TRIGGER extract_no_change{_of_table()}")
            Extract.update(after=Extract.after - 1).where(Extract.id == extract.id).execute()
        return extract

    return order


def _of_table() -> str:
    return "" if "sqlite" in type(proxy.obj).__name__.lower() else " ON extract"


def test_an_overlap_is_noticed(year: Year, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.extracts.test_year.LAST", date(2026, 1, 12))
    monkeypatch.setattr("opus_soap.extracts.schedule.order", _overlapping(ordering.order))
    monkeypatch.setattr(proxy.obj, "execute_sql", _forgiving(proxy.obj.execute_sql))
    year.run()
    assert max(year.received("DAILY").values()) > 1


def _forgiving(execute: Callable[..., object]) -> Callable[..., object]:
    """The trigger is dropped once; the second time there is none."""

    def forgiving(sql: str, *args: object, **options: object) -> object:
        return execute(sql.replace("DROP TRIGGER", "DROP TRIGGER IF EXISTS"), *args, **options)

    return forgiving


def test_out_of_order_is_noticed(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """Another canary: nobody waits for those before it."""
    monkeypatch.setattr(delivering, "waiting_before", lambda extract: None)
    subscription = desk.subscribe()
    for _ in range(2):
        desk.producer.produce(desk.order(subscription), actor="test")
    second, first = Extract.select().order_by(Extract.sequence.desc())
    assert desk.deliverer.deliver(second)  # with the canary; `test_delivering` shows that it waits without
    assert Extract.get_by_id(first.id).state == Extract.PRODUCED
