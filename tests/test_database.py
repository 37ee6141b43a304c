"""What the database layer encodes by itself is what the library would have made of it."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from datetime import timedelta
from threading import Event, Thread, Timer
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peewee import Model, OperationalError, fn

from opus_soap import clock
from opus_soap import database as database_module
from opus_soap.database import (
    Prepared,
    create,
    encode_json,
    is_any_of,
    is_postgresql,
    proxy,
    retried,
    stored_rows,
    transaction,
    update,
)
from opus_soap.ledger.hashing import FORM, voucher_hash
from opus_soap.store.models import AuditEntry, Content, ExchangeRate, System, SystemCertificate

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | _TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner),
)


@given(_VALUES)
def test_json_is_what_its_definition_says(value):
    """Keys sorted, UTF-8, no white space: whoever computes a hash again needs no library of ours."""
    expected = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert encode_json(value) == expected


@given(st.dictionaries(_TEXTS, _TEXTS | st.integers(0, 10**14) | st.none()), st.lists(st.lists(_TEXTS)))
def test_a_hash_is_what_its_definition_says(head, rows):
    from hashlib import sha256
    from unicodedata import normalize

    text = json.dumps([FORM, head, rows], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert voucher_hash(head, rows) == sha256(normalize("NFC", text).encode()).digest()


def collide(state: str) -> None:
    """What the library makes of it."""
    driver = type("Driver", (RuntimeError,), {"sqlstate": state})()
    try:
        raise driver
    except RuntimeError:
        raise OperationalError("collided")  # noqa: B904  as the library does


@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_a_transaction_that_collided_is_done_again_a_few_times(monkeypatch, database, state):
    monkeypatch.setattr("time.sleep", lambda _: None)
    tries: list[int] = []

    @retried
    def work(until: int) -> str:
        with transaction():
            tries.append(1)
            if len(tries) < until:
                collide(state)
            return "done"

    assert work(3) == "done"
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(OperationalError):
        work(100)
    assert len(tries) == 6


def test_what_is_no_collision_and_what_is_inside_another_transaction_is_done_once(database):
    tries: list[int] = []

    @retried
    def work(state: str) -> None:
        tries.append(1)
        collide(state)

    with pytest.raises(OperationalError):
        work("55P03")
    with pytest.raises(OperationalError), transaction():
        work("40P01")
    assert len(tries) == 2


def _sent(at: str) -> dict[str, object]:
    return {"at": clock.from_isoformat(at), "actor": "a", "event": "sent", "subject": "s"}


def test_a_row_that_is_created_and_changed_is_what_the_library_would_have_written(database):
    with transaction():
        ours = create(AuditEntry, municipality="999", detail={"ø": "1"}, **_sent("2026-01-02T03:04:05.6Z"))
        theirs = AuditEntry.create(municipality="999", detail={"ø": "1"}, **_sent("2026-01-02T03:04:05.6Z"))
    assert theirs.id == ours.id + 1
    (first, *rest), (second, *same) = stored_rows(AuditEntry.select().order_by(AuditEntry.id))
    assert (first, second, rest) == (ours.id, theirs.id, same)


def test_a_changed_row_has_its_new_values_and_no_other(database):
    with transaction():
        first, second = (create(ExchangeRate, **_rate(currency)) for currency in ("EUR", "USD"))
        first.rate_per_hundred, first.valid_from = "800.00", "1999-01-01"
        update(first, "rate_per_hundred")
    told = ExchangeRate.select().order_by(ExchangeRate.id)
    expected = [("800.00", second.valid_from), ("746.00", second.valid_from)]
    assert [(row.rate_per_hundred, row.valid_from) for row in told] == expected


def _rate(currency: str) -> dict[str, object]:
    return {
        "municipality": "999",
        "currency": currency,
        "valid_from": "2026-01-01",
        "rate_per_hundred": "746.00",
    }


@Prepared
def _of_currencies(municipality: Any, currencies: Any) -> Any:
    named = is_any_of(ExchangeRate.currency, currencies)
    rows = ExchangeRate.select().where(ExchangeRate.municipality == municipality, named)
    return rows.order_by(ExchangeRate.currency)


def test_a_prepared_query_is_asked_with_other_values_each_time(database):
    with transaction():
        for currency in ("EUR", "USD", "NOK", "'%s"):
            create(ExchangeRate, **_rate(currency))
    for wanted in (["EUR"], ["NOK", "USD"], [], ["'%s"], ["SEK"] * 700 + ["EUR"]):
        found = [row.currency for row in _of_currencies.rows("999", wanted)]
        assert found == sorted({*wanted} - {"SEK"})
    assert _of_currencies.first("998", ["EUR"]) is None
    assert isinstance(_of_currencies.first("999", ["EUR"]), ExchangeRate)


def _held(row: Any) -> Any:
    """All that there is in what was found."""
    if not isinstance(row, Model):
        return row
    others = {name: value for name, value in vars(row).items() if not name.startswith("_")}
    related = {name: _held(other) for name, other in row.__rel__.items()}
    return type(row), row.__data__, row._dirty, related, others


QUERIES = {
    "all of a model": lambda at: AuditEntry.select().where(AuditEntry.at == at),
    "some of it": lambda at: AuditEntry.select(AuditEntry.detail, AuditEntry.at).where(AuditEntry.at == at),
    "references": lambda at: SystemCertificate.select().where(SystemCertificate.valid_from == at),
    "a related model": lambda at: (
        SystemCertificate.select(SystemCertificate, System)
        .join(System)
        .where(SystemCertificate.valid_from == at)
    ),
    "another's field": lambda at: (
        SystemCertificate.select(SystemCertificate, System.services.alias("granted"))
        .join(System)
        .where(SystemCertificate.valid_from == at)
    ),
    "under another name": lambda at: AuditEntry.select(
        AuditEntry.event.alias("subject"), AuditEntry.subject.alias("told")
    ).where(AuditEntry.at == at),
    "bytes": lambda at: Content.select().where(Content.stored_at == at),
    "what is computed": lambda at: AuditEntry.select(fn.MAX(AuditEntry.at), fn.COUNT(AuditEntry.id)).where(
        AuditEntry.at == at
    ),
    "tuples": lambda at: (
        AuditEntry.select(AuditEntry.at, AuditEntry.detail).where(AuditEntry.at == at).tuples()
    ),
    "dictionaries": lambda at: AuditEntry.select().where(AuditEntry.at == at).dicts(),
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_prepared_query_finds_what_the_library_finds(database, clock, query):
    at = clock.now()
    with transaction():
        for number in range(3):
            system = System.create(
                uuid=uuid4(), municipality="999", name=f"{number}", cvr="12345678", services=["a", "b"]
            )
            SystemCertificate.create(
                system=system,
                thumbprint_sha256=f"{number}",
                subject="",
                pem="",
                valid_from=at,
                valid_to=at,
                revoked_at=at if number else None,
            )
            detail = {"n": number, "null": None}
            AuditEntry.create(at=at, actor="æ", event="e", subject=f"{number}", detail=detail)
            Content.create(
                sha256=f"{number}",
                size=1,
                media_type="",
                data=bytes([number]) if number else None,
                stored_at=at,
            )
    prepared = Prepared(query)
    for asked in (at - timedelta(days=1), at, at):  # the first finds nothing, but knows the columns
        assert [_held(row) for row in prepared.rows(asked)] == [_held(row) for row in query(asked)]
    assert prepared.rows(at)


@pytest.fixture
def writer(database):
    """A thread in a transaction until the event is set."""
    begun, end = Event(), Event()

    def write():
        with transaction():
            begun.set()
            end.wait(10)
        proxy.obj.close()

    thread = Thread(target=write)
    thread.start()
    begun.wait(10)
    yield end
    end.set()
    thread.join()


def test_who_waits_for_another_thread_of_sqlite_is_told_in_time(writer, monkeypatch):
    if is_postgresql():
        pytest.skip("PostgreSQL has many writers")
    monkeypatch.setattr(database_module, "LOCK_SECONDS", 0.05)  # SQLite itself would wait for ten
    with pytest.raises(OperationalError, match="locked"), transaction():
        pass
    writer.set()
    monkeypatch.setattr(database_module, "LOCK_SECONDS", 10)
    with transaction():
        AuditEntry.create(**_sent("2026-11-30T08:00:00Z"))


def test_who_waits_for_a_thread_and_then_for_a_process_waits_no_longer_than_for_one(database, monkeypatch):
    if is_postgresql():
        pytest.skip("PostgreSQL has many writers")
    monkeypatch.setattr(database_module, "LOCK_SECONDS", 1)
    thread, process = database_module._writers.lock, sqlite3.connect(proxy.obj.database)
    process.execute("BEGIN IMMEDIATE")
    thread.acquire()
    Timer(0.8, thread.release).start()
    began = time.monotonic()
    with pytest.raises(OperationalError, match="locked"), transaction():
        pass
    assert 0.8 < time.monotonic() - began < 1.5
    assert proxy.obj.pragma("busy_timeout") == 1000  # for what comes next
    process.close()
    with transaction():
        assert proxy.obj.pragma("busy_timeout") == 1000


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_its_parents_threads(writer):
    if is_postgresql():
        pytest.skip("PostgreSQL has many writers")
    child = os.fork()
    if not child:
        os._exit(database_module._writers.lock.locked())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert database_module._writers.lock.locked()
