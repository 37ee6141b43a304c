"""Numbers under contention: eight threads post at once, and the series has no gap and no duplicate."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from opus_soap.database import is_postgresql, proxy, transaction
from opus_soap.errors import DocumentTypeUnknown
from opus_soap.ledger.models import NumberRange, Voucher
from opus_soap.ledger.numbering import take_numbers
from opus_soap.ledger.posting import post
from opus_soap.ledger.verification import verify

THREADS, EACH = 8, 5


class GivenUp(Exception):
    """A caller's transaction that ends in a rollback."""


def test_posting_at_once_leaves_no_gap_and_no_duplicate(draft, clock):
    def work(number: int) -> None:
        try:
            with proxy.obj.connection_context():
                for turn in range(EACH):
                    try:
                        with transaction():
                            post(replace(draft, reference=f"{number}-{turn}"), clock)
                            if turn == number % EACH:  # every thread gives one number back
                                raise GivenUp
                    except GivenUp:
                        continue
        finally:
            if not is_postgresql():
                proxy.obj.close()  # SQLite keeps one connection per thread

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(work, range(THREADS)))
    kept = THREADS * (EACH - 1)
    numbers = [voucher.number for voucher in Voucher.select().order_by(Voucher.number)]
    assert numbers == list(range(5100000000, 5100000000 + kept))
    assert NumberRange.get(NumberRange.document_type == "KR").next_number == 5100000000 + kept
    assert verify().ok


def test_an_unknown_document_type_takes_no_number(company):
    with pytest.raises(DocumentTypeUnknown, match="QQ"):
        take_numbers(company, "QQ", 2026, 1)
    assert NumberRange.select().count() == 0
