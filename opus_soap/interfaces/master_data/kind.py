"""Stamdata and kreditorer as the engine sees them: everything, or what changed since the extract before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from opus_soap.database import snapshot
from opus_soap.errors import Both, SubscriptionInvalid
from opus_soap.extracts.elements import element
from opus_soap.extracts.kinds import Job, Options, check_names, mark
from opus_soap.extracts.output import Form, Output
from opus_soap.extracts.state import REMOVED, before, changes, writing
from opus_soap.identifiers import opus_user
from opus_soap.interfaces.master_data import delta
from opus_soap.interfaces.master_data.books import Record, Source
from opus_soap.interfaces.master_data.delta import Told
from opus_soap.interfaces.master_data.form import (
    ACTION,
    BY_NAME,
    KREDITORER,
    MARK,
    RECORD,
    STAMDATA,
    TABLES,
    Table,
    Texts,
)
from opus_soap.ledger.models import CompanyCode

BANK = "VENDOR_BANK"
_ALL = tuple(table.name for table in TABLES if table.name != BANK)
_OPTIONS = ("tables", "bank_details", "persons")
_TOLD_EVERY = 5000  # records


@dataclass(frozen=True)
class MasterData:
    """Tables of master data, XML and a CSV file for each."""

    name: str
    prefix: str
    form: Form
    tables: tuple[str, ...]  # that may be chosen, without bank details
    purchasing_only: bool = False
    approval: bool = False
    deltas: bool = True
    repeatable: bool = False

    def check(self, company: CompanyCode, options: Options) -> dict[str, Any]:
        """`tables` (names; all), `bank_details` and `persons` (true or false; false).

        Raises `SubscriptionInvalid`.
        """
        check_names(options, _OPTIONS)
        chosen = _listed(options.get("tables", list(self.tables)))
        if not chosen or set(chosen) - set(self.tables):
            names = ", ".join(self.tables)
            expected = Both(f"nogle af {names}", f"some of {names}")
            raise SubscriptionInvalid(element="tables", value=str(options["tables"])[:100], expected=expected)
        marks = {name: mark(options, name) for name in _OPTIONS[1:]}
        if marks["bank_details"] and "VENDOR" not in chosen:
            expected = Both("valgt sammen med tabellen VENDOR", "chosen with the table VENDOR")
            raise SubscriptionInvalid(element="bank_details", value="true", expected=expected)
        return {"tables": [name for name in self.tables if name in chosen], **marks}

    def write(self, job: Job, output: Output) -> None:
        """All tables as they are at one moment.

        Raises `ExtractStateUnusable` when what the extract before held is not there to compare with.
        """
        tables = _with_bank(job.options)
        source = Source(job.company, job.options["persons"], self.purchasing_only)
        with snapshot(), output.xml(self.form) as xml:
            marks = {"TABLES": " ".join(tables), "PERSONS": MARK if job.options["persons"] else ""}
            xml.part(element("CONTROL_FIELDS", {**job.control_fields, **marks}))
            whole = source.count(tables)
            for name in tables:
                shape = BY_NAME[name]
                with output.csv(shape.names, f"_{name}.csv") as csv:
                    for one in _told(job, output, source, name):
                        output.totals.records += 1
                        xml.part(_record(shape, one))
                        csv.rows([_row(shape, one)])
                        if output.totals.records % _TOLD_EVERY == 0:
                            job.tell(output.totals.records, max(whole, output.totals.records))
        job.tell(output.totals.records, output.totals.records)


def _with_bank(options: Options) -> list[str]:
    tables: list[str] = list(options["tables"])
    if options["bank_details"]:
        tables.insert(tables.index("VENDOR") + 1, BANK)
    return tables


def _listed(tables: Any) -> list[Any]:
    """Names in a list, or in a text with commas."""
    if isinstance(tables, str):
        return [name.strip() for name in tables.split(",")]
    return list(tables) if isinstance(tables, list) and all(isinstance(one, str) for one in tables) else []


def _told(job: Job, output: Output, source: Source, table: str) -> Iterator[Told]:
    """What is told of a table, while what it holds is noted for the extract that follows."""
    ending = delta.ending(table)
    with writing(output, ending) as state:
        for change in changes(before(job, ending), delta.now(_shown(source.records(table)))):
            if change.what is not REMOVED:
                state.add(change.key, change.sha256)
            if (told := delta.told(change, job.full)) is not None:
                yield told if table != "USER_RIGHT" else Told(told.action, _of_user(told.texts))


def _shown(records: Iterator[Record]) -> Iterator[Record]:
    """Records as they are told, which is what is compared; in the order of the keys in the books."""
    for record in records:
        yield record if record.table != "USER_RIGHT" else record._replace(texts=_of_user(record.texts))


def _of_user(right: Sequence[str]) -> Texts:
    """A right, or its key, with its user as organisation and auditors are told of it."""
    user, *others = right
    return opus_user(user), *others


def _record(shape: Table, told: Told) -> str:
    return element(f"{shape.name}{RECORD}", {ACTION: told.action, **shape.values(told.texts)})


def _row(shape: Table, told: Told) -> list[str]:
    missing = len(shape.columns) - len(told.texts)
    return [told.action, *told.texts, *[""] * missing]


STAMDATA_KIND = MasterData("stamdata", "STAMDATA", STAMDATA, _ALL)
KREDITORER_KIND = MasterData("kreditorer", "KREDITORER", KREDITORER, ("VENDOR",), purchasing_only=True)
