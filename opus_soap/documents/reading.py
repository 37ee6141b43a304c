"""Bytes to `InvoiceDocument`: OIOUBL 2.01, 2.02, 2.1 and Peppol BIS 3, invoices and credit notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from lxml import etree

from opus_soap.documents.attachments import read_attachments
from opus_soap.documents.invoice import (
    CREDIT_NOTE,
    INVOICE,
    AllowanceCharge,
    DocumentLimits,
    Identifier,
    InvoiceDocument,
    InvoiceLine,
    Party,
    PaymentMeans,
    TaxSubtotal,
)
from opus_soap.documents.oddities import oddities
from opus_soap.documents.structure import check_structure
from opus_soap.documents.totals import check_totals
from opus_soap.documents.xml import NAMESPACES, Reader, parse, where
from opus_soap.errors import (
    DocumentRefused,
    DocumentTooLarge,
    DocumentUnknown,
    ElementMissing,
    FormatUnsupported,
    ValueInvalid,
)

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_ROOTS = {f"{{{_UBL}Invoice-2}}Invoice": INVOICE, f"{{{_UBL}CreditNote-2}}CreditNote": CREDIT_NOTE}
_OIOUBL = ("OIOUBL-2.01", "OIOUBL-2.02", "OIOUBL-2.1")
_PEPPOL = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PEPPOL = "Peppol BIS 3"
_LINES = {INVOICE: "cac:InvoiceLine", CREDIT_NOTE: "cac:CreditNoteLine"}
_MOST_OTHERS = 2000  # children of the document that are no lines: attachments, charges, notes
_TYPE_CODES = {INVOICE: ("325", "380", "393"), CREDIT_NOTE: ("381",)}
_PEPPOL_TYPE_CODES = {
    INVOICE: ("380", "383", "386", "393", "82", "80", "84", "395", "457", "456", "389", "751"),
    CREDIT_NOTE: ("381", "396", "532"),
}


def read_invoice(data: bytes, limits: DocumentLimits) -> InvoiceDocument:
    """Read and check a document; raises `DocumentRefused` with every error, or what it is not.

    Also raises `NotXml`, `DocumentTypeForbidden`, `DocumentTooLarge`, `DocumentUnknown`,
    `FormatUnsupported`: then nothing more could be said of it.
    """
    root = parse(data, limits)
    document_type, standard = recognise(root)
    _check_counts(root, document_type, limits)
    reader = Reader()
    for misplaced in check_structure(root):
        reader.add(misplaced)
    document, tax_exclusive = _read(root, reader, document_type, standard, limits)
    if not reader.errors:
        for wrong in check_totals(document, tax_exclusive):
            reader.add(wrong)
    if reader.errors:
        raise DocumentRefused(reader.errors)
    return replace(document, warnings=(*document.warnings, *oddities(document)))


def _check_counts(root: etree._Element, document_type: str, limits: DocumentLimits) -> None:
    """Before anything is looked into: how many lines, and how many children in all."""
    name = _LINES[document_type]
    lines = len(root.findall(name, NAMESPACES))
    if lines > limits.max_lines:
        raise DocumentTooLarge(element=name, value=lines, expected=limits.max_lines)
    if len(root) > limits.max_lines + _MOST_OTHERS:
        raise DocumentTooLarge(
            element=etree.QName(root).localname, value=len(root), expected=limits.max_lines + _MOST_OTHERS
        )


def recognise(root: etree._Element) -> tuple[str, str]:
    """Document type and standard; raises `DocumentUnknown`, `FormatUnsupported` with its name."""
    name = etree.QName(root)
    namespace = name.namespace or ""
    if namespace.startswith("http://rep.oio.dk/ubl/xml/schemas/0p7"):
        raise FormatUnsupported(value=f"OIOXML 0.7 ({name.localname})")
    if str(root.tag) not in _ROOTS:
        if namespace.startswith(_UBL):
            raise FormatUnsupported(value=f"UBL {name.localname}")
        raise DocumentUnknown(value=name.localname, expected="Invoice, CreditNote")
    customization = (root.findtext("cbc:CustomizationID", "", NAMESPACES)).strip()
    if customization in _OIOUBL:
        return _ROOTS[str(root.tag)], customization
    if customization.startswith(_PEPPOL):
        return _ROOTS[str(root.tag)], PEPPOL
    if "cenbii" in customization:
        raise FormatUnsupported(value=f"Peppol BIS 2 ({customization[:60]})")
    raise FormatUnsupported(value=f"CustomizationID {customization[:100] or '-'}")


def _read(
    root: etree._Element, reader: Reader, document_type: str, standard: str, limits: DocumentLimits
) -> tuple[InvoiceDocument, Decimal | None]:
    total = root.find("cac:LegalMonetaryTotal", NAMESPACES)
    if total is None:
        reader.add(ElementMissing(element=f"{where(root)}/LegalMonetaryTotal"))
        total = etree.Element("LegalMonetaryTotal")
    peppol = standard == PEPPOL
    currency = reader.required(root, "cbc:DocumentCurrencyCode")
    if len(currency) != 3 or not currency.isalpha() or not currency.isupper():
        reader.add(ValueInvalid(element="DocumentCurrencyCode", value=currency[:10], expected="ISO 4217"))
    customer = _party(root, "cac:AccountingCustomerParty/cac:Party", reader)
    tax_totals = _tax_totals(root, currency, peppol=peppol)
    means = tuple(_payment_means(root, reader))
    issue_date = reader.date(root, "cbc:IssueDate")
    if issue_date is None:
        reader.add(ElementMissing(element=f"{where(root)}/IssueDate"))
    due = reader.date(root, "cbc:DueDate") or next((item.due_date for item in means if item.due_date), None)
    supplier = _party(root, "cac:AccountingSupplierParty/cac:Party", reader)
    attachments, warnings = read_attachments(root, reader, limits)
    zero = Decimal(0)
    document = InvoiceDocument(
        document_type=document_type,
        standard=standard,
        type_code=_type_code(root, reader, document_type, peppol=peppol),
        number=reader.number(reader.required(root, "cbc:ID"), "ID"),
        issue_date=issue_date,  # type: ignore[arg-type]  # None is refused above
        due_date=due,
        currency=currency,
        supplier=supplier,
        customer=customer,
        order_number=reader.fitting(reader.text(root, "cac:OrderReference/cbc:ID"), "OrderReference/ID")
        or None,
        person_reference=reader.fitting(
            reader.text(root, "cbc:BuyerReference") if peppol else customer.contact_id, "Contact/ID"
        )
        or None,
        accounting_cost=reader.text(root, "cbc:AccountingCost")
        or reader.text(root, "cbc:AccountingCostCode"),
        notes=tuple(node.text.strip() for node in reader.all(root, "cbc:Note") if node.text),
        lines=tuple(_lines(root, reader, document_type, currency)),
        allowances_charges=tuple(_allowances_charges(root, reader, currency)),
        tax_subtotals=tuple(_tax_subtotals(tax_totals, reader, currency)),
        line_total=reader.money(total, "cbc:LineExtensionAmount", currency),
        tax_total=sum((reader.whole_ore(node, "cbc:TaxAmount", currency) for node in tax_totals), zero),
        allowance_total=reader.optional_money(total, "cbc:AllowanceTotalAmount", currency) or zero,
        charge_total=reader.optional_money(total, "cbc:ChargeTotalAmount", currency) or zero,
        prepaid=reader.optional_money(total, "cbc:PrepaidAmount", currency) or zero,
        rounding=reader.optional_money(total, "cbc:PayableRoundingAmount", currency) or zero,
        payable=reader.whole_ore(total, "cbc:PayableAmount", currency),
        payment_means=means,
        attachments=tuple(attachments),
        warnings=tuple(warnings),
    )
    return document, reader.optional_money(total, "cbc:TaxExclusiveAmount", currency)


def _type_code(root: etree._Element, reader: Reader, document_type: str, *, peppol: bool) -> str:
    if document_type == CREDIT_NOTE and not peppol:
        return reader.text(root, "cbc:CreditNoteTypeCode") or "381"
    path = "cbc:InvoiceTypeCode" if document_type == INVOICE else "cbc:CreditNoteTypeCode"
    code = reader.required(root, path)
    known = (_PEPPOL_TYPE_CODES if peppol else _TYPE_CODES)[document_type]
    if code not in known:
        reader.add(ValueInvalid(element=path, value=code[:10], expected=", ".join(known)))
    return code


def _tax_totals(root: etree._Element, currency: str, *, peppol: bool) -> list[etree._Element]:
    """OIOUBL: all of them (there may be an excise one). Peppol: the one in the document's currency."""
    nodes = root.findall("cac:TaxTotal", NAMESPACES)
    if not peppol:
        return nodes
    amount = "cbc:TaxAmount"
    return [
        node
        for node in nodes
        if (found := node.find(amount, NAMESPACES)) is not None and found.get("currencyID") == currency
    ]


def _party(root: etree._Element, path: str, reader: Reader) -> Party:
    node = root.find(path, NAMESPACES)
    if node is None:
        reader.add(ElementMissing(element=f"{where(root)}/{path}"))
        return Party(name="", endpoint=None, identifiers=())
    endpoint = _identifier(node.find("cbc:EndpointID", NAMESPACES), reader)
    paths = (
        "cac:PartyIdentification/cbc:ID",
        "cac:PartyLegalEntity/cbc:CompanyID",
        "cac:PartyTaxScheme/cbc:CompanyID",
    )
    identifiers = [
        found
        for item in paths
        for element in node.findall(item, NAMESPACES)
        if (found := _identifier(element, reader)) is not None
    ]
    name = reader.text(node, "cac:PartyName/cbc:Name") or reader.text(
        node, "cac:PartyLegalEntity/cbc:RegistrationName"
    )
    if not name:
        reader.add(ElementMissing(element=f"{where(node)}/PartyName"))
    if endpoint is None and not identifiers:
        reader.add(ElementMissing(element=f"{where(node)}/EndpointID"))
    return Party(
        name=reader.fitting(name, "PartyName") or "",
        endpoint=endpoint,
        identifiers=tuple(dict.fromkeys(identifiers)),
        contact_id=(node.findtext("cac:Contact/cbc:ID", "", NAMESPACES)).strip() or None,
        contact_name=(node.findtext("cac:Contact/cbc:Name", "", NAMESPACES)).strip() or None,
        address=tuple(_address(node)),
    )


def _identifier(node: etree._Element | None, reader: Reader) -> Identifier | None:
    if node is None:
        return None
    value = (node.text or "").strip()
    if not value:
        reader.add(ElementMissing(element=where(node)))
        return None
    scheme = node.get("schemeID", "")
    # Peppol states a Danish VAT number as DK12345678 without a scheme
    if not scheme and len(value) == 10 and value.startswith("DK") and value[2:].isdigit():
        scheme = "DK:VAT"
    return Identifier(scheme, value)


def _address(node: etree._Element) -> Iterator[str]:
    def get(name: str) -> str:
        return (node.findtext(f"cac:PostalAddress/{name}", "", NAMESPACES)).strip()

    for line in (
        f"{get('cbc:StreetName')} {get('cbc:BuildingNumber')}",
        get("cbc:AdditionalStreetName"),
        f"{get('cbc:PostalZone')} {get('cbc:CityName')}",
        get("cac:Country/cbc:IdentificationCode"),
    ):
        if line.strip():
            yield line.strip()


def _lines(root: etree._Element, reader: Reader, document_type: str, currency: str) -> Iterator[InvoiceLine]:
    name = _LINES[document_type]
    quantity = "cbc:InvoicedQuantity" if document_type == INVOICE else "cbc:CreditedQuantity"
    nodes = reader.all(root, name)
    if not nodes:
        reader.add(ElementMissing(element=f"{where(root)}/{name}"))
    for node in nodes:
        measured = node.find(quantity, NAMESPACES)
        yield InvoiceLine(
            id=reader.required(node, "cbc:ID"),
            description=(
                node.findtext("cac:Item/cbc:Name", "", NAMESPACES)
                or node.findtext("cac:Item/cbc:Description", "", NAMESPACES)
            ).strip(),
            quantity=reader.amount(node, quantity),
            unit=measured.get("unitCode", "") if measured is not None else "",
            price=reader.amount(node, "cac:Price/cbc:PriceAmount"),
            amount=reader.money(node, "cbc:LineExtensionAmount", currency),
            free_of_charge=(node.findtext("cbc:FreeOfChargeIndicator", "", NAMESPACES)).strip()
            in ("true", "1"),
        )


def _allowances_charges(root: etree._Element, reader: Reader, currency: str) -> Iterator[AllowanceCharge]:
    for node in reader.all(root, "cac:AllowanceCharge"):
        yield AllowanceCharge(
            charge=reader.required(node, "cbc:ChargeIndicator") in ("true", "1"),
            reason=(node.findtext("cbc:AllowanceChargeReason", "", NAMESPACES)).strip(),
            amount=reader.money(node, "cbc:Amount", currency),
        )


def _tax_subtotals(tax_totals: list[etree._Element], reader: Reader, currency: str) -> Iterator[TaxSubtotal]:
    for total in tax_totals:
        for node in total.findall("cac:TaxSubtotal", NAMESPACES):
            yield TaxSubtotal(
                scheme=(node.findtext("cac:TaxCategory/cac:TaxScheme/cbc:Name", "", NAMESPACES)).strip(),
                category=reader.required(node, "cac:TaxCategory/cbc:ID"),
                percent=reader.amount(node, "cac:TaxCategory/cbc:Percent"),
                taxable=reader.money(node, "cbc:TaxableAmount", currency),
                amount=reader.money(node, "cbc:TaxAmount", currency),
            )


def _payment_means(root: etree._Element, reader: Reader) -> Iterator[PaymentMeans]:
    for node in reader.all(root, "cac:PaymentMeans"):

        def get(path: str, node: etree._Element = node) -> str:
            return (node.findtext(path, "", NAMESPACES)).strip()

        code, payment_id, instruction = (
            get("cbc:PaymentMeansCode"),
            get("cbc:PaymentID"),
            get("cbc:InstructionID"),
        )
        channel = get("cbc:PaymentChannelCode")
        account = get("cac:CreditAccount/cbc:AccountID") or get("cac:PayeeFinancialAccount/cbc:ID")
        if "#" in payment_id:  # Peppol writes the whole FIK line in one: 71#reference#creditor
            card, _, rest = payment_id.partition("#")
            instruction, _, creditor = rest.partition("#")
            payment_id, account, channel = card, creditor or account, "DK:FIK"
        branch = "cac:PayeeFinancialAccount/cac:FinancialInstitutionBranch/"
        yield PaymentMeans(
            code=code,
            channel=channel,
            payment_id=payment_id,
            instruction_id=instruction,
            account=account,
            branch=get(f"{branch}cac:FinancialInstitution/cbc:ID") or get(f"{branch}cbc:ID"),
            due_date=reader.date(node, "cbc:PaymentDueDate"),
        )
