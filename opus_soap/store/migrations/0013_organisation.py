"""The organisation: units and employees."""

from peewee import BigIntegerField, BooleanField, CharField, CompositeKey, DateField, Model


def up(migrator, db):
    class Base(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class OrgUnit(Base):
        municipality = CharField(max_length=3)
        number = CharField(max_length=8)
        client = CharField(max_length=3)
        last_changed = DateField()
        start_date = DateField()
        end_date = DateField()
        parent = CharField(max_length=8, null=True)
        short_name = CharField(max_length=12, null=True)
        long_name = CharField(max_length=40)
        street = CharField(max_length=60, null=True)
        zip_code = CharField(max_length=10, null=True)
        city = CharField(max_length=40, null=True)
        phone = CharField(max_length=30, null=True)
        cvr = CharField(max_length=8, null=True)
        ean = CharField(max_length=13, null=True)
        se_number = CharField(max_length=8, null=True)
        p_number = CharField(max_length=10, null=True)
        cost_center = CharField(max_length=10, null=True)
        org_type = CharField(max_length=20, null=True)
        org_type_text = CharField(max_length=40, null=True)

        class Meta:
            primary_key = CompositeKey("municipality", "number")

    class Employee(Base):
        municipality = CharField(max_length=3)
        number = CharField(max_length=8)
        client = CharField(max_length=3, null=True)
        last_changed = DateField(null=True)
        personal_sha256 = CharField(max_length=64, null=True)
        first_name = CharField(max_length=40)
        last_name = CharField(max_length=40)
        address = CharField(max_length=60, null=True)
        zip_code = CharField(max_length=10, null=True)
        city = CharField(max_length=40, null=True)
        entry_date = DateField(null=True)
        leave_date = DateField(null=True)
        work_contract = CharField(max_length=4, null=True)
        work_contract_text = CharField(max_length=40, null=True)
        position = CharField(max_length=40, null=True)
        is_manager = BooleanField()
        superior_level = CharField(max_length=2, null=True)
        subordinate_level = CharField(max_length=2, null=True)
        org_unit = CharField(max_length=8)
        user_id = CharField(max_length=12, null=True)
        email = CharField(max_length=241, null=True)
        phone = CharField(max_length=30, null=True)
        invoice_recipient = BooleanField(null=True)
        invoice_limit_ore = BigIntegerField(null=True)

        class Meta:
            primary_key = CompositeKey("municipality", "number")
            indexes = ((("municipality", "org_unit"), False), (("personal_sha256",), False))

    db.create_tables([OrgUnit, Employee])
