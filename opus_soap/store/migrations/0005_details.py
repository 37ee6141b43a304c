"""What else a sender delivered with a voucher or a line, beside what the ledger has columns for."""


def up(migrator, db):
    for table in ("voucher", "posting"):
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN details TEXT")
