"""What must survive besides the books: content, messages, agreements, inbox, outbox, audit trail.

Municipality codes are plain text here: the store lies below the ledger and knows nothing of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peewee import (
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    TextField,
    UUIDField,
)

from opus_soap.database import BaseModel, InstantField, JsonField
from opus_soap.store import extract_models, organisation_models

NOTHING_SAID = bytes(32)


class Content(BaseModel):
    """Bytes by their SHA-256: `data`, a file, or parts; what is purged keeps its row, not its bytes."""

    sha256 = CharField(max_length=64, primary_key=True)
    size = BigIntegerField()
    media_type = CharField()
    data = BlobField(null=True)
    in_file = BooleanField(default=False)  # where it is, or was until it was purged
    in_parts = BooleanField(default=False)
    stored_at = InstantField(index=True)
    purged_at = InstantField(null=True)


class ContentPart(BaseModel):
    """Of a content that holds others as base64: what stands before one, and which; the last has none."""

    content = ForeignKeyField(Content, on_delete="RESTRICT", backref="+", index=False)
    position = BigIntegerField()
    before = BlobField()
    attached = ForeignKeyField(Content, null=True, on_delete="RESTRICT", backref="+", index=False)

    class Meta:
        primary_key = CompositeKey("content", "position")


class ContentFolder(BaseModel):
    """What the folder of this database's large contents is called: other databases' are beside it."""

    name = CharField(max_length=32, primary_key=True)


# few are, and the others' bytes need not be passed by to find them
Content.add_index(Content.index(Content.sha256, where=Content.in_file, name="content_in_file"))


class System(BaseModel):
    """An agreement (aftale) with another system: who it is, what it may call, how it is reached."""

    uuid = UUIDField(unique=True)  # KOMBIT's it-systeminstans
    municipality = CharField(max_length=3)
    name = CharField()
    cvr = CharField(max_length=8)  # the organisation behind the system
    profile = CharField(default="kombit")  # kombit | basic
    security_model = CharField(default="x509")  # or token, context
    services = JsonField(default=list)  # names of services it may call
    endpoint_url = CharField(null=True)  # where it takes invoices
    active = BooleanField(default=True)

    class Meta:
        indexes = ((("municipality", "name"), True),)


class SystemCertificate(BaseModel):
    """A certificate that a system signs with; at most two are valid at a time, for rotation."""

    system = ForeignKeyField(System, backref="certificates", on_delete="RESTRICT")
    thumbprint_sha256 = CharField(max_length=64, unique=True)
    subject = CharField(max_length=1000)
    pem = TextField()
    valid_from = InstantField()
    valid_to = InstantField()
    revoked_at = InstantField(null=True)


class ArchivedMessage(BaseModel):
    """One message in or out, raw bytes by hash, accepted or refused."""

    correlation_id = UUIDField(index=True)
    direction = CharField(max_length=3)  # in | out
    at = InstantField()
    municipality = CharField(max_length=3, null=True)
    system = ForeignKeyField(System, null=True, on_delete="RESTRICT", backref="+", index=False)
    endpoint = CharField()
    action = CharField(default="")
    message_id = CharField(default="", index=True)
    content = ForeignKeyField(Content, on_delete="RESTRICT", backref="+", index=False)
    http_status = IntegerField(null=True)
    outcome = CharField(max_length=16)  # ok; sent, of a call of ours; or the code of the error


class ReplayEntry(BaseModel):
    """A signed message that was accepted: the same one is refused until it has expired for sure."""

    key = CharField(max_length=64, primary_key=True)  # SHA-256 of signer + MessageID (or SignedInfo)
    expires_at = InstantField(index=True)


class InboxEntry(BaseModel):
    """A business message that had its effect, with the answer it got; never expires in retention."""

    interface = CharField(max_length=40)
    sender = CharField(max_length=64)  # the system's UUID
    business_key = CharField(max_length=120)  # e.g. the FakturaInformationSvar UUID
    body_sha256 = CharField(max_length=64)  # of the canonical business content
    if TYPE_CHECKING:
        body_id: str
    body = ForeignKeyField(Content, on_delete="RESTRICT", backref="+")  # to name the differences
    answer = ForeignKeyField(Content, on_delete="RESTRICT", backref="+")
    received_at = InstantField()

    class Meta:
        indexes = ((("interface", "sender", "business_key"), True),)


class OutboxEntry(BaseModel):
    """A message to be sent. The table is the queue."""

    PENDING, LEASED, DELIVERED, PARKED, CANCELLED = "pending", "leased", "delivered", "parked", "cancelled"

    uuid = UUIDField(unique=True)
    municipality = CharField(max_length=3)
    kind = CharField(max_length=40)  # which handler sends it, e.g. invoice_approval.send
    subject = CharField(max_length=64, index=True)  # UUID of what it is about
    system = ForeignKeyField(System, on_delete="RESTRICT", backref="outbox")
    payload = JsonField()  # ids minted once, all that the handler needs to build the message again
    state = CharField(max_length=12, default=PENDING)
    attempts = IntegerField(default=0)
    next_attempt_at = InstantField()
    leased_by = CharField(null=True)
    leased_until = InstantField(null=True)
    last_error = CharField(max_length=1000, default="")
    receipt = ForeignKeyField(Content, null=True, on_delete="RESTRICT", backref="+")
    created_at = InstantField()
    finished_at = InstantField(null=True)

    class Meta:
        indexes = ((("state", "next_attempt_at"), False),)


class AuditEntry(BaseModel):
    """Who did what, when, to what, and from which message or command. Append-only by trigger."""

    at = InstantField()
    municipality = CharField(max_length=3, null=True)
    actor = CharField()
    event = CharField(max_length=60)
    subject = CharField(max_length=120, index=True)
    detail = JsonField(default=dict)


class RoutingRule(BaseModel):
    """Which case system an invoice goes to. The lowest priority number that matches wins.

    An empty criterion matches everything; every criterion given must match.
    """

    municipality = CharField(max_length=3)
    priority = IntegerField()
    ean = CharField(max_length=13, null=True)
    person_reference = CharField(null=True)
    order_number = CharField(null=True)
    supplier_number = CharField(max_length=10, null=True)
    min_amount_ore = BigIntegerField(null=True)
    max_amount_ore = BigIntegerField(null=True)
    system = ForeignKeyField(System, backref="routing_rules", on_delete="RESTRICT")
    answer_required = BooleanField(default=True)

    class Meta:
        indexes = ((("municipality", "priority"), True),)


class ExchangeRate(BaseModel):
    """Valutakurs: kroner for 100 units of a currency, from a date on (Nationalbanken's way of quoting)."""

    municipality = CharField(max_length=3)
    currency = CharField(max_length=3)
    valid_from = CharField(max_length=10)  # ISO date
    rate_per_hundred = CharField(max_length=20)  # Decimal as text

    class Meta:
        indexes = ((("municipality", "currency", "valid_from"), True),)


class Invoice(BaseModel):
    """An invoice or credit note as it came, with what was read from it and where it stands."""

    # waiting                                  final (a booked one may still be corrected)
    PARKED, QUEUED, AWAITING = "parked", "queued", "awaiting"
    UNFINISHED = (PARKED, QUEUED, AWAITING)
    REJECTED, RECALLED = "rejected", "recalled"
    BOOKED, INFORMED = "booked", "informed"
    STATES = (PARKED, QUEUED, AWAITING, REJECTED, RECALLED, BOOKED, INFORMED)

    uuid = UUIDField(unique=True)
    municipality = CharField(max_length=3)
    company_code = CharField(max_length=4)
    supplier_key = CharField(max_length=64)  # CVR, GLN or other party id: what a duplicate is judged by
    supplier_number = CharField(max_length=10, null=True)  # null: not (yet) a known supplier
    supplier_name = CharField()
    document_type = CharField(max_length=12)  # invoice | credit_note
    number = CharField(max_length=64)
    number_key = CharField(max_length=64)  # the number as people read it: what a duplicate is judged by
    issue_date = CharField(max_length=10)
    due_date = CharField(max_length=10, null=True)
    currency = CharField(max_length=3)
    payable_cents = BigIntegerField()  # in the invoice's own currency, always as printed (credit notes > 0)
    tax_cents = BigIntegerField()
    payable_ore = BigIntegerField(null=True)  # in DKK; null until there is a rate
    tax_ore = BigIntegerField(null=True)
    exchange_rate = CharField(max_length=20, null=True)
    ean = CharField(max_length=13, null=True)
    person_reference = CharField(null=True)
    order_number = CharField(null=True)
    facts = JsonField()  # everything else that was read: payment means, lines, taxes, warnings
    original = ForeignKeyField(Content, on_delete="RESTRICT", backref="+")
    rendering = ForeignKeyField(Content, on_delete="RESTRICT", backref="+")
    file_name = CharField()
    state = CharField(max_length=10)
    state_reason = CharField(max_length=1000, default="")
    state_code = CharField(max_length=8, default="")
    received_at = InstantField()

    class Meta:
        indexes = (
            (("municipality", "supplier_key", "document_type", "number_key"), True),
            (("municipality", "state"), False),
        )


class InvoiceAttachment(BaseModel):
    """Bilag til fakturaen: a file that lay inside it, decoded."""

    invoice = ForeignKeyField(Invoice, backref="attachments", on_delete="RESTRICT")
    position = IntegerField()
    file_name = CharField()
    media_type = CharField()
    content = ForeignKeyField(Content, on_delete="RESTRICT", backref="+")

    class Meta:
        indexes = ((("invoice", "position"), True),)


class Lending(BaseModel):
    """Fakturaudlån: one sending of an invoice to one system. Its UUID is FakturaInformation's.

    An invoice has at most one that is live; an index of the database sees to it as well.
    """

    OPEN, ANSWERED, RECALLED, INFORMATION, REPLACED = (
        "open",
        "answered",
        "recalled",
        "information",
        "replaced",
    )
    LIVE = (OPEN, ANSWERED, INFORMATION)

    uuid = UUIDField(unique=True)
    invoice = ForeignKeyField(Invoice, backref="lendings", on_delete="RESTRICT")
    system = ForeignKeyField(System, backref="lendings", on_delete="RESTRICT")
    answer_required = BooleanField()
    state = CharField(max_length=12)
    created_at = InstantField()
    delivered_at = InstantField(null=True)
    due_at = InstantField(null=True)
    reminded_at = InstantField(null=True)


Lending.add_index(
    Lending.index(Lending.invoice, unique=True, where=Lending.state.in_(Lending.LIVE), name="lending_live")
)


class Answer(BaseModel):
    """FakturaInformationSvar that was accepted: approval (with its voucher) or rejection. Append-only.

    What people wrote in it stands in the inbox's content alone, which can be purged.
    """

    uuid = UUIDField(index=True)  # FakturaInformationSvar's; unique per sender, by the inbox
    lending = ForeignKeyField(Lending, backref="answers", on_delete="RESTRICT")
    approved = BooleanField()
    voucher_uuid = UUIDField(null=True, unique=True)
    corrects = ForeignKeyField("self", null=True, unique=True, backref="corrected_by", on_delete="RESTRICT")
    received_at = InstantField()


class PostingSender(BaseModel):
    """An agreement with a sender of postings: what it may post, by its SENDERID."""

    municipality = CharField(max_length=3)
    sender_id = CharField(max_length=40)  # SENDERID in CONTROL_FIELDS
    short = CharField(max_length=4)  # its four characters in the file name
    name = CharField()
    company_codes = JsonField(default=list)  # empty: all of the municipality's
    document_types = JsonField(default=list)  # empty: all
    system = ForeignKeyField(System, null=True, on_delete="RESTRICT", backref="+")  # who signs its messages
    release_above = JsonField(default=dict)  # bilagsart ("*": any other) → øre; a larger voucher is parked
    own_rates = BooleanField(default=False)  # whether its EXCH_RATE counts where the municipality has none
    booked_receipts = BooleanField(default=False)  # whether it wants …_BOGFOERT.xml, our third receipt
    active = BooleanField(default=True)

    class Meta:
        indexes = ((("municipality", "sender_id"), True),)


class PostingCredential(BaseModel):
    """What a sender shows at a door: an SSH public key; a password or a token, of which a hash is kept."""

    SSH_KEY, PASSWORD, TOKEN = "ssh_key", "password", "token"

    sender = ForeignKeyField(PostingSender, on_delete="RESTRICT", backref="credentials")
    kind = CharField(max_length=10)
    name = CharField(max_length=80)  # for people: whose key it is
    value = CharField(max_length=1000)
    created_at = InstantField()
    revoked_at = InstantField(null=True)


class PostingFile(BaseModel):
    """A file of postings that came in: its bytes by hash, how far it is booked, its receipt."""

    if TYPE_CHECKING:
        sender_id: int

    UNDER_WAY, BOOKED = "under_way", "booked"

    uuid = UUIDField(unique=True)
    municipality = CharField(max_length=3)
    sender = ForeignKeyField(PostingSender, on_delete="RESTRICT", backref="files", index=False)
    name = CharField(max_length=120)  # as the file says
    called = CharField(max_length=120, default="")  # as it was called when it came; empty: as it says
    name_key = CharField(max_length=120)  # in lower case: names count in any letter case
    sha256 = CharField(max_length=64)
    size = BigIntegerField()
    state = CharField(max_length=12)
    documents = IntegerField()  # vouchers in it
    position = IntegerField(default=0)  # vouchers dealt with so far; a restart goes on behind them
    control = JsonField(default=dict)  # CONTROL_FIELDS, for the receipt
    said_root = BlobField(default=NOTHING_SAID)  # chain over its rows of PostingDocument, in their order
    receipt_sha256 = CharField(max_length=64, null=True)
    hash = BlobField(null=True)  # SHA-256 over all the rest but the third receipt, when it is finished
    booked_sha256 = CharField(max_length=64, null=True)  # the third receipt's, when it has been written
    received_at = InstantField()
    finished_at = InstantField(null=True)
    purged_at = InstantField(null=True)  # since when its bytes need not be kept any more; the hash stays

    class Meta:
        indexes = ((("sender", "name_key"), True),)


class PostingRefusal(BaseModel):
    """A file that had no effect as a whole: by which door it came, when, why; the newest of a door."""

    municipality = CharField(max_length=3)
    door = CharField(max_length=80)  # `folder:SENDERID`, `http:SENDERID`, `soap:UUID`, `cli:USER`
    name = CharField(max_length=120)  # as far as a terminal may show it; no number of a person
    sha256 = CharField(max_length=64)  # empty: it was too large to be kept
    errors = JsonField()  # [code, text] of each
    times = IntegerField(default=1)  # that it came
    first_at = InstantField()
    last_at = InstantField()

    class Meta:
        indexes = ((("municipality", "door", "name", "sha256"), True),)


class PostingDocument(BaseModel):
    """A voucher of a file: what was said of it. The inbox of posteringer IND. Append-only.

    Of one sender, a number is accepted once for a company code and year; an index sees to it.
    """

    if TYPE_CHECKING:
        file_id: int
        sender_id: int

    file = ForeignKeyField(PostingFile, on_delete="RESTRICT", backref="posting_documents", index=False)
    position = IntegerField()
    sender = ForeignKeyField(PostingSender, on_delete="RESTRICT", backref="+", index=False)
    number = CharField(max_length=16)  # RECEIV_DOC
    company_code = CharField(max_length=4)
    year = IntegerField()
    digest = BlobField()  # SHA-256 of the canonical voucher
    voucher_uuid = UUIDField(null=True, unique=True)  # null: not in the books
    returns = JsonField()  # [number, line, kind, text] of each RETURN

    class Meta:
        indexes = ((("file", "position"), True),)


PostingDocument.add_index(
    PostingDocument.index(
        PostingDocument.sender,
        PostingDocument.number,
        PostingDocument.company_code,
        PostingDocument.year,
        unique=True,
        where=PostingDocument.voucher_uuid.is_null(False),
        name="posting_document_accepted",
    )
)


MODELS: tuple[type[BaseModel], ...] = (
    Content,
    ContentFolder,
    ContentPart,
    System,
    SystemCertificate,
    ArchivedMessage,
    ReplayEntry,
    InboxEntry,
    OutboxEntry,
    AuditEntry,
    RoutingRule,
    ExchangeRate,
    Invoice,
    InvoiceAttachment,
    Lending,
    Answer,
    PostingSender,
    PostingCredential,
    PostingFile,
    PostingRefusal,
    PostingDocument,
    *extract_models.MODELS,
    *organisation_models.MODELS,
)

APPEND_ONLY: tuple[type[BaseModel], ...] = (
    ArchivedMessage,
    InboxEntry,
    AuditEntry,
    Answer,
    PostingDocument,
    *extract_models.APPEND_ONLY,
)
