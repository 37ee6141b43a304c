"""A subscription may end, and its history stays."""


def up(migrator, db):
    db.execute_sql("ALTER TABLE subscription ADD COLUMN ended_at VARCHAR(27)")
