"""Which accounts case systems may post on: result accounts and the one for VAT, until told otherwise."""


def up(migrator, db):
    db.execute_sql("ALTER TABLE account ADD COLUMN assignable BOOLEAN NOT NULL DEFAULT FALSE")
    db.execute_sql(
        "UPDATE account SET assignable = NOT is_balance OR number = "
        "(SELECT vat_refund_account FROM company_code WHERE company_code.id = account.company_code_id)"
    )
