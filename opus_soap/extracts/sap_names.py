"""SAP's names of what the ledger holds, as in posteringer IND: each kind tells a posting by the same."""

from __future__ import annotations

# SAP's name → the ledger's, of a posting
ON_LINES = {
    "GL_ACCOUNT": "account",
    "COSTCENTER": "cost_center",
    "WBS_ELEMENT": "wbs_element",
    "PROFIT_CTR": "profit_center",
    "ORDERID": "order",
    "NETWORK": "network",
    "ACTIVITY": "activity",
    "FUNC_AREA": "functional_area",
    "PART_PRCTR": "partner_profit_center",
    "VENDOR_NO": "supplier",
    "TAX_CODE": "tax_code",
    "POSTING_KEY": "posting_key",
}
# the same, of a voucher
ON_HEADERS = {
    "DOC_TYPE": "document_type",
    "FISC_YEAR": "year",
    "FIS_PERIOD": "period",
    "ENTERED_BY": "entered_by",
}
# of a posting, what the ledger's columns tell, in the order of the contracts
OF_LINE = (
    "ITEMNO",
    "POSTING_KEY",
    "DEB_CRED_IND",
    "AMT_DOCCUR",
    "AMT_LOCCUR",
    "VALUE_DATE",
    "ITEM_TEXT",
    "ALLOC_NMBR",
    "COSTCENTER",
    "ORDERID",
    "GL_ACCOUNT",
    "PROFIT_CTR",
    "NETWORK",
    "ACTIVITY",
    "WBS_ELEMENT",
    "PART_PRCTR",
    "FUNC_AREA",
    "VENDOR_NO",
    "TAX_CODE",
)
