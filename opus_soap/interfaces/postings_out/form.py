"""What a voucher looks like on its way out.

SAP's names as in posteringer IND, in the order of the contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opus_soap.extracts.output import Form

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
# of a posting, from the ledger's columns
OWN = (
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
# … and from its details, as they were delivered
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
LINE = (*OWN, *DELIVERED)
COLUMNS = (*HEADER, *LINE)  # of the CSV file
_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})


def tags(names: Sequence[str]) -> list[tuple[str, str]]:
    """What stands before and behind the text of each element."""
    return [(f"<{name}>", f"</{name}>") for name in names]


_HEADER_TAGS, _LINE_TAGS = tags(HEADER), tags(LINE)
Texts = Sequence[str | None]


def voucher_text(header: Texts, lines: Iterable[Texts], files: str = "") -> str:
    """A POSTING_DOCUMENT: texts by `HEADER`, and of each line by `LINE`.

    None and what is empty is left out.
    """
    inner = "".join(["".join(["<LINE>", *_elements(line, _LINE_TAGS), "</LINE>\n"]) for line in lines])
    head = "".join(_elements(header, _HEADER_TAGS))
    return f"<POSTING_DOCUMENT><HEADER>{head}{files}</HEADER><LINES>\n{inner}</LINES></POSTING_DOCUMENT>\n"


def _elements(texts: Texts, around: Sequence[tuple[str, str]]) -> list[str]:
    return [
        f"{opening}{text if text.isalnum() else text.translate(_SPECIAL)}{closing}"  # most are codes
        for text, (opening, closing) in zip(texts, around, strict=True)
        if text
    ]


def escaped(text: str) -> str:
    """A text as XML has it; a carriage return stays one."""
    return text.translate(_SPECIAL)


def amount(ore: int) -> str:
    """`-123450` → `-1234.50`."""
    whole, rest = divmod(abs(ore), 100)
    return f"{'-' if ore < 0 else ''}{whole}.{rest:02d}"
