"""One live lending an invoice; the texts of an answer stand in the content store alone."""


def up(migrator, db):
    db.execute_sql(
        "CREATE UNIQUE INDEX lending_live ON lending (invoice_id) "
        "WHERE state IN ('open', 'answered', 'information')"
    )
    for column in ("correspondence", "reasons"):
        db.execute_sql(f"ALTER TABLE answer DROP COLUMN {column}")
