"""Do the totals follow from their parts? The parts mean different things in different standards.

In OIOUBL `TaxExclusiveAmount` is the *sum of taxes*; in Peppol it is the net. Payable = lines + tax +
charges − allowances − prepaid + rounding, within 1.00 as the rules of OIOUBL allow; the sum of lines is
exact but for half a øre per comparison (0.0055). Lines that are free of charge do not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from opus_soap.documents.invoice import InvoiceDocument
from opus_soap.errors import DocumentError, TotalWrong

LINE_TOLERANCE = Decimal("0.0055")
PAYABLE_TOLERANCE = Decimal("1.00")
_TOTAL = "LegalMonetaryTotal"


def check_totals(document: InvoiceDocument, tax_exclusive: Decimal | None) -> Iterator[DocumentError]:
    """Every total that does not hold."""
    lines = sum((line.amount for line in document.lines if not line.free_of_charge), Decimal(0))
    yield from _compare("LineExtensionAmount", document.line_total, lines, LINE_TOLERANCE)
    allowances = _sum(document, charge=False)
    charges = _sum(document, charge=True)
    yield from _compare("AllowanceTotalAmount", document.allowance_total, allowances, LINE_TOLERANCE)
    yield from _compare("ChargeTotalAmount", document.charge_total, charges, LINE_TOLERANCE)
    net = document.line_total + document.charge_total - document.allowance_total
    if tax_exclusive is not None:
        expected = net if document.standard.startswith("Peppol") else document.tax_total
        yield from _compare("TaxExclusiveAmount", tax_exclusive, expected, PAYABLE_TOLERANCE)
    subtotals = sum((subtotal.amount for subtotal in document.tax_subtotals), Decimal(0))
    if document.tax_subtotals and abs(subtotals - document.tax_total) > PAYABLE_TOLERANCE:
        yield TotalWrong(element="TaxTotal/TaxAmount", value=document.tax_total, expected=subtotals)
    payable = net + document.tax_total - document.prepaid + document.rounding
    yield from _compare("PayableAmount", document.payable, payable, PAYABLE_TOLERANCE)


def _sum(document: InvoiceDocument, *, charge: bool) -> Decimal:
    return sum((item.amount for item in document.allowances_charges if item.charge == charge), Decimal(0))


def _compare(name: str, stated: Decimal, computed: Decimal, tolerance: Decimal) -> Iterator[DocumentError]:
    if abs(stated - computed) > tolerance:
        yield TotalWrong(element=f"{_TOTAL}/{name}", value=stated, expected=computed)
