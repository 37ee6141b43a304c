"""Parked vouchers found: by what people copy from a list, or by the outside world's number."""

from __future__ import annotations

from uuid import UUID

from opus_soap.errors import ParkedVoucherUnknown
from opus_soap.ledger.models import CompanyCode, ParkedVoucher

SHORTEST = 8  # characters of a UUID that people write
_DIGITS = 32


def find_parked(identifier: str) -> ParkedVoucher:
    """The parked voucher, decided or not, with this UUID, or the only one that begins so (from 8 characters).

    Raises `ParkedVoucherUnknown`.
    """
    start = identifier.replace("-", "").lower()
    if SHORTEST <= len(start) <= _DIGITS:
        try:
            first, last = UUID(start.ljust(_DIGITS, "0")), UUID(start.ljust(_DIGITS, "f"))
        except ValueError:
            pass
        else:
            found = list(ParkedVoucher.select().where(ParkedVoucher.uuid.between(first, last)).limit(2))
            if len(found) == 1:
                return found[0]
    raise ParkedVoucherUnknown(value=identifier[:40])


def parked_with(company: CompanyCode, reference: str) -> list[ParkedVoucher]:
    """Those of a company code that wait under the outside world's number."""
    return list(
        ParkedVoucher.select()
        .where(
            ParkedVoucher.company_code == company,
            ParkedVoucher.reference == reference,
            ParkedVoucher.state == ParkedVoucher.PARKED,
        )
        .order_by(ParkedVoucher.id)
    )
