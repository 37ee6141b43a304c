"""Books with a seal key, subscriptions, and what produces and hands over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from opus_soap.clock import ManualClock
from opus_soap.extracts import ordering, subscribing
from opus_soap.extracts.delivering import Deliverer
from opus_soap.extracts.producing import Producer
from opus_soap.interfaces.extract_kinds import KINDS
from opus_soap.ledger.models import CompanyCode, Voucher
from opus_soap.ledger.posting import PostingLine, VoucherDraft, post, reverse
from opus_soap.ledger.seals import create_seal_key
from opus_soap.store.extract_models import Extract, Subscription

UD = "{urn:opus-soap:udtraek:posteringer:1}"


@dataclass
class Desk:
    """Everything it takes to give something out."""

    company: CompanyCode
    clock: ManualClock
    producer: Producer
    deliverer: Deliverer
    inbox: Path  # the receiver's folder

    def post(self, count: int = 1, **change: Any) -> list[Voucher]:
        """Vouchers of two lines, 100 kroner each."""
        return [post(self.draft(**change), self.clock) for _ in range(count)]

    def draft(self, **change: Any) -> VoucherDraft:
        """What `post` posts."""
        lines = (
            PostingLine(account="52000200", amount_ore=10_000, cost_center="1101", text="Ydelse"),
            PostingLine(account="90540100", amount_ore=-10_000),
        )
        on = date(2026, 11, 23)
        draft = VoucherDraft(self.company, "SA", on, on, "Ydelser", "r", lines, entered_by="t", source="s")
        return replace(draft, **change)

    def reverse(self, voucher: Voucher) -> Voucher:
        """Its reversal."""
        on = date(2026, 11, 23)
        return reverse(voucher, posting_date=on, entered_by="t", source="s", clock=self.clock)

    def subscribe(self, name: str = "LIS", **change: Any) -> Subscription:
        """A subscription to postings since the last time, put into the inbox."""
        terms: dict[str, Any] = {
            "kind": "posteringer-ud",
            "receiver": name,
            "options": {},
            "calendar": "manual",
            "at": "06:00",
            "target": {"folder": str(self.inbox)},
            "delta": True,
            "starts_on": date(2026, 11, 23),
            **change,
        }
        return subscribing.add(
            KINDS, municipality="999", company="0020", name=name, actor="test", clock=self.clock, **terms
        )

    def order(self, subscription: Subscription, *, actor: str = "test", **options: Any) -> Extract:
        """Ordered, no more."""
        key = self.producer.key_file
        return ordering.order(subscription, KINDS, key, actor=actor, clock=self.clock, **options)

    def run(self, subscription: Subscription, **options: Any) -> Extract:
        """Ordered, produced, handed over."""
        extract = self.producer.produce(self.order(subscription, **options), actor="test")
        self.deliverer.deliver(extract)
        return Extract.get_by_id(extract.id)

    def received(self) -> list[str]:
        """DOC_ID of every voucher in the receiver's XML files, in the order of their names."""
        return [
            str(node.text)
            for path in sorted(self.inbox.glob("*.xml"))
            for node in etree.parse(path).iter(f"{UD}DOC_ID")
        ]


@pytest.fixture
def make_desk(tmp_path: Path, clock: ManualClock, company: CompanyCode) -> Callable[[], Desk]:
    """A desk, and after it another of the same books."""

    def make() -> Desk:
        key, inbox = tmp_path / "seal.key.pem", tmp_path / "inbox"
        if not key.exists():
            create_seal_key(key)
        inbox.mkdir(exist_ok=True)
        producer = Producer(KINDS, tmp_path / "extracts", key, clock)
        return Desk(company, clock, producer, Deliverer(producer, clock), inbox)

    return make


@pytest.fixture
def desk(make_desk: Callable[[], Desk]) -> Desk:
    """Eksempelby's."""
    return make_desk()
