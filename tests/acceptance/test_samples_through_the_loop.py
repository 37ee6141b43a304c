"""Every valid document that others published: imported, lent, approved and booked, through real servers.

Some share supplier and number, so they go in rounds, each into a fresh ledger.
"""

from __future__ import annotations

import time
from pathlib import Path
from uuid import uuid4

import pytest

from opus_soap.clock import SystemClock
from opus_soap.database import connected, disconnect
from opus_soap.demo.processes import Processes
from opus_soap.demo.scene import Scene, prepare
from opus_soap.documents.invoice import DocumentLimits, InvoiceDocument
from opus_soap.documents.reading import read_invoice
from opus_soap.errors import DocumentError
from opus_soap.interfaces.invoice_approval import lending
from opus_soap.interfaces.invoice_approval.booking import due_ore
from opus_soap.interfaces.invoice_approval.importing import import_invoice
from opus_soap.ledger.master_data import company_code, find_supplier
from opus_soap.ledger.models import Municipality, Posting, Supplier, Voucher
from opus_soap.ledger.verification import verify
from opus_soap.store.models import Answer, ExchangeRate, Invoice, Lending
from tests.acceptance.test_samples import address_to_us
from tests.conftest import NO_SAMPLES, SAMPLES

FOLDER = SAMPLES / "oioubl"
VALID = 38
RATES = {"EUR": "746.00", "NOK": "63.50", "SEK": "65.10"}
LONGEST_SECONDS = 60

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.exists(), reason=NO_SAMPLES),
]


def valid_documents() -> list[tuple[Path, InvoiceDocument]]:
    found = []
    for path in sorted(FOLDER.glob("*/*.xml")):
        try:
            found.append((path, read_invoice(path.read_bytes(), DocumentLimits())))
        except DocumentError:
            continue
    return found


def rounds(documents: list[tuple[Path, InvoiceDocument]]) -> list[list[tuple[Path, InvoiceDocument]]]:
    """As few rounds as possible without a duplicate in one."""
    made: list[dict[object, tuple[Path, InvoiceDocument]]] = []
    for path, document in documents:
        key = (document.document_type, document.number)
        free = next((batch for batch in made if key not in batch), None)
        if free is None:
            made.append(free := {})
        free[key] = (path, document)
    return [list(batch.values()) for batch in made]


def test_every_valid_sample_is_booked(tmp_path: Path):
    documents = valid_documents()
    assert len(documents) == VALID
    for number, batch in enumerate(rounds(documents)):
        folder = tmp_path / str(number)
        folder.mkdir()
        run_round(folder, batch)


def run_round(folder: Path, batch: list[tuple[Path, InvoiceDocument]]) -> None:
    clock = SystemClock()
    scene = prepare(folder, clock, opus_port=0, case_port=0)
    company = company_code("999", "0020")
    for currency, rate in RATES.items():
        ExchangeRate.create(
            municipality="999", currency=currency, valid_from="2000-01-01", rate_per_hundred=rate
        )
    for path, document in batch:
        add_supplier(document)
        address_to_us(document)
        invoice = import_invoice(
            path.read_bytes(), path.name, company, clock=clock, settings=scene.settings("opus"), actor="test"
        )
        lending.send(invoice, actor="test", clock=clock)
    with Processes(folder) as processes:
        start(processes, scene)
        until = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < until:
            with connected():
                left = [row for row in Invoice.select() if row.state != Invoice.BOOKED]
            if not left:
                break
            time.sleep(0.2)
    assert [(row.file_name, row.state, row.state_reason) for row in left] == []
    for invoice in Invoice.select():
        (answer,) = Answer.select().join(Lending).where(Lending.invoice == invoice)
        owed = [
            row.amount_ore
            for row in Posting.select()
            .join(Voucher)
            .where(Voucher.uuid == answer.voucher_uuid, Posting.supplier == invoice.supplier_number)
        ]
        assert owed == [-due_ore(invoice)], invoice.file_name
    assert verify().ok
    disconnect()


def add_supplier(document: InvoiceDocument) -> None:
    identifiers = document.supplier.known_by
    if find_supplier("999", identifiers) is None:
        Supplier.create(
            municipality=Municipality.get_by_id("999"),
            uuid=uuid4(),
            number=str(300000 + Supplier.select().count()),
            name=document.supplier.name,
            identifiers=list(identifiers) or ["X:1"],
        )


def start(processes: Processes, scene: Scene) -> None:
    opus, case_system = scene.environment("opus"), scene.environment("case-system")
    processes.start("server", opus, "serve", f"--bind=127.0.0.1:{scene.opus_port}", "--workers=1")
    processes.start(
        "case-system",
        case_system,
        "simulate",
        "case-system",
        f"--bind=127.0.0.1:{scene.case_port}",
        f"--opus-url={scene.opus_url}",
        f"--opus-certificate={scene.keys / 'opus.crt.pem'}",
        f"--municipality-cvr={Municipality.get().cvr}",  # to whom the last document was addressed
        "--answer-delay=0.1",
        "--behaviour=approve=1",
        "--behaviour=split=1",
    )
    processes.start("worker", opus, "worker")
