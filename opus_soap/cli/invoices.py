"""`opus-soap invoices`: import, send and follow invoices (SF1590_D)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.progress import track
from rich.text import Text

from opus_soap.cli.runtime import Runtime, actor, reports_errors
from opus_soap.cli.shown import listing, local, shown, shown_all
from opus_soap.errors import ContentMissing, FileUnreadable, OpusSoapError
from opus_soap.interfaces.invoice_approval import lending
from opus_soap.interfaces.invoice_approval.answers import content_of
from opus_soap.interfaces.invoice_approval.importing import files, import_files
from opus_soap.ledger.master_data import company_code as find_company
from opus_soap.money import danish
from opus_soap.store import agreements, audit, content, outbox
from opus_soap.store.models import Answer, Invoice, Lending


@click.group()
def invoices() -> None:
    """Import, send and follow invoices (SF1590_D)."""


@invoices.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--send", is_flag=True, help="Route and queue what can be sent at once.")
@click.option("--municipality", default="999", help="Municipality code, three digits.")
@click.option("--company-code", default="0020", help="Company code (firmakode).")
@click.pass_obj
@reports_errors
def import_(
    runtime: Runtime, paths: tuple[Path, ...], send: bool, municipality: str, company_code: str
) -> None:
    """Import invoice files, and every *.xml in folders; exit status 1 when any was refused."""
    runtime.open_database()
    company = find_company(municipality, company_code)
    found = files(paths)
    if not found:
        runtime.console.print("no *.xml there", style="yellow")
    results = import_files(found, company, clock=runtime.clock, settings=runtime.settings, actor=actor())
    table = listing("File", "Invoice", "Supplier", "Amount", "State", numbers=("Amount",))
    refused = 0
    for result in track(results, "Importing", total=len(found), console=runtime.console, transient=True):
        name = Path(result.path).name
        if result.invoice is None:
            refused += 1
            table.add_row(name, "-", "-", "-", Text(shown(str(result.error)), style="red"))
            continue
        invoice = result.invoice
        if send:
            _try_to_send(runtime, invoice)
        table.add_row(name, invoice.number, invoice.supplier_name, _amount(invoice), _state(invoice))
    runtime.console.print(table)
    runtime.console.print(f"{len(found) - refused} imported, {refused} refused")
    raise SystemExit(1 if refused else 0)


def _try_to_send(runtime: Runtime, invoice: Invoice) -> None:
    try:
        lending.send(invoice, actor=actor(), clock=runtime.clock)
    except OpusSoapError as error:
        lending.note_problem(invoice, error)


def _amount(invoice: Invoice) -> str:
    sign = -1 if invoice.document_type == "credit_note" else 1
    return f"{danish(sign * invoice.payable_cents)} {invoice.currency}"


def _state(invoice: Invoice) -> str:
    if invoice.state == Invoice.PARKED and not invoice.state_reason:
        return "parked: imported, not sent yet"
    return f"{invoice.state} {invoice.state_code} {invoice.state_reason}".strip()


@invoices.command("list")
@click.option("--state", type=click.Choice(Invoice.STATES), help="Only those in this state.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.pass_obj
@reports_errors
def list_invoices(runtime: Runtime, state: str | None, as_json: bool) -> None:
    """List invoices and where they stand."""
    runtime.open_database()
    query = Invoice.select().order_by(Invoice.id)
    if state:
        query = query.where(Invoice.state == state)
    if as_json:
        _echo_json([_facts(invoice) for invoice in query])
        return
    table = listing("ID", "Invoice", "Supplier", "Amount", "State", numbers=("Amount",))
    for invoice in query:
        table.add_row(
            invoice.uuid.hex[:8], invoice.number, invoice.supplier_name, _amount(invoice), _state(invoice)
        )
    runtime.console.print(table)


def _echo_json(value: object) -> None:
    click.echo(json.dumps(shown_all(value), ensure_ascii=False, indent=2))


def _facts(invoice: Invoice) -> dict[str, Any]:
    return {
        "id": str(invoice.uuid),
        "number": invoice.number,
        "type": invoice.document_type,
        "supplier": invoice.supplier_name,
        "supplier_number": invoice.supplier_number,
        "amount_cents": invoice.payable_cents,
        "currency": invoice.currency,
        "amount_ore": invoice.payable_ore,
        "state": invoice.state,
        "reason": invoice.state_reason,
        "code": invoice.state_code,
    }


@invoices.command()
@click.argument("identifier")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
@click.pass_obj
@reports_errors
def show(runtime: Runtime, identifier: str, as_json: bool) -> None:
    """Show an invoice's way: what was read, where it was sent, what came back.

    IDENTIFIER is the invoice's number, or its UUID, or the first 8 characters of that. A `lending` is the
    FakturaInformationIdentifikation that the case system knows the invoice by.
    """
    runtime.open_database()
    invoice = lending.find_invoice(identifier)
    lendings = list(Lending.select().where(Lending.invoice == invoice).order_by(Lending.id))
    subjects = [invoice.uuid, *(row.uuid for row in lendings)]
    trail = [entry for subject in subjects for entry in audit.trail(subject)]
    trail.sort(key=lambda entry: entry.id)
    answers: list[dict[str, Any]] = [
        {"answer": str(row.uuid), "approved": row.approved, "content": _content(row)}
        for row in Answer.select().join(Lending).where(Lending.invoice == invoice).order_by(Answer.id)
    ]
    if as_json:
        way = [
            {"at": str(entry.at), "event": entry.event, "actor": entry.actor, **entry.detail}
            for entry in trail
        ]
        _echo_json({**_facts(invoice), "way": way, "answers": answers})
        return
    title = f"{invoice.document_type} {invoice.number} · {invoice.supplier_name}"
    runtime.console.print(title, style="bold")
    runtime.console.print(f"{_amount(invoice)} · {_state(invoice)}")
    for warning in invoice.facts["warnings"]:
        runtime.console.print(warning, style="yellow")
    for entry in trail:
        detail = ", ".join(f"{name} {value}" for name, value in entry.detail.items() if value)
        runtime.console.print(f"  {local(entry.at)}  {entry.event:24} {entry.actor}: {detail}")
    for waiting in filter(None, (outbox.waiting_about(row.uuid) for row in lendings)):
        said = f"tried {waiting.attempts} times, next {local(waiting.next_attempt_at)}"
        runtime.console.print(f"  {waiting.state} for {waiting.system.name}: {said}", style="yellow")
        if waiting.last_error:
            runtime.console.print(f"    {waiting.last_error}", style="yellow")
    for answer in answers:
        for text in _written(answer["content"] or {}):
            runtime.console.print(f"  „{text}”", style="italic")


def _written(content: dict[str, Any]) -> Iterator[str]:
    """What people wrote in an answer: remarks, and reasons for accepting or rejecting."""
    for remark in content.get("Korrespondance", ()):
        yield remark["KorrespondanceTekst"]
    for outcome in ("AcceptStruktur", "AfvisningStruktur"):
        for reason in content.get(outcome, {}).get("ResultatÅrsagStruktur", ()):
            yield reason.get("LokalÅrsagTekst") or reason.get("LokalÅrsagKode", "-")


def _content(answer: Answer) -> dict[str, Any] | None:
    """What the answer said; None when it has been purged."""
    try:
        return content_of(answer)
    except ContentMissing:
        return None


@invoices.command()
@click.argument("identifiers", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every parked invoice that can be sent.")
@click.pass_obj
@reports_errors
def send(runtime: Runtime, identifiers: tuple[str, ...], everything: bool) -> None:
    """Route invoices and queue them for their case system."""
    if not identifiers and not everything:
        raise click.UsageError("name the invoices, or --all")
    runtime.open_database()
    chosen = [lending.find_invoice(identifier) for identifier in identifiers]
    if everything:
        chosen = list(Invoice.select().where(Invoice.state == Invoice.PARKED).order_by(Invoice.id))
    for invoice in chosen:
        if everything:
            _try_to_send(runtime, invoice)
        else:
            lending.send(invoice, actor=actor(), clock=runtime.clock)
        click.echo(shown(f"{invoice.number}: {_state(invoice)}"))


def _acts(name: str, text: str, action: Callable[..., Any]) -> None:
    """A command that takes one invoice and does one thing to it."""

    @invoices.command(name, help=text)
    @click.argument("identifier")
    @click.pass_obj
    @reports_errors
    def command(runtime: Runtime, identifier: str) -> None:
        runtime.open_database()
        invoice = lending.find_invoice(identifier)
        action(invoice, actor=actor(), clock=runtime.clock)
        click.echo(shown(f"{invoice.number}: {_state(invoice)}"))


_acts("recall", "Take an invoice back; a late answer to it is refused.", lending.recall)
_acts("release", "Let a parked invoice go on.", lending.release)


@invoices.command()
@click.argument("identifier")
@click.option("--reason", required=True, help="Why; shown in lists.")
@click.pass_obj
@reports_errors
def park(runtime: Runtime, identifier: str, reason: str) -> None:
    """Hold an invoice that waits to be sent."""
    runtime.open_database()
    invoice = lending.find_invoice(identifier)
    lending.park(invoice, reason, actor=actor(), clock=runtime.clock)
    click.echo(shown(f"{invoice.number}: {_state(invoice)}"))


@invoices.command()
@click.argument("identifier")
@click.option("--to", "system", required=True, help="The system's name or UUID.")
@click.pass_obj
@reports_errors
def resend(runtime: Runtime, identifier: str, system: str) -> None:
    """Send an invoice to another system; the earlier one's answers are refused from now on."""
    runtime.open_database()
    invoice = lending.find_invoice(identifier)
    lending.resend(invoice, agreements.find_system(system), actor=actor(), clock=runtime.clock)
    click.echo(shown(f"{invoice.number}: {_state(invoice)}"))


@invoices.command()
@click.pass_obj
@reports_errors
def remind(runtime: Runtime) -> None:
    """List the invoices whose answer is overdue, and note it."""
    runtime.open_database()
    overdue = lending.remind(actor=actor(), clock=runtime.clock)
    click.echo(f"overdue: {len(overdue)}")
    for row in overdue:
        click.echo(shown(f"{row.invoice.number}: {row.system.name}, answer was due {row.due_at:%Y-%m-%d}"))


@invoices.command("export-html")
@click.argument("identifier")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
@reports_errors
def export_html(runtime: Runtime, identifier: str, file: Path) -> None:
    """Write an invoice's readable rendering to FILE."""
    runtime.open_database()
    page = content.get(lending.find_invoice(identifier).rendering.sha256)
    try:
        file.write_bytes(page)
    except OSError as error:
        raise FileUnreadable(element=str(file), value=error.strerror or "?") from None
    click.echo(f"written: {file}")
