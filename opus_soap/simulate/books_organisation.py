"""A made-up organisation: units with their EAN, employees with their amount limits; loaded as any other is.

The n-th unit and employee are always the same among so many employees. Nobody real is meant: the numbers of
persons are replacement numbers (the day + 60) whose last digits, 0000, are given to nobody. Who is there
under such a number already is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile

from stdnum import ean

from opus_soap.clock import Clock
from opus_soap.database import stored_rows
from opus_soap.interfaces.master_data.organisation.form import (
    EMPLOYEE_ATTRIBUTES,
    EMPLOYEE_ELEMENTS,
    FORM,
    UNIT_ATTRIBUTES,
    UNIT_ELEMENTS,
    Person,
    employee_text,
    texts,
    unit_text,
)
from opus_soap.interfaces.master_data.organisation.loading import load
from opus_soap.ledger.definition import UserRightRow
from opus_soap.ledger.loading import load_right
from opus_soap.ledger.models import CompanyCode, DimensionValue
from opus_soap.simulate.books_names import PLACES, first_and_last
from opus_soap.store.organisation_models import Employee, OrgUnit

_AREAS = {
    "Økonomi og administration": ("Regnskab", "Indkøb", "Løn", "Borgerservice", "It-drift"),
    "Børn og unge": ("Skole", "Børnehus", "Skole", "Klub", "Børnehus"),
    "Sundhed og omsorg": ("Plejehjem", "Hjemmepleje", "Sygepleje", "Genoptræning", "Plejehjem"),
    "Teknik og miljø": ("Vejdrift", "Parkdrift", "Bygninger", "Genbrugsplads", "Beredskab"),
    "Kultur og fritid": ("Bibliotek", "Idrætshal", "Musikskole", "Kulturhus", "Svømmehal"),
}
_TOP, _FIRST_AREA, _FIRST_LEAF, _FIRST_EMPLOYEE = 90_000_000, 90_000_001, 90_001_001, 90_000_001
_OF_A_LEAF = 8  # employees
_POSITIONS = ("Assistent", "Sekretær", "Koordinator", "Fagspecialist", "Medhjælper", "Konsulent")
_RECIPIENT_EACH = 3  # every so many of those who lead nobody get invoices to approve
_BEGAN, _FOR_EVER = date(2007, 1, 1), date(9999, 12, 31)
_TOP_LIMIT, _AREA_LIMIT = 500_000_000, 100_000_000  # øre
_LEADERS_LIMITS, _OTHERS_LIMITS = (10_000_000, 15_000_000, 25_000_000), (1_000_000, 2_500_000, 5_000_000)


def add_organisation(company: CompanyCode, employees: int, *, actor: str, clock: Clock) -> int:
    """See to it that an organisation of so many made-up employees is there; returns how many were added."""
    code = company.municipality_id
    units = list(_units(company, max(1, employees // _OF_A_LEAF))) if employees else []
    known = {model: _numbers(model, code) for model in (OrgUnit, Employee)}
    people = [row for row in _employees(units, employees) if row.number not in known[Employee]]
    added = [unit for unit in units if unit.number not in known[OrgUnit]]
    if added or people:
        with NamedTemporaryFile("w", encoding="utf-8", prefix="organisation-", suffix=".xml") as file:
            file.write(f"<{FORM.root}>\n")
            file.writelines(_unit_text(unit) for unit in added)
            file.writelines(_employee_text(person) for person in people)
            file.write(f"</{FORM.root}>\n")
            file.flush()
            load(company.municipality, Path(file.name), actor=actor, clock=clock)
    _give_rights(company, units, people)
    return len(people)


def _numbers(model: type[OrgUnit] | type[Employee], municipality: str) -> set[str]:
    own = model.select(model.number).where(model.municipality == municipality)
    return {number for (number,) in stored_rows(own)}


def _units(company: CompanyCode, leaves: int) -> Iterator[OrgUnit]:
    """The top, then the areas that are needed, then the places where people work."""
    centers = _cost_centers(company)
    areas = list(_AREAS.items())[:leaves]
    yield _unit(company, _TOP, f"{company.municipality.name}, opdigtet", "Kommune", centers)
    for place, (name, _) in enumerate(areas):
        yield _unit(company, _FIRST_AREA + place, name, "Forvaltning", centers, _TOP)
    for place in range(leaves):
        area = place % len(areas)
        kinds = areas[area][1]
        name = f"{kinds[place // len(areas) % len(kinds)]}, {PLACES[place % len(PLACES)]}"
        yield _unit(company, _FIRST_LEAF + place, name, "Institution", centers, _FIRST_AREA + area)


def _unit(
    company: CompanyCode, number: int, name: str, kind: str, centers: Sequence[str], parent: int | None = None
) -> OrgUnit:
    stem = f"57980098{number % 10_000:04d}"
    return OrgUnit(
        municipality=company.municipality_id,
        number=str(number),
        client=company.municipality_id,
        last_changed=_BEGAN,
        start_date=_BEGAN,
        end_date=_FOR_EVER,
        parent=str(parent) if parent else None,
        short_name=f"X{number % 100_000}",
        long_name=name[: OrgUnit.long_name.max_length].strip(),
        street=f"Eksempelvej {number % 200 + 1}",
        zip_code="9999",
        city=PLACES[number % len(PLACES)],
        cvr=company.municipality.cvr,
        ean=stem + ean.calc_check_digit(stem),
        cost_center=centers[number % len(centers)] if centers else None,
        org_type=kind[:3].upper(),
        org_type_text=kind,
    )


def _cost_centers(company: CompanyCode) -> list[str]:
    """The codes that are open, as far as a unit can name them."""
    rows = DimensionValue.select(DimensionValue.code).where(
        DimensionValue.company_code == company, DimensionValue.kind == "cost_center", ~DimensionValue.blocked
    )
    return sorted(code for (code,) in stored_rows(rows) if code.isascii() and code.isalnum())


def _employees(units: Sequence[OrgUnit], wanted: int) -> Iterator[Employee]:
    """Who leads each unit, from the top; the others work in the institutions."""
    leaves = [unit for unit in units if int(unit.number) >= _FIRST_LEAF]
    for place in range(wanted):
        leads = place < len(units)
        unit = units[place] if leads else leaves[(place - len(units)) % len(leaves)]
        yield _employee(place, unit, leads=leads)


def _employee(place: int, unit: OrgUnit, *, leads: bool) -> Employee:
    random = Random(place)  # noqa: S311  reproducible, not secret
    first, last = first_and_last(random)
    user = f"X{place + 1:05d}"
    recipient = leads or place % _RECIPIENT_EACH == 0
    return Employee(
        municipality=unit.municipality,
        number=str(_FIRST_EMPLOYEE + place),
        client=unit.client,
        last_changed=_BEGAN,
        first_name=first,
        last_name=last,
        address=f"Eksempelvej {random.randint(1, 200)}",
        zip_code="9999",
        city=random.choice(PLACES),
        entry_date=date(random.randint(2007, 2025), random.randint(1, 12), 1),
        work_contract="01",
        work_contract_text="Månedsløn",
        position=_title(unit) if leads else random.choice(_POSITIONS),
        is_manager=leads,
        superior_level=str(_level(unit) + (not leads)),
        org_unit=unit.number,
        user_id=user,
        email=f"{user.lower()}@kommune.example",
        invoice_recipient=recipient,
        invoice_limit_ore=_limit(unit, random, leads=leads) if recipient else None,
    )


def _level(unit: OrgUnit) -> int:
    number = int(unit.number)
    return 1 if number == _TOP else 2 if number < _FIRST_LEAF else 3


def _title(unit: OrgUnit) -> str:
    return ("Kommunaldirektør", "Direktør", "Leder")[_level(unit) - 1]


def _limit(unit: OrgUnit, random: Random, *, leads: bool) -> int:
    if not leads:
        return random.choice(_OTHERS_LIMITS)
    return (_TOP_LIMIT, _AREA_LIMIT, random.choice(_LEADERS_LIMITS))[_level(unit) - 1]


def _unit_text(unit: OrgUnit) -> str:
    return unit_text(texts(unit, UNIT_ATTRIBUTES), texts(unit, UNIT_ELEMENTS))


def _employee_text(person: Employee) -> str:
    born = Random(f"born/{person.number}")  # noqa: S311  reproducible, not secret
    day, month, year = born.randint(61, 88), born.randint(1, 12), born.randint(60, 99)
    who = Person(f"{day:02d}{month:02d}{year:02d}0000", "0")
    return employee_text(texts(person, EMPLOYEE_ATTRIBUTES), texts(person, EMPLOYEE_ELEMENTS), who)


def _give_rights(company: CompanyCode, units: Sequence[OrgUnit], people: Sequence[Employee]) -> None:
    """Whoever is new and gets invoices may decide on those of the unit's EAN, and on nothing else."""
    eans = {unit.number: unit.ean for unit in units}
    for person in people:
        if person.invoice_recipient:
            right = UserRightRow(
                user=person.user_id or "", ean=eans[person.org_unit] or "", limit_ore=person.invoice_limit_ore
            )
            load_right(company.municipality, right)
