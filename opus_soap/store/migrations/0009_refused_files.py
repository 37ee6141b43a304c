"""Files of postings: those that were refused as a whole leave a row; what a file was called; purged bytes."""

from peewee import CharField, IntegerField, Model, TextField


def up(migrator, db):
    db.execute_sql("ALTER TABLE posting_file ADD COLUMN called VARCHAR(120) NOT NULL DEFAULT ''")
    db.execute_sql("ALTER TABLE posting_file ADD COLUMN purged_at VARCHAR(27)")

    class PostingRefusal(Model):
        municipality = CharField(max_length=3)
        door = CharField(max_length=80)
        name = CharField(max_length=120)
        sha256 = CharField(max_length=64)
        errors = TextField()
        times = IntegerField()
        first_at = CharField(max_length=27)
        last_at = CharField(max_length=27)

        class Meta:
            database = db
            table_name = "posting_refusal"
            indexes = ((("municipality", "door", "name", "sha256"), True),)

    db.create_tables([PostingRefusal])
