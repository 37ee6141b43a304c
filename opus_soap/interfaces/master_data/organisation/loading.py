"""A file of units and employees is taken in, all of it or nothing.

What the file has replaces what is there under its number; what it does not have stays, unless the file is to
be the whole organisation. Who leaves is deleted, and the number of the person forgotten when its retention is
over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from opus_soap.clock import Clock
from opus_soap.database import stored_rows, transaction
from opus_soap.errors import (
    OrganisationFileTooLarge,
    OrganisationMistake,
    OrganisationRefused,
    mask_cpr,
)
from opus_soap.interfaces.master_data.organisation import persons
from opus_soap.interfaces.master_data.organisation.checks import FIELDS, MODELS, Survey, judge, survey
from opus_soap.interfaces.master_data.organisation.form import (
    ACTION,
    CPR,
    EMPLOYEE,
    SUPP_ID,
    UNIT,
    Person,
    as_value,
)
from opus_soap.interfaces.master_data.organisation.reading import Limits, Record, records
from opus_soap.ledger.master_data import hold_municipality
from opus_soap.ledger.models import Municipality
from opus_soap.store import audit
from opus_soap.store.organisation_models import Employee, OrgUnit

LOADED = "organisation.loaded"
_STEP = 1024 * 1024  # bytes
_AT_ONCE = 500  # records


@dataclass
class Loaded:
    """What a file did, or would do."""

    added: dict[str, int] = field(default_factory=lambda: {UNIT: 0, EMPLOYEE: 0})
    changed: dict[str, int] = field(default_factory=lambda: {UNIT: 0, EMPLOYEE: 0})
    same: dict[str, int] = field(default_factory=lambda: {UNIT: 0, EMPLOYEE: 0})
    left: int = 0  # employees
    warnings: Sequence[OrganisationMistake] = ()


class _DryRun(Exception):
    """Ends a transaction that is to have no effect."""


def load(
    municipality: Municipality,
    path: Path,
    *,
    actor: str,
    clock: Clock,
    full: bool = False,
    dry_run: bool = False,
    limits: Limits | None = None,
) -> Loaded:
    """Take a file in; `full`: who is not in it has left. `dry_run`: only tell what it would do.

    Raises `OrganisationRefused` with every mistake, `OrganisationFileUnreadable`, `OrganisationRootWrong`,
    `OrganisationFileTooLarge`; OSError when the file cannot be read.
    """
    limits = limits or Limits()
    with TemporaryFile() as file:  # it is read twice, and must be the same
        _copy(path, file, limits.max_bytes)
        found = survey(file, limits)
        done = Loaded()
        try:
            with transaction():
                hold_municipality(municipality)
                if found.complete:
                    _judge(municipality, found, full)
                if found.mistakes:
                    raise _refused(path, found)
                file.seek(0)
                _Loader(municipality, clock, done).load(records(file, limits))
                if full:
                    done.left += _leave_others(municipality, found)
                if dry_run:
                    raise _DryRun
                _note(municipality, path, done, actor, clock)
        except _DryRun:
            pass
    done.warnings = found.warnings
    return done


def _copy(path: Path, file: BinaryIO, most: int) -> None:
    with path.open("rb") as source:
        while piece := source.read(_STEP):
            file.write(piece)
            if file.tell() > most:
                raise OrganisationFileTooLarge(element="byte", value=f"> {most}", expected=most)
    file.seek(0)


def _judge(municipality: Municipality, found: Survey, full: bool) -> None:
    units = OrgUnit.select(OrgUnit.number, OrgUnit.parent).where(OrgUnit.municipality == municipality.code)
    employed = Employee.select(Employee.number).where(Employee.municipality == municipality.code)
    parents = {number: parent or "" for number, parent in stored_rows(units)}
    judge(found, parents, (number for (number,) in stored_rows(employed)), full=full)


def _refused(path: Path, found: Survey) -> OrganisationRefused:
    refused = OrganisationRefused(element=path.name, value=len(found.mistakes))
    refused.mistakes = found.mistakes
    return refused


def _leave_others(municipality: Municipality, found: Survey) -> int:
    """Delete the employees that a whole organisation does not have."""
    own = Employee.select(Employee.number).where(Employee.municipality == municipality.code)
    others = [number for (number,) in stored_rows(own) if number not in found.members]
    return sum(_leave(municipality, some) for some in _some(others))


def _leave(municipality: Municipality, numbers: Sequence[str]) -> int:
    left: int = (
        Employee.delete()
        .where(Employee.municipality == municipality.code, Employee.number.in_(numbers))
        .execute()
    )
    return left


def _note(municipality: Municipality, path: Path, done: Loaded, actor: str, clock: Clock) -> None:
    audit.record(
        LOADED,
        municipality.code,
        actor=actor,
        at=clock.now(),
        municipality=municipality.code,
        file=mask_cpr(path.name),
        added=sum(done.added.values()),
        changed=sum(done.changed.values()),
        left=done.left,
    )


@dataclass(frozen=True)
class _Loader:
    """Writes records that have been checked, some at a time, in the caller's transaction."""

    municipality: Municipality
    clock: Clock
    done: Loaded

    def load(self, found: Iterable[Record]) -> None:
        """All of them."""
        for some in _some(found):
            for name in (UNIT, EMPLOYEE):
                self._put(name, [one for one in some if one.name == name and ACTION not in one.values])
            leavers = [one.number for one in some if ACTION in one.values]
            self.done.left += _leave(self.municipality, leavers)

    def _put(self, name: str, some: Sequence[Record]) -> None:
        model = MODELS[name]
        own = model.municipality == self.municipality.code
        rows = model.select().where(own, model.number.in_([record.number for record in some]))
        known = {row.number: row for row in rows}
        new = []
        for record in some:
            row = known.get(record.number)
            facts = self._facts(record, row)
            if row is None:
                new.append({"municipality": self.municipality.code, **facts})
                self.done.added[name] += 1
            elif all(getattr(row, column) == value for column, value in facts.items()):
                self.done.same[name] += 1
            else:
                model.update(facts).where(own, model.number == record.number).execute()
                self.done.changed[name] += 1
        if new:
            model.insert_many(new).execute()

    def _facts(self, record: Record, row: Any) -> dict[str, Any]:
        facts = {
            field.column: as_value(text, field.kind) if (text := record.values.get(field.name)) else None
            for field in FIELDS[record.name]
        }
        if record.name == EMPLOYEE:
            facts["personal_sha256"] = self._person(record.values, row)
        return facts

    def _person(self, values: Mapping[str, str], row: Any) -> str | None:
        """Where the number is kept; who is known by the same stays where it is, or all would have changed.

        A file without numbers takes none away: subscriptions differ in whether they have them.
        """
        kept: str | None = row.personal_sha256 if row is not None else None
        if CPR not in values:
            return kept
        person = Person(values[CPR], values.get(SUPP_ID))
        if kept is not None and persons.find(kept) == person:
            return kept
        return persons.keep(person, self.clock.now())


def _some(found: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(found)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
