"""`opus-soap ledger`: verify, balance, show, seal; periods, fiscal years and the year-end."""

from __future__ import annotations

import csv
import os
import re
import sys
from datetime import timedelta
from itertools import chain, islice
from pathlib import Path

import click
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from opus_soap.cli.runtime import Runtime, actor, reports_errors
from opus_soap.cli.shown import counted, listing, shown
from opus_soap.cli.voucher_lines import print_lines
from opus_soap.clock import business_date
from opus_soap.errors import OpeningLineInvalid, VoucherUnknown
from opus_soap.interfaces.postings_in.storing import PostingStore
from opus_soap.interfaces.postings_in.verification import verify_files
from opus_soap.ledger import openings, periods, seals, year_end
from opus_soap.ledger.balance import DIMENSIONS, VOUCHER_FIELDS, trial_balance
from opus_soap.ledger.master_data import company_code as find_company
from opus_soap.ledger.master_data import find_municipality
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.ledger.posting import label
from opus_soap.ledger.verification import MOST_PROBLEMS
from opus_soap.ledger.verification import verify as verify_ledger
from opus_soap.ledger.waiting import parked_with
from opus_soap.money import danish, kroner_from_ore
from opus_soap.store import content

_MUNICIPALITY = click.option("--municipality", default="999", help="Municipality code, three digits.")
_COMPANY = click.option("--company-code", default="0020", help="Company code (firmakode).")
_STATE = click.Choice(["open", "closed"])
_ROOT = re.compile(r"[0-9a-fA-F]{64}")
_YEAR = click.IntRange(1990, 2999)
_AMOUNTS = ("Opening", "Debit", "Credit", "Closing")


def _roots(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for root in given:
        if not _ROOT.fullmatch(root):
            raise click.BadParameter(f"{root} is not a root: 64 hex digits")
    return tuple(root.lower() for root in given)


def _trusted(runtime: Runtime, file: Path | None) -> frozenset[str] | None:
    own = runtime.settings.seal_key_file
    if file is not None:
        return seals.read_trusted_keys(file)
    return frozenset({seals.key_id(seals.load_seal_key(own).public_key())}) if os.path.exists(own) else None


@click.group()
def ledger() -> None:
    """Verify and read the books; open, close and carry forward."""


@ledger.command()
@click.option("--municipality", help="Only this municipality's books.")
@click.option(
    "--trusted-keys",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File of public keys (PEM) or key ids; without it only OPUS_SOAP_SEAL_KEY_FILE is trusted.",
)
@click.option(
    "--root", "roots", multiple=True, callback=_roots, help="The root of a seal, kept elsewhere (repeat)."
)
@click.pass_obj
@reports_errors
def verify(
    runtime: Runtime, municipality: str | None, trusted_keys: Path | None, roots: tuple[str, ...]
) -> None:
    """Recompute hashes, sums, numbers, reversals and seals; exit status 1 when something does not hold.

    The files of postings that were delivered, their receipts, and all other stored content are held against
    their hashes too.
    """
    runtime.open_database()
    if municipality is not None:
        find_municipality(municipality)
    trusted = _trusted(runtime, trusted_keys)
    if trusted is None:
        click.echo("no key to trust: whose the seals are is not checked (--trusted-keys)", err=True)
    report = verify_ledger(municipality, trusted=trusted, roots=roots)
    store, an_hour_ago = PostingStore(runtime.settings.files_folder), runtime.clock.now() - timedelta(hours=1)
    kept = chain(verify_files(store, municipality, unfinished_since=an_hour_ago), content.verify())
    problems = [*report.problems, *islice(kept, MOST_PROBLEMS)]
    for problem in problems:
        click.echo(shown(problem), err=True)
    click.echo(
        f"{counted(report.vouchers, 'voucher')}, {counted(report.postings, 'posting')}, "
        f"{counted(report.seals, 'seal')}, {report.unsealed} not sealed yet: "
        f"{counted(len(problems), 'problem') if problems else 'all hold'}"
    )
    raise SystemExit(1 if problems else 0)


@ledger.command()
@_MUNICIPALITY
@_COMPANY
@click.option("--year", type=_YEAR, help="Fiscal year; this year when left out.")
@click.option("--by", type=click.Choice([*DIMENSIONS, *VOUCHER_FIELDS]), help="Each value of this apart.")
@click.option("--format", "form", default="table", type=click.Choice(["table", "csv"]), help="Output.")
@click.pass_obj
@reports_errors
def balance(
    runtime: Runtime, municipality: str, company_code: str, year: int | None, by: str | None, form: str
) -> None:
    """Print the trial balance, in kroner; raises the alarm for a year that these books do not have."""
    runtime.open_database()
    company = find_company(municipality, company_code)
    chosen = year or business_date(runtime.clock.now()).year
    periods.require_year(company, chosen)
    rows = [
        (
            [*([row.value or "-"] if by else []), row.account, row.name],
            (row.opening_ore, row.debit_ore, row.credit_ore, row.closing_ore),
        )
        for row in trial_balance(company, chosen, by)
    ]
    heads = [*([by] if by else []), "account", "name"]
    if form == "csv":
        writer = csv.writer(sys.stdout, delimiter=";")
        writer.writerow([*heads, *(name.lower() for name in _AMOUNTS)])
        writer.writerows([*texts, *map(kroner_from_ore, amounts)] for texts, amounts in rows)
        return
    titles = [head.replace("_", " ").capitalize() for head in heads]
    table = listing(*titles, *_AMOUNTS, numbers=_AMOUNTS, title=f"{company.code} {chosen}")
    for texts, amounts in rows:
        table.add_row(*texts, *map(danish, amounts))
    table.add_section()
    columns = zip(*(amounts for _, amounts in rows), strict=True)
    table.add_row("Total", *[""] * (len(heads) - 1), *(danish(sum(column)) for column in columns))
    runtime.console.print(table)


@ledger.command()
@click.argument("number", required=False, type=click.IntRange(1, 2**63 - 1))
@click.option("--reference", help="Instead of NUMBER: the sender's (RECEIV_DOC), or the invoice's.")
@_MUNICIPALITY
@_COMPANY
@click.option("--type", "document_type", help="Only this document type (KR, AB …).")
@click.option("--year", type=_YEAR, help="Only this fiscal year.")
@click.pass_obj
@reports_errors
def show(
    runtime: Runtime,
    number: int | None,
    reference: str | None,
    municipality: str,
    company_code: str,
    document_type: str | None,
    year: int | None,
) -> None:
    """Show every voucher with this number or reference, with its postings and its links."""
    if (number is None) == (reference is None):
        raise click.UsageError("give NUMBER or --reference")
    runtime.open_database()
    company = find_company(municipality, company_code)
    query = Voucher.select().where(Voucher.company_code == company)
    query = query.where(Voucher.number == number if number is not None else Voucher.reference == reference)
    if document_type is not None:
        query = query.where(Voucher.document_type == document_type.upper())
    if year is not None:
        query = query.where(Voucher.year == year)
    vouchers = list(query.order_by(Voucher.year, Voucher.document_type, Voucher.number))
    waiting = parked_with(company, reference) if reference is not None else []
    if not vouchers and not waiting:
        raise VoucherUnknown(value=number or str(reference)[:70])
    for voucher in vouchers:
        title = f"{label(voucher)} · {voucher.posting_date} · {voucher.reference} · {voucher.header_text}"
        lines = list(Posting.select().where(Posting.voucher == voucher).order_by(Posting.line))
        print_lines(runtime.console, title, lines)
        for attached in (voucher.details or {}).get("FILES", ()):
            said = "{FILE_NAME} ({FILE_TYPE}, {FILE_LENGTH} bytes), sha256 {sha256}".format(**attached)
            click.echo(shown(f"attached: {said}"))
        if voucher.reverses:
            click.echo(f"reverses {label(voucher.reverses)}")
        for reversal in Voucher.select().where(Voucher.reverses == voucher):
            click.echo(f"reversed by {label(reversal)}")
    for row in waiting:
        click.echo(f"parked: {row.uuid} (`opus-soap vouchers show {row.uuid.hex[:8]}`)")


@ledger.command()
@click.argument("sha256")
@click.pass_obj
@reports_errors
def attachment(runtime: Runtime, sha256: str) -> None:
    """Print the bytes of what is attached to a voucher, by the SHA256 that `ledger show` tells."""
    runtime.open_database()
    click.echo(content.get(sha256.lower()), nl=False)


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
    if create_key and not path.exists():
        seals.create_seal_key(path)
        click.echo(f"made {path}; its public part, for who verifies, is told by: opus-soap ledger key")
    elif create_key:
        click.echo(f"{path} is there already")
    key = seals.load_seal_key(path)
    fresh = seals.seal(find_company(municipality, company_code), key, clock=runtime.clock)
    if fresh is None:
        click.echo("nothing to seal")
    else:
        click.echo(f"seal {fresh.sequence}: {fresh.voucher_count} vouchers, root {bytes(fresh.root).hex()}")
        click.echo(f"key {fresh.key_id}")


@ledger.command("key")
@click.pass_obj
@reports_errors
def public_key(runtime: Runtime) -> None:
    """Print the public key of the seals (PEM), for those who verify: `--trusted-keys` takes it."""
    public = seals.load_seal_key(runtime.settings.seal_key_file).public_key()
    click.echo(f"# {seals.key_id(public)}")
    click.echo(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii"), nl=False)


@ledger.command("open")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--year", required=True, type=_YEAR, help="The first fiscal year in these books.")
@_MUNICIPALITY
@_COMPANY
@click.pass_obj
@reports_errors
def open_(runtime: Runtime, file: Path, year: int, municipality: str, company_code: str) -> None:
    """Enter the first year's opening balances from FILE; again, to post what a corrected file changes.

    FILE is CSV in UTF-8, `account;amount` in its first line; kroner, debit positive, balance accounts only.
    """
    runtime.open_database()
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        raise OpeningLineInvalid(element=file.name, value="?", expected="UTF-8") from None
    company = find_company(municipality, company_code)
    voucher = openings.open_year(
        company, year, openings.read_balances(text), clock=runtime.clock, entered_by=actor()
    )
    click.echo("nothing to post" if voucher is None else f"posted {label(voucher)}")


@ledger.command("carry-forward")
@click.argument("year", type=_YEAR)
@_MUNICIPALITY
@_COMPANY
@click.pass_obj
@reports_errors
def carry_forward(runtime: Runtime, year: int, municipality: str, company_code: str) -> None:
    """Open the year after YEAR with its closing balances; again, to catch up with late postings."""
    runtime.open_database()
    company = find_company(municipality, company_code)
    voucher = year_end.carry_forward(company, year, clock=runtime.clock, entered_by=actor())
    click.echo("nothing to carry forward" if voucher is None else f"posted {label(voucher)}")


@ledger.command()
@click.argument("year", type=_YEAR)
@click.argument("number", type=int)
@click.argument("state", type=_STATE)
@_MUNICIPALITY
@_COMPANY
@click.pass_obj
@reports_errors
def period(
    runtime: Runtime, year: int, number: int, state: str, municipality: str, company_code: str
) -> None:
    """Open or close period NUMBER (1–15) of YEAR."""
    runtime.open_database()
    company = find_company(municipality, company_code)
    periods.set_period(company, year, number, open_=state == "open", actor=actor(), clock=runtime.clock)
    click.echo(f"{company.code} {year}/{number}: {state}")


@ledger.command()
@click.argument("year", type=_YEAR)
@click.argument("state", type=_STATE)
@_MUNICIPALITY
@_COMPANY
@click.pass_obj
@reports_errors
def year(runtime: Runtime, year: int, state: str, municipality: str, company_code: str) -> None:
    """Open or close the fiscal year YEAR."""
    runtime.open_database()
    company = find_company(municipality, company_code)
    periods.set_year(company, year, open_=state == "open", actor=actor(), clock=runtime.clock)
    click.echo(f"{company.code} {year}: {state}")
