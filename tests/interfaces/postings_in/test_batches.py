"""A batch of vouchers in one transaction: reversals in it, company codes, repetitions, others beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from copy import deepcopy
from io import BytesIO
from typing import Any

import pytest

from opus_soap.database import is_postgresql, proxy
from opus_soap.interfaces.postings_in.inspection import Inspector
from opus_soap.interfaces.postings_in.reading import ReadingLimits
from opus_soap.ledger import posting
from opus_soap.ledger.loading import load_municipality
from opus_soap.ledger.models import ParkedVoucher, Voucher
from opus_soap.ledger.verification import verify
from opus_soap.store import content
from opus_soap.store.models import PostingDocument, PostingFile, PostingSender
from tests.conftest import DEFINITION

from .conftest import CONTROL, NAME, document, request
from .test_second_looks import again, attached, opposite, voucher

ONLY_LOCKS = "SQLite has one writer at a time"


@pytest.fixture
def told(sender, clock, tmp_path):
    """What `check` tells of a file: (voucher, code)."""

    def inspect(data: bytes) -> list[tuple[str, str]]:
        path = tmp_path / "file.xml"
        path.write_bytes(data)
        found = Inspector("999", ReadingLimits(), clock).inspect(path, "")
        return [(one.number, one.finding.error.code) for one in found]

    return inspect


# --- reversed twice


@pytest.mark.parametrize("same_file", [True, False])
def test_of_two_reversals_in_a_file_the_second_is_refused(deliver, receipt, told, same_file):
    both = [opposite(), opposite(RECEIV_DOC="3"), voucher(RECEIV_DOC="4")]
    if not same_file:
        deliver(again(voucher()))
    data = request(*([voucher()] if same_file else []), *both)
    assert told(data) == [("3", "LED-024")]
    assert receipt(deliver(data))[1][-3:] == [("305", "2", 0), ("524", "3", 0), ("305", "4", 0)]
    assert Voucher.select().count() == 3
    assert verify().ok


def test_a_second_reversal_is_refused_while_the_first_waits(deliver, receipt, told, sender):
    deliver(request(voucher(), voucher(RECEIV_DOC="9")))
    sender.release_above = {"AB": 0}
    sender.save()
    first = again(opposite(DOC_TYPE="AB"), opposite(RECEIV_DOC="3", DOC_TYPE="AB"), opposite(RECEIV_DOC="4"))
    assert told(first) == [("3", "LED-043"), ("4", "LED-043")]
    assert receipt(deliver(first))[1] == [("305", "2", 0), ("543", "3", 0), ("543", "4", 0)]
    later = again(opposite(RECEIV_DOC="5", DOC_TYPE="AB"), opposite(RECEIV_DOC="6"), time="120002")
    assert told(later) == [("5", "LED-043"), ("6", "LED-043")]
    assert receipt(deliver(later))[1] == [("543", "5", 0), ("543", "6", 0)]
    assert (ParkedVoucher.select().count(), Voucher.select().count()) == (1, 2)


def test_a_reversal_of_what_waits_in_the_same_file_is_told(deliver, receipt, told, sender):
    sender.release_above = {"*": 0}
    sender.save()
    data = request(voucher(), opposite())
    assert told(data) == [("2", "PIN-458")]
    assert receipt(deliver(data))[1] == [("305", "10000000", 0), ("458", "2", 0)]


# --- several company codes; numbers again and again


@pytest.fixture
def two_companies(company):
    """Eksempelby Kommune with another company code, 0030, like its first."""
    tables = deepcopy(DEFINITION)
    tables["company_codes"].append({**deepcopy(tables["company_codes"][0]), "code": "0030"})
    load_municipality(tables)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that are executed meanwhile."""
    seen: list[str] = []
    whole = proxy.obj.execute_sql

    def execute_sql(sql: str, *more: Any, **named: Any) -> Any:
        seen.append(sql)
        return whole(sql, *more, **named)

    proxy.obj.execute_sql = execute_sql
    try:
        yield seen
    finally:
        del proxy.obj.execute_sql


def test_alternating_company_codes_cost_as_much_as_two_batches(deliver, two_companies):
    codes = ("0020", "0030")
    data = [document(RECEIV_DOC=str(number), COMP_CODE=codes[number % 2]) for number in range(100)]
    with statements() as seen:
        deliver(request(*data))
    assert len(seen) < 90
    assert Voucher.select().count() == 100
    assert [row.position for row in PostingDocument.select().order_by(PostingDocument.id)] == [*range(1, 101)]


@pytest.mark.parametrize("header", [{}, {"HEADER_TXT": "andet"}, {"DOC_TYPE": "QQ"}])
def test_each_voucher_twice_in_a_row_costs_as_much_as_once(deliver, receipt, company, header):
    data = []
    for number in range(50):
        data += [document(RECEIV_DOC=str(number)), document(RECEIV_DOC=str(number), **header)]
    with statements() as seen:
        file = deliver(request(*data))
    assert len(seen) < 60
    assert [row[0] for row in receipt(file)[1]] == ["305", "301"] * 50
    assert Voucher.select().count() == 50


def test_what_differs_is_told_of_one_in_the_same_batch(deliver):
    file = deliver(request(document(), document(HEADER_TXT="andet")))
    (row,) = PostingDocument.select().where(PostingDocument.file == file, PostingDocument.position == 2)
    assert "HEADER_TXT: Ydelser → andet" in row.returns[1][3]


# --- others beside it


def of(short: str, *documents: str) -> bytes:
    """A file of another sender's."""
    name = NAME.replace("KY01", short)
    return request(*documents, control={**CONTROL, "SENDERID": short, "FILE_NAME": name})


@pytest.fixture
def both(receiver, sender, monkeypatch) -> Callable[..., list[PostingFile]]:
    """Two senders' files at once, each held up behind its first call of a function until the other comes."""
    PostingSender.create(municipality="999", sender_id="XX99", short="XX99", name="En anden")

    def deliver(module: Any, name: str, one: list[str], other: list[str]) -> list[PostingFile]:
        start, meet, been = threading.Barrier(2), threading.Barrier(2), threading.local()
        whole = getattr(module, name)

        def held_up(*arguments: Any, **named: Any) -> Any:
            result = whole(*arguments, **named)
            if not getattr(been, "here", False):
                been.here = True
                with suppress(threading.BrokenBarrierError):
                    meet.wait(1)
            return result

        def work(data: bytes) -> PostingFile:
            with proxy.obj.connection_context():
                start.wait(10)
                return receiver.deliver(BytesIO(data), "", actor="test")

        monkeypatch.setattr(module, name, held_up)
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(work, [of("KY01", *one), of("XX99", *other)]))

    return deliver


ORDERS = {
    "behind a repetition": (
        [voucher(), voucher(), voucher(RECEIV_DOC="2", DOC_TYPE="AB")],
        [voucher(DOC_TYPE="AB"), voucher(DOC_TYPE="AB"), voucher(RECEIV_DOC="2")],
    ),
    "behind a reversal": (
        [voucher(), opposite(DOC_TYPE="AB")],
        [voucher(DOC_TYPE="AB"), opposite()],
    ),
}


@pytest.mark.parametrize("name", ORDERS)
def test_series_in_opposite_order_do_not_hinder_each_other_for_good(both, name):
    if not is_postgresql():
        pytest.skip(ONLY_LOCKS)
    files = both(posting, "take_numbers", *ORDERS[name])
    assert [file.state for file in files] == [PostingFile.BOOKED] * 2
    assert Voucher.select().count() == 4
    assert verify().ok


def test_company_codes_in_opposite_order(both, two_companies):
    if not is_postgresql():
        pytest.skip(ONLY_LOCKS)
    vouchers = [document(), document(COMP_CODE="0030", RECEIV_DOC="2")]
    files = both(posting, "take_numbers", vouchers, vouchers[::-1])
    assert [file.state for file in files] == [PostingFile.BOOKED] * 2
    assert Voucher.select().count() == 4


def test_the_same_attachments_in_opposite_order(both):
    if not is_postgresql():
        pytest.skip(ONLY_LOCKS)
    files = [attached(b"one"), attached(b"two")]
    delivered = both(content, "put", [voucher(FILES=files)], [voucher(DOC_TYPE="AB", FILES=files[::-1])])
    assert [file.state for file in delivered] == [PostingFile.BOOKED] * 2
