"""Voucher numbers without gaps, per company code, document type and year.

The next number stands in a row that is locked until the voucher's transaction ends: whoever rolls
back gives the number back, whoever waits gets the next one.
"""

from __future__ import annotations

from typing import Any

from opus_soap.database import Prepared, is_postgresql, transaction, update
from opus_soap.errors import DocumentTypeUnknown
from opus_soap.ledger.models import CompanyCode, DocumentType, NumberRange


def take_numbers(company_code: CompanyCode, document_type: str, year: int, count: int) -> range:
    """The next numbers of a series, in the caller's transaction; raises `DocumentTypeUnknown`."""
    with transaction():
        _wait_for_the_sealer(company_code)
        series = (company_code, document_type, year)
        row: NumberRange | None = _locked.first(*series)
        if row is None:
            known = DocumentType.get_or_none(
                DocumentType.company_code == company_code, DocumentType.code == document_type
            )
            if known is None:
                raise DocumentTypeUnknown(value=document_type, expected=company_code.code)
            NumberRange.insert(
                company_code=company_code,
                document_type=document_type,
                year=year,
                next_number=known.first_number,
            ).on_conflict_ignore().execute()
            row = _locked.first(*series)
            assert row is not None  # nobody takes one away
        first: int = row.next_number
        row.next_number += count
        update(row, "next_number")
    return range(first, first + count)


def _wait_for_the_sealer(company_code: CompanyCode) -> None:
    """Hold a seal off until this transaction ends, before the voucher takes its place in the order.

    PostgreSQL would take this lock for the foreign key, but only after the voucher has its id.
    """
    if is_postgresql():
        query = CompanyCode.select(CompanyCode.id).where(CompanyCode.id == company_code.id)
        query.for_update("FOR KEY SHARE").execute()  # type: ignore[arg-type]  # the stub is too narrow


@Prepared
def _locked(company_code: Any, document_type: Any, year: Any) -> Any:
    query = NumberRange.select().where(
        NumberRange.company_code == company_code,
        NumberRange.document_type == document_type,
        NumberRange.year == year,
    )
    return query.for_update() if is_postgresql() else query
