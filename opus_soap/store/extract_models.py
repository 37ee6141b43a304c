"""Extracts in the store: subscriptions, orders, what was handed over, tokens to download with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peewee import BigIntegerField, BooleanField, CharField, ForeignKeyField, IntegerField, UUIDField

from opus_soap.database import BaseModel, InstantField, JsonField


class Subscription(BaseModel):
    """Abonnement: who receives which extract, on what conditions, when, and where it is put."""

    uuid = UUIDField(unique=True)
    municipality = CharField(max_length=3)
    company_code = CharField(max_length=4)
    name = CharField(max_length=20)  # in file names: letters, digits, hyphens
    kind = CharField(max_length=40)  # the interface, as `extracts list` names it
    receiver = CharField(max_length=120)  # for people
    options = JsonField(default=dict)  # what the kind takes, as its `check` gave it back
    delta = BooleanField(default=True)  # what came since the extract before; else everything each time
    calendar = CharField(max_length=20)  # manual, weekdays, weekly:MON … SUN, once:2026-12-31
    at = CharField(max_length=5, default="06:00")  # time of day in Copenhagen
    target = JsonField(default=dict)  # {}: to be downloaded; {"folder": …}, {"sftp": {…}}, {"system": UUID}
    active = BooleanField(default=True)
    due_on = CharField(max_length=10, null=True)  # the next business date (ISO); null: none
    created_at = InstantField()
    ended_at = InstantField(null=True)  # since then nothing is ordered, and nobody gets in

    class Meta:
        indexes = ((("municipality", "name"), True),)


class Extract(BaseModel):
    """Udtræk: one order of a subscription; what it covers is fixed when it is ordered."""

    if TYPE_CHECKING:
        subscription_id: int
        follows_id: int | None

    # waits for a second person; ordered; its files are there; handed over; given up by a person
    REQUESTED, ORDERED, PRODUCED, DELIVERED, CANCELLED = (
        "requested",
        "ordered",
        "produced",
        "delivered",
        "cancelled",
    )

    uuid = UUIDField(unique=True)
    subscription = ForeignKeyField(Subscription, on_delete="RESTRICT", backref="extracts", index=False)
    sequence = IntegerField()  # 1, 2 … of the subscription, without gaps
    name = CharField(max_length=120, unique=True)  # of its folder, and what its files begin with
    due_on = CharField(max_length=10, null=True)  # the business date that it was due on; null: by hand
    full = BooleanField()  # everything up to `until`; else what came after `after`
    after = BigIntegerField()  # id of the last voucher that the one before covers; 0: from the beginning
    until = BigIntegerField()  # id of the last voucher that it covers: a seal's last
    options = JsonField()  # the subscription's when it was ordered
    follows = ForeignKeyField("self", null=True, on_delete="RESTRICT", backref="+")
    state = CharField(max_length=10, index=True)
    ordered_at = InstantField()
    ordered_by = CharField()
    approved_at = InstantField(null=True)
    approved_by = CharField(null=True)
    produced_at = InstantField(null=True)
    manifest_sha256 = CharField(max_length=64, null=True)
    delivered_at = InstantField(null=True)
    leased_until = InstantField(null=True)  # somebody is at work on it until then
    attempts = IntegerField(default=0)  # to hand it over
    next_attempt_at = InstantField(null=True)
    last_error = CharField(max_length=1000, default="")

    class Meta:
        indexes = ((("subscription", "sequence"), True), (("subscription", "due_on"), True))


class ExtractDelivery(BaseModel):
    """An attempt to hand an extract over, and what came of it. Append-only."""

    extract = ForeignKeyField(Extract, on_delete="RESTRICT", backref="deliveries")
    at = InstantField()
    door = CharField(max_length=300)  # folder:PATH, sftp:USER@HOST/PATH, http:ADDRESS
    outcome = CharField(max_length=1000)  # delivered, or the error
    files = IntegerField()
    bytes = BigIntegerField()


class ExtractToken(BaseModel):
    """A token that a receiver downloads a subscription's extracts with; its hash is kept."""

    subscription = ForeignKeyField(Subscription, on_delete="RESTRICT", backref="tokens")
    name = CharField(max_length=80)  # for people: whose it is
    value = CharField(max_length=64, unique=True)  # SHA-256, hex
    created_at = InstantField()
    revoked_at = InstantField(null=True)


MODELS: tuple[type[BaseModel], ...] = (Subscription, Extract, ExtractDelivery, ExtractToken)

APPEND_ONLY: tuple[type[BaseModel], ...] = (ExtractDelivery,)
