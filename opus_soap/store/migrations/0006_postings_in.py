"""Posteringer IND: senders, their files, and what became of each voucher in them."""

from peewee import (
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
    UUIDField,
)


def up(migrator, db):
    class PostingSender(Model):
        municipality = CharField(max_length=3)
        sender_id = CharField(max_length=40)
        short = CharField(max_length=4)
        name = CharField()
        company_codes = TextField()
        document_types = TextField()
        active = BooleanField()

        class Meta:
            database = db
            table_name = "posting_sender"
            indexes = ((("municipality", "sender_id"), True),)

    class PostingFile(Model):
        uuid = UUIDField(unique=True)
        municipality = CharField(max_length=3)
        sender = ForeignKeyField(PostingSender, on_delete="RESTRICT", index=False)
        name = CharField(max_length=120)
        name_key = CharField(max_length=120)
        sha256 = CharField(max_length=64)
        size = BigIntegerField()
        state = CharField(max_length=12)
        documents = IntegerField()
        position = IntegerField()
        control = TextField()
        receipt_sha256 = CharField(max_length=64, null=True)
        received_at = CharField(max_length=27)
        finished_at = CharField(max_length=27, null=True)

        class Meta:
            database = db
            table_name = "posting_file"
            indexes = ((("sender", "name_key"), True),)

    class PostingDocument(Model):
        file = ForeignKeyField(PostingFile, on_delete="RESTRICT", index=False)
        position = IntegerField()
        sender = ForeignKeyField(PostingSender, on_delete="RESTRICT", index=False)
        number = CharField(max_length=16)
        company_code = CharField(max_length=4)
        year = IntegerField()
        digest = BlobField()
        voucher_uuid = UUIDField(null=True, unique=True)
        returns = TextField()

        class Meta:
            database = db
            table_name = "posting_document"
            indexes = ((("file", "position"), True),)

    db.create_tables([PostingSender, PostingFile, PostingDocument])
    db.execute_sql(
        "CREATE UNIQUE INDEX posting_document_accepted "
        "ON posting_document (sender_id, number, company_code, year) WHERE voucher_uuid IS NOT NULL"
    )
