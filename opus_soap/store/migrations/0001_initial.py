"""The first schema: the books and the store. Frozen: a change of a table is a new file beside this one."""

from peewee import (
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    DateField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
    UUIDField,
)


def up(migrator, db):
    class Municipality(Model):
        code = CharField(primary_key=True, max_length=3)
        cvr = CharField(unique=True, max_length=8)
        name = CharField()

        class Meta:
            database = db
            table_name = "municipality"

    db.create_tables([Municipality])

    class CompanyCode(Model):
        municipality = ForeignKeyField(Municipality, on_delete="RESTRICT")
        code = CharField(max_length=4)
        name = CharField()
        currency = CharField(max_length=3, default="DKK")
        vat_refund_account = CharField(max_length=10)
        retained_account = CharField(max_length=10)
        supplier_account = CharField(max_length=10)
        default_bank_account = CharField(null=True, max_length=10)

        class Meta:
            database = db
            table_name = "company_code"
            indexes = ((("municipality", "code"), True),)

    db.create_tables([CompanyCode])

    class TaxCode(Model):
        company_code = ForeignKeyField(CompanyCode, on_delete="RESTRICT")
        code = CharField(max_length=4)
        name = CharField()
        rate_basis_points = IntegerField()

        class Meta:
            database = db
            table_name = "tax_code"
            indexes = ((("company_code", "code"), True),)

    db.create_tables([TaxCode])

    class Account(Model):
        company_code = ForeignKeyField(CompanyCode, on_delete="RESTRICT")
        uuid = UUIDField(unique=True)
        number = CharField(max_length=10)
        name = CharField()
        is_balance = BooleanField()
        tax_code = ForeignKeyField(TaxCode, null=True, on_delete="RESTRICT")
        blocked = BooleanField(default=False)
        chart_string = CharField(null=True, max_length=16)

        class Meta:
            database = db
            table_name = "account"
            indexes = ((("company_code", "number"), True),)

    db.create_tables([Account])

    class AccountRule(Model):
        company_code = ForeignKeyField(CompanyCode, on_delete="RESTRICT")
        priority = IntegerField()
        pattern = CharField()
        requires_exactly_one_of = TextField()
        forbids_any_of = TextField()

        class Meta:
            database = db
            table_name = "account_rule"
            indexes = ((("company_code", "priority"), True),)

    db.create_tables([AccountRule])

    class Content(Model):
        sha256 = CharField(primary_key=True, max_length=64)
        size = BigIntegerField()
        media_type = CharField()
        data = BlobField(null=True)
        stored_at = CharField(index=True, max_length=27)
        purged_at = CharField(null=True, max_length=27)

        class Meta:
            database = db
            table_name = "content"

    db.create_tables([Content])

    class Invoice(Model):
        uuid = UUIDField(unique=True)
        municipality = CharField(max_length=3)
        company_code = CharField(max_length=4)
        supplier_key = CharField(max_length=64)
        supplier_number = CharField(null=True, max_length=10)
        supplier_name = CharField()
        document_type = CharField(max_length=12)
        number = CharField(max_length=64)
        issue_date = CharField(max_length=10)
        due_date = CharField(null=True, max_length=10)
        currency = CharField(max_length=3)
        payable_cents = BigIntegerField()
        tax_cents = BigIntegerField()
        payable_ore = BigIntegerField(null=True)
        tax_ore = BigIntegerField(null=True)
        exchange_rate = CharField(null=True, max_length=20)
        ean = CharField(null=True, max_length=13)
        person_reference = CharField(null=True)
        order_number = CharField(null=True)
        facts = TextField()
        original = ForeignKeyField(Content, on_delete="RESTRICT")
        rendering = ForeignKeyField(Content, on_delete="RESTRICT")
        file_name = CharField()
        state = CharField(max_length=10)
        state_reason = CharField(max_length=1000, default="")
        state_code = CharField(max_length=8, default="")
        received_at = CharField(max_length=27)

        class Meta:
            database = db
            table_name = "invoice"
            indexes = (
                (("municipality", "supplier_key", "document_type", "number"), True),
                (("municipality", "state"), False),
            )

    db.create_tables([Invoice])

    class System(Model):
        uuid = UUIDField(unique=True)
        municipality = CharField(max_length=3)
        name = CharField()
        cvr = CharField(max_length=8)
        profile = CharField(default="kombit")
        security_model = CharField(default="x509")
        services = TextField()
        endpoint_url = CharField(null=True)
        active = BooleanField(default=True)

        class Meta:
            database = db
            table_name = "system"
            indexes = ((("municipality", "name"), True),)

    db.create_tables([System])

    class Lending(Model):
        uuid = UUIDField(unique=True)
        invoice = ForeignKeyField(Invoice, on_delete="RESTRICT")
        system = ForeignKeyField(System, on_delete="RESTRICT")
        answer_required = BooleanField()
        state = CharField(max_length=12)
        created_at = CharField(max_length=27)
        delivered_at = CharField(null=True, max_length=27)
        due_at = CharField(null=True, max_length=27)
        reminded_at = CharField(null=True, max_length=27)

        class Meta:
            database = db
            table_name = "lending"

    db.create_tables([Lending])

    class Answer(Model):
        uuid = UUIDField(index=True)
        lending = ForeignKeyField(Lending, on_delete="RESTRICT")
        approved = BooleanField()
        voucher_uuid = UUIDField(unique=True, null=True)
        corrects = ForeignKeyField("self", unique=True, null=True, on_delete="RESTRICT")
        correspondence = TextField()
        reasons = TextField()
        received_at = CharField(max_length=27)

        class Meta:
            database = db
            table_name = "answer"

    db.create_tables([Answer])

    class ArchivedMessage(Model):
        correlation_id = UUIDField(index=True)
        direction = CharField(max_length=3)
        at = CharField(index=True, max_length=27)
        municipality = CharField(null=True, max_length=3)
        system = ForeignKeyField(System, null=True, on_delete="RESTRICT")
        endpoint = CharField()
        action = CharField(default="")
        message_id = CharField(index=True, default="")
        content = ForeignKeyField(Content, on_delete="RESTRICT")
        http_status = IntegerField(null=True)
        outcome = CharField(max_length=16)

        class Meta:
            database = db
            table_name = "archived_message"

    db.create_tables([ArchivedMessage])

    class AuditEntry(Model):
        at = CharField(max_length=27)
        municipality = CharField(null=True, max_length=3)
        actor = CharField()
        event = CharField(max_length=60)
        subject = CharField(index=True, max_length=120)
        detail = TextField()

        class Meta:
            database = db
            table_name = "audit_entry"

    db.create_tables([AuditEntry])

    class DimensionValue(Model):
        company_code = ForeignKeyField(CompanyCode, on_delete="RESTRICT")
        uuid = UUIDField(unique=True)
        kind = CharField(max_length=16)
        code = CharField(max_length=24)
        name = CharField()
        parent_code = CharField(null=True, max_length=24)
        blocked = BooleanField(default=False)
        valid_from = DateField(null=True)
        valid_to = DateField(null=True)

        class Meta:
            database = db
            table_name = "dimension_value"
            indexes = ((("company_code", "kind", "code"), True),)

    db.create_tables([DimensionValue])

    class DocumentType(Model):
        company_code = ForeignKeyField(CompanyCode, on_delete="RESTRICT")
        code = CharField(max_length=2)
        name = CharField()
        first_number = BigIntegerField()

        class Meta:
            database = db
            table_name = "document_type"
            indexes = ((("company_code", "code"), True),)

    db.create_tables([DocumentType])

    class ExchangeRate(Model):
        municipality = CharField(max_length=3)
        currency = CharField(max_length=3)
        valid_from = CharField(max_length=10)
        rate_per_hundred = CharField(max_length=20)

        class Meta:
            database = db
            table_name = "exchange_rate"
            indexes = ((("municipality", "currency", "valid_from"), True),)

    db.create_tables([ExchangeRate])

    class FiscalYear(Model):
        company_code = ForeignKeyField(CompanyCode, on_delete="RESTRICT")
        year = IntegerField()
        closed = BooleanField(default=False)
        carried_forward_at = CharField(null=True, max_length=27)

        class Meta:
            database = db
            table_name = "fiscal_year"
            indexes = ((("company_code", "year"), True),)

    db.create_tables([FiscalYear])

    class InboxEntry(Model):
        interface = CharField(max_length=40)
        sender = CharField(max_length=64)
        business_key = CharField(max_length=120)
        body_sha256 = CharField(max_length=64)
        body = ForeignKeyField(Content, on_delete="RESTRICT")
        answer = ForeignKeyField(Content, on_delete="RESTRICT")
        received_at = CharField(max_length=27)

        class Meta:
            database = db
            table_name = "inbox_entry"
            indexes = ((("interface", "sender", "business_key"), True),)

    db.create_tables([InboxEntry])

    class InvoiceAttachment(Model):
        invoice = ForeignKeyField(Invoice, on_delete="RESTRICT")
        position = IntegerField()
        file_name = CharField()
        media_type = CharField()
        content = ForeignKeyField(Content, on_delete="RESTRICT")

        class Meta:
            database = db
            table_name = "invoice_attachment"
            indexes = ((("invoice", "position"), True),)

    db.create_tables([InvoiceAttachment])

    class NumberRange(Model):
        company_code = ForeignKeyField(CompanyCode, on_delete="RESTRICT")
        document_type = CharField(max_length=2)
        year = IntegerField()
        next_number = BigIntegerField()

        class Meta:
            database = db
            table_name = "number_range"
            indexes = ((("company_code", "document_type", "year"), True),)

    db.create_tables([NumberRange])

    class OutboxEntry(Model):
        uuid = UUIDField(unique=True)
        municipality = CharField(max_length=3)
        kind = CharField(max_length=40)
        subject = CharField(index=True, max_length=64)
        system = ForeignKeyField(System, on_delete="RESTRICT")
        payload = TextField()
        state = CharField(max_length=12, default="pending")
        attempts = IntegerField(default=0)
        next_attempt_at = CharField(max_length=27)
        leased_by = CharField(null=True)
        leased_until = CharField(null=True, max_length=27)
        last_error = CharField(max_length=1000, default="")
        receipt = ForeignKeyField(Content, null=True, on_delete="RESTRICT")
        created_at = CharField(max_length=27)
        finished_at = CharField(null=True, max_length=27)

        class Meta:
            database = db
            table_name = "outbox_entry"
            indexes = ((("state", "next_attempt_at"), False),)

    db.create_tables([OutboxEntry])

    class Period(Model):
        fiscal_year = ForeignKeyField(FiscalYear, on_delete="RESTRICT")
        number = IntegerField()
        open = BooleanField(default=True)

        class Meta:
            database = db
            table_name = "period"
            indexes = ((("fiscal_year", "number"), True),)

    db.create_tables([Period])

    class Voucher(Model):
        uuid = UUIDField(unique=True)
        company_code = ForeignKeyField(CompanyCode, on_delete="RESTRICT")
        document_type = CharField(max_length=2)
        year = IntegerField()
        number = BigIntegerField()
        period = IntegerField()
        document_date = DateField()
        posting_date = DateField()
        currency = CharField(max_length=3)
        header_text = CharField(max_length=70)
        reference = CharField(max_length=70)
        reverses = ForeignKeyField("self", unique=True, null=True, on_delete="RESTRICT")
        entered_at = CharField(max_length=27)
        entered_by = CharField()
        source = CharField()
        hash = BlobField()

        class Meta:
            database = db
            table_name = "voucher"
            indexes = ((("company_code", "document_type", "year", "number"), True),)

    db.create_tables([Voucher])

    class Posting(Model):
        voucher = ForeignKeyField(Voucher, on_delete="RESTRICT")
        line = IntegerField()
        posting_key = CharField(max_length=2)
        account = CharField(max_length=10)
        amount_ore = BigIntegerField()
        supplier = CharField(null=True, max_length=10)
        cost_center = CharField(null=True, max_length=10)
        wbs_element = CharField(null=True, max_length=24)
        profit_center = CharField(null=True, max_length=10)
        order = CharField(null=True, max_length=12, column_name="order_id")
        network = CharField(null=True, max_length=12)
        activity = CharField(null=True, max_length=4)
        functional_area = CharField(null=True, max_length=16)
        partner_profit_center = CharField(null=True, max_length=10)
        tax_code = CharField(null=True, max_length=4)
        value_date = DateField(null=True)
        text = CharField(default="")
        allocation = CharField(max_length=18, default="")

        class Meta:
            database = db
            table_name = "posting"
            indexes = ((("voucher", "line"), True), (("account",), False))

    db.create_tables([Posting])

    class ReplayEntry(Model):
        key = CharField(primary_key=True, max_length=64)
        expires_at = CharField(index=True, max_length=27)

        class Meta:
            database = db
            table_name = "replay_entry"

    db.create_tables([ReplayEntry])

    class RoutingRule(Model):
        municipality = CharField(max_length=3)
        priority = IntegerField()
        ean = CharField(null=True, max_length=13)
        person_reference = CharField(null=True)
        order_number = CharField(null=True)
        supplier_number = CharField(null=True, max_length=10)
        min_amount_ore = BigIntegerField(null=True)
        max_amount_ore = BigIntegerField(null=True)
        system = ForeignKeyField(System, on_delete="RESTRICT")
        answer_required = BooleanField(default=True)

        class Meta:
            database = db
            table_name = "routing_rule"
            indexes = ((("municipality", "priority"), True),)

    db.create_tables([RoutingRule])

    class Seal(Model):
        company_code = ForeignKeyField(CompanyCode, on_delete="RESTRICT")
        sequence = IntegerField()
        first_voucher = ForeignKeyField(Voucher, on_delete="RESTRICT")
        last_voucher = ForeignKeyField(Voucher, on_delete="RESTRICT")
        voucher_count = IntegerField()
        previous = BlobField()
        root = BlobField()
        key_id = CharField(max_length=64)
        signature = BlobField()
        sealed_at = CharField(max_length=27)

        class Meta:
            database = db
            table_name = "seal"
            indexes = ((("company_code", "sequence"), True),)

    db.create_tables([Seal])

    class SealKey(Model):
        key_id = CharField(primary_key=True, max_length=64)
        public_key = BlobField()
        first_used_at = CharField(max_length=27)

        class Meta:
            database = db
            table_name = "seal_key"

    db.create_tables([SealKey])

    class Supplier(Model):
        municipality = ForeignKeyField(Municipality, on_delete="RESTRICT")
        uuid = UUIDField(unique=True)
        number = CharField(max_length=10)
        name = CharField()
        cvr = CharField(index=True, null=True, max_length=8)
        identifiers = TextField()
        active = BooleanField(default=True)

        class Meta:
            database = db
            table_name = "supplier"
            indexes = ((("municipality", "number"), True),)

    db.create_tables([Supplier])

    class SystemCertificate(Model):
        system = ForeignKeyField(System, on_delete="RESTRICT")
        thumbprint_sha256 = CharField(unique=True, max_length=64)
        subject = CharField(max_length=1000)
        pem = TextField()
        valid_from = CharField(max_length=27)
        valid_to = CharField(max_length=27)
        revoked_at = CharField(null=True, max_length=27)

        class Meta:
            database = db
            table_name = "system_certificate"

    db.create_tables([SystemCertificate])


def down(migrator, db):
    migrator.migrate(migrator.drop_table("system_certificate"))
    migrator.migrate(migrator.drop_table("supplier"))
    migrator.migrate(migrator.drop_table("seal_key"))
    migrator.migrate(migrator.drop_table("seal"))
    migrator.migrate(migrator.drop_table("routing_rule"))
    migrator.migrate(migrator.drop_table("replay_entry"))
    migrator.migrate(migrator.drop_table("posting"))
    migrator.migrate(migrator.drop_table("voucher"))
    migrator.migrate(migrator.drop_table("period"))
    migrator.migrate(migrator.drop_table("outbox_entry"))
    migrator.migrate(migrator.drop_table("number_range"))
    migrator.migrate(migrator.drop_table("invoice_attachment"))
    migrator.migrate(migrator.drop_table("inbox_entry"))
    migrator.migrate(migrator.drop_table("fiscal_year"))
    migrator.migrate(migrator.drop_table("exchange_rate"))
    migrator.migrate(migrator.drop_table("document_type"))
    migrator.migrate(migrator.drop_table("dimension_value"))
    migrator.migrate(migrator.drop_table("audit_entry"))
    migrator.migrate(migrator.drop_table("archived_message"))
    migrator.migrate(migrator.drop_table("answer"))
    migrator.migrate(migrator.drop_table("lending"))
    migrator.migrate(migrator.drop_table("system"))
    migrator.migrate(migrator.drop_table("invoice"))
    migrator.migrate(migrator.drop_table("content"))
    migrator.migrate(migrator.drop_table("account_rule"))
    migrator.migrate(migrator.drop_table("account"))
    migrator.migrate(migrator.drop_table("tax_code"))
    migrator.migrate(migrator.drop_table("company_code"))
    migrator.migrate(migrator.drop_table("municipality"))
