"""What a voucher looks like on its way out.

SAP's names as in posteringer IND, in the order of the contract.
"""

from __future__ import annotations

from collections.abc import Iterable

from opus_soap.extracts.elements import Texts, leaves, tags
from opus_soap.extracts.output import Form
from opus_soap.extracts.sap_names import OF_LINE

FORM = Form("PosteringerUd", "urn:opus-soap:udtraek:posteringer:1", "PosteringerUd.xsd")

# of the voucher; those in capitals that the ledger has no column for stand in its details, as they were
# delivered
HEADER = (
    "COMP_CODE",
    "DOC_TYPE",
    "FISC_YEAR",
    "DOC_NO",
    "FIS_PERIOD",
    "DOC_DATE",
    "PSTNG_DATE",
    "RECEIV_DOC",
    "HEADER_TXT",
    "CURRENCY",
    "USERNAME",
    "EXCH_RATE",
    "TRANS_DATE",
    "XREF1_HD",
    "XREF2_HD",
    "XBLNR_ALT",
    "NO_DOC_POSITION",
    "ENTERED_AT",
    "ENTERED_BY",
    "RELEASED_BY",
    "SOURCE",
    "DOC_ID",
    "DOC_HASH",
    "REVERSES",
    "REVERSED_BY",
)
DELIVERED_HEADER = ("USERNAME", "EXCH_RATE", "TRANS_DATE", "XREF1_HD", "XREF2_HD", "XBLNR_ALT", "RELEASED_BY")
# of a posting, from its details as they were delivered; behind what the ledger's columns tell
DELIVERED = (
    "REF_KEY_1",
    "REF_KEY_2",
    "REF_KEY_3",
    "RES_DOC",
    "RES_ITEM",
    "KIDNO",
    "ACTTYPE",
    "PAYEE_NO_CODE",
    "PAYEE_NO",
    "SERV_REC_NO_CODE",
    "SERV_REC_NO",
    "INFORM_DUTY_NO_C",
    "INFORM_DUTY_NO",
    "INFORM_DUTY_CODE",
    "MAIN_TRANSACTION",
    "SUB_TRANSACTION",
    "ZZCSYSIDN",
    "APPROP_ID",
    "BENEFIT_ID",
    "BENEFIT_VALFROM",
    "BENEFIT_VALTO",
    "BENEFIT_QUANT",
    "BENEFIT_UNIT",
    "DISP1",
    "DISP2",
    "DISP3",
)
LINE = (*OF_LINE, *DELIVERED)
COLUMNS = (*HEADER, *LINE)  # of the CSV file
_HEADER_TAGS, _LINE_TAGS = tags(HEADER), tags(LINE)


def around(header: Texts, files: str = "") -> tuple[str, str]:
    """What stands before the lines of a POSTING_DOCUMENT, its texts by `HEADER`, and behind them."""
    head = leaves(_HEADER_TAGS, header)
    return (
        f"<POSTING_DOCUMENT><HEADER>{head}{files}</HEADER><LINES>\n",
        "</LINES></POSTING_DOCUMENT>\n",
    )


def lines_text(lines: Iterable[Texts]) -> str:
    """LINE elements, their texts by `LINE`."""
    return "".join([f"<LINE>{leaves(_LINE_TAGS, line)}</LINE>\n" for line in lines])
