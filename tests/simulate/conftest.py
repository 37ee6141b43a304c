"""Books that are filled."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from opus_soap.simulate.books import Order, generate

ORDER = Order(postings=1000, first=date(2026, 9, 1), last=date(2026, 11, 20))


@pytest.fixture
def fill(company, clock):
    """Generate what is ordered, otherwise than `ORDER` in what is said."""

    def filled(company=company, *, seal_key=None, **changes):
        order = replace(ORDER, **changes)
        return generate(company, order, clock=clock, actor="test", seal_key=seal_key)

    return filled
