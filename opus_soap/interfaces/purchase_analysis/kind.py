"""Indkøbsanalyse as the engine sees it: a history first, then what was booked since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from opus_soap.errors import HistoryInvalid
from opus_soap.extracts import books
from opus_soap.extracts.books import Booked, Head, Row
from opus_soap.extracts.elements import element, group, tags
from opus_soap.extracts.kinds import Job, Options, check_names, mark
from opus_soap.extracts.output import CsvFile, Output, XmlFile
from opus_soap.interfaces.purchase_analysis import form
from opus_soap.interfaces.purchase_analysis.invoices import Invoiced, invoices_of
from opus_soap.interfaces.purchase_analysis.keeping import Kept, keeping
from opus_soap.interfaces.purchase_analysis.profit_centers import COLUMNS as OF_PROFIT_CENTER
from opus_soap.ledger.models import CompanyCode, FiscalYear

OF_PROFIT_CENTERS = "_PROFITCENTRE.csv"  # the ending of their file
_OPTIONS = ("from", "originals")
_ORE = books.PLACE["amount_ore"]
_END = "</ORIGINAL>\n</INVOICE>\n"
_CENTER_TAGS = tags(OF_PROFIT_CENTER)


@dataclass(frozen=True)
class PurchaseAnalysis:
    """The vouchers of invoices with what was bought: accounting lines and the originals; profit centres."""

    name: str = "indkoebsanalyse"
    prefix: str = "INDKOEBSANALYSE"
    approval: bool = False
    deltas: bool = True
    repeatable: bool = True  # what is not sealed is kept beside the files; see `keeping`

    def check(self, company: CompanyCode, options: Options) -> dict[str, Any]:
        """`from` (ISO date, the first posting date of the history), `originals` (true unless said).

        Raises `SubscriptionInvalid`, `HistoryInvalid`.
        """
        check_names(options, _OPTIONS)
        originals = mark(options, "originals", otherwise=True)
        return {"from": _history(company, options.get("from")), "originals": originals}

    def write(self, job: Job, output: Output) -> None:
        """The XML file, and one of CSV for the lines and one for the profit centres."""
        with keeping(job, output) as kept, output.xml(form.FORM) as xml:
            fields = {**job.control_fields, "HISTORY_FROM": job.options["from"].replace("-", "")}
            xml.part(element("CONTROL_FIELDS", fields))
            centers = kept.profit_centers(job.company)
            for texts in centers:
                xml.part(group("PROFIT_CENTER", _CENTER_TAGS, texts))
            output.totals.records = len(centers)
            with output.csv(form.COLUMNS) as csv:
                written = _Written(job, output, kept, xml, csv)
                for booked, invoice in _booked(job):
                    written.add(booked, invoice)
        with output.csv(OF_PROFIT_CENTER, OF_PROFIT_CENTERS) as csv:
            csv.rows(centers)
        in_range = books.count(job.company, job.after, job.until)
        output.totals.left_out = in_range - output.totals.vouchers


def _history(company: CompanyCode, given: object) -> str:
    last = max((row.year for row in FiscalYear.select().where(FiscalYear.company_code == company)), default=0)
    try:
        first = date.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        first = None
    if first is None or first.isoformat() != given or first.year > last:
        raise HistoryInvalid(value=str(given or "-")[:20], expected=f"yyyy-mm-dd ≤ {last}-12-31")
    return first.isoformat()


def _booked(job: Job) -> Iterator[tuple[Booked, Invoiced]]:
    """Each voucher of an invoice, and each reversal of one, in order of entry.

    The posting date is asked for in a history alone: what is booked later comes with its delta, however it
    is dated.
    """
    whole, done = books.count(job.company, job.after, job.until), 0
    first = job.options["from"] if job.full else ""
    for heads in books.pages(job.company, job.after, job.until):
        dated: Sequence[Head] = [head for head in heads if str(head.posting_date) >= first]
        invoices = invoices_of(dated)
        chosen = [head for head in dated if head.id in invoices]
        for booked in books.with_lines(chosen, job.until):
            yield booked, invoices[booked.head.id]
        done += len(heads)
        job.tell(done, whole)


@dataclass(frozen=True)
class _Written:
    """The files that invoices go into."""

    job: Job
    output: Output
    kept: Kept
    xml: XmlFile
    csv: CsvFile

    def add(self, booked: Booked, invoice: Invoiced) -> None:
        """A voucher of an invoice, with its original."""
        head = form.header(invoice, booked.lines)
        book = form.voucher(self.job.company.code, booked)
        file = form.original(invoice)
        self.output.totals.vouchers += 1
        front = (*head, *book, *file)
        before, after = form.around(head, book, file)
        texts = (self._lines(front, piece) for piece in booked.pieces())
        told, data, end = self._original(booked, invoice)
        if data or booked.is_long:
            self.xml.long_part(before, texts, f"{after}{told}", data, end)
        else:
            self.xml.part("".join((before, *texts, after, told, end)))

    def _original(self, booked: Booked, invoice: Invoiced) -> tuple[str, bytes, str]:
        """What is told of it besides its name and hash; its bytes; what ends the INVOICE."""
        if not self.job.options["originals"]:
            return "", b"", _END
        data = self.kept.original(booked.head.id, invoice)
        if data is None:
            return "<PURGED>X</PURGED>", b"", _END
        return "<FILE>", data, f"</FILE>{_END}"

    def _lines(self, front: Sequence[str | None], rows: Sequence[Row]) -> str:
        """Some of its lines: counted, in the CSV file, and as XML."""
        self.output.totals.add([row[_ORE] for row in rows])
        lines = [form.line(row) for row in rows]
        self.csv.rows([*front, *line] for line in lines)
        return form.lines_text(lines)
