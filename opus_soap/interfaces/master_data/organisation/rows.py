"""Units and employees as they stand, in the order of their numbers; memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from opus_soap.store.organisation_models import Employee, OrgUnit

_AT_ONCE = 500
Row = TypeVar("Row", OrgUnit, Employee)


def units(municipality: str) -> Iterator[OrgUnit]:
    """All units, those that are over among them."""
    yield from _all(OrgUnit, municipality)


def employees(municipality: str) -> Iterator[Employee]:
    """All employees."""
    yield from _all(Employee, municipality)


def count(municipality: str) -> int:
    """How many units and employees there are."""
    return sum(
        int(model.select().where(model.municipality == municipality).count()) for model in (OrgUnit, Employee)
    )


def _all(model: type[Row], municipality: str) -> Iterator[Row]:
    after = ""
    query = model.select().where(model.municipality == municipality).order_by(model.number).limit(_AT_ONCE)
    while page := list(query.where(model.number > after)):
        yield from page
        after = page[-1].number
