"""Documents that others published: each is read with its own totals, or refused for the right reason."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from opus_soap.documents.invoice import DocumentLimits
from opus_soap.documents.reading import read_invoice
from opus_soap.documents.rendering import render_html
from opus_soap.errors import DocumentRefused, FormatUnsupported
from tests.conftest import NO_SAMPLES, SAMPLES

FOLDER = SAMPLES / "oioubl"
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
SUPPORTED = ("OIOUBL-2.01", "OIOUBL-2.02", "OIOUBL-2.1")
REFUSED = {
    "rasp-invalid/OIOUBL_2.01_Invoice-0MB_schemaInvalid.xml": "LegalMonetaryTotal mangler",
    "rasp-invalid/OIOUBL_Invoice_v2p1_NoSender.xml": "AccountingSupplierParty/Party/EndpointID mangler",
    "rasp-invalid/OIOUBL_Invoice_v2p2.xml": "LineExtensionAmount er 50.00, men delene giver 5050.00",
}
UNSUPPORTED = {
    "OIOXML": "OIOXML 0.7",
    "PEPPOL_0": "Peppol BIS 2",
    "OIOUBL_ApplicationResponse": "UBL ApplicationResponse",
    "OIOUBL_Reminder": "UBL Reminder",
}
FILES = sorted(FOLDER.glob("*/*.xml"))

pytestmark = pytest.mark.skipif(not FILES, reason=NO_SAMPLES)


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def is_valid(path: Path) -> bool:
    root = etree.parse(path).getroot()
    if etree.QName(root).localname not in ("Invoice", "CreditNote"):
        return False
    customization = root.findtext(f"{CBC}CustomizationID") or ""
    known = customization in SUPPORTED or customization.startswith("urn:cen.eu:en16931:2017#compliant")
    return known and path.parent.name != "rasp-invalid"


def test_the_index_has_valid_and_other_documents():
    assert sum(map(is_valid, FILES)) == 38
    assert len(FILES) == 50


@pytest.mark.parametrize("path", FILES, ids=name)
def test_each_document_is_read_or_refused(path: Path):
    data = path.read_bytes()
    if is_valid(path):
        check_read(data)
    elif name(path) in REFUSED:
        with pytest.raises(DocumentRefused) as refused:
            read_invoice(data, DocumentLimits())
        assert REFUSED[name(path)] in refused.value.text_danish
    else:
        expected = next(text for start, text in UNSUPPORTED.items() if path.name.startswith(start))
        with pytest.raises(FormatUnsupported, match=expected):
            read_invoice(data, DocumentLimits())


def check_read(data: bytes) -> None:
    root = etree.fromstring(data)
    document = read_invoice(data, DocumentLimits())
    total = root.find(f"{CAC}LegalMonetaryTotal")
    assert total is not None
    assert document.payable == Decimal(total.findtext(f"{CBC}PayableAmount", "").strip())
    assert document.line_total == Decimal(total.findtext(f"{CBC}LineExtensionAmount", "").strip())
    assert document.number == root.findtext(f"{CBC}ID", "").strip()
    currency = root.findtext(f"{CBC}DocumentCurrencyCode", "").strip()
    taxes = [node.find(f"{CBC}TaxAmount") for node in root.findall(f"{CAC}TaxTotal")]
    if document.standard.startswith("Peppol"):
        taxes = [node for node in taxes if node is not None and node.get("currencyID") == currency]
    assert document.tax_total == sum((Decimal((node.text or "").strip()) for node in taxes), Decimal(0))
    lines = root.findall(f"{CAC}InvoiceLine") + root.findall(f"{CAC}CreditNoteLine")
    assert [line.amount for line in document.lines] == [
        Decimal(node.findtext(f"{CBC}LineExtensionAmount", "").strip()) for node in lines
    ]
    assert b"<html" in render_html(document)
