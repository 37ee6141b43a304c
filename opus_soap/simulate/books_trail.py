"""The rows that a booked invoice leaves: contents, lending, sending, answer, inbox and audit trail.

Written by the hundred, in the transaction of the vouchers. All of it happens in the hour before the vouchers
are entered, so that no entry of the trail is older than those before it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import Any
from uuid import UUID, uuid5

from opus_soap.clock import isoformat
from opus_soap.database import BaseModel, insert_rows, new_identities
from opus_soap.interfaces.invoice_approval.answers import INTERFACE
from opus_soap.interfaces.invoice_approval.lending import KIND
from opus_soap.ledger.models import CompanyCode, Voucher
from opus_soap.ledger.posting import label
from opus_soap.simulate.books_invoices import Billed, approval
from opus_soap.store import agreements, content
from opus_soap.store.models import (
    Answer,
    AuditEntry,
    Content,
    InboxEntry,
    Invoice,
    Lending,
    OutboxEntry,
    System,
)

MODELS: tuple[type[BaseModel], ...] = (Invoice, Lending, OutboxEntry, Answer, InboxEntry, AuditEntry)
_RECEIVED, _LENT, _DELIVERED = timedelta(minutes=50), timedelta(minutes=40), timedelta(minutes=39)
_DUE = timedelta(days=14)  # after the delivery
_JSON, _XML, _HTML = "application/json", "application/xml", "text/html"
_SYSTEM_NAME = "Opdigtet fagsystem"
_NAMESPACE = UUID("4b1d3c0e-6f0a-5a53-9e5c-3c1f0a999021")


@dataclass(frozen=True)
class Booked:
    """An invoice and its voucher."""

    billed: Billed
    voucher: Voucher

    @property
    def invoice(self) -> Invoice:
        """The invoice's row."""
        return self.billed.invoice

    def uuid(self, what: str) -> UUID:
        """An identifier of its own, derived from the voucher's."""
        return uuid5(self.voucher.uuid, what)


def made_up_system(company: CompanyCode) -> System:
    """The agreement that made-up invoices are lent out under: stopped, without certificate or address."""
    uuid = uuid5(_NAMESPACE, company.municipality_id)
    found: System | None = System.get_or_none(System.uuid == uuid)
    if found is None:
        found = agreements.register_system(
            uuid=uuid,
            municipality=company.municipality_id,
            name=_SYSTEM_NAME,
            cvr=company.municipality.cvr,
            services=(),
        )
        System.update(active=False).where(System.uuid == uuid).execute()
    return found


class Trail:
    """Writes what invoices leave, in the caller's transaction."""

    def __init__(self, system: System, actor: str) -> None:
        self._system, self._actor = system, actor

    def write(self, booked: Sequence[Booked], entered: datetime) -> None:
        """All rows of invoices whose vouchers were entered at one moment."""
        if not booked:
            return
        received, lent, delivered = entered - _RECEIVED, entered - _LENT, entered - _DELIVERED
        invoices = list(new_identities(Invoice, len(booked)))
        lendings = list(new_identities(Lending, len(booked)))
        _insert(Invoice, map(_invoice, booked, invoices, _originals(booked, received), repeat(received)))
        _insert(Lending, map(self._lending, booked, lendings, invoices, repeat(lent), repeat(delivered)))
        receipts = _stored([_receipt(one, lent, delivered) for one in booked], _JSON, delivered)
        _insert(OutboxEntry, map(self._sending, booked, receipts, repeat(lent), repeat(delivered)))
        answers = _stored([_answer(one, entered) for one in booked], _JSON, entered)
        (told,) = _stored([json.dumps({"at": isoformat(entered)}).encode()], _JSON, entered)
        _insert(Answer, map(_kept, booked, lendings, repeat(entered)))
        _insert(InboxEntry, map(self._taken, booked, answers, repeat(told), repeat(entered)))
        for event, at in zip(self._events(), (received, lent, delivered, entered), strict=True):
            _insert(
                AuditEntry, [{"at": at, "subject": str(one.invoice.uuid), **event(one)} for one in booked]
            )

    def _lending(
        self, one: Booked, identity: int, invoice: int, lent: datetime, delivered: datetime
    ) -> dict[str, Any]:
        return {
            "id": identity,
            "uuid": one.uuid("lending"),
            "invoice_id": invoice,
            "system_id": self._system.id,
            "answer_required": True,
            "state": Lending.ANSWERED,
            "created_at": lent,
            "delivered_at": delivered,
            "due_at": delivered + _DUE,
        }

    def _sending(self, one: Booked, receipt: Content, lent: datetime, delivered: datetime) -> dict[str, Any]:
        return {
            "uuid": one.uuid("sending"),
            "municipality": self._system.municipality,
            "kind": KIND,
            "subject": str(one.uuid("lending")),
            "system_id": self._system.id,
            "payload": {"transaction_id": str(one.uuid("transaction")), "transaction_time": isoformat(lent)},
            "state": OutboxEntry.DELIVERED,
            "attempts": 1,
            "next_attempt_at": lent,
            "receipt_id": receipt.sha256,
            "created_at": lent,
            "finished_at": delivered,
            "last_error": "",
        }

    def _taken(self, one: Booked, answer: Content, told: Content, entered: datetime) -> dict[str, Any]:
        return {
            "interface": INTERFACE,
            "sender": str(self._system.uuid),
            "business_key": str(one.uuid("answer")),
            "body_sha256": answer.sha256,
            "body_id": answer.sha256,
            "answer_id": told.sha256,
            "received_at": entered,
        }

    def _events(self) -> Sequence[Callable[[Booked], dict[str, Any]]]:
        """The trail of an invoice: who did what, in the words of those who do it in earnest."""
        name = self._system.name
        return (
            lambda one: self._event(
                "invoice.imported", self._actor, file=one.invoice.file_name, sha256=one.invoice.original_id
            ),
            lambda one: self._event("invoice.queued", self._actor, lending=one.uuid("lending"), system=name),
            lambda one: self._event(
                "invoice.delivered", "worker", lending=one.uuid("lending"), system=name, attempts=1
            ),
            lambda one: self._event(
                "invoice.booked",
                name,
                answer=one.uuid("answer"),
                corrects="",
                voucher=label(one.voucher),
                correlation=one.uuid("correlation"),
            ),
        )

    def _event(self, event: str, actor: str, **detail: object) -> dict[str, Any]:
        said = {name: str(value) for name, value in detail.items()}
        return {"municipality": self._system.municipality, "actor": actor, "event": event, "detail": said}


def _originals(booked: Sequence[Booked], received: datetime) -> Iterator[tuple[Content, Content]]:
    """What came in and its rendering, stored; of each invoice both."""
    pairs = [((one.billed.original, _XML), (one.billed.rendering, _HTML)) for one in booked]
    rows = iter(content.put_all(chain.from_iterable(pairs), at=received))
    return zip(rows, rows, strict=True)


def _stored(several: Sequence[bytes], media_type: str, at: datetime) -> list[Content]:
    return content.put_all([(data, media_type) for data in several], at=at)


def _invoice(
    one: Booked, identity: int, stored: tuple[Content, Content], received: datetime
) -> dict[str, Any]:
    row = one.invoice
    row.original, row.rendering = stored
    row.id, row.received_at = identity, received
    row.state, row.state_reason, row.state_code = Invoice.BOOKED, label(one.voucher), ""
    return {field.column_name: row.__data__.get(field.name) for field in Invoice._meta.sorted_fields}


def _receipt(one: Booked, lent: datetime, delivered: datetime) -> bytes:
    """The case system's, as the outbox keeps it."""
    header = {
        "TransaktionsId": str(one.uuid("transaction")),
        "TransaktionsTid": isoformat(lent),
        "SvarReaktion": [],
    }
    told = {
        "HovedOplysningerSvar": header,
        "FakturaInformationIdentifikation": str(one.uuid("lending")),
        "BehandlingDatoTid": isoformat(delivered),
        "AcceptStruktur": {"AccepteretUdenBemærkninger": True},
        "AfvisningStruktur": None,
    }
    return json.dumps(told, ensure_ascii=False).encode("utf-8")


def _answer(one: Booked, entered: datetime) -> bytes:
    return approval(one.billed, answer=one.uuid("answer"), lending=one.uuid("lending"), at=entered)


def _kept(one: Booked, lending: int, entered: datetime) -> dict[str, Any]:
    return {
        "uuid": one.uuid("answer"),
        "lending_id": lending,
        "approved": True,
        "voucher_uuid": one.voucher.uuid,
        "received_at": entered,
    }


def _insert(model: type[BaseModel], rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows with the same columns."""
    found = list(rows)
    insert_rows(model, tuple(found[0]), [tuple(row.values()) for row in found])
