"""The rows that a booked invoice leaves: contents, lending, sending, answer, inbox and audit trail.

Written by the hundred, in the transaction of the vouchers. All of it happens in the hour before the voucher
is entered, so that the entries of the trail follow each other in time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from operator import itemgetter
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
    entered: datetime  # the voucher was

    @property
    def invoice(self) -> Invoice:
        """The invoice's row."""
        return self.billed.invoice

    @property
    def lent(self) -> datetime:
        """When the invoice was to be sent."""
        return self.entered - _LENT

    @property
    def delivered(self) -> datetime:
        """When it had been."""
        return self.entered - _DELIVERED

    def uuid(self, what: str) -> UUID:
        """An identifier of its own, derived from the voucher's."""
        return uuid5(self.voucher.uuid, what)


@dataclass(frozen=True)
class _Kept:
    """What of an invoice is stored as content."""

    original: Content
    rendering: Content
    receipt: Content
    answer: Content


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

    def write(self, booked: Sequence[Booked]) -> None:
        """All rows of invoices whose vouchers are written."""
        if not booked:
            return
        kept = _stored(booked)
        moments = sorted({one.entered for one in booked})
        told = {at: content.put(json.dumps({"at": isoformat(at)}).encode(), _JSON, at=at) for at in moments}
        invoices = list(new_identities(Invoice, len(booked)))
        lendings = list(new_identities(Lending, len(booked)))
        _insert(Invoice, map(_invoice, booked, kept, invoices))
        _insert(Lending, map(self._lending, booked, lendings, invoices))
        _insert(OutboxEntry, map(self._sending, booked, kept))
        _insert(Answer, map(_answer, booked, lendings))
        _insert(InboxEntry, map(self._taken, booked, kept, (told[one.entered] for one in booked)))
        events = chain.from_iterable(map(self._events, booked))
        _insert(AuditEntry, sorted(events, key=itemgetter("at")))

    def _lending(self, one: Booked, identity: int, invoice: int) -> dict[str, Any]:
        return {
            "id": identity,
            "uuid": one.uuid("lending"),
            "invoice_id": invoice,
            "system_id": self._system.id,
            "answer_required": True,
            "state": Lending.ANSWERED,
            "created_at": one.lent,
            "delivered_at": one.delivered,
            "due_at": one.delivered + _DUE,
        }

    def _sending(self, one: Booked, kept: _Kept) -> dict[str, Any]:
        lent = isoformat(one.lent)
        return {
            "uuid": one.uuid("sending"),
            "municipality": self._system.municipality,
            "kind": KIND,
            "subject": str(one.uuid("lending")),
            "system_id": self._system.id,
            "payload": {"transaction_id": str(one.uuid("transaction")), "transaction_time": lent},
            "state": OutboxEntry.DELIVERED,
            "attempts": 1,
            "next_attempt_at": one.lent,
            "receipt_id": kept.receipt.sha256,
            "created_at": one.lent,
            "finished_at": one.delivered,
            "last_error": "",
        }

    def _taken(self, one: Booked, kept: _Kept, told: Content) -> dict[str, Any]:
        return {
            "interface": INTERFACE,
            "sender": str(self._system.uuid),
            "business_key": str(one.uuid("answer")),
            "body_sha256": kept.answer.sha256,
            "body_id": kept.answer.sha256,
            "answer_id": told.sha256,
            "received_at": one.entered,
        }

    def _events(self, one: Booked) -> Iterator[dict[str, Any]]:
        """The trail of an invoice: who did what, in the words of those who do it in earnest."""
        name, sent = self._system.name, {"lending": one.uuid("lending"), "system": self._system.name}
        read = {"file": one.invoice.file_name, "sha256": one.invoice.original.sha256}
        told = {
            "answer": one.uuid("answer"),
            "corrects": "",
            "voucher": label(one.voucher),
            "correlation": one.uuid("correlation"),
        }
        yield self._event(one, "invoice.imported", self._actor, one.invoice.received_at, read)
        yield self._event(one, "invoice.queued", self._actor, one.lent, sent)
        yield self._event(one, "invoice.delivered", "worker", one.delivered, {**sent, "attempts": 1})
        yield self._event(one, "invoice.booked", name, one.entered, told)

    def _event(
        self, one: Booked, event: str, actor: str, at: datetime, detail: Mapping[str, object]
    ) -> dict[str, Any]:
        return {
            "at": at,
            "municipality": self._system.municipality,
            "actor": actor,
            "event": event,
            "subject": str(one.invoice.uuid),
            "detail": {name: str(value) for name, value in detail.items()},
        }


def _stored(booked: Sequence[Booked]) -> list[_Kept]:
    """Each holds a number or an identifier of its own: nobody has stored the same."""
    rows = iter(content.put_new(chain.from_iterable(map(_contents, booked))))
    return [_Kept(*four) for four in zip(rows, rows, rows, rows, strict=True)]


def _contents(one: Booked) -> Iterator[tuple[bytes, str, datetime]]:
    received = one.entered - _RECEIVED
    answer = approval(one.billed, answer=one.uuid("answer"), lending=one.uuid("lending"), at=one.entered)
    yield one.billed.original, _XML, received
    yield one.billed.rendering, _HTML, received
    yield _receipt(one), _JSON, one.delivered
    yield answer, _JSON, one.entered


def _receipt(one: Booked) -> bytes:
    """The case system's, as the outbox keeps it."""
    header = {
        "TransaktionsId": str(one.uuid("transaction")),
        "TransaktionsTid": isoformat(one.lent),
        "SvarReaktion": [],
    }
    told = {
        "HovedOplysningerSvar": header,
        "FakturaInformationIdentifikation": str(one.uuid("lending")),
        "BehandlingDatoTid": isoformat(one.delivered),
        "AcceptStruktur": {"AccepteretUdenBemærkninger": True},
        "AfvisningStruktur": None,
    }
    return json.dumps(told, ensure_ascii=False).encode("utf-8")


def _invoice(one: Booked, kept: _Kept, identity: int) -> dict[str, Any]:
    row = one.invoice
    row.original, row.rendering = kept.original, kept.rendering
    row.id, row.received_at = identity, one.entered - _RECEIVED
    row.state, row.state_reason, row.state_code = Invoice.BOOKED, label(one.voucher), ""
    return {field.column_name: row.__data__.get(field.name) for field in Invoice._meta.sorted_fields}


def _answer(one: Booked, lending: int) -> dict[str, Any]:
    return {
        "uuid": one.uuid("answer"),
        "lending_id": lending,
        "approved": True,
        "voucher_uuid": one.voucher.uuid,
        "received_at": one.entered,
    }


def _insert(model: type[BaseModel], rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows with the same columns."""
    found = list(rows)
    insert_rows(model, tuple(found[0]), [tuple(row.values()) for row in found])
