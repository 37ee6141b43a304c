"""Units and employees as XML: which element is which column, in the order of the contract.

The form has no namespace: its consumers look elements up by their bare names, and would find none.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Any, NamedTuple
from xml.sax.saxutils import quoteattr

from opus_soap.extracts.elements import escaped
from opus_soap.extracts.output import Form
from opus_soap.identifiers import opus_user
from opus_soap.money import kroner_from_ore, ore_from_text

FORM = Form("kmd", "", "Organisation.xsd")
UNIT, EMPLOYEE = "orgUnit", "employee"
ID, ACTION, LEAVE = "id", "action", "leave"
CPR, SUPP_ID = "cpr", "suppId"


class Kind(Enum):
    """What a text is in the tables."""

    TEXT, DAY, YES_NO, AMOUNT, USER = "text", "day", "yes or no", "amount", "user"


TEXT, DAY, YES_NO, AMOUNT, USER = Kind


class Field(NamedTuple):
    """An element, or an attribute, and its column."""

    name: str
    column: str
    kind: Kind = TEXT


UNIT_ATTRIBUTES = (
    Field(ID, "number"),
    Field("client", "client"),
    Field("lastChanged", "last_changed", DAY),
)
UNIT_ELEMENTS = (
    Field("startDate", "start_date", DAY),
    Field("endDate", "end_date", DAY),
    Field("parentOrgUnit", "parent"),
    Field("shortName", "short_name"),
    Field("longName", "long_name"),
    Field("street", "street"),
    Field("zipCode", "zip_code"),
    Field("city", "city"),
    Field("phoneNumber", "phone"),
    Field("cvrNr", "cvr"),
    Field("eanNr", "ean"),
    Field("seNr", "se_number"),
    Field("pNr", "p_number"),
    Field("costCenter", "cost_center"),
    Field("orgType", "org_type"),
    Field("orgTypeTxt", "org_type_text"),
)
EMPLOYEE_ATTRIBUTES = UNIT_ATTRIBUTES
EMPLOYEE_ELEMENTS = (  # after cpr
    Field("firstName", "first_name"),
    Field("lastName", "last_name"),
    Field("address", "address"),
    Field("zipCode", "zip_code"),
    Field("city", "city"),
    Field("entryDate", "entry_date", DAY),
    Field("leaveDate", "leave_date", DAY),
    Field("workContract", "work_contract"),
    Field("workContractText", "work_contract_text"),
    Field("position", "position"),
    Field("isManager", "is_manager", YES_NO),
    Field("superiorLevel", "superior_level"),
    Field("subordinateLevel", "subordinate_level"),
    Field("orgUnit", "org_unit"),
    Field("userId", "user_id", USER),
    Field("email", "email"),
    Field("phoneNumber", "phone"),
    Field("invoiceRecipient", "invoice_recipient", YES_NO),
    Field("invoiceLimit", "invoice_limit_ore", AMOUNT),
)
UNIT_COLUMNS = tuple(field.name for field in (*UNIT_ATTRIBUTES, *UNIT_ELEMENTS))
EMPLOYEE_COLUMNS = (
    *(ID, ACTION, *(field.name for field in EMPLOYEE_ATTRIBUTES[1:])),
    *(CPR, SUPP_ID, *(field.name for field in EMPLOYEE_ELEMENTS)),
)


class Person(NamedTuple):
    """Who an employee is: the number, and which of the person's employments this one is (None: not told)."""

    cpr: str
    supp_id: str | None


def as_text(value: Any, kind: Kind) -> str:
    """A column's value as it stands in an element; empty for None."""
    if value is None:
        return ""
    if kind is DAY:
        return str(value.isoformat())
    if kind is YES_NO:
        return "true" if value else "false"
    if kind is USER:
        return opus_user(str(value))
    return str(kroner_from_ore(value)) if kind is AMOUNT else str(value)


def as_value(text: str, kind: Kind) -> Any:
    """The same back; raises ValueError for a day that there is not."""
    if kind is DAY:
        return date.fromisoformat(text)
    if kind is YES_NO:
        return text == "true"
    if kind is AMOUNT:
        return ore_from_text(text)
    composed = unicodedata.normalize("NFC", text)
    return opus_user(composed) if kind is USER else composed


def texts(row: Any, fields: Iterable[Field]) -> dict[str, str]:
    """A row's texts by element."""
    return {field.name: as_text(getattr(row, field.column), field.kind) for field in fields}


def unit_text(attributes: Mapping[str, str], elements: Mapping[str, str]) -> str:
    """An orgUnit; what has no text is left out."""
    return _record(UNIT, attributes, elements)


def employee_text(
    attributes: Mapping[str, str], elements: Mapping[str, str], person: Person | None = None
) -> str:
    """An employee, with the person's number only where there is one to tell."""
    cpr = "" if person is None else _element(CPR, person.cpr, {SUPP_ID: person.supp_id or ""})
    return _record(EMPLOYEE, attributes, elements, cpr)


def leaver_text(number: str) -> str:
    """An employee who is there no more."""
    return f"<{EMPLOYEE} {ID}={quoteattr(number)} {ACTION}={quoteattr(LEAVE)}/>\n"


def _record(name: str, attributes: Mapping[str, str], elements: Mapping[str, str], first: str = "") -> str:
    inner = "".join(_element(key, text) for key, text in elements.items() if text)
    return f"<{name}{_attributes(attributes)}>{first}{inner}</{name}>\n"


def _element(name: str, text: str, attributes: Mapping[str, str] | None = None) -> str:
    return f"<{name}{_attributes(attributes or {})}>{escaped(text)}</{name}>"


def _attributes(attributes: Mapping[str, str]) -> str:
    return "".join(f" {name}={quoteattr(text)}" for name, text in attributes.items() if text)


def row_of(columns: Sequence[str], *texts_by_name: Mapping[str, str]) -> list[str | None]:
    """A row of the CSV file: the same texts, None where there is none."""
    found = {name: text for some in texts_by_name for name, text in some.items()}
    return [found.get(name) or None for name in columns]
