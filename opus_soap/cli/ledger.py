"""`opus-soap ledger`: verify, balance, show, seal."""

from __future__ import annotations

import click
from rich.table import Table

from opus_soap.cli.runtime import Runtime, reports_errors
from opus_soap.clock import business_date
from opus_soap.errors import VoucherUnknown
from opus_soap.ledger import seals
from opus_soap.ledger.balance import trial_balance
from opus_soap.ledger.master_data import company_code as find_company
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.ledger.posting import label
from opus_soap.ledger.verification import verify as verify_ledger
from opus_soap.money import danish

_MUNICIPALITY = click.option("--municipality", default="999", help="Municipality code, three digits.")
_COMPANY = click.option("--company-code", default="0020", help="Company code (firmakode).")


@click.group()
def ledger() -> None:
    """Verify and read the books."""


@ledger.command()
@click.option("--municipality", help="Only this municipality's books.")
@click.pass_obj
@reports_errors
def verify(runtime: Runtime, municipality: str | None) -> None:
    """Recompute hashes, sums, numbers, reversals and seals; exit status 1 when something does not hold."""
    runtime.open_database()
    report = verify_ledger(municipality)
    for problem in report.problems:
        click.echo(problem, err=True)
    click.echo(
        f"{report.vouchers} vouchers, {report.postings} postings, {report.seals} seals, "
        f"{report.unsealed} not sealed yet: {'all hold' if report.ok else f'{len(report.problems)} problems'}"
    )
    raise SystemExit(0 if report.ok else 1)


@ledger.command()
@_MUNICIPALITY
@_COMPANY
@click.option("--year", type=int, help="Fiscal year; this year when left out.")
@click.pass_obj
@reports_errors
def balance(runtime: Runtime, municipality: str, company_code: str, year: int | None) -> None:
    """Print the trial balance."""
    runtime.open_database()
    company = find_company(municipality, company_code)
    chosen = year or business_date(runtime.clock.now()).year
    table = Table(
        "Account", "Name", "Opening", "Debit", "Credit", "Closing", title=f"{company.code} {chosen}"
    )
    for row in trial_balance(company, chosen):
        amounts = (row.opening_ore, row.debit_ore, row.credit_ore, row.closing_ore)
        table.add_row(row.account, row.name, *(danish(amount) for amount in amounts))
    runtime.console.print(table)


@ledger.command()
@click.argument("number", type=int)
@_MUNICIPALITY
@_COMPANY
@click.pass_obj
@reports_errors
def show(runtime: Runtime, number: int, municipality: str, company_code: str) -> None:
    """Show every voucher with this number, with its postings and its links."""
    runtime.open_database()
    company = find_company(municipality, company_code)
    vouchers = list(Voucher.select().where(Voucher.company_code == company, Voucher.number == number))
    if not vouchers:
        raise VoucherUnknown(value=number)
    for voucher in vouchers:
        table = Table("Line", "Key", "Account", "Cost centre", "WBS", "Supplier", "Amount", "Text")
        table.title = f"{label(voucher)} · {voucher.posting_date} · {voucher.header_text}"
        for row in Posting.select().where(Posting.voucher == voucher).order_by(Posting.line):
            texts = (row.cost_center, row.wbs_element, row.supplier)
            table.add_row(
                str(row.line),
                row.posting_key,
                row.account,
                *(text or "" for text in texts),
                danish(row.amount_ore),
                row.text,
            )
        runtime.console.print(table)
        if voucher.reverses:
            click.echo(f"reverses {label(voucher.reverses)}")
        for reversal in Voucher.select().where(Voucher.reverses == voucher):
            click.echo(f"reversed by {label(reversal)}")


@ledger.command()
@_MUNICIPALITY
@_COMPANY
@click.option("--create-key", is_flag=True, help="Make the key first (OPUS_SOAP_SEAL_KEY_FILE).")
@click.pass_obj
@reports_errors
def seal(runtime: Runtime, municipality: str, company_code: str, create_key: bool) -> None:
    """Seal every voucher since the last seal, and print the root to be kept elsewhere."""
    runtime.open_database()
    path = runtime.settings.seal_key_file
    if create_key:
        seals.create_seal_key(path)
    fresh = seals.seal(
        find_company(municipality, company_code), seals.load_seal_key(path), clock=runtime.clock
    )
    if fresh is None:
        click.echo("nothing to seal")
    else:
        click.echo(f"seal {fresh.sequence}: {fresh.voucher_count} vouchers, root {bytes(fresh.root).hex()}")
