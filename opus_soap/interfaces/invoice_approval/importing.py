"""Invoice files into the house: the original kept, its facts read, duplicates named, what is odd parked."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from peewee import IntegrityError, PeeweeException

from opus_soap.clock import Clock
from opus_soap.database import first_line, new_uuid, proxy, transaction
from opus_soap.documents.invoice import DocumentLimits, InvoiceDocument
from opus_soap.documents.reading import read_invoice
from opus_soap.documents.rendering import render_html
from opus_soap.errors import (
    Both,
    DatabaseFailed,
    DocumentTooLarge,
    DuplicateInvoice,
    FileUnreadable,
    InvoiceApprovalError,
    OpusSoapError,
    RateMissing,
    ReceiverForeign,
    SupplierNotFound,
)
from opus_soap.identifiers import number_key
from opus_soap.ledger.master_data import find_supplier
from opus_soap.ledger.models import CompanyCode, Municipality, Supplier
from opus_soap.money import round_to_ore
from opus_soap.settings import Settings
from opus_soap.store import audit, content
from opus_soap.store.models import Invoice, InvoiceAttachment, RoutingRule
from opus_soap.store.rates import rate_per_hundred
from opus_soap.texts import visible

_HTML, _XML = "text/html", "application/xml"
_COMPLETED = [
    Invoice.supplier_number,
    Invoice.exchange_rate,
    Invoice.payable_ore,
    Invoice.tax_ore,
    Invoice.state_reason,
    Invoice.state_code,
]


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
        found += sorted(_below(path)) if path.is_dir() else [path]
    return found


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix.casefold() == ".xml" and not path.is_dir():
            yield path


def import_files(
    paths: Iterable[Path], company: CompanyCode, *, clock: Clock, settings: Settings, actor: str
) -> Iterator[Imported]:
    """Import each file; one that is refused does not stop the others."""
    for path in paths:
        name = visible(os.fsencode(path.name).decode("utf-8", "replace"), instead="_")
        try:
            data = _bytes_of(path, settings.max_invoice_bytes)
            invoice = import_invoice(data, name, company, clock=clock, settings=settings, actor=actor)
            yield Imported(str(path), invoice, None)
        except OpusSoapError as error:
            yield Imported(str(path), None, error)
        except PeeweeException as error:  # the next one may find the database well again
            yield Imported(str(path), None, DatabaseFailed(value=first_line(error)))


def _bytes_of(path: Path, most: int) -> bytes:
    """A plain file's bytes; raises `FileUnreadable`, `DocumentTooLarge` before it is read."""
    try:
        # a pipe would be waited for, a device never ends
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise FileUnreadable(
                    element=path.name, value=Both("ikke en almindelig fil", "not a plain file")
                )
            if status.st_size > most:
                raise DocumentTooLarge(element="file", value=status.st_size, expected=most)
            return file.read(most + 1)
    except OSError as error:
        raise FileUnreadable(element=path.name, value=error.strerror or "?") from None


def import_invoice(
    data: bytes, file_name: str, company: CompanyCode, *, clock: Clock, settings: Settings, actor: str
) -> Invoice:
    """Take one document. Raises a `DocumentError` when it is refused, `DuplicateInvoice`.

    The invoice is PARKED: with a reason when the supplier, a rate or the receiver is not known, with
    none when it is only waiting to be sent.
    """
    document = read_invoice(data, limits(settings))
    try:
        return _take(document, data, file_name, company, now=clock.now(), actor=actor)
    except DuplicateInvoice:
        _put_back(document, data, now=clock.now())
        raise


def _put_back(document: InvoiceDocument, data: bytes, *, now: datetime) -> None:
    """The bytes of an invoice that came before as this very file, as far as they were purged meanwhile."""
    digest = hashlib.sha256(data).hexdigest()
    with transaction():
        for invoice in Invoice.select().where(Invoice.original == digest):
            content.put_back(data, at=now)
            for attachment in document.attachments:
                content.put_back(attachment.data, at=now)
            if invoice.rendering.purged_at is not None:  # the same as then, or as it is written today
                rendering = content.put(render_html(document), _HTML, at=now)
                Invoice.update(rendering=rendering).where(Invoice.id == invoice.id).execute()


def _take(
    document: InvoiceDocument,
    data: bytes,
    file_name: str,
    company: CompanyCode,
    *,
    now: datetime,
    actor: str,
) -> Invoice:
    """The invoice, its bytes and its audit entry, in one transaction."""
    with transaction():
        key = supplier_key(document)
        supplier = find_supplier(company.municipality.code, document.supplier.known_by)
        _refuse_duplicate(document, key, supplier, company, data)
        attached = [(attachment.data, attachment.media_type) for attachment in document.attachments]
        original, rendering, *stored = content.put_all(
            [(data, _XML), (render_html(document), _HTML), *attached], at=now
        )
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
                    **facts_of(document),
                )
        except IntegrityError:  # another process was quicker
            _refuse_duplicate(document, key, supplier, company, data)
            raise
        pairs = zip(document.attachments, stored, strict=True)
        for position, (attachment, kept) in enumerate(pairs, start=1):
            InvoiceAttachment.create(
                invoice=invoice,
                position=position,
                file_name=attachment.file_name,
                media_type=attachment.media_type,
                content=kept,
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
    known = rate_per_hundred(invoice.municipality, invoice.currency, invoice.issue_date)
    rate = Decimal(100) if invoice.currency == "DKK" else known
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
    else:
        problem = _same_of(supplier, invoice)
    invoice.state_reason = problem.text_danish[:1000] if problem else ""
    invoice.state_code = problem.code if problem else ""
    invoice.save(only=_COMPLETED)
    return problem


def _same_of(supplier: Supplier, invoice: Invoice) -> DuplicateInvoice | None:
    """The same invoice, come before under another of its supplier's names."""
    earlier = (
        Invoice.select()
        .where(
            Invoice.municipality == invoice.municipality,
            Invoice.supplier_number == supplier.number,
            Invoice.document_type == invoice.document_type,
            Invoice.number_key == invoice.number_key,
            Invoice.id < invoice.id,
        )
        .first()
    )
    return _duplicate(earlier, invoice.original.sha256) if earlier is not None else None


def supplier_key(document: InvoiceDocument) -> str:
    """What duplicates are judged by before the supplier is known: CVR, or the first name it has."""
    party = document.supplier
    if party.cvr:
        return f"DK:CVR:{party.cvr}"
    first = party.known_by[0] if party.known_by else f"{party.all_identifiers[0].value} {party.name}"
    return f"sha256:{hashlib.sha256(first.encode()).hexdigest()}"[:64]


def _refuse_duplicate(
    document: InvoiceDocument, key: str, supplier: Supplier | None, company: CompanyCode, data: bytes
) -> None:
    same_supplier = Invoice.supplier_key == key
    if supplier is not None:
        same_supplier |= Invoice.supplier_number == supplier.number
    earlier = (
        Invoice.select()
        .where(
            Invoice.municipality == company.municipality.code,
            same_supplier,
            Invoice.document_type == document.document_type,
            Invoice.number_key == number_key(document.number),
        )
        .first()
    )
    if earlier is not None:
        raise _duplicate(earlier, hashlib.sha256(data).hexdigest())


def _duplicate(earlier: Invoice, sha256: str) -> DuplicateInvoice:
    file = "samme fil" if earlier.original.sha256 == sha256 else "en anden fil"
    return DuplicateInvoice(
        element="ID",
        value=earlier.number,
        expected=f"{earlier.uuid}, {earlier.received_at:%Y-%m-%d}, {file}",
    )


def facts_of(document: InvoiceDocument) -> dict[str, Any]:
    """What was read from a document, by the columns of `Invoice`."""
    receiver = document.customer.endpoint
    return {
        "supplier_name": document.supplier.name,
        "document_type": document.document_type,
        "number": document.number,
        "number_key": number_key(document.number),
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
            "supplier_identifiers": list(document.supplier.known_by),
            "line_total": str(document.line_total),
            "payment_means": [
                {name: str(value or "") for name, value in asdict(means).items()}
                for means in document.payment_means
            ],
            "warnings": [f"{warning.element}: {warning.text}" for warning in document.warnings],
        },
    }


def _is_ours(invoice: Invoice) -> bool:
    """The receiver has the municipality's CVR, or an EAN that one of its rules names.

    Where no rule names an EAN, an invoice that says no CVR is taken for ours.
    """
    receiver = invoice.facts["receiver_cvr"]
    if receiver == Municipality.get_by_id(invoice.municipality).cvr:
        return True
    rules = RoutingRule.select().where(RoutingRule.municipality == invoice.municipality)
    eans = {rule.ean for rule in rules if rule.ean}
    return invoice.ean in eans if eans or receiver else True


def supplier_of(invoice: Invoice) -> Supplier | None:
    """The supplier's master data, when known."""
    found: Supplier | None = Supplier.get_or_none(
        Supplier.municipality == invoice.municipality, Supplier.number == invoice.supplier_number
    )
    return found
