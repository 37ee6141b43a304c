"""The tables of the extract."""

from __future__ import annotations

from opus_soap.interfaces.audit_extract.tables import Column, Table

_C = Column

ACCOUNTS = Table(
    "BAS_Chart_Of_Accounts",
    "Kontoplan",
    (
        _C("GL_Account_Number", "text", "Artskonto", "G/L account", "account.number"),
        _C("GL_Account_Name", "text", "Kontonavn", "Name of the account", "account.name"),
        _C("Balance_Account", "boolean", "Statuskonto", "Carried forward at year-end", "account.is_balance"),
        _C("Chart_String", "text", "Kontostreng", "16 digits of the authorised chart",
           "account.chart_string", False),
        _C("Tax_Type_Code", "text", "Momskode", "VAT code of purchases on it", "account.tax_code", False),
        _C("Blocked", "boolean", "Spærret", "Nobody may post on it", "account.blocked"),
        _C("Assignable", "boolean", "Må konteres af fagsystemer", "Case systems may post on it",
           "account.assignable"),
        _C("GL_Account_UUID", "uuid", "UUID", "Identifier in contracts", "account.uuid"),
    ),
    ("GL_Account_Number",),
)  # fmt: skip

PERIODS = Table(
    "BAS_Accounting_Period",
    "Regnskabsperioder",
    (
        _C("Fiscal_Year", "integer", "Regnskabsår", "Fiscal year", "fiscal_year.year"),
        _C("Accounting_Period", "integer", "Periode", "1–12 months, 13–15 supplement", "period.number"),
        _C("Period_Start_Date", "date", "Fra", "First day; of the supplement 31 December", "calendar"),
        _C("Period_End_Date", "date", "Til", "Last day; of the supplement 31 December", "calendar"),
        _C("Supplement", "boolean", "Supplementsperiode", "Periods 13–15", "period.number > 12"),
        _C("Period_Open", "boolean", "Åben", "It may still be posted into", "period.open"),
        _C("Fiscal_Year_Closed", "boolean", "Året afsluttet", "The year is closed", "fiscal_year.closed"),
    ),
    ("Fiscal_Year", "Accounting_Period"),
)

USERS = Table(
    "BAS_User",
    "Brugere",
    (
        _C("User_ID", "text", "Bruger", "User or system, as it stands in the vouchers; else in capitals",
           "voucher.entered_by, details RELEASED_BY, user_right.user_id"),
        _C("Vouchers_Entered", "integer", "Bilag indtastet", "Vouchers of the year", "counted"),
        _C("Postings_Entered", "integer", "Posteringer indtastet", "Postings of the year", "counted"),
        _C("Vouchers_Released", "integer", "Bilag godkendt", "Vouchers released by the user", "counted"),
        _C("First_Entry", "instant", "Første indtastning", "UTC", "voucher.entered_at", False),
        _C("Last_Entry", "instant", "Seneste indtastning", "UTC", "voucher.entered_at", False),
        _C("Release_Rights", "text", "Godkendelsesgrænser",
           "Profit centre (* all) = kroner; now. The same in each spelling of a user", "user_right", False),
    ),
    ("User_ID",),
)  # fmt: skip

SEGMENTS = Table(
    "BAS_Customized_ACC_Segment",
    "Dimensioner",
    (
        _C("Segment_Type", "text", "Dimension", "Kind of dimension, as the ledger names it",
           "dimension_value.kind"),
        _C("Segment_Value", "text", "Værdi", "Code", "dimension_value.code"),
        _C("Segment_Value_Name", "text", "Navn", "Name", "dimension_value.name"),
        _C("Parent_Segment_Value", "text", "Overordnet", "Parent in a hierarchy",
           "dimension_value.parent_code", False),
        _C("Valid_From", "date", "Gyldig fra", "First day; empty: always",
           "dimension_value.valid_from", False),
        _C("Valid_To", "date", "Gyldig til", "Last day; empty: for ever", "dimension_value.valid_to", False),
        _C("Blocked", "boolean", "Spærret", "Nobody may post on it", "dimension_value.blocked"),
        _C("Segment_UUID", "uuid", "UUID", "Identifier in contracts", "dimension_value.uuid"),
    ),
    ("Segment_Type", "Segment_Value"),
)  # fmt: skip

SUPPLIERS = Table(
    "BAS_Supplier",
    "Kreditorer",
    (
        _C("Supplier_Account_ID", "text", "Kreditornummer", "Supplier", "supplier.number"),
        _C("Supplier_Name", "text", "Navn", "Name; what looks like a CPR number is masked", "supplier.name"),
        _C("CVR", "text", "CVR-nummer", "Registration number", "supplier.cvr", False),
        _C("Active", "boolean", "Aktiv", "May be posted on", "supplier.active"),
        _C("Opening_Balance", "amount", "Primo", "Postings on it before the year", "posting, summed"),
        _C("Closing_Balance", "amount", "Ultimo", "… and up to the end of the year", "posting, summed"),
        _C("Supplier_UUID", "uuid", "UUID", "Identifier in contracts", "supplier.uuid"),
    ),
    ("Supplier_Account_ID",),
)

TAXES = Table(
    "BAS_Tax_Type",
    "Momskoder",
    (
        _C("Tax_Type_Code", "text", "Momskode", "VAT code", "tax_code.code"),
        _C("Tax_Type_Name", "text", "Navn", "Name", "tax_code.name"),
        _C("Tax_Rate", "percent", "Sats i procent", "Per cent", "tax_code.rate_basis_points / 100"),
    ),
    ("Tax_Type_Code",),
)

DOCUMENT_TYPES = Table(
    "BAS_Bill_Type",
    "Bilagsarter",
    (
        _C("Bill_Type_Code", "text", "Bilagsart", "Document type", "document_type.code"),
        _C("Bill_Type_Name", "text", "Navn", "Name", "document_type.name"),
        _C("First_Number", "integer", "Første nummer", "Where its series begins each year",
           "document_type.first_number"),
    ),
    ("Bill_Type_Code",),
)  # fmt: skip

TRIAL_BALANCE = Table(
    "GL_Trial_Balance",
    "Saldobalance",
    (
        _C("Fiscal_Year", "integer", "Regnskabsår", "Fiscal year", "voucher.year"),
        _C("GL_Account_Number", "text", "Artskonto", "G/L account", "posting.account"),
        _C("GL_Account_Name", "text", "Kontonavn", "Name of the account", "account.name"),
        _C("Opening_Balance", "amount", "Primo", "Opening vouchers; debit positive", "posting, summed"),
        _C("Debit_Amount", "amount", "Debet", "Debits of the year", "posting, summed"),
        _C("Credit_Amount", "amount", "Kredit", "Credits of the year, positive", "posting, summed"),
        _C("Closing_Balance", "amount", "Ultimo", "Opening + debit - credit", "posting, summed"),
        _C("Currency", "text", "Valuta", "ISO 4217", "company_code.currency"),
    ),
    ("Fiscal_Year", "GL_Account_Number"),
)

RANGES = Table(
    "OPUS_Number_Ranges",
    "Nummerserier",
    (
        _C("Bill_Type_Code", "text", "Bilagsart", "Document type", "number_range.document_type"),
        _C("Fiscal_Year", "integer", "Regnskabsår", "Fiscal year", "number_range.year"),
        _C("First_Number", "integer", "Første nummer", "Where the series begins",
           "document_type.first_number"),
        _C("Last_Number", "integer", "Sidste nummer", "Of the extract; empty: none", "voucher.number", False),
        _C("Next_Number", "integer", "Næste nummer", "What the series gives next, now",
           "number_range.next_number"),
        _C("Vouchers", "integer", "Bilag", "Vouchers in the extract", "counted"),
        _C("Later_Vouchers", "integer", "Senere bilag", "Entered after the extract was ordered", "counted"),
        _C("Missing_Numbers", "integer", "Manglende numre", "Numbers given of which there is no voucher",
           "counted"),
        _C("Missing", "text", "Hvilke", "n or n–m, separated by spaces; at most 1,000 gaps are named",
           "counted", False),
    ),
    ("Bill_Type_Code", "Fiscal_Year"),
)  # fmt: skip

SEALS = Table(
    "OPUS_Seals",
    "Segl",
    (
        _C("Seal_Number", "integer", "Segl", "Place in the chain", "seal.sequence"),
        _C("First_Voucher_UUID", "uuid", "Første bilag", "First voucher under it", "seal.first_voucher"),
        _C("Last_Voucher_UUID", "uuid", "Sidste bilag", "Last voucher under it", "seal.last_voucher"),
        _C("Vouchers", "integer", "Bilag", "Number of vouchers, of all years", "seal.voucher_count"),
        _C("Previous_Root", "hex", "Forrige rod", "Root of the seal before", "seal.previous"),
        _C("Root", "hex", "Rod", "SHA-256 over Previous_Root and the vouchers' hashes", "seal.root"),
        _C("Key_ID", "hex", "Nøgle", "SHA-256 of the public key", "seal.key_id"),
        _C("Public_Key", "hex", "Offentlig nøgle", "Ed25519, 32 bytes", "seal_key.public_key", False),
        _C("Sealed_At", "instant", "Forseglet", "UTC", "seal.sealed_at"),
        _C("Signature", "hex", "Underskrift", "Ed25519 over the seal's fields", "seal.signature"),
        _C("Holds", "boolean", "Holder", "Chain, root and signature, computed again", "computed"),
    ),
    ("Seal_Number",),
)

AUDIT_TRAIL = Table(
    "OPUS_Audit_Trail",
    "Kontrolspor",
    (
        _C("Entry_Number", "integer", "Nummer", "Number of the entry", "audit_entry.id"),
        _C("At", "instant", "Tidspunkt", "UTC", "audit_entry.at"),
        _C("User_ID", "text", "Bruger", "Who did it", "audit_entry.actor"),
        _C("Event", "text", "Hændelse", "What was done", "audit_entry.event"),
        _C("Subject", "text", "Emne", "What it was done to; of a voucher its UUID", "audit_entry.subject"),
        _C("Detail", "text", "Nærmere", "JSON; what looks like a CPR number is masked", "audit_entry.detail"),
    ),
    ("Entry_Number",),
)

CONTROLS = Table(
    "OPUS_Control_Totals",
    "Kontroltotaler",
    (
        _C("Control", "text", "Kontrol", "What must hold", "computed"),
        _C("Holds", "boolean", "Holder", "Whether it does", "computed"),
        _C("Expected", "text", "Forventet", "What must be found", "computed", False),
        _C("Found", "text", "Fundet", "What was found", "computed", False),
        _C("Note", "text", "Bemærkning", "What does not hold", "computed", False),
    ),
    ("Control",),
)
