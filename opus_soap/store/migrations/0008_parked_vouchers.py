"""Vouchers that wait for a second person, who may release them; a file's third receipt."""

from peewee import BigIntegerField, CharField, DateField, ForeignKeyField, Model, TextField, UUIDField


def up(migrator, db):
    db.execute_sql("ALTER TABLE posting_sender ADD COLUMN release_above TEXT NOT NULL DEFAULT '{}'")
    db.execute_sql("ALTER TABLE posting_file ADD COLUMN booked_sha256 VARCHAR(64)")

    class Municipality(Model):
        code = CharField(max_length=3, primary_key=True)

        class Meta:
            database = db
            table_name = "municipality"

    class CompanyCode(Model):
        class Meta:
            database = db
            table_name = "company_code"

    class ParkedVoucher(Model):
        uuid = UUIDField(unique=True)
        company_code = ForeignKeyField(CompanyCode, on_delete="RESTRICT")
        reference = CharField(max_length=70)
        document_type = CharField(max_length=2)
        posting_date = DateField()
        amount_ore = BigIntegerField()
        entered_by = CharField()
        source = CharField()
        draft = TextField()
        state = CharField(max_length=10)
        parked_at = CharField(max_length=27)
        decided_at = CharField(max_length=27, null=True)
        decided_by = CharField(null=True)
        reason = CharField(max_length=255)

        class Meta:
            database = db
            table_name = "parked_voucher"
            indexes = ((("company_code", "state"), False),)

    class UserRight(Model):
        municipality = ForeignKeyField(Municipality, on_delete="RESTRICT")
        user = CharField(max_length=40, column_name="user_id")
        profit_center = CharField(max_length=10)
        limit_ore = BigIntegerField()

        class Meta:
            database = db
            table_name = "user_right"
            indexes = ((("municipality", "user", "profit_center"), True),)

    db.create_tables([ParkedVoucher, UserRight])
