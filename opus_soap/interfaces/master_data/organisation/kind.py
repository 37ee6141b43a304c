"""The extract of units and employees as the engine sees it: all of them, or what changed since the last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opus_soap.database import snapshot
from opus_soap.errors import OrgUnitVanished
from opus_soap.extracts.kinds import Job, Options, check_names, mark
from opus_soap.extracts.output import CsvFile, Output, XmlFile
from opus_soap.extracts.state import REMOVED, SAME, Change, before, changes, digest, writing
from opus_soap.interfaces.master_data.organisation import persons, rows
from opus_soap.interfaces.master_data.organisation.form import (
    ACTION,
    CPR,
    EMPLOYEE_ATTRIBUTES,
    EMPLOYEE_COLUMNS,
    EMPLOYEE_ELEMENTS,
    FORM,
    ID,
    LEAVE,
    SUPP_ID,
    UNIT_ATTRIBUTES,
    UNIT_COLUMNS,
    UNIT_ELEMENTS,
    employee_text,
    leaver_text,
    row_of,
    texts,
    unit_text,
)
from opus_soap.ledger.models import CompanyCode
from opus_soap.store.organisation_models import Employee, OrgUnit

_UNITS, _EMPLOYEES = ".units.state", ".employees.state"
_TOLD_EVERY = 500  # records


@dataclass(frozen=True)
class OrganisationOut:
    """Units and employees of the company code's municipality, XML and CSV."""

    name: str = "organisation"
    prefix: str = "ZLPE"
    approval: bool = False
    deltas: bool = True
    repeatable: bool = False

    def check(self, company: CompanyCode, options: Options) -> dict[str, Any]:
        """`persons`: whether numbers of persons are given out. Raises `SubscriptionInvalid`."""
        check_names(options, ("persons",))
        return {"persons": mark(options, "persons")}

    def write(self, job: Job, output: Output) -> None:
        """The XML file and two CSV files; raises `ExtractStateUnusable`, `OrgUnitVanished`."""
        mode = "full" if job.full else "delta"
        with (
            snapshot(),
            output.xml(FORM, f"_{mode}.xml") as xml,
            output.csv(UNIT_COLUMNS, f"_{mode}_units.csv") as units,
            output.csv(EMPLOYEE_COLUMNS, f"_{mode}_employees.csv") as employees,
        ):
            progress = _Progress(job)
            _write_units(job, output, xml, units, progress)
            _write_employees(job, output, xml, employees, progress)
            progress.end()


class _Progress:
    """Counts the records that were looked at."""

    def __init__(self, job: Job) -> None:
        self._job, self._done = job, 0
        self._whole = rows.count(job.company.municipality_id)

    def step(self) -> None:
        """One more."""
        self._done += 1
        if self._done % _TOLD_EVERY == 0:
            self._job.tell(self._done, self._whole)

    def end(self) -> None:
        """All of them."""
        self._job.tell(self._whole, self._whole)


def _write_units(job: Job, output: Output, xml: XmlFile, csv: CsvFile, progress: _Progress) -> None:
    with writing(output, _UNITS) as state:
        for change in changes(before(job, _UNITS), _units(job)):
            if change.record is None:
                raise OrgUnitVanished(value=change.key)
            state.add(change.key, change.sha256)
            progress.step()
            if change.what is SAME:
                continue
            output.totals.records += 1
            attributes, elements = _unit_texts(change.record)
            xml.part(unit_text(attributes, elements))
            csv.rows([row_of(UNIT_COLUMNS, attributes, elements)])


def _units(job: Job) -> Iterator[tuple[str, str, OrgUnit]]:
    for unit in rows.units(job.company.municipality_id):
        yield unit.number, digest(unit_text(*_unit_texts(unit))), unit


def _unit_texts(unit: OrgUnit) -> tuple[dict[str, str], dict[str, str]]:
    return texts(unit, UNIT_ATTRIBUTES), texts(unit, UNIT_ELEMENTS)


def _write_employees(job: Job, output: Output, xml: XmlFile, csv: CsvFile, progress: _Progress) -> None:
    with writing(output, _EMPLOYEES) as state:
        for change in changes(before(job, _EMPLOYEES), _employees(job)):
            if change.what is not REMOVED:
                state.add(change.key, change.sha256)
                progress.step()
            if change.what is SAME:
                continue
            output.totals.records += 1
            text, row = _told(change, job.options["persons"])
            xml.part(text)
            csv.rows([row])


def _employees(job: Job) -> Iterator[tuple[str, str, Employee]]:
    """The number of a person is in the digest by the hash of what it is kept in, which is salted."""
    for employee in rows.employees(job.company.municipality_id):
        who = (employee.personal_sha256 or "") if job.options["persons"] else ""
        yield employee.number, digest(who + employee_text(*_employee_texts(employee))), employee


def _employee_texts(employee: Employee) -> tuple[dict[str, str], dict[str, str]]:
    return texts(employee, EMPLOYEE_ATTRIBUTES), texts(employee, EMPLOYEE_ELEMENTS)


def _told(change: Change[Employee], with_persons: bool) -> tuple[str, list[str | None]]:
    """An employee in XML, and as a row."""
    employee = change.record
    if employee is None:
        return leaver_text(change.key), row_of(EMPLOYEE_COLUMNS, {ID: change.key, ACTION: LEAVE})
    person = persons.find(employee.personal_sha256) if with_persons else None
    attributes, elements = _employee_texts(employee)
    who = {} if person is None else {CPR: person.cpr, SUPP_ID: person.supp_id or ""}
    return (
        employee_text(attributes, elements, person),
        row_of(EMPLOYEE_COLUMNS, attributes, who, elements),
    )
