"""Master data, found by code or by UUID.

UUIDs are what SF1590_D names dimensions by. One that is not declared is derived from its municipality,
company code, kind and code, so that every system that loads the same declaration has the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from peewee import JOIN, chunked

from opus_soap.database import Prepared, is_postgresql
from opus_soap.errors import CompanyCodeUnknown, MunicipalityUnknown
from opus_soap.ledger.models import Account, CompanyCode, DimensionValue, Municipality, Supplier, TaxCode

NAMESPACE = UUID("5f4f7d1c-0f6e-5c1e-9f0d-6b2f0a1590d0")
AT_ONCE = 500  # values named in one query: an engine takes only so many


def some_of(values: Iterable[str]) -> Iterator[list[str]]:
    """Different values in their order, as many at once as a query names."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), AT_ONCE):
        yield ordered[start : start + AT_ONCE]


def find_municipality(code: str) -> Municipality:
    """The municipality with a code (three digits); raises `MunicipalityUnknown`."""
    found: Municipality | None = _municipality.first(code)
    if found is None:
        raise MunicipalityUnknown(value=code)
    return found


def hold_municipality(municipality: Municipality) -> None:
    """Two who load master data at once do it one after the other, to the end of their transactions."""
    if is_postgresql():
        Municipality.select().where(Municipality.code == municipality.code).for_update().execute()


def authority_cvr(code: str) -> str | None:
    """The CVR number of a municipality, if there are books of it here."""
    found: Municipality | None = _municipality.first(code)
    return found.cvr if found is not None else None


@Prepared
def _municipality(code: Any) -> Any:
    return Municipality.select().where(Municipality.code == code)


def company_code(municipality: str, code: str) -> CompanyCode:
    """A company code; raises `CompanyCodeUnknown`."""
    found: CompanyCode | None = CompanyCode.get_or_none(
        CompanyCode.municipality == municipality, CompanyCode.code == code
    )
    if found is None:
        raise CompanyCodeUnknown(value=f"{municipality}/{code}")
    return found


def company_code_uuid(company: CompanyCode) -> UUID:
    """The UUID by which contracts name a company code, derived from municipality and code."""
    return uuid5(NAMESPACE, f"{company.municipality.code}/{company.code}")


def accounts_by_uuid(company: CompanyCode, uuids: Iterable[UUID]) -> dict[UUID, Account]:
    """The G/L accounts with these UUIDs, their tax codes read with them; what is not known is left out."""
    found: dict[UUID, Account] = {}
    for some in chunked(set(uuids), AT_ONCE):
        rows = (
            Account.select(Account, TaxCode)
            .join(TaxCode, JOIN.LEFT_OUTER)
            .where(Account.company_code == company, Account.uuid.in_(some))
        )
        found.update((row.uuid, row) for row in rows)
    return found


def dimensions_by_uuid(company: CompanyCode, uuids: Iterable[UUID]) -> dict[UUID, DimensionValue]:
    """The dimension values with these UUIDs, of any kind; what is not known is left out."""
    found: dict[UUID, DimensionValue] = {}
    for some in chunked(set(uuids), AT_ONCE):
        rows = DimensionValue.select().where(
            DimensionValue.company_code == company, DimensionValue.uuid.in_(some)
        )
        found.update((row.uuid, row) for row in rows)
    return found


def find_supplier(municipality: str, known_by: Iterable[str]) -> Supplier | None:
    """The supplier that is known by any of these canonical identifiers (`opus_soap.identifiers`).

    CVR numbers count first. A number without its scheme, or of another one, is nobody's.
    """
    wanted = sorted(set(known_by))
    cvrs = [known.removeprefix("CVR:") for known in wanted if known.startswith("CVR:")]
    own = Supplier.select().where(Supplier.municipality == municipality).order_by(Supplier.number)
    by_cvr: Supplier | None = own.where(Supplier.cvr.in_(cvrs)).first()
    if by_cvr is not None:
        return by_cvr
    for known in wanted:  # the text of the list holds it: few rows are left to be looked at
        for supplier in own.where(Supplier.identifiers.cast("text").contains(known)):
            if known in supplier.identifiers:
                return supplier
    return None


class Listed(NamedTuple):
    """A G/L account (`account`) or a dimension value, as lists tell it."""

    kind: str
    code: str
    name: str
    uuid: UUID
    blocked: bool  # nobody posts on it
    not_for_case_systems: bool  # others do


def dimensions(company: CompanyCode, kind: str | None = None) -> Iterator[Listed]:
    """Every G/L account and dimension value, or those of a kind."""
    if kind in (None, "account"):
        for account in Account.select().where(Account.company_code == company).order_by(Account.number):
            yield Listed(
                "account",
                account.number,
                account.name,
                account.uuid,
                account.blocked,
                not account.assignable,
            )
    query = DimensionValue.select().where(DimensionValue.company_code == company)
    if kind is not None:
        query = query.where(DimensionValue.kind == kind)
    for value in query.order_by(DimensionValue.kind, DimensionValue.code):
        yield Listed(value.kind, value.code, value.name, value.uuid, value.blocked, False)


# no day is in it
NEVER = (date.max, date.min)


def open_days(value: DimensionValue) -> tuple[date, date]:
    """The first and the last day on which a dimension value may be posted on; `NEVER` when it is blocked."""
    return days_of(value.blocked, value.valid_from, value.valid_to)


def days_of(blocked: bool, first: date | None, last: date | None) -> tuple[date, date]:
    """The same, of what a dimension value says."""
    return NEVER if blocked else (first or date.min, last or date.max)
