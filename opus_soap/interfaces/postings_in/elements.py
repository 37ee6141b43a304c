"""The ledger's errors in the format's own words: at which element of which line they are."""

from __future__ import annotations

import re

from opus_soap.errors import DimensionForbidden, DimensionRequired, LedgerError
from opus_soap.interfaces.postings_in.reading import LINE, Finding, Place

_AT_LINE = re.compile(rf"{LINE} (\d+) (.+)")
# the ledger's name of a line's field → the format's
ELEMENTS = {
    "account": "GL_ACCOUNT",
    "cost_center": "COSTCENTER",
    "wbs_element": "WBS_ELEMENT",
    "profit_center": "PROFIT_CTR",
    "order": "ORDERID",
    "network": "NETWORK",
    "activity": "ACTIVITY",
    "partner_profit_center": "PART_PRCTR",
    "supplier": "GL_ACCOUNT",
    "amount": "AMT_DOCCUR",
    "value_date": "VALUE_DATE",
    "text": "ITEM_TEXT",
    "allocation": "ALLOC_NMBR",
}
_OF_HEADER = {"document type": "DOC_TYPE", "document date": "DOC_DATE", "posting date": "PSTNG_DATE"}


def ledger_finding(error: LedgerError, position: int) -> Finding:
    """The ledger's error of a voucher, at the line whose number it carries (`PostingLine.origin`)."""
    if isinstance(error, DimensionRequired | DimensionForbidden):
        error.expected = ", ".join(ELEMENTS.get(name, name) for name in error.expected.split(", "))
    found = _AT_LINE.fullmatch(error.element)
    if not found:
        return Finding(error, Place(position, 0, _OF_HEADER.get(error.element, "")))
    error.element = ELEMENTS.get(found[2], found[2])
    return Finding(error, Place(position, int(found[1]), error.element))
