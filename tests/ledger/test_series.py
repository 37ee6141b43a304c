"""Two runs of year-end at once, and a number range that was changed behind the books' back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from opus_soap.database import is_postgresql, proxy
from opus_soap.ledger.balance import trial_balance
from opus_soap.ledger.models import NumberRange
from opus_soap.ledger.posting import post
from opus_soap.ledger.verification import verify
from opus_soap.ledger.year_end import carry_forward


def test_year_end_run_at_once_opens_the_new_year_once(draft, company, clock):
    post(draft, clock)
    together = Barrier(6)

    def work(_: int) -> None:
        try:
            with proxy.obj.connection_context():
                together.wait(10)
                carry_forward(company, 2026, clock=clock, entered_by="test")
        finally:
            if not is_postgresql():
                proxy.obj.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(6)))
    openings = {row.account: row.opening_ore for row in trial_balance(company, 2027)}
    assert openings == {"90510025": 2500, "90590100": -12500, "90599000": 10000}


@pytest.mark.parametrize(
    "change",
    [
        lambda: NumberRange.update(next_number=NumberRange.next_number - 1),
        NumberRange.delete,
    ],
)
def test_a_changed_number_range_is_seen(draft, clock, change):
    post(draft, clock)
    change().execute()
    assert any("never gave this number" in problem for problem in verify().problems)
