"""The order of elements in the UBL 2.1 aggregates that are read: which children, in which sequence.

No schema is shipped. An element that is unknown in its aggregate, or stands before one that must come
first, is refused by name. Aggregates that are not listed are not looked into.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from opus_soap.documents.xml import CAC, CBC, where
from opus_soap.errors import DocumentError, ElementMisplaced

_CURRENCIES = (
    "DocumentCurrencyCode TaxCurrencyCode PricingCurrencyCode PaymentCurrencyCode "
    "PaymentAlternativeCurrencyCode"
)
_HEAD = (
    "UBLExtensions UBLVersionID CustomizationID ProfileID ProfileExecutionID ID CopyIndicator UUID "
    "IssueDate IssueTime"
)
_RATES = "TaxExchangeRate PricingExchangeRate PaymentExchangeRate PaymentAlternativeExchangeRate"
_PARTIES = (
    "Signature AccountingSupplierParty AccountingCustomerParty PayeeParty BuyerCustomerParty "
    "SellerSupplierParty TaxRepresentativeParty Delivery DeliveryTerms PaymentMeans PaymentTerms"
)

ORDER: dict[str, tuple[str, ...]] = {
    name: tuple(children.split())
    for name, children in {
        "Invoice": f"{_HEAD} DueDate InvoiceTypeCode Note TaxPointDate {_CURRENCIES} AccountingCostCode "
        "AccountingCost LineCountNumeric BuyerReference InvoicePeriod OrderReference BillingReference "
        "DespatchDocumentReference ReceiptDocumentReference StatementDocumentReference "
        "OriginatorDocumentReference ContractDocumentReference AdditionalDocumentReference ProjectReference "
        f"{_PARTIES} PrepaidPayment AllowanceCharge {_RATES} TaxTotal WithholdingTaxTotal LegalMonetaryTotal "
        "InvoiceLine",
        "CreditNote": f"{_HEAD} TaxPointDate CreditNoteTypeCode Note {_CURRENCIES} AccountingCostCode "
        "AccountingCost LineCountNumeric BuyerReference InvoicePeriod DiscrepancyResponse OrderReference "
        "BillingReference DespatchDocumentReference ReceiptDocumentReference ContractDocumentReference "
        "AdditionalDocumentReference StatementDocumentReference OriginatorDocumentReference "
        f"{_PARTIES} {_RATES} AllowanceCharge TaxTotal LegalMonetaryTotal CreditNoteLine",
        "LegalMonetaryTotal": "LineExtensionAmount TaxExclusiveAmount TaxInclusiveAmount "
        "AllowanceTotalAmount ChargeTotalAmount PrepaidAmount PayableRoundingAmount PayableAmount "
        "PayableAlternativeAmount",
        "AccountingSupplierParty": "CustomerAssignedAccountID AdditionalAccountID DataSendingCapability "
        "Party DespatchContact AccountingContact SellerContact",
        "AccountingCustomerParty": "CustomerAssignedAccountID SupplierAssignedAccountID AdditionalAccountID "
        "Party DeliveryContact AccountingContact BuyerContact",
        "Party": "MarkCareIndicator MarkAttentionIndicator WebsiteURI LogoReferenceID EndpointID "
        "IndustryClassificationCode PartyIdentification PartyName Language PostalAddress PhysicalLocation "
        "PartyTaxScheme PartyLegalEntity Contact Person AgentParty ServiceProviderParty PowerOfAttorney "
        "FinancialAccount",
        "TaxTotal": "TaxAmount RoundingAmount TaxEvidenceIndicator TaxIncludedIndicator TaxSubtotal",
        "TaxSubtotal": "TaxableAmount TaxAmount CalculationSequenceNumeric TransactionCurrencyTaxAmount "
        "Percent BaseUnitMeasure PerUnitAmount TierRange TierRatePercent TaxCategory",
        "TaxCategory": "ID Name Percent BaseUnitMeasure PerUnitAmount TaxExemptionReasonCode "
        "TaxExemptionReason TierRange TierRatePercent TaxScheme",
        "PaymentMeans": "ID PaymentMeansCode PaymentDueDate PaymentChannelCode InstructionID InstructionNote "
        "PaymentID CardAccount PayerFinancialAccount PayeeFinancialAccount CreditAccount PaymentMandate "
        "TradeFinancing",
        "AllowanceCharge": "ID ChargeIndicator AllowanceChargeReasonCode AllowanceChargeReason "
        "MultiplierFactorNumeric PrepaidIndicator SequenceNumeric Amount BaseAmount AccountingCostCode "
        "AccountingCost PerUnitAmount TaxCategory TaxTotal PaymentMeans",
        "InvoiceLine": "ID UUID Note InvoicedQuantity LineExtensionAmount TaxPointDate AccountingCostCode "
        "AccountingCost PaymentPurposeCode FreeOfChargeIndicator InvoicePeriod OrderLineReference "
        "DespatchLineReference ReceiptLineReference BillingReference DocumentReference PricingReference "
        "OriginatorParty Delivery PaymentTerms AllowanceCharge TaxTotal WithholdingTaxTotal Item Price "
        "DeliveryTerms SubInvoiceLine ItemPriceExtension",
        "CreditNoteLine": "ID UUID Note CreditedQuantity LineExtensionAmount TaxPointDate AccountingCostCode "
        "AccountingCost PaymentPurposeCode FreeOfChargeIndicator InvoicePeriod DiscrepancyResponse "
        "OrderLineReference DespatchLineReference ReceiptLineReference BillingReference DocumentReference "
        "PricingReference OriginatorParty Delivery PaymentTerms TaxTotal AllowanceCharge Item Price "
        "DeliveryTerms SubCreditNoteLine ItemPriceExtension",
    }.items()
}


def check_structure(root: etree._Element) -> Iterator[DocumentError]:
    """An error for every child that is unknown or out of order in a listed aggregate."""
    yield from _check(root)
    for name in ORDER:
        for node in root.iter(f"{{{CAC}}}{name}"):
            yield from _check(node)


def _check(node: etree._Element) -> Iterator[DocumentError]:
    order = ORDER[etree.QName(node).localname]
    place = 0
    for child in node:
        name = etree.QName(child)
        expected_home = name.namespace in (CAC, CBC) or name.localname == "UBLExtensions"
        if not expected_home or name.localname not in order[place:]:
            yield ElementMisplaced(element=where(node), value=name.localname)
        else:
            place = order.index(name.localname)
