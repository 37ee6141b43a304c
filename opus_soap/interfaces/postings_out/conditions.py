"""Conditions of a partial extract (deludtræk): on any dimension, by value, list, range or pattern.

`COSTCENTER=4101`, `DOC_TYPE=SA,KR`, `GL_ACCOUNT=40000000..49999999`, `PROFIT_CTR=10*`; `!=` for all the
others. Of several conditions all must hold. What lacks the dimension meets none, and meets every `!=`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opus_soap.errors import Both, ConditionDimensionUnknown, ConditionInvalid, ConditionUnknown
from opus_soap.extracts.sap_names import ON_HEADERS, ON_LINES
from opus_soap.ledger.checks import normalised_wbs
from opus_soap.ledger.models import (
    Account,
    CompanyCode,
    DimensionValue,
    DocumentType,
    FiscalYear,
    Posting,
    Supplier,
    TaxCode,
    Voucher,
)

# where the master data of a dimension is, and its column of codes; of the others there is none
_TABLES: dict[str, tuple[Any, str]] = {
    "GL_ACCOUNT": (Account, "number"),
    "DOC_TYPE": (DocumentType, "code"),
    "VENDOR_NO": (Supplier, "number"),
    "TAX_CODE": (TaxCode, "code"),
    **{
        name: (DimensionValue, "code")
        for name, kind in {**ON_LINES, "PART_PRCTR": "profit_center"}.items()
        if kind in DimensionValue.KINDS
    },
}
_YEAR = re.compile("[0-9]{1,4}")
MOST = 20  # conditions
_MOST_VALUES = 1000  # in one list
_LONGEST = 10_000  # characters
_WRITTEN = re.compile(r"([A-Z_]+)(!?=)(.+)")
_FORM = Both(
    "DIMENSION=værdi, =v1,v2, =fra..til, =mønster* eller !=",
    "DIMENSION=value, =v1,v2, =from..to, =pattern* or !=",
)
Values = Mapping[str, str | None]


@dataclass(frozen=True)
class Condition:
    """One condition, ready to be asked."""

    text: str  # as it was written, in normal form
    name: str  # the dimension, by SAP's name
    holds: Callable[[str | None], bool]


def parse(text: str) -> Condition:
    """A condition as people write it.

    Raises `ConditionInvalid`, `ConditionDimensionUnknown` for a strange dimension.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or len(text) > _LONGEST:
        raise ConditionInvalid(value=text[:100], expected=_FORM)
    name, operator, wanted = found.groups()
    if name not in ON_LINES and name not in ON_HEADERS:
        raise ConditionDimensionUnknown(value=name[:40], expected=", ".join((*ON_LINES, *ON_HEADERS)))
    test, normal = _test(name, wanted)
    if operator == "!=":
        return Condition(f"{name}!={normal}", name, lambda value: value is None or not test(value))
    return Condition(f"{name}={normal}", name, lambda value: value is not None and test(value))


def _test(name: str, wanted: str) -> tuple[Callable[[str], bool], str]:
    """What tells whether a value is meant, and the same as text."""
    several = sum(mark in wanted for mark in (",", "*", "..")) > 1
    if several or wanted.startswith("="):  # somebody would wait for ever
        raise ConditionInvalid(value=f"{name}={wanted}"[:100], expected=f"{name}=v1,v2")
    if ".." in wanted:
        first, _, last = wanted.partition("..")
        first, last = _normal(name, first), _normal(name, last)
        if not first or not last or _order(name, first) > _order(name, last):
            raise ConditionInvalid(
                value=f"{name}={wanted}"[:100], expected=Both(f"{name}=fra..til", f"{name}=from..to")
            )
        low, high = _order(name, first), _order(name, last)
        return lambda value: low <= _order(name, value) <= high, f"{first}..{last}"
    if "*" in wanted:
        wanted = wanted.strip()
        first, *between, last = wanted.split("*")
        return lambda value: _is_like(value, first, between, last), wanted
    values = [_normal(name, value) for value in wanted.split(",")]
    if not all(values) or len(values) > _MOST_VALUES:
        raise ConditionInvalid(value=f"{name}={wanted}"[:100], expected=f"{name}=v1,v2 (≤ {_MOST_VALUES})")
    meant = frozenset(values)
    return meant.__contains__, ",".join(values)


def _is_like(value: str, first: str, between: Sequence[str], last: str) -> bool:
    """Whether texts stand in a value in this order; each is looked for once, for many stars cost no more."""
    if not value.startswith(first) or not value[len(first) :].endswith(last):
        return False
    place, end = len(first), len(value) - len(last)
    for text in between:
        found = value.find(text, place, end)
        if found < 0:
            return False
        place = found + len(text)
    return True


def _normal(name: str, value: str) -> str:
    value = value.strip()
    return normalised_wbs(value) if name == "WBS_ELEMENT" else value


def _order(name: str, value: str) -> tuple[int, str]:
    """Numbers by their size where the books hold numbers; the rest as text, as SAP compares them."""
    return (int(value), "") if name in ("FISC_YEAR", "FIS_PERIOD") and _YEAR.fullmatch(value) else (0, value)


def check(company: CompanyCode, texts: list[str]) -> list[Condition]:
    """Conditions whose single values the books know; raises `ConditionInvalid`, `ConditionUnknown`.

    A range or a pattern may meet nothing: values may come.
    """
    if len(texts) > MOST:
        raise ConditionInvalid(value=len(texts), expected=f"≤ {MOST}")
    conditions = [parse(text) for text in texts]
    for condition in conditions:
        for value in _named(condition):
            if not _is_known(company, condition.name, value):
                raise ConditionUnknown(element=condition.name, value=value, expected=company.code)
    return conditions


def _named(condition: Condition) -> Iterator[str]:
    wanted = condition.text.partition("=")[2]
    if "*" not in wanted and ".." not in wanted:
        yield from wanted.split(",")


def _is_known(company: CompanyCode, name: str, value: str) -> bool:
    """Whether there is such a value in the master data, or has been in the books."""
    if name in ("POSTING_KEY", "FIS_PERIOD", "ENTERED_BY", "ACTIVITY"):  # of no table
        return True
    if name == "FISC_YEAR":
        own = FiscalYear.select().where(FiscalYear.company_code == company)
        return value in {str(row.year) for row in own}
    model, column = _TABLES[name]
    query = model.select().where(getattr(model, column) == value)
    if model is Supplier:
        query = query.where(Supplier.municipality == company.municipality)
    else:
        query = query.where(model.company_code == company)
    if model is DimensionValue:
        query = query.where(DimensionValue.kind == _kind(name))
    return bool(query.exists()) or _was_posted(company, name, value)


def _was_posted(company: CompanyCode, name: str, value: str) -> bool:
    if name not in ON_LINES:
        return False
    column = getattr(Posting, ON_LINES[name])
    return bool(
        Posting.select().join(Voucher).where(Voucher.company_code == company, column == value).exists()
    )


def _kind(name: str) -> str:
    return "profit_center" if name == "PART_PRCTR" else ON_LINES[name]
