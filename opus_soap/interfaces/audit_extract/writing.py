"""One auditor's extract is written: every file of it, in one pass over the postings."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from opus_soap.extracts.books import PLACE, Booked, identity
from opus_soap.extracts.kinds import Job
from opus_soap.extracts.output import CsvFile, Output
from opus_soap.interfaces.audit_extract import catalogue, controls, masters, saft, saft_checks
from opus_soap.interfaces.audit_extract.controls import Control, Fold, Gaps
from opus_soap.interfaces.audit_extract.details import DETAILS, details, local, rows
from opus_soap.interfaces.audit_extract.figures import Figures
from opus_soap.interfaces.audit_extract.hashes import hash_of
from opus_soap.interfaces.audit_extract.report import Report, render
from opus_soap.interfaces.audit_extract.saft import SaftFile
from opus_soap.interfaces.audit_extract.tables import Table, text_of
from opus_soap.interfaces.audit_extract.year import Series, Year, series, vouchers
from opus_soap.ledger.balance import CARRY_FORWARD_SOURCE, ENTERED_SOURCE, trial_balance
from opus_soap.ledger.hashing import VOUCHER_FIELDS

SAFT_ENDING, REPORT_ENDING = "_SAF-T.xml", "_rapport.html"
_TOLD_EVERY = 500  # vouchers
_ACCOUNT, _ORE = PLACE["account"], PLACE["amount_ore"]


@dataclass
class Writing:
    """What is under way."""

    job: Job
    output: Output
    schema_file: Path | None

    def __post_init__(self) -> None:
        job = self.job
        self.of = Year(job.company, int(job.options["year"]), job.until)
        self.currency: str = job.company.currency
        self.fold, self.figures = Fold(), Figures()
        self.series = series(self.of)
        self.gaps = {row.document_type: Gaps(row.first_number) for row in self.series}
        self.ledger = trial_balance(self.of.company, self.of.year, until=self.of.until)
        self.chain = controls.seals(self.of)
        self._ends = [seen.row.last_voucher_id for seen in self.chain]

    def write(self) -> None:
        """All the files."""
        vouchers_, postings, debit, credit, last = masters.counted(self.of)
        totals = saft.Totals(vouchers_, debit, credit)
        balances = masters.supplier_balances(self.of)
        self._masters(balances)
        with ExitStack() as open_:
            csv = open_.enter_context(self._table(DETAILS))
            xml = SaftFile(open_.enter_context(self.output.file(SAFT_ENDING)))
            self._saft_front(xml, balances, last)
            self._journals(csv, xml, totals)
            xml.end()
        self._totals()
        found = self._controls(totals, postings)
        self._afterwards(found)
        self.output.findings += [
            f"{one.name}: {one.note or f'{one.found}, forventet {one.expected}'}"
            for one in found
            if not one.holds
        ]
        report = Report(self.job, self.of, self.figures, found, self.chain, self.series, self.gaps, self.fold)
        with self.output.file(REPORT_ENDING) as out:
            out.write(render(report, self.schema_file))

    # --- tables

    def _table(self, table: Table) -> Any:
        with self.output.file(f"_{table.name}.schema.json") as out:
            out.write(table.schema())
        return self.output.csv(table.names, f"_{table.name}.csv")

    def _put(self, table: Table, lines: Iterable[Sequence[object]]) -> None:
        with self._table(table) as csv:
            for line in lines:
                csv.rows([text_of(line)])
                self.output.totals.records += 1

    def _masters(self, balances: masters.Balances) -> None:
        self._put(catalogue.ACCOUNTS, masters.account_rows(self.of))
        self._put(catalogue.PERIODS, masters.period_rows(self.of))
        self._put(catalogue.SEGMENTS, masters.dimension_rows(self.of))
        self._put(catalogue.SUPPLIERS, masters.supplier_rows(self.of, balances))
        self._put(catalogue.TAXES, masters.tax_rows(self.of))
        self._put(catalogue.DOCUMENT_TYPES, masters.document_type_rows(self.of))
        self._put(catalogue.TRIAL_BALANCE, masters.balance_rows(self.of, self.ledger))
        self._put(catalogue.SEALS, masters.seal_rows(self.chain))
        self._put(catalogue.AUDIT_TRAIL, masters.audit_rows(self.of, self.job))

    def _afterwards(self, found: list[Control]) -> None:
        """What is known only when the postings have been read."""
        self._put(catalogue.USERS, masters.user_rows(self.of, self.figures.users))
        self._put(catalogue.RANGES, self._ranges())
        self._put(catalogue.CONTROLS, masters.control_rows(found))

    def _ranges(self) -> Iterator[list[object]]:
        for row in self.series:
            gaps = self.gaps[row.document_type]
            last = row.last_number if row.vouchers else None
            numbers = (row.first_number, last, row.next_number, row.vouchers, row.later)
            yield [row.document_type, self.of.year, *numbers, gaps.missing, " ".join(gaps.named)]

    # --- SAF-T's front

    def _saft_front(self, xml: SaftFile, balances: masters.Balances, last: Any) -> None:
        company, year = self.of.company, self.of.year
        last_day = max(date(year, 12, 31), date.fromisoformat(str(last)) if last else date.min)
        comment = f"{self.job.name}, firmakode {company.code}"
        xml.add(saft.header(company, year, last_day, self.job.business_date, self.job.options, comment))
        xml.add("<MasterFiles>\n<GeneralLedgerAccounts>")
        xml.add(
            saft.leaf("NameOfStandardAccount", saft.CHART)
            + saft.leaf("VersionOfStandardAccount", year)
            + "\n"
        )
        closing = {row.account: row for row in self.ledger}
        for account in masters.accounts(self.of):
            row = closing.get(account.number)
            xml.add(saft.account(account, row.opening_ore if row else 0, row.closing_ore if row else 0))
        xml.add("</GeneralLedgerAccounts>\n")
        self._wrapped(xml, "Suppliers", self._suppliers(balances))
        xml.add(saft.tax_table(masters.tax_codes(self.of), year))
        self._wrapped(xml, "AnalysisTypeTable", self._analysis())
        xml.add("</MasterFiles>\n")

    def _wrapped(self, xml: SaftFile, name: str, entries: Iterator[str]) -> None:
        """An element of entries; nothing when there are none."""
        first = next(entries, None)
        if first is None:
            return
        xml.add(f"<{name}>\n{first}")
        for entry in entries:
            xml.add(entry)
        xml.add(f"</{name}>\n")

    def _suppliers(self, balances: masters.Balances) -> Iterator[str]:
        account = self.of.company.supplier_account
        for row in masters.suppliers(self.of):
            if row.number in balances:
                yield saft.supplier(row, account, *balances[row.number])

    def _analysis(self) -> Iterator[str]:
        for row in masters.dimensions(self.of):
            yield saft.analysis_entry(row.kind, row.code, row.name)
            if row.kind == "profit_center":
                yield saft.analysis_entry("partner_profit_center", row.code, row.name)
        for activity in masters.activities(self.of):
            yield saft.analysis_entry("activity", activity, activity)

    # --- the postings

    def _journals(self, csv: CsvFile, xml: SaftFile, totals: saft.Totals) -> None:
        xml.add(saft.entries_head(totals))
        for row in self.series:
            if row.vouchers:
                xml.add(saft.journal_head(row.document_type, row.name))
                self._journal(row, csv, xml, totals)
                xml.add("</Journal>\n")
            self.gaps[row.document_type].end(row)
        xml.add("</GeneralLedgerEntries>\n")
        self.job.tell(totals.vouchers, totals.vouchers)

    def _journal(self, row: Series, csv: CsvFile, xml: SaftFile, totals: saft.Totals) -> None:
        gaps = self.gaps[row.document_type]
        for traced in vouchers(self.of, row.document_type):
            booked = traced.booked
            told = details(booked)
            self._count(booked, told)
            gaps.see(booked.head.number)
            csv.rows(text_of(line) for line in rows(traced, told, self.currency, self._seal(booked)))
            entered_on = local(booked.head.entered_at).date()
            for part in saft.transaction(booked, told, self.currency, entered_on):
                xml.add(part)
            if self.fold.vouchers % _TOLD_EVERY == 0:
                self.job.tell(self.fold.vouchers, totals.vouchers)

    def _seal(self, booked: Booked) -> int | None:
        place = bisect_left(self._ends, booked.head.id)
        return self.chain[place].row.sequence if place < len(self.chain) else None

    def _count(self, booked: Booked, told: dict[str, Any]) -> None:
        head, fold = booked.head, self.fold
        opens = head.source.startswith((CARRY_FORWARD_SOURCE, ENTERED_SOURCE))
        fold.vouchers += 1
        balance, debit = 0, 0
        for line in booked.lines:
            ore = line[_ORE]
            fold.add(line[_ACCOUNT], ore, opens)
            balance += ore
            debit += max(ore, 0)
        if balance:
            fold.unbalanced.add(head.label)
        if self._hash(booked) != bytes(head.hash):
            fold.untrue.add(head.label)
        self.figures.add(booked, told, debit, opens)

    def _hash(self, booked: Booked) -> bytes:
        head = booked.head
        values: dict[str, object] = {name: getattr(head, name) for name in (*VOUCHER_FIELDS, "details")}
        values |= {
            "uuid": UUID(identity(head.uuid)),
            "municipality": self.of.company.municipality_id,
            "company_code": self.of.company.code,
            "reverses": booked.reverses_uuid,
        }
        return hash_of(values, booked.pieces())

    def _totals(self) -> None:
        totals, fold = self.output.totals, self.fold
        totals.vouchers, totals.postings = fold.vouchers, fold.postings
        totals.debit_ore, totals.credit_ore = fold.debit_ore, fold.credit_ore

    def _controls(self, totals: saft.Totals, postings: int) -> list[Control]:
        path = self.output.folder / f"{self.output.name}{SAFT_ENDING}"
        found = [
            *controls.sums(self.fold, self.ledger, totals, postings),
            *controls.opening(self.of, self.fold),
            *(controls.numbers(row, self.gaps[row.document_type]) for row in self.series),
            *controls.proof(self.of, self.fold, self.chain),
            controls.reconciled("SAF-T: egne kontroller", saft_checks.check(path)),
        ]
        if self.schema_file is not None:
            name = f"SAF-T: skemaet {self.schema_file.name}"
            found.append(controls.reconciled(name, saft_checks.check_schema(path, self.schema_file)))
        return found
