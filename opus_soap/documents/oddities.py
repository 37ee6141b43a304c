"""What is odd in a document but does not stop it: check digits, references, VAT that does not add up.

Identifiers in test documents are often made up, and payment is somebody else's business: a person sees
these warnings with the invoice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from stdnum import ean, iban, luhn
from stdnum.dk import cvr

from opus_soap.documents.invoice import (
    PAYMENT_NAMES,
    DocumentWarning,
    InvoiceDocument,
    Party,
    PaymentMeans,
)
from opus_soap.identifiers import GLN_SCHEMES

_REFERENCE_LENGTH = {"71": 15, "75": 16, "73": 0}
_CODES = {"1", "10", "20", "30", "48", "50", "54", "55", "57", "93", *PAYMENT_NAMES}
_VAT_TOLERANCE = Decimal("1.00")


def oddities(document: InvoiceDocument) -> Iterator[DocumentWarning]:
    """Everything that a person should know before paying."""
    supplier = document.supplier.cvr
    if supplier and not cvr.is_valid(supplier):
        yield DocumentWarning("AccountingSupplierParty", f"CVR {supplier}: kontrolcifferet passer ikke")
    yield from _gln("AccountingSupplierParty", document.supplier)
    yield from _gln("AccountingCustomerParty", document.customer)
    for means in document.payment_means:
        for text in _payment(means):
            yield DocumentWarning("PaymentMeans", text)
    yield from _vat(document)


def _gln(element: str, party: Party) -> Iterator[DocumentWarning]:
    for identifier in party.all_identifiers:
        if identifier.scheme.upper() in GLN_SCHEMES and not ean.is_valid(identifier.value):
            yield DocumentWarning(element, f"GLN {identifier.value}: kontrolcifferet passer ikke")
            return


def _payment(means: PaymentMeans) -> Iterator[str]:
    channel = means.channel.upper()
    if means.code not in _CODES:
        yield f"betalingsmåden {means.code or '-'} er ukendt"
    if channel == "DK:FIK":
        yield from _fik(means)
    elif channel == "DK:BANK":
        if not (re.fullmatch("[0-9]{4}", means.branch) and re.fullmatch("[0-9]{1,10}", means.account)):
            yield f"konto {means.branch or '-'} {means.account or '-'}: 4 og højst 10 cifre"
    elif (channel == "IBAN" or means.code in ("31", "58")) and not iban.is_valid(means.account):
        yield f"IBAN {means.account or '-'}: kontrolcifrene passer ikke"


def _fik(means: PaymentMeans) -> Iterator[str]:
    length = _REFERENCE_LENGTH.get(means.payment_id)
    reference = means.instruction_id
    if length is None:
        yield f"FIK-kortarten {means.payment_id or '-'} er ukendt"
    elif length and not re.fullmatch(f"[0-9]{{{length}}}", reference):
        yield f"FIK-referencen {reference or '-'} skal have {length} cifre"
    elif length and not luhn.is_valid(reference):
        yield f"FIK {reference}: kontrolcifferet passer ikke"
    if not re.fullmatch("[0-9]{8}", means.account):
        yield f"kreditornummeret {means.account or '-'} skal have 8 cifre"


def _vat(document: InvoiceDocument) -> Iterator[DocumentWarning]:
    for subtotal in document.tax_subtotals:
        if subtotal.percent is None:
            continue
        expected = subtotal.taxable * subtotal.percent / 100
        if abs(expected - subtotal.amount) > _VAT_TOLERANCE:
            text = f"{subtotal.amount} er ikke {subtotal.percent} % af {subtotal.taxable}"
            yield DocumentWarning("TaxSubtotal", text)
