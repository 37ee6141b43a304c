"""Load a municipality's master data from its declaration; what is there is brought up to date.

Nothing is deleted, and what the books already rest on does not change: where a series begins, and
whether an account is carried forward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from uuid import UUID, uuid5

from peewee import IntegrityError, Model

from opus_soap.database import Prepared, create, is_any_of, transaction, update
from opus_soap.errors import MASK, Both, MasterDataInvalid, MasterDataTwin, mask_cpr
from opus_soap.identifiers import canonical
from opus_soap.ledger.checks import normalised_wbs
from opus_soap.ledger.definition import (
    AccountRow,
    AccountRuleRow,
    CompanyRow,
    DimensionRow,
    DocumentTypeRow,
    SupplierRow,
    TaxCodeRow,
    UserRightRow,
    read_definition,
)
from opus_soap.ledger.master_data import NAMESPACE, hold_municipality
from opus_soap.ledger.models import (
    Account,
    AccountRule,
    CompanyCode,
    DimensionValue,
    DocumentType,
    FiscalYear,
    Municipality,
    NumberRange,
    Period,
    Posting,
    Supplier,
    TaxCode,
    UserRight,
    Voucher,
)

PERIODS = range(1, 16)
_LISTS = ("years", "open_periods", "tax_codes", "document_types", "account_rules", "accounts", "dimensions")
# of those whose numbers SAP fills up with zeros: what a declaration calls them
_NUMBERED: Mapping[type[Model], str] = {
    Account: "accounts",
    DimensionValue: "dimensions",
    Supplier: "suppliers",
}
_OWN_ACCOUNTS = ("vat_refund_account", "retained_account", "supplier_account", "default_bank_account")
_A_YEAR = Both("et år i `years`", "a year of `years`")
_BOTH_OF_BANK = Both(
    "bank_registration og bank_account, eller ingen af dem", "bank_registration and bank_account, or neither"
)
_IDENTIFIER = Both("ART:VÆRDI, fx GLN:5790…", "SCHEME:VALUE, such as GLN:5790…")
_BALANCE = Both("en statuskonto i kontoplanen", "a balance account of the chart")
_ALONE = Both("ingen anden række med dens UUID eller CVR-nummer", "no other row with its UUID or CVR")


def load_municipality(tables: Mapping[str, Any]) -> Municipality:
    """Load or update a municipality from its declaration (`ledger.definition`), all of it or nothing.

    Raises `MasterDataInvalid`.
    """
    definition = read_definition(tables)
    with transaction():
        head = definition.municipality
        municipality: Municipality = _put(Municipality, {"code": head.code}, head.facts())
        hold_municipality(municipality)
        for company in definition.company_codes:
            _load_company(municipality, company)
        for supplier in definition.suppliers:
            load_supplier(municipality, supplier)
        for right in definition.user_rights:
            load_right(municipality, right)
    return municipality


def _load_company(municipality: Municipality, row: CompanyRow) -> None:
    company = load_head(municipality, row)
    _load_years(company, row)
    for tax_code in row.tax_codes:
        load_tax_code(company, tax_code)
    for document_type in row.document_types:
        load_document_type(company, document_type)
    for rule in row.account_rules:
        load_rule(company, rule)
    for account in row.accounts:
        load_account(company, account)
    for kind, values in row.dimensions.items():
        for value in values:
            load_dimension(company, kind, value)
    check_own_accounts(company)


def load_head(municipality: Municipality, row: CompanyRow) -> CompanyCode:
    """A company code without what is its own; `check_own_accounts` comes last, when the chart is there."""
    key = {"municipality": municipality, "code": row.code}
    company: CompanyCode = _put(CompanyCode, key, row.facts(*_LISTS))
    return company


def load_tax_code(company: CompanyCode, row: TaxCodeRow) -> None:
    """A tax code; raises `MasterDataInvalid`, as all of these do."""
    _put(TaxCode, {"company_code": company, "code": row.code}, row.facts())


def load_rule(company: CompanyCode, row: AccountRuleRow) -> None:
    """A rule of accounts."""
    _put(AccountRule, {"company_code": company, "priority": row.priority}, row.facts())


def _load_years(company: CompanyCode, row: CompanyRow) -> None:
    unknown = set(row.open_periods) - {str(year) for year in row.years}
    if unknown:
        raise MasterDataInvalid(element="open_periods", value=", ".join(sorted(unknown)), expected=_A_YEAR)
    for year in row.years:
        fiscal_year = _put(FiscalYear, {"company_code": company, "year": year}, {})
        chosen = row.open_periods.get(str(year))
        for number in PERIODS:
            facts = {} if chosen is None else {"open": number in chosen}
            _put(Period, {"fiscal_year": fiscal_year, "number": number}, facts)


def load_document_type(company: CompanyCode, row: DocumentTypeRow) -> None:
    """A document type; where its series begins does not change when it has begun."""
    key = {"company_code": company, "code": row.code}
    before = DocumentType.get_or_none(**key)
    begins = row.first_number
    if before is not None and begins not in (None, before.first_number):
        used = NumberRange.select().where(
            NumberRange.company_code == company, NumberRange.document_type == row.code
        )
        if used.exists():
            raise MasterDataInvalid(
                element=f"document_types {row.code} first_number", value=begins, expected=before.first_number
            )
    _put(DocumentType, key, row.facts())


def load_account(company: CompanyCode, row: AccountRow) -> None:
    """A G/L account; whether it is carried forward does not change when it was posted on."""
    facts = row.facts()
    if "tax_code" in facts:
        facts["tax_code"] = _tax_code(company, row)
    key = {"company_code": company, "number": row.number}
    before = Account.get_or_none(**key)
    if row.is_balance not in (None, before and before.is_balance):
        own = row.number == company.vat_refund_account  # an answer may decide about VAT itself
        facts.setdefault("assignable", own or not row.is_balance)
    if before is not None and row.is_balance not in (None, before.is_balance):
        used = (
            Posting.select()
            .join(Voucher)
            .where(Voucher.company_code == company, Posting.account == row.number)
        )
        if used.exists():
            raise MasterDataInvalid(
                element=f"accounts {row.number} is_balance", value=row.is_balance, expected=before.is_balance
            )
    _put(Account, key, facts, _uuid(company.municipality.code, company.code, "account", row.number))


def _tax_code(company: CompanyCode, row: AccountRow) -> TaxCode | None:
    if not row.tax_code:
        return None
    known = {tax_code.code: tax_code for tax_code in TaxCode.select().where(TaxCode.company_code == company)}
    if row.tax_code not in known:
        raise MasterDataInvalid(
            element=f"accounts {row.number} tax_code", value=row.tax_code, expected=", ".join(known)
        )
    return known[row.tax_code]


def load_dimension(company: CompanyCode, kind: str, row: DimensionRow) -> None:
    """A value of a dimension, no longer than a posting may name it."""
    code = normalised_wbs(row.code) if kind == "wbs_element" else row.code
    longest = getattr(Posting, kind).max_length
    if len(code) > longest:
        raise MasterDataInvalid(
            element=f"dimensions {kind} code",
            value=code,
            expected=Both(f"≤ {longest} tegn", f"≤ {longest} characters"),
        )
    key = {"company_code": company, "kind": kind, "code": code}
    _put(DimensionValue, key, row.facts(), _uuid(company.municipality.code, company.code, kind, code))


def load_supplier(municipality: Municipality, row: SupplierRow) -> None:
    """A supplier; one that is known by a CPR number, and has no CVR number, is a person."""
    key = {"municipality": municipality, "number": row.number}
    facts = row.facts()
    if row.identifiers is not None:
        facts["identifiers"] = [_identifier(row.number, text) for text in row.identifiers]
        if not row.cvr and any(known.startswith("CPR#") for known in facts["identifiers"]):
            facts.setdefault("person", True)
    supplier = _put(Supplier, key, facts, _uuid(municipality.code, "supplier", row.number))
    if bool(supplier.bank_registration) != bool(supplier.bank_account):
        raise MasterDataInvalid(
            element=f"suppliers {row.number} bank_account",
            value=supplier.bank_account or "-",
            expected=_BOTH_OF_BANK,
        )


def load_right(municipality: Municipality, row: UserRightRow) -> None:
    """What a user may decide."""
    key = {"municipality": municipality, "profit_center": row.profit_center, "ean": row.ean}
    _put(UserRight, {**key, "user": row.user.casefold()}, row.facts())


def _identifier(number: str, text: str) -> str:
    """`SCHEME:VALUE` in canonical form; a person's number becomes a digest."""
    scheme, _, value = text.rpartition(":")
    known = canonical(scheme, value)
    if known is None:
        raise MasterDataInvalid(element=f"suppliers {number} identifiers", value=text, expected=_IDENTIFIER)
    return known


def check_own_accounts(company: CompanyCode) -> None:
    """The accounts that the house itself posts on are in the chart, and are balance accounts."""
    for name in _OWN_ACCOUNTS:
        number = getattr(company, name)
        account = Account.get_or_none(Account.company_code == company, Account.number == number)
        if number and (account is None or not account.is_balance):
            raise MasterDataInvalid(element=name, value=number, expected=_BALANCE)


def _put(
    model: type[Model], key: Mapping[str, Any], facts: Mapping[str, Any], uuid: UUID | None = None
) -> Any:
    """Make the row of a key, or bring it up to date with the facts given; `uuid` is for a new row."""
    row = _finder(model, tuple(key)).first(*key.values())
    before = row.__data__ if row is not None else {}
    opens = _is_open({**before, **facts}) and (row is None or not _is_open(before))
    if opens and model in _NUMBERED:  # what is blocked comes by itself, and may be opened later
        _require_no_twin(model, key)
    try:
        if row is None:
            return _make(model, {**key, **({"uuid": uuid} if uuid else {}), **facts})
        for name, value in facts.items():
            setattr(row, name, value)
        if facts and model is Municipality:  # which has no id
            row.save()
        elif facts:
            update(row, *facts)
    except IntegrityError:
        raise MasterDataInvalid(
            element=model.__name__, value=list(key.values())[-1], expected=_ALONE
        ) from None
    return row


def _require_no_twin(model: type[Model], key: Mapping[str, Any]) -> None:
    """Two numbers that only zeros in front tell apart are one to SAP; raises `MasterDataTwin`.

    A new one of that kind is most often what a spreadsheet has left of an old one. One that is blocked is in
    nobody's way: so a wrong number that came first is put right.
    """
    *within, number = key.values()
    if not number.isdecimal():
        return
    name = list(key)[-1]
    bare = number.lstrip("0") or "0"
    longest = getattr(model, name).max_length
    filled = [bare.zfill(length) for length in range(len(bare), longest + 1)]
    for twin in _twins(model, tuple(key)).rows(*within, filled):
        if _is_open(twin.__data__):
            element = " ".join([_NUMBERED[model], *filter(None, [key.get("kind")])])
            known = getattr(twin, name)
            # one that is a person's number but for its zero tells the other
            secret = any(mask_cpr(one) != one for one in (number, known))
            raise MasterDataTwin(
                element=element, value=number, expected=MASK if secret else known, sensitive=secret
            )


def _is_open(facts: Mapping[str, Any]) -> bool:
    return not facts.get("blocked") and bool(facts.get("active", True))


@cache
def _finder(model: type[Model], names: tuple[str, ...]) -> Prepared:
    """Finds the row of a key; a chart has many, and the library writes each query anew."""

    def query(*values: Any) -> Any:
        return model.select().where(
            *(getattr(model, name) == value for name, value in zip(names, values, strict=True))
        )

    return _prepared(len(names), query)


@cache
def _twins(model: type[Model], names: tuple[str, ...]) -> Prepared:
    """Finds the rows of a key whose last part is any of several."""
    *within, last = names

    def query(*values: Any) -> Any:
        *places, numbers = values
        same = (getattr(model, name) == value for name, value in zip(within, places, strict=True))
        return model.select().where(*same, is_any_of(getattr(model, last), numbers))

    return _prepared(len(names), query)


def _prepared(values: int, query: Callable[..., Any]) -> Prepared:
    """A query of so many values."""
    builds: Mapping[int, Callable[..., Any]] = {
        1: lambda a: query(a),
        2: lambda a, b: query(a, b),
        3: lambda a, b, c: query(a, b, c),
        4: lambda a, b, c, d: query(a, b, c, d),
    }
    return Prepared(builds[values])


def _make(model: type[Model], facts: Mapping[str, Any]) -> Model:
    missing = [
        field.name
        for field in model._meta.sorted_fields
        if not (field.null or field.default is not None or field.primary_key) and field.name not in facts
    ]
    if missing:
        raise MasterDataInvalid(
            element=model.__name__, value=Both("mangler", "missing"), expected=", ".join(missing)
        )
    made: Model = model.create(**facts) if model is Municipality else create(model, **facts)
    return made


def _uuid(*names: str) -> UUID:
    return uuid5(NAMESPACE, "/".join(names))
