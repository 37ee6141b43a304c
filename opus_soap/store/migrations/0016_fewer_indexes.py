"""Indexes that are written with every posting and every message, and that nothing is found by.

Lines are found by voucher and line; a message by its number, its correlation or its MessageID.
"""

_UNUSED = (
    "posting_voucher_id",
    "archivedmessage_at",
    "archivedmessage_system_id",
    "archivedmessage_content_id",
)


def up(migrator, db):
    for name in _UNUSED:
        db.execute_sql(f"DROP INDEX IF EXISTS {name}")
