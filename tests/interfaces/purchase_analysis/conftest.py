"""Invoices that are booked, corrected and credited by the real ways, and extracts of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from opus_soap.clock import ManualClock
from opus_soap.documents.synthetic import SyntheticReceiver, SyntheticSupplier, synthetic_invoices
from opus_soap.extracts import manifest, ordering, subscribing
from opus_soap.extracts.producing import Producer
from opus_soap.interfaces.extract_kinds import KINDS
from opus_soap.interfaces.invoice_approval import lending
from opus_soap.interfaces.invoice_approval.importing import import_invoice
from opus_soap.ledger.posting import PostingLine, VoucherDraft, post
from opus_soap.ledger.seals import create_seal_key
from opus_soap.settings import load
from opus_soap.store.extract_models import Extract, Subscription
from opus_soap.store.models import Lending
from tests.conftest import DEFINITION
from tests.interfaces.invoice_approval import conftest as approvals
from tests.interfaces.invoice_approval.conftest import (  # noqa: F401  fixtures
    approval,
    receive,
    settings,
    system,
    with_voucher,
)

NS = "{urn:opus-soap:udtraek:indkoebsanalyse:1}"
DAY = date(2026, 11, 23)


@cache
def synthetic(count: int) -> Sequence[Any]:
    """As many documents as are wanted."""
    head = DEFINITION["municipality"]
    receiver = SyntheticReceiver(head["name"], head["cvr"], **DEFINITION["receiver"])
    suppliers = [SyntheticSupplier(row["name"], row["cvr"]) for row in DEFINITION["suppliers"][:5]]
    return tuple(synthetic_invoices(7, count, receiver, suppliers, date(2026, 11, 20)))


@dataclass
class House:
    """What people do with invoices in a week."""

    company: Any
    clock: Any
    settings: Any
    approval: Any
    receive: Any
    documents: list[Any] = field(default_factory=lambda: list(synthetic(30)))
    taken: int = 0

    def lend(self, data: bytes | None = None, at: int | None = None) -> Lending:
        """Import the next document, or that at a place, or other bytes; and send it."""
        document = self.documents[self.taken if at is None else at]
        self.taken += at is None
        invoice = import_invoice(
            data or document.data,
            document.file_name,
            self.company,
            clock=self.clock,
            settings=self.settings,
            actor="test",
        )
        return lending.send(invoice, actor="test", clock=self.clock)

    def approve(self, lent: Lending, **change: object) -> None:
        """Answer it: booked, or what was booked corrected."""
        message = self.approval(lent)
        receipt = self.receive(with_voucher(message, **change) if change else message)
        assert receipt.accepted, [str(error) for error in receipt.errors]

    def reject(self, lent: Lending) -> None:
        """Answer that it is not to be paid."""
        message = self.approval(lent, result="Afvist", voucher=None, accepted=False, rejected=True)
        assert self.receive(message).accepted

    def other(self) -> Any:
        """A voucher that no invoice is behind."""
        lines = (PostingLine("22000300", 100, cost_center="1101"), PostingLine("90520001", -100))
        draft = VoucherDraft(self.company, "SA", DAY, DAY, "x", "x", lines, "test", "test")
        return post(draft, self.clock)


def people(company: Any, clock: ManualClock) -> House:
    """The house, without pytest's fixtures: for books that are made by whoever asks."""
    caller = approvals.system.__wrapped__(company)
    give = approvals.receive.__wrapped__(caller, clock)
    return House(company, clock, load(), approvals.approval.__wrapped__(), give)


@pytest.fixture
def house(company, clock, settings, approval, receive):  # noqa: F811
    """Eksempelby Kommune at work."""
    return House(company, clock, settings, approval, receive)


@pytest.fixture
def producer(company, clock, tmp_path):
    """What writes extracts, with a key of its own."""
    key = tmp_path / "seal.pem"
    create_seal_key(key)
    return Producer(KINDS, tmp_path / "extracts", key, clock)


@pytest.fixture
def subscribe(company, clock):
    """Make the subscription INDKOEB."""

    def make(history: str = "2026-01-01", calendar: str = "manual", **options: object) -> Subscription:
        return subscribing.add(
            KINDS,
            municipality="999",
            company="0020",
            name="INDKOEB",
            kind="indkoebsanalyse",
            receiver="Indkøbskontoret",
            options={"from": history, **options},
            calendar=calendar,
            at="06:00",
            target={},
            delta=True,
            starts_on=DAY,
            actor="test",
            clock=clock,
        )

    return make


@dataclass(frozen=True)
class Read:
    """An extract as its receiver has it."""

    folder: Path
    name: str

    @property
    def xml(self) -> etree._Element:
        """The root of its XML file."""
        parser = etree.XMLParser(huge_tree=True)
        return etree.parse(self.folder / f"{self.name}.xml", parser).getroot()

    @property
    def invoices(self) -> list[etree._Element]:
        """INVOICE elements."""
        return self.xml.findall(f"{NS}INVOICE")

    @property
    def manifest(self) -> dict[str, Any]:
        """What its manifest says."""
        return manifest.read((self.folder / f"{self.name}{manifest.ENDING}").read_bytes(), self.name)

    def bytes(self) -> dict[str, bytes]:
        """Every file of it that is handed over."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir() if path.name[0] != "."}

    def labels(self) -> list[str]:
        """`KR 2026 …` of each voucher."""
        return [" ".join(texts(one, "VOUCHER", "DOC_TYPE", "FISC_YEAR", "DOC_NO")) for one in self.invoices]


def texts(invoice: etree._Element, group: str, *names: str) -> list[str | None]:
    """The texts of some elements of a group."""
    return [invoice.findtext(f"{NS}{group}/{NS}{name}") for name in names]


@pytest.fixture
def extract(producer, clock):
    """Order the next extract of INDKOEB, and produce it."""

    def make(*, full: bool = False) -> Read:
        subscription = ordering.find_subscription("999", "INDKOEB")
        ordered = ordering.order(subscription, KINDS, producer.key_file, actor="test", clock=clock, full=full)
        made = producer.produce(ordered, actor="test")
        return Read(producer.place(made), made.name)

    return make


@pytest.fixture
def again(producer):
    """Produce an extract once more, to be compared."""

    def make(read: Read) -> None:
        producer.produce(Extract.get(Extract.name == read.name), actor="test")

    return make
