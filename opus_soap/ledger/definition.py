"""The declaration of a municipality's master data: which keys it has, of which form.

Read from TOML (see `simulate/municipality.toml`). Only the key of a row is required here; what else a
new row needs is asked for when it is made, so that a declaration may hold nothing but changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError
from stdnum import iban

from opus_soap.errors import MasterDataInvalid
from opus_soap.ledger import account_patterns, definition_words
from opus_soap.ledger.models import DimensionValue
from opus_soap.texts import is_hidden


def _holds(test: Callable[[str], bool], danish: str, english: str) -> AfterValidator:
    """What a text must be besides its length; the two texts say what is expected."""

    def check(text: str) -> str:
        if not test(text):
            raise PydanticCustomError(definition_words.OWN_RULE, english, {"danish": danish})
        return text

    return AfterValidator(check)


def _is_seen(text: str) -> bool:
    return not any(map(is_hidden, text)) and not text.isspace()


def _is_code(text: str) -> bool:
    """What people type, and systems compare: nothing that looks like a digit or a blank and is another.

    Nor what a spreadsheet makes of a long number: `1,1E+07`.
    """
    foreign = any((one.isnumeric() or one.isspace()) and not one.isascii() for one in text)
    return _is_seen(text) and text == text.strip() and not foreign and _POWER.fullmatch(text) is None


def _fits(identifiers: list[str]) -> list[str]:
    """Together in the one text that extracts have for them, where a mark takes three characters."""
    length = sum(len(one) + 1 + 2 * (one.count("|") + one.count("%")) for one in identifiers)
    if length > LONGEST_IDENTIFIERS:
        raise PydanticCustomError("too_long", "", {"max_length": LONGEST_IDENTIFIERS})
    return identifiers


def _is_iban(text: str) -> bool:
    return not text or bool(iban.is_valid(text))


LONGEST_IDENTIFIERS = 4000  # of a supplier, all of them
_POWER = re.compile(r"[0-9]+([.,][0-9]+)?E\+[0-9]+")
_SEEN = _holds(_is_seen, "tegn, der kan ses", "characters that can be seen")
_CODE = _holds(
    _is_code,
    "tegn, der kan ses, med cifrene 0–9, uden mellemrum yderst og ikke som 1E+07",
    "characters that can be seen, with the digits 0–9, without outer blanks and not as 1E+07",
)
# as long as the columns they go into; a test holds them together
Text = Annotated[str, StringConstraints(min_length=1, max_length=255), _SEEN]
Number = Annotated[str, StringConstraints(min_length=1, max_length=10), _CODE]
DimensionCode = Annotated[str, StringConstraints(min_length=1, max_length=24), _CODE]
TaxCodeText = Annotated[str, StringConstraints(max_length=4), _CODE]
ChartString = Annotated[str, StringConstraints(pattern="^[0-9]{16}$")]
MunicipalityCode = Annotated[str, StringConstraints(pattern="^[0-9]{3}$")]
Cvr = Annotated[str, StringConstraints(pattern="^[0-9]{8}$")]
CompanyCodeText = Annotated[str, StringConstraints(pattern="^[A-Z0-9]{4}$")]
DocumentTypeCode = Annotated[str, StringConstraints(pattern="^[A-Z0-9]{2}$")]
Currency = Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
Expression = Annotated[Text, _holds(account_patterns.is_bounded, *account_patterns.FORM)]
_KINDS = "/".join(DimensionValue.KINDS)
Kind = Annotated[str, _holds(DimensionValue.KINDS.__contains__, _KINDS, _KINDS)]
# of creditors: an empty text takes away what is there
Registration = Annotated[str, StringConstraints(pattern="^([0-9]{4})?$")]
BankAccount = Annotated[str, StringConstraints(pattern="^([0-9]{1,10})?$")]
Iban = Annotated[
    str,
    StringConstraints(pattern="^([A-Z]{2}[0-9]{2}[A-Z0-9]{11,30})?$"),
    _holds(_is_iban, "et IBAN, hvis kontrolcifre passer", "an IBAN whose check digits are right"),
]
Bic = Annotated[str, StringConstraints(pattern="^([A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?)?$")]
FikCreditor = Annotated[str, StringConstraints(pattern="^([0-9]{8})?$")]
Country = Annotated[str, StringConstraints(pattern="^([A-Z]{2})?$")]
UserId = Annotated[str, StringConstraints(min_length=1, max_length=40), _CODE]
Ean = Annotated[str, StringConstraints(pattern="^([0-9]{13})?$")]
Limit = Annotated[int, Field(ge=1, le=99_999_999_999_999)]  # øre
Identity = Annotated[UUID, Field(strict=False)]
Rate = Annotated[int, Field(ge=0, le=10_000)]
VoucherNumber = Annotated[int, Field(ge=1, le=9_999_999_999)]
PeriodNumber = Annotated[int, Field(ge=1, le=15)]
Year = Annotated[int, Field(ge=1990, le=2999)]


class Row(BaseModel):
    """A declared row: `key` names it; what else is given are its facts."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    key: ClassVar[tuple[str, ...]] = ("code",)

    def facts(self, *leave_out: str) -> dict[str, Any]:
        """What was given besides the key, and nothing that was not."""
        return {name: getattr(self, name) for name in self.model_fields_set - {*self.key, *leave_out}}


class MunicipalityRow(Row):
    """Kommune."""

    code: MunicipalityCode
    cvr: Cvr | None = None
    name: Text | None = None


class TaxCodeRow(Row):
    """Momskode."""

    code: Annotated[TaxCodeText, StringConstraints(min_length=1)]
    name: Text | None = None
    rate_basis_points: Rate | None = None


class DocumentTypeRow(Row):
    """Bilagsart."""

    code: DocumentTypeCode
    name: Text | None = None
    first_number: VoucherNumber | None = None


class AccountRuleRow(Row):
    """Kontoregel."""

    key = ("priority",)
    priority: Annotated[int, Field(ge=-999_999_999, le=999_999_999)]
    pattern: Expression | None = None
    requires_exactly_one_of: list[Kind] | None = None
    forbids_any_of: list[Kind] | None = None


class AccountRow(Row):
    """Artskonto; an empty `tax_code` takes the tax code away.

    `assignable`: whether case systems may post on it. A new result account is, and the VAT refund account;
    any other new balance account is not.
    """

    key = ("number",)
    number: Number
    uuid: Identity | None = None
    name: Text | None = None
    is_balance: bool | None = None
    tax_code: TaxCodeText | None = None
    blocked: bool | None = None
    assignable: bool | None = None
    chart_string: ChartString | None = None


class DimensionRow(Row):
    """A value of a dimension."""

    code: DimensionCode
    uuid: Identity | None = None
    name: Text | None = None
    parent_code: DimensionCode | None = None
    blocked: bool | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class SupplierRow(Row):
    """Kreditor."""

    key = ("number",)
    number: Number
    uuid: Identity | None = None
    name: Text | None = None
    cvr: Cvr | None = None
    identifiers: Annotated[list[Text], AfterValidator(_fits)] | None = None
    active: bool | None = None
    purchasing: bool | None = None
    person: bool | None = None
    bank_registration: Registration = ""
    bank_account: BankAccount = ""
    iban: Iban = ""
    bic: Bic = ""
    fik_creditor: FikCreditor = ""
    street: Annotated[str, StringConstraints(max_length=120), _SEEN] = ""
    postal_code: Annotated[str, StringConstraints(max_length=10), _SEEN] = ""
    city: Annotated[str, StringConstraints(max_length=80), _SEEN] = ""
    country: Country = ""


class UserRightRow(Row):
    """What a user may decide (`UserRight`); `limit_ore` is in øre."""

    key = ("user", "profit_center", "ean")
    user: UserId
    profit_center: Annotated[str, StringConstraints(max_length=10), _CODE] = ""
    ean: Ean = ""
    limit_ore: Limit | None = None


class CompanyRow(Row):
    """Firmakode, with everything that is its own."""

    code: CompanyCodeText
    name: Text | None = None
    currency: Currency | None = None
    vat_refund_account: Number | None = None
    retained_account: Number | None = None
    supplier_account: Number | None = None
    default_bank_account: Number | None = None
    years: list[Year] = []
    open_periods: dict[str, list[PeriodNumber]] = {}
    tax_codes: list[TaxCodeRow] = []
    document_types: list[DocumentTypeRow] = []
    account_rules: list[AccountRuleRow] = []
    accounts: list[AccountRow] = []
    dimensions: dict[Kind, list[DimensionRow]] = {}


R = TypeVar("R", bound=Row)
M = TypeVar("M", bound=BaseModel)


class Definition(BaseModel):
    """The whole declaration; `receiver` is the demo's own (whom its invoices are addressed to)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    municipality: MunicipalityRow
    company_codes: list[CompanyRow] = []
    suppliers: list[SupplierRow] = []
    user_rights: list[UserRightRow] = []
    receiver: dict[str, Any] = {}


def read_definition(tables: Mapping[str, Any]) -> Definition:
    """Check a declaration; raises `MasterDataInvalid` naming the first entry that is wrong."""
    return _read(Definition, tables)


def read_row(kind: type[R], values: Mapping[str, Any]) -> R:
    """Check one row by itself; raises `MasterDataInvalid`."""
    return _read(kind, values)


def _read(kind: type[M], values: Mapping[str, Any]) -> M:
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        # of what is missing, the input is all the rest
        value = "-" if first["type"] == "missing" else str(first["input"])[:100]
        raise MasterDataInvalid(
            element=place, value=value, expected=definition_words.expected(first)
        ) from None
