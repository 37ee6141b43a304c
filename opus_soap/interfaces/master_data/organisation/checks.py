"""What a schema cannot tell of units and employees: days, circles, numbers, who belongs where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO, NamedTuple

from stdnum import ean

from opus_soap.errors import (
    Both,
    EanDoubtful,
    EmployeeUnitUnknown,
    LeaverUnknown,
    OrganisationDateWrong,
    OrganisationFileTooLarge,
    OrganisationFormWrong,
    OrganisationMistake,
    OrganisationNumberRepeated,
    OrgUnitCycle,
    OrgUnitLeftOut,
    OrgUnitParentUnknown,
    PersonNumberMisplaced,
)
from opus_soap.interfaces.master_data.organisation.form import (
    ACTION,
    DAY,
    EMPLOYEE,
    EMPLOYEE_ATTRIBUTES,
    EMPLOYEE_ELEMENTS,
    ID,
    TEXT,
    UNIT,
    UNIT_ATTRIBUTES,
    UNIT_ELEMENTS,
    USER,
    as_value,
)
from opus_soap.interfaces.master_data.organisation.reading import Limits, Record, is_number, records
from opus_soap.store.organisation_models import Employee, OrgUnit
from opus_soap.texts import is_hidden, names_person

MODELS: Mapping[str, type[OrgUnit] | type[Employee]] = {UNIT: OrgUnit, EMPLOYEE: Employee}
FIELDS = {
    UNIT: (*UNIT_ATTRIBUTES, *UNIT_ELEMENTS),
    EMPLOYEE: (*EMPLOYEE_ATTRIBUTES, *EMPLOYEE_ELEMENTS),
}
_PERIODS = {UNIT: ("startDate", "endDate"), EMPLOYEE: ("entryDate", "leaveDate")}
_UNITS_FIRST = Both(f"{UNIT} før {EMPLOYEE}", f"{UNIT} before {EMPLOYEE}")
_ID_ALONE = Both(f"{ACTION}: kun {ID}", f"{ACTION}: {ID} alone")
_NAME_MISSING = Both("mangler: firstName", "missing: firstName")
_NO_SUCH_DAY = Both("dagen findes ikke", "there is no such day")
_VISIBLE = Both("kun tegn, der kan ses", "characters that can be seen alone")
_EARLIEST = date(1900, 1, 1)
# digits by their nature, which may look like a person's number
_DIGITS = frozenset({"pNr", "eanNr", "cvrNr", "seNr", "phoneNumber", "costCenter", "invoiceLimit"})


class Unit(NamedTuple):
    """A unit of a file, as far as others depend on it."""

    line: int
    parent: str


class Member(NamedTuple):
    """An employee of a file, as far as it depends on units."""

    line: int
    unit: str


@dataclass
class Survey:
    """A file that has been read once: what is wrong in itself, and what it needs of others."""

    units: dict[str, Unit] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    leavers: dict[str, int] = field(default_factory=dict)  # number → line
    mistakes: list[OrganisationMistake] = field(default_factory=list)
    warnings: list[OrganisationMistake] = field(default_factory=list)
    complete: bool = True  # it was read to its end


def survey(file: BinaryIO, limits: Limits) -> Survey:
    """Read a file to its end, or until it has too many mistakes; raises as `records`."""
    found = Survey()
    for record in records(file, limits):
        found.mistakes += record.mistakes or _mistakes(record, found)
        found.warnings += _doubts(record)
        _note(record, found)
        _check_counts(found, limits)
        if len(found.mistakes) >= limits.max_mistakes:
            found.complete = False
            break
    return found


def _check_counts(found: Survey, limits: Limits) -> None:
    for name, count, most in (
        (UNIT, len(found.units), limits.max_units),
        (EMPLOYEE, len(found.members) + len(found.leavers), limits.max_employees),
    ):
        if count > most:
            raise OrganisationFileTooLarge(element=name, value=f"> {most}", expected=most)


def _note(record: Record, found: Survey) -> None:
    """Keep what others depend on, of a record with mistakes too: they are not to be blamed for them."""
    number = record.number
    if not is_number(number):
        return
    if record.name == UNIT:
        found.units.setdefault(number, Unit(record.line, _number(record, "parentOrgUnit")))
    elif ACTION in record.values:
        found.leavers.setdefault(number, record.line)
    elif record.name == EMPLOYEE:
        found.members.setdefault(number, Member(record.line, _number(record, "orgUnit")))


def _number(record: Record, name: str) -> str:
    """A number that can be asked for, and told; empty for another text, which the schema refuses."""
    text = record.values.get(name, "")
    return text if is_number(text) else ""


def _mistakes(record: Record, found: Survey) -> list[OrganisationMistake]:
    return [
        OrganisationMistake(record.line, error)
        for check in (_repeated, _misplaced, _hidden, _too_long, _wrong_days, _persons)
        for error in check(record, found)
    ]


def _repeated(record: Record, found: Survey) -> Iterator[OrganisationNumberRepeated]:
    number = record.number
    if record.name == UNIT:
        first = found.units[number].line if number in found.units else None
    else:
        member = found.members.get(number)
        first = member.line if member is not None else found.leavers.get(number)
    if first is not None:
        yield OrganisationNumberRepeated(element=record.name, value=number, expected=first)


def _misplaced(record: Record, found: Survey) -> Iterator[OrganisationFormWrong]:
    if record.name == UNIT:
        if found.members or found.leavers:
            yield OrganisationFormWrong(element=record.label, expected=_UNITS_FIRST)
        return
    elements = set(record.values) - {field.name for field in EMPLOYEE_ATTRIBUTES} - {ACTION}
    if ACTION in record.values and elements:
        yield OrganisationFormWrong(element=record.label, expected=_ID_ALONE)
    if ACTION not in record.values and not elements:
        yield OrganisationFormWrong(element=record.label, expected=_NAME_MISSING)


def _hidden(record: Record, found: Survey) -> Iterator[OrganisationFormWrong]:
    """What nobody sees could make a name look like another's, or turn a line around on a screen."""
    for one in FIELDS[record.name]:
        if any(map(is_hidden, record.values.get(one.name, ""))):
            yield OrganisationFormWrong(element=f"{record.label}: {one.name}", expected=_VISIBLE)


def _too_long(record: Record, found: Survey) -> Iterator[OrganisationFormWrong]:
    """Texts are kept composed (NFC); a few letters of far away become more of them by that."""
    for one in FIELDS[record.name]:
        longest = getattr(getattr(MODELS[record.name], one.column), "max_length", None)
        if one.kind not in (TEXT, USER) or longest is None:
            continue
        if len(as_value(record.values.get(one.name, ""), TEXT)) > longest:
            yield OrganisationFormWrong(element=f"{record.label}: {one.name}", expected=f"≤ {longest}")


def _wrong_days(record: Record, found: Survey) -> Iterator[OrganisationDateWrong]:
    days: dict[str, date] = {}
    for one in FIELDS[record.name]:
        if one.kind is not DAY or one.name not in record.values:
            continue
        text = record.values[one.name]
        try:
            days[one.name] = date.fromisoformat(text)
        except ValueError:
            yield OrganisationDateWrong(
                element=f"{record.label}: {one.name}", value=text, expected=_NO_SUCH_DAY
            )
            continue
        if days[one.name] < _EARLIEST:
            yield OrganisationDateWrong(
                element=f"{record.label}: {one.name}", value=text, expected=f"≥ {_EARLIEST}"
            )
    first, last = (days.get(name) for name in _PERIODS[record.name])
    if first is not None and last is not None and last < first:
        name = _PERIODS[record.name][1]
        yield OrganisationDateWrong(element=f"{record.label}: {name}", value=last, expected=f"≥ {first}")


def _persons(record: Record, found: Survey) -> Iterator[PersonNumberMisplaced]:
    for one in FIELDS[record.name]:
        if one.name not in _DIGITS and names_person(record.values.get(one.name, "")):
            yield PersonNumberMisplaced(element=f"{record.label}: {one.name}")


def _doubts(record: Record) -> Iterator[OrganisationMistake]:
    number = record.values.get("eanNr", "")
    if number.isdecimal() and len(number) == 13 and not ean.is_valid(number):
        yield OrganisationMistake(record.line, EanDoubtful(element=record.number, value=number))


def judge(found: Survey, parents: Mapping[str, str], employed: Iterable[str], *, full: bool) -> None:
    """Hold a file against what is there already: units with the unit above each, numbers of employees.

    What is wrong is added to its mistakes and warnings, which end in the order of lines.
    """
    before = {} if full else parents
    above = {**before, **{number: unit.parent for number, unit in found.units.items()}}
    if full:
        found.mistakes += [
            OrganisationMistake(0, OrgUnitLeftOut(value=number))
            for number in sorted(set(parents) - set(found.units))
        ]
    for number, unit in found.units.items():
        if unit.parent and unit.parent not in above:
            wrong = OrgUnitParentUnknown(element=number, value=unit.parent)
            found.mistakes.append(OrganisationMistake(unit.line, wrong))
    for number, member in found.members.items():
        if member.unit and member.unit not in above:
            unknown = EmployeeUnitUnknown(element=number, value=member.unit)
            found.mistakes.append(OrganisationMistake(member.line, unknown))
    for circle in _circles(found.units, above):
        line = min(found.units[number].line for number in circle if number in found.units)
        found.mistakes.append(OrganisationMistake(line, OrgUnitCycle(value=" → ".join(circle)[:500])))
    known = set(employed)
    found.warnings += [
        OrganisationMistake(line, LeaverUnknown(value=number))
        for number, line in found.leavers.items()
        if number not in known
    ]
    found.mistakes.sort(key=lambda mistake: mistake.line)
    found.warnings.sort(key=lambda warning: warning.line)


def _circles(units: Iterable[str], above: Mapping[str, str]) -> Iterator[list[str]]:
    """Each circle once; every unit is looked at once."""
    seen: dict[str, str] = {}  # → the unit whose way up came by first
    for start in units:
        way: list[str] = []
        number = start
        while number and number not in seen:
            seen[number] = start
            way.append(number)
            number = above.get(number, "")
        if number and seen[number] == start:
            yield way[way.index(number) :]
