"""A year of extracts: weekends, holidays, two changes of the clock, six outages, five kills.

Each receiver has each posting that it asked for, each voucher of an invoice, exactly once in the end; who
takes stamdata as they come has what the municipality has. What is broken on purpose (the canaries) must be
caught by the same comparison, or it proves nothing.
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
from typing import Any

import pytest
from lxml import etree

from opus_soap.clock import business_date
from opus_soap.database import proxy
from opus_soap.extracts import delivering, ordering, output, state
from opus_soap.extracts.calendar import is_business_day
from opus_soap.extracts.schedule import run_due
from opus_soap.extracts.state import Change, What
from opus_soap.failpoints import VARIABLE
from opus_soap.ledger.models import CompanyCode, Period, Posting, Voucher
from opus_soap.ledger.posting import reverse
from opus_soap.store.extract_models import Extract, ExtractDelivery, Subscription
from tests.extracts.conftest import Desk
from tests.extracts.receivers import MasterData, held, taken
from tests.interfaces.purchase_analysis.conftest import people

WEEKDAYS = {"NIGHTLY": 6, "WEEKLY": 0, "STAMDATA": 1, "INDKOEB": 4}
FIRST, LAST = date(2026, 1, 1), date(2027, 1, 5)
HOURS = (0, 2, 5, 13)  # UTC, at which the worker looks
RECEIVERS = {
    "DAILY": {"calendar": "weekdays", "at": "06:00"},
    "NIGHTLY": {"calendar": "weekly:SUN", "at": "02:30", "options": {"conditions": ["COSTCENTER=1101"]}},
    "WEEKLY": {"calendar": "weekly:MON", "at": "07:00"},
    "INDKOEB": {
        "calendar": "weekly:FRI",
        "at": "07:00",
        "kind": "indkoebsanalyse",
        "options": {"from": "2026-01-01"},
    },
    "STAMDATA": {
        "calendar": "weekly:TUE",
        "at": "03:00",
        "kind": "stamdata",
        "options": {
            "persons": True,
            "tables": ["GL_ACCOUNT", "PROFIT_CTR", "COSTCENTER", "VENDOR", "USER_RIGHT"],
        },
    },
}
KILLS = {  # at which of the ways of a day it dies
    (date(2026, 2, 3), 5): "extracts.written",
    (date(2026, 3, 10), 2): "extracts.renamed",
    (date(2026, 6, 9), 5): "extracts.copied:2",
    (date(2026, 8, 4), 2): "extracts.copied:2",
    (date(2026, 9, 8), 5): "extracts.handed_over",
}


def days(first: date, count: int) -> set[date]:
    return {first + timedelta(days=number) for number in range(count)}


RECEIVER_DOWN = days(date(2026, 1, 13), 3)
WORKER_DOWN = days(date(2026, 4, 1), 8)  # over Easter
DISK_FULL = days(date(2026, 5, 19), 2)
NIGHTLY_DOWN = days(date(2026, 10, 24), 4)  # over the end of summer time
STAMDATA_DOWN = days(date(2026, 7, 6), 16)
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
        self._master_data = MasterData(desk.company)
        self._house, self._lent = people(desk.company, desk.clock), []

    def run(self) -> None:
        """Day by day."""
        day = FIRST
        while day <= LAST:
            for hour in HOURS:
                self._move_to(datetime(day.year, day.month, day.day, hour, tzinfo=UTC))
                self._work(business_date(self.desk.clock.now()))
                with self._trouble(day):
                    self._look(day, hour)
            day += timedelta(days=1)

    def _move_to(self, instant: datetime) -> None:
        self.desk.clock.advance(instant - self.desk.clock.now())

    def _work(self, on: date) -> None:
        if on.year != 2026:
            return
        if self._random.random() < 0.4:
            self._post(on)
        if self._random.random() < 0.03:
            self._decide(on)
        if self._random.random() < 0.15:
            self._master_data.change(on)

    def _decide(self, on: date) -> None:
        """An invoice that comes, or one that was booked before and is booked otherwise."""
        if self._lent and (self._random.random() < 0.3 or self._house.taken == len(self._house.documents)):
            lent = self._random.choice(self._lent)
        else:
            lent = self._house.lend()
            self._lent.append(lent)
        self._house.approve(lent, posting_date=on)

    def _post(self, on: date) -> None:
        if self._posted and self._random.random() < 0.1:
            voucher = self._posted.pop()
            reverse(voucher, posting_date=on, entered_by="t", source="s", clock=self.desk.clock)
        else:
            self._posted += self.desk.post(posting_date=on, document_date=on)

    def _look(self, day: date, hour: int) -> None:
        if day in WORKER_DOWN:
            return
        if (day, hour) in KILLS:
            self._die(KILLS[day, hour])
        else:
            run_due(self.desk.producer, self.desk.deliverer)

    def _die(self, failpoint: str) -> None:
        now = self.desk.clock.now().isoformat()
        command = [sys.executable, "-m", "tests.extracts.due", self.url, str(self.folder), now]
        done = subprocess.run(command, env={**os.environ, VARIABLE: failpoint}, check=False)
        assert done.returncode == -signal.SIGKILL, "it was to die there"
        self.desk.clock.advance(timedelta(hours=2))  # what it had leased is free again
        run_due(self.desk.producer, self.desk.deliverer)

    @contextmanager
    def _trouble(self, day: date) -> Iterator[None]:
        away = {"DAILY": RECEIVER_DOWN, "NIGHTLY": NIGHTLY_DOWN, "STAMDATA": STAMDATA_DOWN}
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
            for node in etree.parse(path).iter("{*}DOC_ID")
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
    invoices = Voucher.select().where(Voucher.document_type.in_(("KR", "KG")))
    return {
        "DAILY": all_of_them,
        "NIGHTLY": partly,
        "WEEKLY": all_of_them,
        "INDKOEB": {str(row.uuid) for row in invoices},
    }


@pytest.mark.slow
def test_each_receiver_has_each_posting_once(year: Year):
    year.run()
    for name, wanted in asked_for().items():
        assert len(wanted) > (30 if name == "INDKOEB" else 300)
        assert year.received(name) == Counter(wanted), name
    actions = _compare(year.desk.company, year.folder / "STAMDATA")
    assert min(actions.values()) > 20, actions
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
            assert due.weekday() == WEEKDAYS[extract.subscription.name]
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


def _forgets(*lost: What) -> Callable[..., Iterator[Change[Any]]]:
    """Canaries: a delta that does not tell of some changes."""

    def fewer(*given: Any) -> Iterator[Change[Any]]:
        for change in state.changes(*given):
            if change.what not in lost:
                yield change

    return fewer


def _weeks_of_stamdata(desk: Desk) -> None:
    subscription = desk.subscribe("STAMDATA", kind="stamdata", options={"persons": True})
    somebody = MasterData(desk.company)
    for _ in range(4):
        for _ in range(12):
            somebody.change(FIRST)
        desk.run(subscription)


def _compare(company: CompanyCode, folder: Path) -> dict[str, int]:
    """Whether a receiver of stamdata has what the municipality has; how often each action came."""
    subscription = Subscription.get(Subscription.name == "STAMDATA")
    has, actions = taken(folder)
    assert has == held(company, subscription.options["tables"])
    return actions


def test_stamdata_as_they_come_are_those_of_the_municipality(desk: Desk):
    _weeks_of_stamdata(desk)
    assert min(_compare(desk.company, desk.inbox).values()) > 3


@pytest.mark.parametrize("lost", [state.ADDED, state.CHANGED, state.REMOVED])
def test_a_change_that_is_not_told_is_noticed(desk: Desk, monkeypatch: pytest.MonkeyPatch, lost: What):
    monkeypatch.setattr("opus_soap.interfaces.master_data.kind.changes", _forgets(lost))
    _weeks_of_stamdata(desk)
    with pytest.raises(AssertionError):
        _compare(desk.company, desk.inbox)


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
