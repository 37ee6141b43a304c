"""Which vouchers are an invoice's, and what is told of it.

An approval's voucher is found through its answer; a reversal through what it reverses. What is told was
written once, when the invoice was imported: what may be completed later (its supplier, amounts in kroner)
is taken from the voucher's own lines instead, which are sealed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from opus_soap.extracts.books import Head, identity
from opus_soap.ledger.models import Voucher
from opus_soap.store.models import Answer, Content, Invoice, Lending

_CVR = "DK:CVR:"


class Invoiced(NamedTuple):
    """An invoice, as it came."""

    uuid: UUID
    document_type: str  # invoice | credit_note
    number: str
    issue_date: str  # ISO
    due_date: str | None
    supplier_name: str
    supplier_key: str
    currency: str
    payable_cents: int  # as printed, in the invoice's currency; so of a credit note > 0
    tax_cents: int
    ean: str | None
    person_reference: str | None
    order_number: str | None
    file_name: str
    sha256: str
    size: int  # bytes

    @property
    def supplier_cvr(self) -> str | None:
        """As the document says it; None when it says none."""
        return self.supplier_key.removeprefix(_CVR) if self.supplier_key.startswith(_CVR) else None


_OF_INVOICE = tuple(name for name in Invoiced._fields if name not in ("sha256", "size"))


def invoices_of(heads: Sequence[Head]) -> dict[int, Invoiced]:
    """The invoice of each voucher (by its id) that books one, or reverses one that does.

    A reversal may be reversed again: it is followed to the voucher that was there first.
    """
    origins: dict[int, int] = {}  # a voucher's id → its invoice's
    waiting = {head.id: (UUID(identity(head.uuid)), head.reverses) for head in heads}
    while waiting:
        answered = _answered([uuid for uuid, _ in waiting.values()])
        reversing: dict[int, int] = {}
        for voucher, (uuid, reverses) in waiting.items():
            if uuid in answered:
                origins[voucher] = answered[uuid]
            elif reverses is not None:
                reversing[voucher] = reverses
        earlier = _vouchers(set(reversing.values()))
        waiting = {voucher: earlier[before] for voucher, before in reversing.items()}
    known = _invoices(set(origins.values()))
    return {voucher: known[invoice] for voucher, invoice in origins.items()}


def _answered(vouchers: Sequence[UUID]) -> dict[UUID, int]:
    query = Answer.select(Answer.voucher_uuid, Lending.invoice).join(Lending)
    return dict(_tuples(query.where(Answer.voucher_uuid.in_(vouchers))))


def _vouchers(ids: set[int]) -> Mapping[int, tuple[UUID, int | None]]:
    if not ids:
        return {}
    query = Voucher.select(Voucher.id, Voucher.uuid, Voucher.reverses).where(Voucher.id.in_(ids))
    return {voucher: (uuid, reverses) for voucher, uuid, reverses in _tuples(query)}


def _invoices(ids: set[int]) -> dict[int, Invoiced]:
    if not ids:
        return {}
    columns = (getattr(Invoice, name) for name in _OF_INVOICE)
    query = Invoice.select(Invoice.id, *columns, Content.sha256, Content.size)
    rows = query.join(Content, on=(Invoice.original == Content.sha256)).where(Invoice.id.in_(ids))
    return {row[0]: Invoiced._make(row[1:]) for row in _tuples(rows)}


def _tuples(query: Any) -> Iterable[Any]:
    rows: Iterable[Any] = query.tuples()
    return rows
