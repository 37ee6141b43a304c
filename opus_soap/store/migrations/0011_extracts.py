"""Extracts: subscriptions, orders, what was handed over, tokens to download with."""

from peewee import (
    BigIntegerField,
    BooleanField,
    CharField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
    UUIDField,
)


def up(migrator, db):
    class Base(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Subscription(Base):
        uuid = UUIDField(unique=True)
        municipality = CharField(max_length=3)
        company_code = CharField(max_length=4)
        name = CharField(max_length=20)
        kind = CharField(max_length=40)
        receiver = CharField(max_length=120)
        options = TextField()
        delta = BooleanField()
        calendar = CharField(max_length=20)
        at = CharField(max_length=5)
        target = TextField()
        active = BooleanField()
        due_on = CharField(max_length=10, null=True)
        created_at = CharField(max_length=27)

        class Meta:
            indexes = ((("municipality", "name"), True),)

    class Extract(Base):
        uuid = UUIDField(unique=True)
        subscription = ForeignKeyField(Subscription, on_delete="RESTRICT", index=False)
        sequence = IntegerField()
        name = CharField(max_length=120, unique=True)
        due_on = CharField(max_length=10, null=True)
        full = BooleanField()
        after = BigIntegerField()
        until = BigIntegerField()
        options = TextField()
        follows = ForeignKeyField("self", null=True, on_delete="RESTRICT")
        state = CharField(max_length=10, index=True)
        ordered_at = CharField(max_length=27)
        ordered_by = CharField()
        approved_at = CharField(max_length=27, null=True)
        approved_by = CharField(null=True)
        produced_at = CharField(max_length=27, null=True)
        manifest_sha256 = CharField(max_length=64, null=True)
        delivered_at = CharField(max_length=27, null=True)
        leased_until = CharField(max_length=27, null=True)
        attempts = IntegerField()
        next_attempt_at = CharField(max_length=27, null=True)
        last_error = CharField(max_length=1000)

        class Meta:
            indexes = ((("subscription", "sequence"), True), (("subscription", "due_on"), True))

    class ExtractDelivery(Base):
        extract = ForeignKeyField(Extract, on_delete="RESTRICT")
        at = CharField(max_length=27)
        door = CharField(max_length=300)
        outcome = CharField(max_length=1000)
        files = IntegerField()
        bytes = BigIntegerField()

    class ExtractToken(Base):
        subscription = ForeignKeyField(Subscription, on_delete="RESTRICT")
        name = CharField(max_length=80)
        value = CharField(max_length=64, unique=True)
        created_at = CharField(max_length=27)
        revoked_at = CharField(max_length=27, null=True)

    db.create_tables([Subscription, Extract, ExtractDelivery, ExtractToken])
