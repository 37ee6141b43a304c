"""The demo from start to end."""

from __future__ import annotations

import shlex
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from opus_soap.clock import Clock, business_date
from opus_soap.database import connected, disconnect
from opus_soap.demo.processes import Processes
from opus_soap.demo.report import print_report
from opus_soap.demo.scene import STS, Scene, prepare, write_invoices
from opus_soap.errors import DemoFolderInUse
from opus_soap.interfaces.invoice_approval import lending
from opus_soap.interfaces.invoice_approval.importing import files, import_files
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import CompanyCode
from opus_soap.ledger.seals import load_seal_key, seal
from opus_soap.ledger.verification import verify
from opus_soap.store.models import Invoice, OutboxEntry

INVOICES = 15
SEED = 7
LONGEST_WAIT_SECONDS = 120
QUIET_SECONDS = 4  # no change for so long: nothing more is coming (a correction follows its answer)
# one of each that is worth seeing; every one of them ends booked
BEHAVIOURS = ("approve", "split", "wrong_sum", "duplicate", "corrected", "lost_ack", "account_error", "slow")


def run_demo(
    console: Console,
    clock: Clock,
    *,
    security_model: str,
    once: bool,
    opus_port: int,
    case_port: int,
    keep: Path | None,
) -> bool:
    """Run the loop and print the tables; True when everything was booked and the ledger verifies."""
    with _folder(keep) as folder, _ended_by_sigterm(), Processes(folder) as processes:
        with console.status("Making keys, a database and a municipality …"):
            scene = prepare(
                folder, clock, opus_port=opus_port, case_port=case_port, security_model=security_model
            )
            described = write_invoices(scene, clock, seed=SEED, count=INVOICES)
        with console.status("Starting the server, the worker and the case system …"):
            _start(processes, scene, sorted(described))
        company = company_code(scene.definition["municipality"]["code"], "0020")
        _send_out(console, scene, company, clock)
        _wait(console, len(described))
        good = _conclude(console, scene, company, clock, described)
        if not once:
            _print_addresses(console, scene)
            console.print("\n[bold]Everything keeps running.[/] Ctrl-C ends it.")
            _serve_on()
        return good


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise DemoFolderInUse(value=keep)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="opus-soap-demo-") as name:
        yield Path(name)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM unwinds like Ctrl-C, so that no child is left behind."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _start(processes: Processes, scene: Scene, numbers: list[str]) -> None:
    opus, case_system = scene.environment("opus"), scene.environment("case-system")
    chosen = [
        f"--invoice={number}={BEHAVIOURS[index % len(BEHAVIOURS)]}" for index, number in enumerate(numbers)
    ]
    if scene.security_model == "token":
        _start_sts(processes, scene)
    processes.start("server", opus, "serve", "--bind", f"127.0.0.1:{scene.opus_port}")
    processes.start(
        "case-system",
        case_system,
        "simulate",
        "case-system",
        "--bind",
        f"127.0.0.1:{scene.case_port}",
        "--opus-url",
        scene.opus_url,
        "--opus-certificate",
        str(scene.keys / "opus.crt.pem"),
        "--security-model",
        scene.security_model,
        *chosen,
    )
    processes.start("worker", opus, "worker")
    root = scene.keys / "root.crt.pem"
    processes.wait_for("server", f"{scene.opus_url}/health", root)
    processes.wait_for("case-system", f"{scene.case_url}/health", root)


def _start_sts(processes: Processes, scene: Scene) -> None:
    processes.start(
        "sts",
        scene.environment("opus"),
        "simulate",
        "sts",
        "--bind",
        f"127.0.0.1:{scene.sts_port}",
        "--entity-id",
        STS,
        "--key",
        str(scene.keys / "sts.key.pem"),
        "--certificate",
        str(scene.keys / "sts.crt.pem"),
    )
    processes.wait_for("sts", f"http://127.0.0.1:{scene.sts_port}/health")


def _send_out(console: Console, scene: Scene, company: CompanyCode, clock: Clock) -> None:
    settings = scene.settings("opus")
    paths = files([scene.folder / "invoices"])
    for result in import_files(paths, company, clock=clock, settings=settings, actor="demo"):
        if result.invoice is None:
            console.print(f"[red]{result.path}: {result.error}[/]")
        else:
            lending.send(result.invoice, actor="demo", clock=clock)
    console.print(f"{len(paths)} invoices imported, checked, routed and queued.")


def _wait(console: Console, total: int) -> None:
    """Until every invoice is booked and nothing has moved for a while, or too long has passed."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Out for approval, back, into the books", total=total)
        until = time.monotonic() + LONGEST_WAIT_SECONDS
        last, quiet_since = (-1, -1), time.monotonic()
        while time.monotonic() < until:
            with connected():
                booked = Invoice.select().where(Invoice.state == Invoice.BOOKED).count()
                queued = OutboxEntry.select().where(OutboxEntry.state == OutboxEntry.PENDING).count()
                entries = Invoice.select().where(Invoice.state == Invoice.QUEUED).count()
            progress.update(task, completed=booked)
            now = (booked, queued + entries)
            if now != last:
                last, quiet_since = now, time.monotonic()
            if booked == total and time.monotonic() - quiet_since > QUIET_SECONDS:
                return
            time.sleep(0.2)


def _conclude(
    console: Console, scene: Scene, company: CompanyCode, clock: Clock, described: dict[str, str]
) -> bool:
    """Seal, report, verify."""
    seal(company, load_seal_key(scene.keys / "seal.key.pem"), clock=clock)
    print_report(console, described, company, business_date(clock.now()).year)
    report = verify()
    booked = Invoice.select().where(Invoice.state == Invoice.BOOKED).count()
    console.print(f"\n{booked} of {len(described)} invoices are booked.")
    if report.ok:
        console.print(
            f"[green]ledger verify:[/] {report.vouchers} vouchers, {report.postings} postings, "
            f"{report.seals} seal: all hold."
        )
    else:
        console.print("[red]ledger verify:[/] " + "; ".join(report.problems))
    return booked == len(described) and report.ok


def _print_addresses(console: Console, scene: Scene) -> None:
    console.print("\n[bold]Look at it[/]")
    addresses = [
        ("What the case system got", f"{scene.case_url}/"),
        ("Contract of the answers", f"{scene.opus_url}/service/OIR/FakturaInformationSvarAfsend/1?wsdl"),
        ("Contract of the sendings", f"{scene.case_url}/service/OIR/FakturaInformationAfsend/1?wsdl"),
        ("The dimensions' UUIDs", f"{scene.opus_url}/service/Stamdata/DimensionHent/1?wsdl"),
    ]
    if scene.security_model == "token":
        addresses.append(("Where tokens are given", scene.sts_url))
    for text, url in addresses:
        console.print(f"  {text}\n    {url}", highlight=False, soft_wrap=True)
    console.print("  The books and the messages, from another terminal (invoices, ledger, messages …)")
    console.print(
        f"    export OPUS_SOAP_CONFIG={shlex.quote(str(scene.settings_file))}\n    opus-soap invoices list",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"  Keys and certificates of everybody\n    {scene.keys}", highlight=False, soft_wrap=True)


def _serve_on() -> None:
    disconnect()
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return
