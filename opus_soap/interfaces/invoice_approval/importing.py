"""Invoice files into the house: the original kept, its facts read, duplicates named, what is odd parked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from peewee import IntegrityError

from opus_soap.clock import Clock
from opus_soap.database import new_uuid, proxy, transaction
from opus_soap.documents.invoice import DocumentLimits, InvoiceDocument
from opus_soap.documents.reading import read_invoice
from opus_soap.documents.rendering import render_html
from opus_soap.errors import (
    DuplicateInvoice,
    FileUnreadable,
    InvoiceApprovalError,
    OpusSoapError,
    RateMissing,
    ReceiverForeign,
    SupplierNotFound,
)
from opus_soap.ledger.master_data import find_supplier
from opus_soap.ledger.models import CompanyCode, Municipality, Supplier
from opus_soap.money import round_to_ore
from opus_soap.settings import Settings
from opus_soap.store import audit, content
from opus_soap.store.models import ExchangeRate, Invoice, InvoiceAttachment, RoutingRule

_HTML, _XML = "text/html", "application/xml"


@dataclass(frozen=True)
class Imported:
    """What came of one file: an invoice (perhaps parked), or the error it was refused for."""

    path: str
    invoice: Invoice | None
    error: OpusSoapError | None


def limits(settings: Settings) -> DocumentLimits:
    """The settings' limits for a document."""
    return DocumentLimits(
        max_bytes=settings.max_invoice_bytes,
        max_attachment_bytes=settings.max_attachment_bytes,
        max_attachments=settings.max_attachments,
        max_lines=settings.max_invoice_lines,
    )


def files(paths: Iterable[Path]) -> list[Path]:
    """The files to import: those named, and every *.xml below the folders named, in order of name."""
    found: list[Path] = []
    for path in paths:
        found += sorted(path.rglob("*.xml")) if path.is_dir() else [path]
    return found


def import_files(
    paths: Iterable[Path], company: CompanyCode, *, clock: Clock, settings: Settings, actor: str
) -> Iterator[Imported]:
    """Import each file; one that is refused does not stop the others."""
    for path in paths:
        try:
            try:
                data = path.read_bytes()
            except OSError as error:
                raise FileUnreadable(element=str(path), value=error.strerror or "?") from None
            invoice = import_invoice(data, path.name, company, clock=clock, settings=settings, actor=actor)
            yield Imported(str(path), invoice, None)
        except OpusSoapError as error:
            yield Imported(str(path), None, error)


def import_invoice(
    data: bytes, file_name: str, company: CompanyCode, *, clock: Clock, settings: Settings, actor: str
) -> Invoice:
    """Take one document. Raises a `DocumentError` when it is refused, `DuplicateInvoice`.

    The invoice is PARKED: with a reason when the supplier, a rate or the receiver is not known, with
    none when it is only waiting to be sent.
    """
    document = read_invoice(data, limits(settings))
    now = clock.now()
    with transaction():
        key = supplier_key(document)
        _refuse_duplicate(document, key, company, data)
        original = content.put(data, _XML, at=now)
        rendering = content.put(render_html(document), _HTML, at=now)
        try:
            with proxy.obj.savepoint():
                invoice = Invoice.create(
                    uuid=new_uuid(),
                    municipality=company.municipality.code,
                    company_code=company.code,
                    supplier_key=key,
                    file_name=file_name,
                    original=original,
                    rendering=rendering,
                    state=Invoice.PARKED,
                    received_at=now,
                    **_facts(document),
                )
        except IntegrityError:  # another process was quicker
            _refuse_duplicate(document, key, company, data)
            raise
        for position, attachment in enumerate(document.attachments, start=1):
            InvoiceAttachment.create(
                invoice=invoice,
                position=position,
                file_name=attachment.file_name,
                media_type=attachment.media_type,
                content=content.put(attachment.data, attachment.media_type, at=now),
            )
        audit.record(
            "invoice.imported",
            invoice.uuid,
            actor=actor,
            at=now,
            municipality=invoice.municipality,
            file=file_name,
            sha256=original.sha256,
        )
        complete(invoice)
    return invoice


def complete(invoice: Invoice) -> InvoiceApprovalError | None:
    """Find supplier, amounts in kroner and receiver; returns, and stores as the reason, what is missing."""
    problem: InvoiceApprovalError | None = None
    supplier = find_supplier(invoice.municipality, invoice.facts["supplier_identifiers"])
    invoice.supplier_number = supplier.number if supplier else None
    rate = Decimal(100) if invoice.currency == "DKK" else _rate(invoice)
    if rate is not None:
        invoice.exchange_rate = str(rate)
        invoice.payable_ore = round_to_ore(Decimal(invoice.payable_cents) * rate / 10_000)
        invoice.tax_ore = round_to_ore(Decimal(invoice.tax_cents) * rate / 10_000)
    if rate is None:
        problem = RateMissing(
            element="DocumentCurrencyCode", value=invoice.currency, expected=invoice.issue_date
        )
    elif not _is_ours(invoice):
        problem = ReceiverForeign(element="AccountingCustomerParty", value=invoice.facts["receiver"])
    elif supplier is None:
        problem = SupplierNotFound(element="AccountingSupplierParty", value=invoice.supplier_name)
    invoice.state_reason = problem.text_danish if problem else ""
    invoice.state_code = problem.code if problem else ""
    invoice.save()
    return problem


def supplier_key(document: InvoiceDocument) -> str:
    """What duplicates are judged by: the CVR number, or the first identifier the document gives."""
    party = document.supplier
    if party.cvr:
        return f"DK:CVR:{party.cvr}"
    identifier = party.endpoint or party.identifiers[0]
    text = f"{identifier.scheme}:{identifier.value}".upper()
    # a person's number is never a key in clear
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"[:64]


def _refuse_duplicate(document: InvoiceDocument, key: str, company: CompanyCode, data: bytes) -> None:
    earlier = Invoice.get_or_none(
        Invoice.municipality == company.municipality.code,
        Invoice.supplier_key == key,
        Invoice.document_type == document.document_type,
        Invoice.number == document.number,
    )
    if earlier is None:
        return
    same = earlier.original.sha256 == hashlib.sha256(data).hexdigest()
    raise DuplicateInvoice(
        element="ID",
        value=document.number,
        expected=f"{earlier.uuid}, {earlier.received_at:%Y-%m-%d}, "
        + ("samme fil" if same else "en anden fil"),
    )


def _facts(document: InvoiceDocument) -> dict[str, Any]:
    receiver = document.customer.endpoint
    return {
        "supplier_name": document.supplier.name,
        "document_type": document.document_type,
        "number": document.number,
        "issue_date": document.issue_date.isoformat(),
        "due_date": document.due_date.isoformat() if document.due_date else None,
        "currency": document.currency,
        "payable_cents": round_to_ore(document.payable),
        "tax_cents": round_to_ore(document.tax_total),
        "ean": document.customer.gln,
        "person_reference": document.person_reference,
        "order_number": document.order_number,
        "facts": {
            "standard": document.standard,
            "receiver": f"{receiver.scheme} {receiver.value}" if receiver else document.customer.name,
            "receiver_cvr": document.customer.cvr,
            "supplier_identifiers": [identifier.value for identifier in document.supplier.all_identifiers],
            "line_total": str(document.line_total),
            "payment_means": [
                {name: str(value or "") for name, value in asdict(means).items()}
                for means in document.payment_means
            ],
            "warnings": [f"{warning.element}: {warning.text}" for warning in document.warnings],
        },
    }


def _rate(invoice: Invoice) -> Decimal | None:
    """Kroner for 100 units on the invoice's date: the newest rate that had begun by then."""
    row = (
        ExchangeRate.select()
        .where(
            ExchangeRate.municipality == invoice.municipality,
            ExchangeRate.currency == invoice.currency,
            ExchangeRate.valid_from <= invoice.issue_date,
        )
        .order_by(ExchangeRate.valid_from.desc())
        .first()
    )
    return Decimal(row.rate_per_hundred) if row else None


def _is_ours(invoice: Invoice) -> bool:
    """The receiver is the municipality's CVR, an EAN that a rule names, or there is a rule for any EAN."""
    if invoice.facts["receiver_cvr"] == Municipality.get_by_id(invoice.municipality).cvr:
        return True
    rules = RoutingRule.select().where(RoutingRule.municipality == invoice.municipality)
    eans = [rule.ean for rule in rules]
    return invoice.ean in eans if any(eans) and None not in eans else True


def supplier_of(invoice: Invoice) -> Supplier | None:
    """The supplier's master data, when known."""
    found: Supplier | None = Supplier.get_or_none(
        Supplier.municipality == invoice.municipality, Supplier.number == invoice.supplier_number
    )
    return found
