"""200 invoices through two real servers, while processes are killed: nothing lost, nothing twice."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from opus_soap.clock import SystemClock
from opus_soap.database import connected, disconnect
from opus_soap.demo.processes import Processes
from opus_soap.demo.scene import Scene, prepare, write_invoices
from opus_soap.interfaces.invoice_approval import lending
from opus_soap.interfaces.invoice_approval.importing import files, import_files
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import Voucher
from opus_soap.ledger.seals import load_seal_key, seal
from opus_soap.ledger.verification import verify
from opus_soap.simulate.behaviours import Choice
from opus_soap.store.models import Answer, Invoice

pytestmark = pytest.mark.slow

INVOICES = 200
KILLS = 10
SEED = 20261123
LONGEST_SECONDS = 240
WEIGHTS = {
    "approve": 6,
    "split": 3,
    "reject": 2,
    "wrong_sum": 2,
    "account_error": 1,
    "corrected": 2,
    "duplicate": 2,
    "lost_ack": 2,
    "slow": 1,
    "silence": 1,
    "fault": 1,
}
ENDS = {"reject": Invoice.REJECTED, "silence": Invoice.AWAITING, "fault": Invoice.PARKED}
PATIENT = {"OPUS_SOAP_SEND_MAX_ATTEMPTS": "100", "OPUS_SOAP_SEND_LEASE_SECONDS": "5"}


@dataclass
class Town:
    """The running processes, each of which can be killed and started again."""

    scene: Scene
    processes: Processes
    running: dict[str, subprocess.Popen[bytes]]

    def start(self, name: str) -> None:
        """Start `server`, `worker` or `case-system`."""
        scene = self.scene
        arguments = {
            "server": ("serve", "--bind", f"127.0.0.1:{scene.opus_port}"),
            "worker": ("worker",),
            "case-system": (
                "simulate",
                "case-system",
                f"--bind=127.0.0.1:{scene.case_port}",
                f"--opus-url={scene.opus_url}",
                f"--opus-certificate={scene.keys / 'opus.crt.pem'}",
                f"--seed={SEED}",
                "--answer-delay=0.2",
                "--slow=1",
                *(f"--behaviour={name}={weight}" for name, weight in WEIGHTS.items()),
            ),
        }[name]
        environment = scene.environment("case-system" if name == "case-system" else "opus") | PATIENT
        self.running[name] = self.processes.start(name, environment, *arguments)

    def kill(self, name: str) -> None:
        """SIGKILL the process and its children (gunicorn's workers) at once."""
        os.killpg(self.running[name].pid, signal.SIGKILL)
        self.running[name].wait()


@pytest.fixture
def opus_database(database_url: str) -> str:
    """A migrated database for the finance system, on each engine."""
    return database_url


def test_nothing_is_lost_and_nothing_is_booked_twice(opus_database: str, tmp_path: Path):
    clock = SystemClock()
    scene = prepare(tmp_path, clock, opus_port=0, case_port=0, opus_database=opus_database)
    company = company_code("999", "0020")
    write_invoices(scene, clock, seed=3, count=INVOICES)
    choice = Choice(SEED, WEIGHTS)
    random = Random(SEED)
    with Processes(tmp_path) as processes:
        town = Town(scene, processes, {})
        try:
            for name in ("server", "case-system", "worker"):
                town.start(name)
            results = list(
                import_files(
                    files([tmp_path / "invoices"]),
                    company,
                    clock=clock,
                    settings=scene.settings("opus"),
                    actor="test",
                )
            )
            assert [result.error for result in results if result.error] == []
            for result in results:
                assert result.invoice is not None
                lending.send(result.invoice, actor="test", clock=clock)
            for kill in range(KILLS):
                time.sleep(random.uniform(0.5, 2.5))
                town.kill("server")
                if kill in (3, 7):
                    town.kill("worker")
                    town.start("worker")
                if kill == 5:
                    town.kill("case-system")
                    town.start("case-system")
                town.start("server")
            wait_until_settled(scene, choice)
        finally:
            for process in town.running.values():
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)
    seal(company, load_seal_key(scene.keys / "seal.key.pem"), clock=clock)
    check_states(choice)
    check_acknowledged(scene)
    check_vouchers()
    report = verify()
    assert report.problems == ()
    assert report.vouchers > INVOICES / 2
    disconnect()


def wait_until_settled(scene: Scene, choice: Choice) -> None:
    """Until every invoice stands where its behaviour takes it and the case system has nothing to send."""
    until = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < until:
        with connected():
            wrong = [
                (row.number, row.state, row.state_reason)
                for row in Invoice.select()
                if row.state != ENDS.get(choice.for_invoice(row.number), Invoice.BOOKED)
            ]
        waiting = case_system_rows(scene, "SELECT count(*) FROM outbox_entry WHERE state != 'delivered'")[0][
            0
        ]
        if not wrong and not waiting:
            return
        time.sleep(0.5)
    pytest.fail(f"not settled: {wrong[:5]}, {waiting} answers waiting")


def case_system_rows(scene: Scene, query: str) -> list[tuple[object, ...]]:
    """Read the case system's own database, beside its process."""
    database = sqlite3.connect(f"file:{scene.folder / 'case-system.sqlite3'}?mode=ro", uri=True, timeout=30)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def check_states(choice: Choice) -> None:
    """Each invoice is in exactly the state that its behaviour leads to."""
    found = Counter(row.state for row in Invoice.select())
    assert sum(found.values()) == INVOICES
    expected = Counter(ENDS.get(choice.for_invoice(row.number), Invoice.BOOKED) for row in Invoice.select())
    assert found == expected


def check_acknowledged(scene: Scene) -> None:
    """Every answer that the case system saw accepted stands with us."""
    rows = case_system_rows(
        scene,
        "SELECT c.data FROM outbox_entry o JOIN content c ON c.sha256 = o.receipt_id",
    )
    receipts = [json.loads(bytes(data)) for (data,) in rows]  # type: ignore[arg-type]
    accepted = {uuid.UUID(receipt["answer"]) for receipt in receipts if receipt["accepted"]}
    assert len(accepted) > INVOICES / 2
    assert accepted - {row.uuid for row in Answer.select()} == set()


def check_vouchers() -> None:
    """A booked invoice has exactly one voucher that is not reversed; any other has none."""
    standing = Counter[str]()
    for voucher in Voucher.select():
        standing[voucher.reference] += -1 if voucher.reverses else 1
    for invoice in Invoice.select():
        assert standing[invoice.number] == (1 if invoice.state == Invoice.BOOKED else 0), invoice.number
