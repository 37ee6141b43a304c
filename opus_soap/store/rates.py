"""Exchange rates: kroner for 100 units of a currency, from a date on."""

from __future__ import annotations

from decimal import Decimal

from opus_soap.store.models import ExchangeRate


def rate_per_hundred(municipality: str, currency: str, on: str) -> Decimal | None:
    """The newest rate that had begun by an ISO date; None when there is none."""
    row = (
        ExchangeRate.select()
        .where(
            ExchangeRate.municipality == municipality,
            ExchangeRate.currency == currency,
            ExchangeRate.valid_from <= on,
        )
        .order_by(ExchangeRate.valid_from.desc())
        .first()
    )
    return Decimal(row.rate_per_hundred) if row else None
