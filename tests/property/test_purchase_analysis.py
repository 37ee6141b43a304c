"""Over random weeks a receiver has every voucher of an invoice, and every reversal of one, exactly once.

The same property must catch extracts that are broken on purpose (the canaries), or it proves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from opus_soap.clock import ManualClock
from opus_soap.extracts import schedule, subscribing
from opus_soap.extracts.delivering import Deliverer
from opus_soap.extracts.producing import Producer
from opus_soap.interfaces.extract_kinds import KINDS
from opus_soap.interfaces.purchase_analysis import kind
from opus_soap.interfaces.purchase_analysis.invoices import Invoiced, invoices_of
from opus_soap.interfaces.purchase_analysis.kind import PurchaseAnalysis
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.ledger.seals import create_seal_key
from opus_soap.store.extract_models import Extract
from tests.conftest import NOON
from tests.interfaces.purchase_analysis.conftest import DAY, House, Read, people, texts

APPROVE, CORRECT, REJECT, OTHER = "approve", "correct", "reject", "other"
# each week: what people do in it, and how many weeks nothing runs before the next
WEEKS = st.lists(
    st.tuples(
        st.lists(
            st.tuples(st.sampled_from((APPROVE, CORRECT, REJECT, OTHER)), st.integers(0, 9)), max_size=6
        ),
        st.integers(1, 3),
    ),
    min_size=1,
    max_size=5,
)
Fresh = Callable[[], AbstractContextManager[Path]]


def forgets_reversals(heads: Sequence[Any]) -> dict[int, Invoiced]:
    """The canary that loses something: what reverses an invoice's voucher is not found."""
    return invoices_of([head for head in heads if head.reverses is None])


class _Overlapping(PurchaseAnalysis):
    """The canary that tells something twice: each delta begins a voucher too early."""

    def write(self, job: Any, output: Any) -> None:
        """Write it."""
        super().write(replace(job, after=max(job.after - 1, 0)), output)


def work(house: House, lent: list[Any], what: str, which: int) -> None:
    """Do one thing; what needs an invoice that is not there is not done."""
    if what == APPROVE:
        lent.append(house.lend())
        house.approve(lent[-1])
    elif what == OTHER:
        house.other()
    elif lent and what == CORRECT:
        house.approve(lent[which % len(lent)])
    elif lent:
        house.reject(lent[which % len(lent)])


def expected() -> dict[str, int]:
    """Debit of each voucher that must come: all that are not of the type that nobody but us posts."""
    debit = Counter[str]()
    for row in Posting.select(Posting, Voucher).join(Voucher).where(Voucher.document_type != "SA"):
        debit[str(row.voucher.uuid)] += max(row.amount_ore, 0)
    return dict(debit)


def delivered(producer: Producer) -> Iterator[Read]:
    """Every extract, as its receiver has it."""
    for extract in Extract.select().order_by(Extract.sequence):
        yield Read(producer.place(extract), extract.name)


def check(fresh: Fresh, weeks: list[Any]) -> None:
    """Weeks go by; then what a receiver has is compared with the books."""
    with fresh() as folder:
        company, clock = company_code("999", "0020"), ManualClock(NOON)
        key = folder / "seal.pem"
        create_seal_key(key)
        producer = Producer(KINDS, folder / "extracts", key, clock)
        subscribing.add(
            KINDS,
            municipality="999",
            company="0020",
            name="INDKOEB",
            kind="indkoebsanalyse",
            receiver="Indkøbskontoret",
            options={"from": "2026-01-01"},
            calendar="weekly:MON",
            at="06:00",
            target={},
            delta=True,
            starts_on=DAY + timedelta(days=1),
            actor="test",
            clock=clock,
        )
        house, lent = people(company, clock), []
        for things, gap in weeks:
            for what, which in things:
                work(house, lent, what, which)
            clock.advance(timedelta(weeks=gap))
            schedule.run_due(producer, Deliverer(producer, clock))
        told: Counter[str] = Counter()
        debit = 0
        for read in delivered(producer):
            told.update(texts(one, "VOUCHER", "DOC_ID")[0] for one in read.invoices)
            debit += read.manifest["totals"]["debit_ore"]
        assert told == Counter(dict.fromkeys(expected(), 1))
        assert debit == sum(expected().values())
        assert Extract.select().count() == len(weeks)


PROPERTY = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@PROPERTY
@given(weeks=WEEKS)
def test_nothing_is_missing_and_nothing_comes_twice(fresh_database: Fresh, weeks: list[Any]):
    check(fresh_database, weeks)


def caught_by(fresh: Fresh) -> None:
    """Try the property until it does not hold."""

    @settings(PROPERTY, phases=[Phase.generate])
    @given(weeks=WEEKS)
    def property_of_the_canary(weeks: list[Any]) -> None:
        check(fresh, weeks)

    property_of_the_canary()


def test_the_property_catches_what_forgets_reversals(fresh_database: Fresh, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kind, "invoices_of", forgets_reversals)
    with pytest.raises(AssertionError):
        caught_by(fresh_database)


def test_the_property_catches_what_tells_twice(fresh_database: Fresh, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(KINDS, "indkoebsanalyse", _Overlapping())
    with pytest.raises(AssertionError):
        caught_by(fresh_database)
