"""Master data: found by code or UUID, and loaded from a declarative definition.

UUIDs are what SF1590_D names dimensions by. One that is not given is derived from its municipality,
company code, kind and code, so that loading the same definition twice gives the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from uuid import UUID, uuid5

from peewee import Model

from opus_soap.database import transaction
from opus_soap.errors import CompanyCodeUnknown, MasterDataInvalid
from opus_soap.ledger.models import (
    Account,
    AccountRule,
    CompanyCode,
    DimensionValue,
    DocumentType,
    FiscalYear,
    Municipality,
    Period,
    Supplier,
    TaxCode,
)

NAMESPACE = UUID("5f4f7d1c-0f6e-5c1e-9f0d-6b2f0a1590d0")
PERIODS = range(1, 16)


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


def account_by_uuid(company: CompanyCode, uuid: UUID) -> Account | None:
    """The G/L account with this UUID, or None."""
    found: Account | None = Account.get_or_none(Account.company_code == company, Account.uuid == uuid)
    return found


def dimension_by_uuid(company: CompanyCode, kind: str, uuid: UUID) -> DimensionValue | None:
    """The dimension value of a kind with this UUID, or None."""
    found: DimensionValue | None = DimensionValue.get_or_none(
        DimensionValue.company_code == company, DimensionValue.kind == kind, DimensionValue.uuid == uuid
    )
    return found


def find_supplier(municipality: str, identifiers: Iterable[str]) -> Supplier | None:
    """The supplier that a document means: by CVR, or by any of its identifiers (`GLN:…`, a bare number).

    Digits alone are compared; `DK12345678`, `DK:CVR 12345678` and `12345678` are the same CVR.
    """
    wanted = {_digits(identifier) for identifier in identifiers} - {""}
    by_cvr: Supplier | None = (
        Supplier.select()
        .where(Supplier.municipality == municipality, Supplier.cvr.in_(sorted(wanted)))
        .order_by(Supplier.number)
        .first()
    )
    if by_cvr is not None:
        return by_cvr
    for supplier in Supplier.select().where(Supplier.municipality == municipality):
        if wanted & {_digits(identifier) for identifier in supplier.identifiers}:
            return supplier
    return None


def _digits(identifier: str) -> str:
    return "".join(character for character in identifier if character.isdigit())


def dimensions(company: CompanyCode, kind: str | None = None) -> Iterator[tuple[str, str, str, UUID, bool]]:
    """(kind, code, name, UUID, blocked) of every G/L account (`account`) and dimension value."""
    if kind in (None, "account"):
        for account in Account.select().where(Account.company_code == company).order_by(Account.number):
            yield "account", account.number, account.name, account.uuid, account.blocked
    query = DimensionValue.select().where(DimensionValue.company_code == company)
    if kind is not None:
        query = query.where(DimensionValue.kind == kind)
    for value in query.order_by(DimensionValue.kind, DimensionValue.code):
        yield value.kind, value.code, value.name, value.uuid, value.blocked


def load_municipality(definition: Mapping[str, Any]) -> Municipality:
    """Load or update a municipality from its definition (see `simulate/municipality.toml`).

    Keys: `municipality` {code, cvr, name}; `company_codes` [{code, name, currency?, vat_refund_account,
    retained_account, supplier_account, default_bank_account?, years [..], open_periods? {"2026": [..]},
    tax_codes, document_types, accounts, account_rules, dimensions {kind: [..]}}]; `suppliers` [..].
    What is already there is updated; nothing is deleted. Raises `MasterDataInvalid`.
    """
    with transaction():
        head = _fields(definition, "municipality")
        municipality: Municipality = _put(
            Municipality, {"code": _text(head, "code")}, head, keep=("cvr", "name")
        )
        for company in definition.get("company_codes", ()):
            _load_company(municipality, company)
        for row in definition.get("suppliers", ()):
            number = _text(row, "number")
            _put(
                Supplier,
                {"municipality": municipality, "number": number},
                {**row, "uuid": _uuid(row, municipality.code, "supplier", number)},
                keep=("uuid", "name", "cvr", "identifiers", "active"),
            )
    return municipality


def _load_company(municipality: Municipality, definition: Mapping[str, Any]) -> None:
    code = _text(definition, "code")
    company = _put(
        CompanyCode,
        {"municipality": municipality, "code": code},
        definition,
        keep=(
            "name",
            "currency",
            "vat_refund_account",
            "retained_account",
            "supplier_account",
            "default_bank_account",
        ),
    )
    _load_years(company, definition)
    for row in definition.get("tax_codes", ()):
        _put(
            TaxCode,
            {"company_code": company, "code": _text(row, "code")},
            row,
            keep=("name", "rate_basis_points"),
        )
    for row in definition.get("document_types", ()):
        key = {"company_code": company, "code": _text(row, "code")}
        _put(DocumentType, key, row, keep=("name", "first_number"))
    for row in definition.get("account_rules", ()):
        key = {"company_code": company, "priority": row["priority"]}
        _put(AccountRule, key, row, keep=("pattern", "requires_exactly_one_of", "forbids_any_of"))
    _load_accounts(company, definition.get("accounts", ()))
    for kind, rows in definition.get("dimensions", {}).items():
        if kind not in DimensionValue.KINDS:
            raise MasterDataInvalid(
                element="dimensions", value=kind, expected=", ".join(DimensionValue.KINDS)
            )
        _load_dimensions(company, kind, rows)


def _load_years(company: CompanyCode, definition: Mapping[str, Any]) -> None:
    open_periods = definition.get("open_periods", {})
    for year in definition.get("years", ()):
        fiscal_year, _ = _get_or_make(FiscalYear, {"company_code": company, "year": year}, {})
        chosen = open_periods.get(str(year), PERIODS)
        for number in PERIODS:
            _get_or_make(Period, {"fiscal_year": fiscal_year, "number": number}, {"open": number in chosen})


def _load_accounts(company: CompanyCode, rows: Iterable[Mapping[str, Any]]) -> None:
    tax_codes = {row.code: row for row in TaxCode.select().where(TaxCode.company_code == company)}
    for row in rows:
        number, tax = _text(row, "number"), row.get("tax_code", "")
        if tax and tax not in tax_codes:
            raise MasterDataInvalid(
                element=f"account {number} tax_code", value=tax, expected=", ".join(tax_codes)
            )
        facts = {
            **row,
            "tax_code": tax_codes.get(tax),
            "uuid": _uuid(row, company.municipality.code, company.code, "account", number),
        }
        key = {"company_code": company, "number": number}
        _put(Account, key, facts, keep=("uuid", "name", "is_balance", "tax_code", "blocked", "chart_string"))


def _load_dimensions(company: CompanyCode, kind: str, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        code = _text(row, "code")
        facts = {**row, "uuid": _uuid(row, company.municipality.code, company.code, kind, code)}
        key = {"company_code": company, "kind": kind, "code": code}
        keep = ("uuid", "name", "parent_code", "blocked", "valid_from", "valid_to")
        _put(DimensionValue, key, facts, keep=keep)


def _put(model: type[Model], key: Mapping[str, Any], facts: Mapping[str, Any], keep: tuple[str, ...]) -> Any:
    """Make the row of a key, or bring it up to date with the facts that were given."""
    chosen = {name: facts[name] for name in keep if name in facts}
    for name, value in chosen.items():
        longest = getattr(getattr(model, name), "max_length", None)
        if isinstance(value, str) and longest is not None and len(value) > longest:
            raise MasterDataInvalid(element=f"{model.__name__} {name}", value=value, expected=f"≤ {longest}")
    row, made = _get_or_make(model, key, chosen)
    if not made:
        for name, value in chosen.items():
            setattr(row, name, value)
        row.save()
    return row


def _get_or_make(model: type[Model], key: Mapping[str, Any], facts: Mapping[str, Any]) -> tuple[Any, bool]:
    row = model.get_or_none(**key)
    if row is not None:
        return row, False
    missing = [
        field.name
        for field in model._meta.sorted_fields
        if not (field.null or field.default is not None or field.primary_key)
        and field.name not in key
        and field.name not in facts
    ]
    if missing:
        raise MasterDataInvalid(element=model.__name__, value="missing", expected=", ".join(missing))
    return model.create(**key, **facts), True


def _fields(definition: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = definition.get(name)
    if not isinstance(value, Mapping):
        raise MasterDataInvalid(element=name, value="missing", expected="a table")
    return value


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise MasterDataInvalid(element=name, value=value, expected="a text")
    return value


def _uuid(row: Mapping[str, Any], *names: str) -> UUID:
    given = row.get("uuid")
    return UUID(str(given)) if given else uuid5(NAMESPACE, "/".join(names))


def valid_on(value: DimensionValue, on: date) -> bool:
    """Whether a dimension value may be posted on at a date."""
    return (
        not value.blocked
        and (value.valid_from is None or value.valid_from <= on)
        and (value.valid_to is None or on <= value.valid_to)
    )
