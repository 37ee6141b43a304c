"""The tables of the books. Master data may change; vouchers, postings and seals never do.

Every key starts with the municipality. Amounts are whole øre, debit positive, credit negative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peewee import (
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    DateField,
    ForeignKeyField,
    IntegerField,
    UUIDField,
)

from opus_soap.database import BaseModel, InstantField, JsonField


class Municipality(BaseModel):
    """A municipality (kommune): the owner of everything else."""

    code = CharField(max_length=3, primary_key=True)  # kommunenummer
    cvr = CharField(max_length=8, unique=True)
    name = CharField()


class CompanyCode(BaseModel):
    """Firmakode: a set of books of its own inside a municipality."""

    if TYPE_CHECKING:
        municipality_id: str

    municipality = ForeignKeyField(Municipality, backref="company_codes", on_delete="RESTRICT")
    code = CharField(max_length=4)
    name = CharField()
    currency = CharField(max_length=3, default="DKK")
    vat_refund_account = CharField(max_length=10)  # købsmoms, refunded by momsrefusionsordningen
    retained_account = CharField(max_length=10)  # balancekonto: takes the year's result at carry-forward
    supplier_account = CharField(max_length=10)  # reconciliation account of the suppliers (kreditorer)
    default_bank_account = CharField(max_length=10, null=True)  # for payments and bank statements to come

    class Meta:
        indexes = ((("municipality", "code"), True),)


class FiscalYear(BaseModel):
    """Regnskabsår. Two may be open at once, from January until the old one is closed."""

    company_code = ForeignKeyField(CompanyCode, backref="fiscal_years", on_delete="RESTRICT")
    year = IntegerField()
    closed = BooleanField(default=False)
    carried_forward_at = InstantField(null=True)  # the last time that posted something; for people, no rule

    class Meta:
        indexes = ((("company_code", "year"), True),)


class Period(BaseModel):
    """Regnskabsperiode 1–12, and 13–15 for the supplement period of the year."""

    fiscal_year = ForeignKeyField(FiscalYear, backref="periods", on_delete="RESTRICT")
    number = IntegerField()
    open = BooleanField(default=True)

    class Meta:
        indexes = ((("fiscal_year", "number"), True),)


class TaxCode(BaseModel):
    """Momskode: which share of a gross amount on an account is refundable VAT."""

    company_code = ForeignKeyField(CompanyCode, backref="tax_codes", on_delete="RESTRICT")
    code = CharField(max_length=4)
    name = CharField()
    rate_basis_points = IntegerField()  # 2500 = 25 %

    class Meta:
        indexes = ((("company_code", "code"), True),)


class DocumentType(BaseModel):
    """Bilagsart: KR, KG, SA, AB …; each numbers its own series per year."""

    company_code = ForeignKeyField(CompanyCode, backref="document_types", on_delete="RESTRICT")
    code = CharField(max_length=2)
    name = CharField()
    first_number = BigIntegerField()

    class Meta:
        indexes = ((("company_code", "code"), True),)


class Account(BaseModel):
    """Artskonto (G/L account)."""

    company_code = ForeignKeyField(CompanyCode, backref="accounts", on_delete="RESTRICT")
    uuid = UUIDField(unique=True)
    number = CharField(max_length=10)
    name = CharField()
    is_balance = BooleanField()  # carried forward at year-end; a result account is closed
    tax_code = ForeignKeyField(TaxCode, null=True, on_delete="RESTRICT")
    blocked = BooleanField(default=False)
    assignable = BooleanField()  # whether case systems may post on it; by itself, a result account alone
    chart_string = CharField(max_length=16, null=True)  # 16-digit kontostreng of the authorised chart

    class Meta:
        indexes = ((("company_code", "number"), True),)


class AccountRule(BaseModel):
    """Kontoregel: what postings on accounts that match `pattern` (a regular expression) must carry.

    Lists hold dimension kinds (see `DimensionValue.kind`). The first matching rule by `priority` counts.
    """

    company_code = ForeignKeyField(CompanyCode, backref="account_rules", on_delete="RESTRICT")
    priority = IntegerField()
    pattern = CharField()
    requires_exactly_one_of = JsonField(default=list)
    forbids_any_of = JsonField(default=list)

    class Meta:
        indexes = ((("company_code", "priority"), True),)


class DimensionValue(BaseModel):
    """A value of an account assignment object: cost centre, WBS element, profit centre, order …"""

    KINDS = ("cost_center", "wbs_element", "profit_center", "order", "network", "functional_area")

    company_code = ForeignKeyField(CompanyCode, backref="dimension_values", on_delete="RESTRICT")
    uuid = UUIDField(unique=True)
    kind = CharField(max_length=16)
    code = CharField(max_length=24)
    name = CharField()
    parent_code = CharField(max_length=24, null=True)  # profit-centre hierarchy
    blocked = BooleanField(default=False)
    valid_from = DateField(null=True)
    valid_to = DateField(null=True)

    class Meta:
        indexes = ((("company_code", "kind", "code"), True),)


class Supplier(BaseModel):
    """Kreditor."""

    municipality = ForeignKeyField(Municipality, backref="suppliers", on_delete="RESTRICT")
    uuid = UUIDField(unique=True)
    number = CharField(max_length=10)
    name = CharField()
    cvr = CharField(max_length=8, null=True, index=True)
    identifiers = JsonField(default=list)  # canonical (opus_soap.identifiers): EndpointIDs and party ids
    active = BooleanField(default=True)
    purchasing = BooleanField(default=False)  # in the extract of creditors for purchasing
    person = BooleanField(default=False)  # a natural person: told only where it may be
    bank_registration = CharField(max_length=4, default="")  # registreringsnummer
    bank_account = CharField(max_length=10, default="")
    iban = CharField(max_length=34, default="")
    bic = CharField(max_length=11, default="")
    fik_creditor = CharField(max_length=8, default="")  # kreditornummer of payment slips (FI-kort)
    street = CharField(max_length=120, default="")
    postal_code = CharField(max_length=10, default="")
    city = CharField(max_length=80, default="")
    country = CharField(max_length=2, default="")  # ISO 3166; empty: not said

    class Meta:
        indexes = ((("municipality", "number"), True),)


class NumberRange(BaseModel):
    """The next voucher number of a series; taken under a row lock, so numbers have no gaps."""

    company_code = ForeignKeyField(CompanyCode, backref="number_ranges", on_delete="RESTRICT")
    document_type = CharField(max_length=2)
    year = IntegerField()
    next_number = BigIntegerField()

    class Meta:
        indexes = ((("company_code", "document_type", "year"), True),)


class Voucher(BaseModel):
    """Bilag. Written once by `ledger.posting.post`; append-only by trigger."""

    if TYPE_CHECKING:
        company_code_id: int
        reverses_id: int | None

    uuid = UUIDField(unique=True)
    company_code = ForeignKeyField(CompanyCode, backref="vouchers", on_delete="RESTRICT")
    document_type = CharField(max_length=2)
    year = IntegerField()
    number = BigIntegerField()
    period = IntegerField()
    document_date = DateField()
    posting_date = DateField()
    currency = CharField(max_length=3)
    header_text = CharField(max_length=70)
    reference = CharField(max_length=70)  # the outside world's number, e.g. the invoice number
    reverses = ForeignKeyField("self", null=True, unique=True, backref="reversed_by", on_delete="RESTRICT")
    entered_at = InstantField()
    entered_by = CharField()  # user or system
    source = CharField()  # the message or command that it came from (transaction trail)
    details = JsonField(null=True)  # what else was delivered with it, by the sender's own names
    hash = BlobField()  # SHA-256 over the canonical voucher and its postings

    class Meta:
        indexes = ((("company_code", "document_type", "year", "number"), True),)


class Posting(BaseModel):
    """Postering: one line of a voucher. Append-only by trigger."""

    if TYPE_CHECKING:
        voucher_id: int

    id = AutoField()
    voucher = ForeignKeyField(Voucher, backref="postings", on_delete="RESTRICT", index=False)
    line = IntegerField()
    posting_key = CharField(max_length=2)
    account = CharField(max_length=10)
    amount_ore = BigIntegerField()
    supplier = CharField(max_length=10, null=True)
    cost_center = CharField(max_length=10, null=True)
    wbs_element = CharField(max_length=24, null=True)
    profit_center = CharField(max_length=10, null=True)
    order = CharField(max_length=12, null=True, column_name="order_id")
    network = CharField(max_length=12, null=True)
    activity = CharField(max_length=4, null=True)
    functional_area = CharField(max_length=16, null=True)
    partner_profit_center = CharField(max_length=10, null=True)
    tax_code = CharField(max_length=4, null=True)
    value_date = DateField(null=True)
    text = CharField(max_length=255, default="")
    allocation = CharField(max_length=18, default="")
    details = JsonField(null=True)  # what else was delivered, by the sender's own names; null: nothing

    class Meta:
        indexes = ((("voucher", "line"), True), (("account",), False))


class ParkedVoucher(BaseModel):
    """Parkeret bilag: taken and checked, but not in the books until another user releases it."""

    PARKED, RELEASED, DISMISSED = "parked", "released", "dismissed"

    uuid = UUIDField(unique=True)  # the voucher's, when it is released
    company_code = ForeignKeyField(CompanyCode, backref="parked_vouchers", on_delete="RESTRICT")
    reference = CharField(max_length=70)
    document_type = CharField(max_length=2)
    posting_date = DateField()
    amount_ore = BigIntegerField()  # the sum of its debit lines
    entered_by = CharField()
    source = CharField()
    draft = JsonField()  # all of the voucher, as `ledger.parking` writes it
    reverses = ForeignKeyField(Voucher, null=True, backref="+", on_delete="RESTRICT")
    parked_at = InstantField()
    hash = BlobField()  # SHA-256 over all of that; what comes after it is how it was decided
    state = CharField(max_length=10)
    decided_at = InstantField(null=True)
    decided_by = CharField(null=True)
    reason = CharField(max_length=255, default="")  # why it was dismissed

    class Meta:
        indexes = ((("company_code", "state"), False),)


class UserRight(BaseModel):
    """Rettighed: up to which amount a user decides, on a profit centre or on all of them.

    Without an EAN it is a right to release vouchers, and to invoices of any EAN. With one it is a right to
    invoices that are addressed to that EAN, and to nothing else.
    """

    municipality = ForeignKeyField(Municipality, backref="user_rights", on_delete="RESTRICT")
    user = CharField(max_length=40, column_name="user_id")  # Opus user id, lower case
    profit_center = CharField(max_length=10, default="")  # empty: all
    ean = CharField(max_length=13, default="")  # location number; empty: not for invoices of one alone
    limit_ore = BigIntegerField()  # of a voucher's whole amount

    class Meta:
        indexes = ((("municipality", "user", "profit_center", "ean"), True),)


class Seal(BaseModel):
    """A signed batch of vouchers of one company code: from first to last, chained to the previous seal."""

    company_code = ForeignKeyField(CompanyCode, backref="seals", on_delete="RESTRICT")
    sequence = IntegerField()
    first_voucher = ForeignKeyField(Voucher, on_delete="RESTRICT", backref="+")
    last_voucher = ForeignKeyField(Voucher, on_delete="RESTRICT", backref="+")
    if TYPE_CHECKING:
        company_code_id: int
        first_voucher_id: int
        last_voucher_id: int
    voucher_count = IntegerField()
    previous = BlobField()  # root of the previous seal; 32 zero bytes in the first
    root = BlobField()  # SHA-256 over previous and the vouchers' hashes
    key_id = CharField(max_length=64)  # SHA-256 of the public key
    signature = BlobField()  # Ed25519 over the root and the seal's own fields
    sealed_at = InstantField()

    class Meta:
        indexes = ((("company_code", "sequence"), True),)


class SealKey(BaseModel):
    """A public key that seals were made with; kept for ever, so that old seals verify after rotation."""

    key_id = CharField(max_length=64, primary_key=True)
    public_key = BlobField()  # 32 raw bytes
    first_used_at = InstantField()


MODELS: tuple[type[BaseModel], ...] = (
    Municipality,
    CompanyCode,
    FiscalYear,
    Period,
    TaxCode,
    DocumentType,
    Account,
    AccountRule,
    DimensionValue,
    Supplier,
    NumberRange,
    Voucher,
    Posting,
    ParkedVoucher,
    UserRight,
    Seal,
    SealKey,
)

APPEND_ONLY: tuple[type[BaseModel], ...] = (Voucher, Posting, Seal, SealKey)
