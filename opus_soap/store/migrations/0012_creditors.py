"""What creditors are paid by, who is a person or marked for purchasing; rights to invoices of an EAN."""

TEXTS = {
    "bank_registration": 4,
    "bank_account": 10,
    "iban": 34,
    "bic": 11,
    "fik_creditor": 8,
    "street": 120,
    "postal_code": 10,
    "city": 80,
    "country": 2,
}


def up(migrator, db):
    for column in ("purchasing", "person"):
        db.execute_sql(f"ALTER TABLE supplier ADD COLUMN {column} BOOLEAN NOT NULL DEFAULT FALSE")
    # a digest of a CPR number is among its identifiers: it is told by that alone, until somebody says more
    known = f"cvr IS NULL AND identifiers LIKE {db.param}"
    db.execute_sql(f"UPDATE supplier SET person = TRUE WHERE {known}", ('%"CPR#%',))  # noqa: S608
    for column, longest in TEXTS.items():
        db.execute_sql(f"ALTER TABLE supplier ADD COLUMN {column} VARCHAR({longest}) NOT NULL DEFAULT ''")
    db.execute_sql("ALTER TABLE user_right ADD COLUMN ean VARCHAR(13) NOT NULL DEFAULT ''")
    db.execute_sql("DROP INDEX userright_municipality_id_user_id_profit_center")
    db.execute_sql(
        "CREATE UNIQUE INDEX userright_municipality_id_user_id_profit_center_ean "
        "ON user_right (municipality_id, user_id, profit_center, ean)"
    )
