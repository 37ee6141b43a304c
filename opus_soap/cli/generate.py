"""`opus-soap generate`: books full of made-up postings, to try and to measure with."""

from __future__ import annotations

import os
from datetime import date, datetime

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from opus_soap.cli.runtime import Runtime, actor, reports_errors
from opus_soap.cli.shown import counted
from opus_soap.ledger import seals
from opus_soap.ledger.master_data import company_code as find_company
from opus_soap.money import danish

_DAY = click.DateTime(["%Y-%m-%d"])


def _day(_context: click.Context, _option: click.Parameter, given: datetime) -> date:
    return given.date()


@click.command()
@click.option("--postings", required=True, type=click.IntRange(min=1), help="How many.")
@click.option("--municipality", default="999", help="Municipality code, three digits.")
@click.option("--company-code", default="0020", help="Company code (firmakode).")
@click.option("--seed", default=1, type=int, help="The same number: the same vouchers, in empty books.")
@click.option("--from", "first", default="2026-01-01", type=_DAY, callback=_day, help="The first day.")
@click.option("--to", "last", default="2026-11-30", type=_DAY, callback=_day, help="The last day.")
@click.option(
    "--seal-every",
    default=10_000,
    type=click.IntRange(min=1),
    help="Vouchers in a seal; none is made without a key (`ledger seal --create-key`).",
)
@click.option(
    "--invoices",
    default=15,
    type=click.IntRange(0, 100),
    help="Percent of suppliers' vouchers (KR, KG) that come of an invoice, which is kept with its trail.",
)
@click.option("--suppliers", default=300, type=click.IntRange(0, 5000), help="Made-up ones there must be.")
@click.option(
    "--employees",
    default=400,
    type=click.IntRange(0, 5000),
    help="Made-up ones there must be, in made-up units.",
)
@click.option("--among-others", is_flag=True, help="Also in books that hold vouchers that are not made up.")
@click.pass_obj
@reports_errors
def generate(
    runtime: Runtime,
    postings: int,
    municipality: str,
    company_code: str,
    seed: int,
    first: date,
    last: date,
    seal_every: int,
    invoices: int,
    suppliers: int,
    employees: int,
    among_others: bool,
) -> None:
    """Fill the books with made-up postings, which stay there: nothing is ever taken out of the books.

    Interrupted, it leaves whole vouchers, up to the last thousand; run again, it adds others to them.
    """
    from opus_soap.simulate.books import Order, generate

    runtime.open_database()
    company = find_company(municipality, company_code)
    path = runtime.settings.seal_key_file
    key = seals.load_seal_key(path) if os.path.exists(path) else None
    order = Order(postings, first, last, seed, seal_every, among_others, invoices, suppliers, employees)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = runtime.console
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Postings", total=postings)
        done = generate(
            company,
            order,
            clock=runtime.clock,
            actor=actor(),
            seal_key=key,
            told=lambda so_far: progress.update(task, completed=so_far.postings),
        )
    for added, what in ((done.suppliers, "supplier"), (done.employees, "employee")):
        if added:
            click.echo(f"{counted(added, what)} added")
    click.echo(
        f"{counted(done.vouchers, 'voucher')}, {counted(done.postings, 'posting')}, "
        f"debit {danish(done.debit_ore)} kr., {counted(done.invoices, 'invoice')}, "
        f"{counted(done.seals, 'seal')}{'' if key else ' (no key yet: `opus-soap ledger seal --create-key`)'}"
    )
