"""No index that is the beginning of another, and none of archived messages that nobody asks for.

Each is written with every row: of a posting there were three, of an archived message six.
"""

_BEGINNINGS = (
    "companycode_municipality_id",
    "taxcode_company_code_id",
    "account_company_code_id",
    "accountrule_company_code_id",
    "dimensionvalue_company_code_id",
    "documenttype_company_code_id",
    "fiscalyear_company_code_id",
    "invoiceattachment_invoice_id",
    "numberrange_company_code_id",
    "parkedvoucher_company_code_id",
    "period_fiscal_year_id",
    "posting_voucher_id",
    "seal_company_code_id",
    "supplier_municipality_id",
    "userright_municipality_id",
    "voucher_company_code_id",
)
_NOT_ASKED = ("archivedmessage_at", "archivedmessage_system_id", "archivedmessage_content_id")


def up(migrator, db):
    for name in (*_BEGINNINGS, *_NOT_ASKED):
        db.execute_sql(f"DROP INDEX IF EXISTS {name}")
