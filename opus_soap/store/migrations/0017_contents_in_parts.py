"""What is attached to a message is kept once, and the message is kept without it."""

from peewee import BigIntegerField, BlobField, CharField, CompositeKey, ForeignKeyField, Model


def up(migrator, db):
    class Base(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Content(Base):
        sha256 = CharField(max_length=64, primary_key=True)

    class ContentPart(Base):
        content = ForeignKeyField(Content, on_delete="RESTRICT", backref="+", index=False)
        position = BigIntegerField()
        before = BlobField()
        attached = ForeignKeyField(Content, null=True, on_delete="RESTRICT", backref="+", index=False)

        class Meta:
            primary_key = CompositeKey("content", "position")

    db.execute_sql("ALTER TABLE content ADD COLUMN in_parts BOOLEAN NOT NULL DEFAULT false")
    db.create_tables([ContentPart])
