"""Senders of postings: what they show at a door, who signs their messages, the third receipt."""

from peewee import CharField, ForeignKeyField, Model


def up(migrator, db):
    db.execute_sql(
        "ALTER TABLE posting_sender ADD COLUMN system_id INTEGER REFERENCES system (id) ON DELETE RESTRICT"
    )
    db.execute_sql("CREATE INDEX posting_sender_system_id ON posting_sender (system_id)")
    db.execute_sql("ALTER TABLE posting_sender ADD COLUMN booked_receipts BOOLEAN NOT NULL DEFAULT FALSE")

    class PostingSender(Model):
        class Meta:
            database = db
            table_name = "posting_sender"

    class PostingCredential(Model):
        sender = ForeignKeyField(PostingSender, on_delete="RESTRICT")
        kind = CharField(max_length=10)
        name = CharField(max_length=80)
        value = CharField(max_length=1000)
        created_at = CharField(max_length=27)
        revoked_at = CharField(max_length=27, null=True)

        class Meta:
            database = db
            table_name = "posting_credential"

    db.create_tables([PostingCredential])
