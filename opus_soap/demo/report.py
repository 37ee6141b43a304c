"""What the demo shows: every invoice's way, and the trial balance."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from opus_soap.ledger.balance import trial_balance
from opus_soap.ledger.models import CompanyCode, Voucher
from opus_soap.money import danish
from opus_soap.store.models import Answer, AuditEntry, Invoice, Lending

STATE_STYLES = {
    Invoice.BOOKED: "green",
    Invoice.PARKED: "red",
    Invoice.REJECTED: "red",
    Invoice.AWAITING: "yellow",
    Invoice.QUEUED: "yellow",
}


def invoice_table(described: Mapping[str, str]) -> Table:
    """A row per invoice: what it is, what came back for it, which voucher; fits 80 columns."""
    table = Table(title="Every invoice's way", title_style="bold", header_style="dim", expand=False)
    table.add_column("Invoice and supplier", max_width=30)
    table.add_column("Amount", justify="right", no_wrap=True)
    table.add_column("Came back", no_wrap=True)
    table.add_column("Voucher", no_wrap=True)
    for invoice in Invoice.select().order_by(Invoice.number):
        sign = -1 if invoice.document_type == "credit_note" else 1
        kind = described.get(invoice.number, "")
        table.add_row(
            f"{invoice.number} [dim]{kind}[/]\n[dim]{invoice.supplier_name}[/]",
            danish(sign * (invoice.payable_ore or 0)),
            _came_back(invoice),
            f"[{STATE_STYLES.get(invoice.state, 'white')}]{_voucher(invoice) or invoice.state}[/]",
        )
    return table


def _came_back(invoice: Invoice) -> str:
    """`approved`, or what happened on the way there."""
    lending = Lending.get_or_none(Lending.invoice == invoice)
    if lending is None:
        return "-"
    refused = AuditEntry.select().where(
        AuditEntry.subject == str(lending.uuid), AuditEntry.event == "answer.refused"
    )
    steps = [f"refused {entry.detail['codes']}" for entry in refused]
    for answer in Answer.select().where(Answer.lending == lending).order_by(Answer.id):
        word = "approved" if answer.approved else "rejected"
        steps.append("corrected" if answer.corrects else word)
    return "\n".join(steps) or "-"


def _voucher(invoice: Invoice) -> str:
    answer = (
        Answer.select().join(Lending).where(Lending.invoice == invoice).order_by(Answer.id.desc()).first()
    )
    if answer is None or answer.voucher_uuid is None:
        return ""
    voucher = Voucher.get(Voucher.uuid == answer.voucher_uuid)
    return f"{voucher.document_type} {voucher.number}"


def balance_table(company: CompanyCode, year: int) -> Table:
    """The trial balance, in kroner."""
    title = f"Trial balance {company.code}, {year} (kroner)"
    table = Table(title=title, title_style="bold", header_style="dim", show_footer=True)
    rows = [row for row in trial_balance(company, year) if row.debit_ore or row.credit_ore or row.opening_ore]
    table.add_column("Account", footer="Total")
    table.add_column("Name", max_width=18, no_wrap=True)
    for name, total in (
        ("Debit", sum(row.debit_ore for row in rows)),
        ("Credit", sum(row.credit_ore for row in rows)),
        ("Balance", sum(row.closing_ore for row in rows)),
    ):
        table.add_column(name, justify="right", footer=danish(total), no_wrap=True)
    for row in rows:
        table.add_row(
            row.account, row.name, danish(row.debit_ore), danish(row.credit_ore), danish(row.closing_ore)
        )
    return table


def print_report(console: Console, described: Mapping[str, str], company: CompanyCode, year: int) -> None:
    """Both tables."""
    console.print()
    console.print(invoice_table(described))
    console.print()
    console.print(balance_table(company, year))
