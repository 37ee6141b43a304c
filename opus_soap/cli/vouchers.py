"""`opus-soap vouchers`: those that wait for a second person, who may release them, and reversals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click

from opus_soap.cli.amounts import amount
from opus_soap.cli.runtime import Runtime, actor, reports_errors
from opus_soap.cli.shown import listing, local, shown
from opus_soap.cli.voucher_lines import print_lines
from opus_soap.clock import business_date
from opus_soap.database import transaction
from opus_soap.errors import VoucherUnknown
from opus_soap.ledger import parking
from opus_soap.ledger.drafts import VoucherDraft, label
from opus_soap.ledger.master_data import company_code as find_company
from opus_soap.ledger.master_data import find_municipality
from opus_soap.ledger.models import CompanyCode, ParkedVoucher, UserRight, Voucher
from opus_soap.ledger.posting import reverse as reverse_voucher
from opus_soap.ledger.waiting import find_parked
from opus_soap.money import danish
from opus_soap.store import audit

_MUNICIPALITY = click.option("--municipality", default="999", help="Municipality code, three digits.")
_COMPANY = click.option("--company-code", default="0020", help="Company code (firmakode).")
_UUID = click.argument("uuid")  # or its first 8 characters
_USER = click.option(
    "--user",
    default=lambda: actor().removeprefix("cli:"),
    show_default="whoever is logged in",
    help="Opus user id of who decides.",
)


@click.group()
def vouchers() -> None:
    """Vouchers that wait for release; who may release; reversals."""


@vouchers.command()
@click.option("--all", "every", is_flag=True, help="Those that were decided, too.")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def parked(runtime: Runtime, every: bool, municipality: str) -> None:
    """List the vouchers that wait for a second person, oldest first; `show` tells all of one."""
    runtime.open_database()
    own = CompanyCode.select(CompanyCode.id).where(
        CompanyCode.municipality == find_municipality(municipality)
    )
    query = ParkedVoucher.select().where(ParkedVoucher.company_code.in_(own))
    if not every:
        query = query.where(ParkedVoucher.state == ParkedVoucher.PARKED)
    table = listing(
        "UUID", "Type", "Reference", "Amount", "Entered by", "Parked", "State", numbers=("Amount",)
    )
    for row in query.order_by(ParkedVoucher.id).limit(1000):
        state = row.state if row.decided_by is None else f"{row.state} by {row.decided_by}"
        table.add_row(
            str(row.uuid),
            f"{row.company_code.code} {row.document_type}",
            row.reference,
            danish(row.amount_ore),
            row.entered_by,
            local(row.parked_at),
            state,
        )
    runtime.console.print(table)


@vouchers.command()
@_UUID
@click.pass_obj
@reports_errors
def show(runtime: Runtime, uuid: str) -> None:
    """Show the parked voucher UUID as it would be posted: its head, its file and attachments, its lines."""
    runtime.open_database()
    row = find_parked(uuid)
    draft = parking.draft_of(row)
    for name, text in _head(row, draft):
        click.echo(shown(f"{name:<14}{text}"))
    title = f"{row.company_code.code} {row.document_type} · {row.reference} · {draft.header_text}"
    print_lines(runtime.console, title, draft.lines)


def _head(row: ParkedVoucher, draft: VoucherDraft) -> Iterator[tuple[str, str]]:
    """Everything of a parked voucher but its lines, each under its name."""
    details = dict(draft.details or {})
    yield "UUID", str(row.uuid)
    yield "State", row.state if row.decided_by is None else f"{row.state} by {row.decided_by} {row.reason}"
    yield "Type", f"{row.company_code.code} {row.document_type}"
    yield "Reference", row.reference
    yield "Text", draft.header_text
    yield "Amount", f"{danish(row.amount_ore)} {draft.currency}"
    yield "Document date", str(draft.document_date)
    yield "Posting date", f"{draft.posting_date}, period {draft.fiscal_period}/{draft.fiscal_year}"
    yield "Entered by", f"{row.entered_by}, parked {local(row.parked_at)}"
    yield "From", row.source
    if draft.reverses is not None:
        yield "Reverses", label(draft.reverses)
    for attached in details.pop("FILES", ()):
        yield (
            "Attachment",
            f"{attached['FILE_NAME']} ({attached['FILE_TYPE']}, {attached['FILE_LENGTH']} bytes)",
        )
    for name, value in details.items():
        if not name.endswith("sha256"):
            yield name, str(value)


@vouchers.command()
@_UUID
@_USER
@click.pass_obj
@reports_errors
def release(runtime: Runtime, uuid: str, user: str) -> None:
    """Post the parked voucher UUID (or its first 8 characters); by another than entered it, who may."""
    runtime.open_database()
    voucher = parking.release(find_parked(uuid).uuid, user=user, actor=actor(), clock=runtime.clock)
    click.echo(f"posted {label(voucher)}")


@vouchers.command()
@_UUID
@click.option("--reason", required=True, help="Why it is never to be posted.")
@_USER
@click.pass_obj
@reports_errors
def dismiss(runtime: Runtime, uuid: str, reason: str, user: str) -> None:
    """Decide that the parked voucher UUID is never posted; its sender's number stays taken."""
    runtime.open_database()
    row = find_parked(uuid)
    parking.dismiss(row.uuid, user=user, actor=actor(), reason=reason[:255], clock=runtime.clock)
    click.echo(f"dismissed {row.uuid}")


@vouchers.command()
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
@click.option("--type", "document_type", required=True, help="Its document type (KR, AB …).")
@click.option("--year", required=True, type=click.IntRange(1990, 2999), help="Its fiscal year.")
@click.option("--date", "posting_date", type=click.DateTime(["%Y-%m-%d"]), help="Posting date; today.")
@_MUNICIPALITY
@_COMPANY
@click.pass_obj
@reports_errors
def reverse(
    runtime: Runtime,
    number: int,
    document_type: str,
    year: int,
    posting_date: datetime | None,
    municipality: str,
    company_code: str,
) -> None:
    """Post the opposite of voucher NUMBER, linked to it."""
    runtime.open_database()
    voucher = Voucher.get_or_none(
        Voucher.company_code == find_company(municipality, company_code),
        Voucher.document_type == document_type.upper(),
        Voucher.year == year,
        Voucher.number == number,
    )
    if voucher is None:
        raise VoucherUnknown(value=number)
    on = posting_date.date() if posting_date else business_date(runtime.clock.now())
    with transaction():
        reversal = reverse_voucher(
            voucher, posting_date=on, entered_by=actor(), source="command line", clock=runtime.clock
        )
        audit.record(
            "voucher.reversed",
            voucher.uuid,
            actor=actor(),
            at=runtime.clock.now(),
            municipality=municipality,
            by=label(reversal),
        )
    click.echo(f"posted {label(reversal)}")


def _ean(_context: click.Context, _option: click.Parameter, ean: str) -> str:
    if ean and not (len(ean) == 13 and ean.isascii() and ean.isdecimal()):
        raise click.BadParameter(f"{ean} is not an EAN of 13 digits")
    return ean


@vouchers.group()
def rights() -> None:
    """Who may release vouchers, up to which amount, on which profit centre."""


@rights.command("set")
@click.argument("user")
@click.option("--limit", required=True, callback=amount, help="Largest voucher, kroner.")
@click.option("--profit-center", default="", help="On this profit centre only; on all when left out.")
@click.option("--ean", default="", callback=_ean, help="For invoices to this EAN, and not for vouchers.")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def set_right(
    runtime: Runtime, user: str, limit: int, profit_center: str, ean: str, municipality: str
) -> None:
    """Let USER release vouchers up to a limit; again, to change the limit (0 takes it away)."""
    runtime.open_database()
    find_municipality(municipality)
    clock = runtime.clock
    parking.set_right(municipality, user, profit_center, limit_ore=limit, actor=actor(), clock=clock, ean=ean)
    for_invoices = f", invoices to {ean}" if ean else ""
    click.echo(f"{user}: {profit_center or 'all profit centres'}{for_invoices} ≤ {danish(limit)}")


@rights.command("list")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def list_rights(runtime: Runtime, municipality: str) -> None:
    """List the rights to release, and those to the invoices of an EAN."""
    runtime.open_database()
    table = listing("User", "Profit centre", "EAN", "Limit", numbers=("Limit",))
    query = UserRight.select().where(UserRight.municipality == find_municipality(municipality))
    for row in query.order_by(UserRight.user, UserRight.profit_center, UserRight.ean):
        table.add_row(row.user, row.profit_center or "all", row.ean, danish(row.limit_ore))
    runtime.console.print(table)
