"""FakturaInformationAfsend, called by us: the outbox handler that takes an invoice to a case system."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from lxml import etree
from zeep.helpers import serialize_object

from opus_soap.database import transaction
from opus_soap.errors import (
    ContentDamaged,
    ContentGone,
    ContentLost,
    ContentMissing,
    ContentOutOfReach,
    RateMissing,
    RefusedByReceiver,
    ReplyUnusable,
    TransportError,
)
from opus_soap.interfaces.invoice_approval import states
from opus_soap.interfaces.invoice_approval.booking import CREDIT_NOTE
from opus_soap.interfaces.invoice_approval.importing import supplier_of
from opus_soap.interfaces.invoice_approval.lending import KIND
from opus_soap.ledger.models import Municipality
from opus_soap.money import kroner_from_ore
from opus_soap.store import audit, content, outbox
from opus_soap.store.models import Invoice, InvoiceAttachment, Lending, OutboxEntry
from opus_soap.transport.handlers import Delivery, Handler, Handlers

CONTRACT, OPERATION = "FakturaInformationAfsend", "AfsendFakturaInformation"
BOOKED_CURRENCY = "DKK"  # what the answer's lines must sum to, whatever the invoice's own currency
DOCUMENT_TYPES = {"invoice": "Faktura", CREDIT_NOTE: "Kreditnota"}


def register(handlers: Handlers) -> None:
    """Make the worker send invoices."""
    handlers[KIND] = Handler(send=send, given_up=given_up, hold=hold)


def send(entry: OutboxEntry, delivery: Delivery) -> None:
    """Deliver one lending and record the receipt; raises a `TransportError`."""
    lending = Lending.get(Lending.uuid == UUID(entry.subject))
    if lending.state in (Lending.RECALLED, Lending.REPLACED):  # while the entry was being leased
        outbox.delivered(entry, None, at=delivery.clock.now())
        return
    try:
        message = build(lending, entry, delivery)
    except (ContentMissing, ContentDamaged) as error:
        raise ContentGone(value=error.text_danish, expected=error.text_english) from None
    except ContentLost as error:
        raise ContentOutOfReach(value=error.text_danish, expected=error.text_english) from None
    answer = delivery.caller.call(CONTRACT, OPERATION, entry.system, message)
    _record(entry, lending, answer, delivery)


def hold(entry: OutboxEntry) -> None:
    """The invoice before the entry: the order in which everybody locks."""
    states.hold(Lending.get(Lending.uuid == UUID(entry.subject)).invoice)


def build(lending: Lending, entry: OutboxEntry, delivery: Delivery) -> dict[str, Any]:
    """AfsendFakturaInformation_I, the same every time for the same entry."""
    invoice = lending.invoice
    mark = (
        "FakturaSvarPåkrævetMarkering" if lending.answer_required else "FakturaSvarKanIkkeModtagesMarkering"
    )
    return {
        "HovedOplysninger": _header(lending, entry, delivery),
        "FakturaInformationIdentifikation": str(lending.uuid),
        "FakturaInformation": _outline(invoice),
        mark: True,
        "OirBase64Container": list(_containers(invoice)),
    }


def _header(lending: Lending, entry: OutboxEntry, delivery: Delivery) -> dict[str, Any]:
    cvr = Municipality.get_by_id(lending.invoice.municipality).cvr
    return {
        "TransaktionsId": entry.payload["transaction_id"],
        "TransaktionsTid": entry.payload["transaction_time"],
        "AuthorityContext": {"MunicipalityCVR": cvr},
        "Rute": {
            "AfsenderOrganisation": cvr,
            "AfsenderItSystemInstans": str(delivery.settings.system_uuid),
            "ModtagerOrganisation": lending.system.cvr,
            "ModtagerItSystemInstans": str(lending.system.uuid),
        },
    }


def _outline(invoice: Invoice) -> dict[str, Any]:
    supplier = supplier_of(invoice)
    return {
        "FakturaInformationDokumenttype": DOCUMENT_TYPES[invoice.document_type],
        "FakturaInformationNummer": invoice.number,
        "FakturaInformationLeverandørCVRNummer": supplier.cvr if supplier else None,
        "FakturaInformationLeverandørNavn": invoice.supplier_name,
        "FakturaInformationFakturaDato": date.fromisoformat(invoice.issue_date),
        "FakturaInformationForfaldDato": date.fromisoformat(invoice.due_date) if invoice.due_date else None,
        "FakturaInformationBeløb": kroner_from_ore(_payable_ore(invoice)),
        "FakturaInformationValutaKode": BOOKED_CURRENCY,
        "FakturaInformationEANNummer": invoice.ean,
        "FakturaInformationPersonreference": invoice.person_reference,
        "FakturaInformationOrdrenummer": invoice.order_number,
        "FakturaInformationFilNavn": invoice.file_name,
        "FakturaInformationFilMedietype": "application/xml",
    }


def _payable_ore(invoice: Invoice) -> int:
    if invoice.payable_ore is None:  # without a rate it is parked, and never lent
        raise RateMissing(element="DocumentCurrencyCode", value=invoice.currency, expected=invoice.issue_date)
    return invoice.payable_ore


def _containers(invoice: Invoice) -> Iterator[dict[str, Any]]:
    """The original as it came, a rendering to read, and the attachments."""
    yield _container(invoice.file_name, "application/xml", "ORIGINAL", invoice.original.sha256)
    yield _container(f"{invoice.uuid}.html", "text/html", "HTML", invoice.rendering.sha256)
    for attachment in (
        InvoiceAttachment.select()
        .where(InvoiceAttachment.invoice == invoice)
        .order_by(InvoiceAttachment.position)
    ):
        yield _container(attachment.file_name, attachment.media_type, "BILAG", attachment.content.sha256)


def _container(name: str, media_type: str, role: str, sha256: str) -> dict[str, Any]:
    return {"FilNavn": name, "Medietype": media_type, "Rolle": role, "Indhold": content.get(sha256)}


def _record(entry: OutboxEntry, lending: Lending, answer: Any, delivery: Delivery) -> None:
    """The receipt and what follows from it. An answer that came first is not undone by it."""
    _check_receipt(entry, lending, answer)
    now = delivery.clock.now()
    refusal = "; ".join(_refusals(answer))
    with transaction():
        invoice = states.hold(lending.invoice)
        receipt = content.put(_receipt(answer), "application/json", at=now)
        if not outbox.delivered(entry, receipt, at=now):
            return  # recalled, answered, or another worker's by now
        due = now + timedelta(days=delivery.settings.answer_due_days)
        Lending.update(delivered_at=now, due_at=due if lending.answer_required else None).where(
            Lending.id == lending.id
        ).execute()
        if invoice.state == Invoice.QUEUED:
            if refusal:
                error = RefusedByReceiver(value=refusal)
                states.move(invoice, Invoice.PARKED, reason=error.text_danish, code=error.code)
            else:
                states.move(invoice, Invoice.AWAITING if lending.answer_required else Invoice.INFORMED)
        audit.record(
            "invoice.refused_by_receiver" if refusal else "invoice.delivered",
            invoice.uuid,
            actor="worker",
            at=now,
            municipality=invoice.municipality,
            lending=lending.uuid,
            system=lending.system.name,
            attempts=entry.attempts,
        )


def _check_receipt(entry: OutboxEntry, lending: Lending, answer: Any) -> None:
    """A receipt tells of this very sending, or it is none."""
    for element, value, expected in (
        (
            "TransaktionsId",
            answer["HovedOplysningerSvar"]["TransaktionsId"],
            entry.payload["transaction_id"],
        ),
        ("FakturaInformationIdentifikation", answer["FakturaInformationIdentifikation"], lending.uuid),
    ):
        if str(value).lower() != str(expected):
            raise ReplyUnusable(element=entry.system.name, value=f"{element} {value}", expected=expected)


def _refusals(answer: Any) -> Iterator[str]:
    """Why the receiver did not take it: AfvisningStruktur, or an error in the header."""
    refusal = answer["AfvisningStruktur"]
    for reason in refusal["ResultatÅrsagStruktur"] if refusal is not None else ():
        text = reason["LokalÅrsagTekst"] or reason["LokalÅrsagKode"] or reason["ÅrsagIdentifikation"]
        yield f"{reason['ElementNavn'] or ''} {text}".strip()
    for reaction in answer["HovedOplysningerSvar"]["SvarReaktion"] or ():
        if (fault := reaction["Fejl"]) is not None:
            yield f"{fault['FejlId']} {fault['FejlTekst']}"


def _receipt(answer: Any) -> bytes:
    plain = serialize_object(answer, dict)
    return json.dumps(plain, default=_text, ensure_ascii=False).encode("utf-8")


def _text(value: object) -> str:
    return etree.tostring(value, encoding="unicode") if isinstance(value, etree._Element) else str(value)


def given_up(entry: OutboxEntry, error: TransportError, delivery: Delivery) -> None:
    """The entry was parked: so is the invoice, unless it has been answered all the same."""
    lending = Lending.get(Lending.uuid == UUID(entry.subject))
    invoice = states.hold(lending.invoice)
    if invoice.state == Invoice.QUEUED and lending.state in Lending.LIVE:
        states.move(invoice, Invoice.PARKED, reason=error.text_danish, code=error.code)
        audit.record(
            "invoice.parked",
            invoice.uuid,
            actor="worker",
            at=delivery.clock.now(),
            municipality=invoice.municipality,
            lending=lending.uuid,
            code=error.code,
        )
