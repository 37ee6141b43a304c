"""Hashes of parked vouchers and of delivered files, as they stand now; whose own rates are taken."""

import hashlib
import json
from uuid import UUID

# ruff: noqa: S608  no value of anybody's stands in a statement
from peewee import SqliteDatabase

NO_ROOT = bytes(32)
SAID = "position, sender_id, number, company_code, year, digest, voucher_uuid, returns"
FILE = (
    "uuid, municipality, sender_id, name, name_key, called, sha256, size, state, documents, position, "
    "control, receipt_sha256, said_root, received_at, finished_at"
)
PARKED = (
    "uuid, company_code_id, reference, document_type, posting_date, amount_ore, entered_by, source, draft, "
    "reverses_id, parked_at"
)


def up(migrator, db):
    sqlite = isinstance(db, SqliteDatabase)
    kind, none, mark = ("BLOB", "X'{}'", "?") if sqlite else ("BYTEA", "'\\x{}'", "%s")
    for statement in (
        "ALTER TABLE posting_sender ADD COLUMN own_rates BOOLEAN NOT NULL DEFAULT FALSE",
        f"ALTER TABLE posting_file ADD COLUMN said_root {kind} NOT NULL DEFAULT {none.format(NO_ROOT.hex())}",
        f"ALTER TABLE posting_file ADD COLUMN hash {kind}",
        "ALTER TABLE parked_voucher ADD COLUMN "
        "reverses_id INTEGER REFERENCES voucher (id) ON DELETE RESTRICT",
        f"ALTER TABLE parked_voucher ADD COLUMN hash {kind} NOT NULL DEFAULT {none.format('')}",
        "CREATE INDEX parked_voucher_reverses_id ON parked_voucher (reverses_id)",
    ):
        db.execute_sql(statement)
    for key, draft in db.execute_sql("SELECT id, draft FROM parked_voucher").fetchall():
        reversed_uuid = json.loads(draft)["reverses"]
        if reversed_uuid:
            uuid = UUID(reversed_uuid).hex if sqlite else reversed_uuid
            db.execute_sql(
                f"UPDATE parked_voucher SET reverses_id = (SELECT id FROM voucher WHERE uuid = {mark}) "
                f"WHERE id = {mark}",
                (uuid, key),
            )
    for key, *row in db.execute_sql(f"SELECT id, {PARKED} FROM parked_voucher").fetchall():
        put(db, mark, "parked_voucher", "hash", hashed(["opus-soap-parked-voucher-1", *row]), key)
    for (key,) in db.execute_sql("SELECT id FROM posting_file").fetchall():
        root = NO_ROOT
        said = f"SELECT {SAID} FROM posting_document WHERE file_id = {mark} ORDER BY position"
        for row in db.execute_sql(said, (key,)):
            root = hashlib.sha256(root + text_of(row)).digest()
        put(db, mark, "posting_file", "said_root", root, key)
    query = f"SELECT id, {FILE} FROM posting_file WHERE state <> 'under_way'"
    for key, *row in db.execute_sql(query).fetchall():
        put(db, mark, "posting_file", "hash", hashed(["opus-soap-posting-file-1", *row]), key)


def put(db, mark, table, column, value, key):
    db.execute_sql(f"UPDATE {table} SET {column} = {mark} WHERE id = {mark}", (value, key))


def hashed(values):
    return hashlib.sha256(text_of(values)).digest()


def text_of(values):
    return json.dumps([plain(value) for value in values], ensure_ascii=False, separators=(",", ":")).encode()


def plain(value):
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    return value.isoformat() if hasattr(value, "isoformat") else value
