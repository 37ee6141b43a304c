"""Files of postings, as a sender would write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from io import BytesIO

import pytest
from lxml import etree

from opus_soap.interfaces.postings_in.reading import Document, Finding, ReadingLimits, read, survey
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.interfaces.postings_in.storing import PostingStore
from opus_soap.ledger.drafts import PostingLine, VoucherDraft
from opus_soap.store.models import PostingFile, PostingSender

NAME = "ZFIR_KMD_Opus_Posteringer_IND_999_KY01_20261123_120000.xml"
CONTROL = {
    "SENDERID": "KY01",
    "RECEIVER": "T02CLNT999",
    "FILE_NAME": NAME,
    "SEND_DATE": "20261123",
    "SEND_TIME": "120000",
}
HEADER = {
    "NO_DOC_POSITION": "2",
    "BALANCE_DEBET": "100.00",
    "BALANCE_CREDIT": "-100.00",
    "MUNICIPALITY": "999",
    "COMP_CODE": "0020",
    "DOC_TYPE": "SA",
    "DOC_DATE": "20261123",
    "PSTNG_DATE": "20261123",
    "RECEIV_DOC": "10000000",
    "HEADER_TXT": "Ydelser",
    "XREF1_HD": "november",
}
DEBIT = {
    "DEB_CRED_IND": "D",
    "AMT_DOCCUR": "100.00",
    "ITEM_TEXT": "kontanthjælp",
    "COSTCENTER": "1101",
    "GL_ACCOUNT": "52000200",
    "REF_KEY_3": "1",
    "ZZCSYSIDN": "KY01",
}
CREDIT = {
    "DEB_CRED_IND": "K",
    "AMT_DOCCUR": "-100.00",
    "GL_ACCOUNT": "90540100",
    "REF_KEY_3": "2",
    "ZZCSYSIDN": "KY01",
}


def element(name: str, content: object) -> str:
    """An element: of a text, of a mapping (its children), or several of a list."""
    if isinstance(content, list):
        return "".join(element(name, item) for item in content)
    inner = "".join(element(*pair) for pair in content.items()) if isinstance(content, dict) else content
    return f"<{name}>{inner}</{name}>"


def document(header: dict | None = None, lines: Sequence[dict] = (DEBIT, CREDIT), **change: object) -> str:
    """A voucher; `change` replaces elements of its header."""
    whole = {**(HEADER if header is None else header), **change}
    return element("POSTING_DOCUMENT", {"HEADER": whole, "LINES": {"LINE": list(lines)}})


def request(*documents: str, control: dict | None = None, encoding: str = "UTF-8") -> bytes:
    """A file."""
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n'
        '<p:FinancePostingRequest xmlns:p="http://kmd.dk/fir/posting/external">\n'
        f"{element('CONTROL_FIELDS', CONTROL if control is None else control)}\n"
        + "\n".join(documents)
        + "\n</p:FinancePostingRequest>\n"
    )
    return text.encode(encoding)


@pytest.fixture
def findings():
    """What is wrong with a file, by code, voucher and line."""

    def find(data: bytes) -> list[tuple[str, int, int]]:
        survey(BytesIO(data), ReadingLimits())
        found: list[Finding] = []
        for part in read(BytesIO(data), ReadingLimits()):
            found += [part] if isinstance(part, Finding) else part.findings
        return [(item.error.code, item.place.document, item.place.line) for item in found]

    return find


def documents_in(data: bytes) -> list[Document]:
    """The vouchers of a file."""
    return [part for part in read(BytesIO(data), ReadingLimits()) if isinstance(part, Document)]


@pytest.fixture
def draft_before(company):
    """A voucher of somebody else's."""
    lines = (
        PostingLine(account="52000200", amount_ore=100, cost_center="1101"),
        PostingLine(account="90540100", amount_ore=-100),
    )
    on = date(2026, 11, 20)
    return VoucherDraft(company, "SA", on, on, "x", "x", lines, entered_by="t", source="t")


@pytest.fixture
def sender(company):
    """KY01, who may post anything."""
    return PostingSender.create(municipality="999", sender_id="KY01", short="KY01", name="Kommunernes Ydelse")


@pytest.fixture
def receiver(sender, clock, tmp_path):
    """Municipality 999's, its files in a folder of the test."""
    return Receiver("999", PostingStore(tmp_path / "files"), ReadingLimits(), clock)


@pytest.fixture
def deliver(receiver):
    """Deliver a file under the name that it says."""

    def give(data: bytes, name: str = "") -> PostingFile:
        return receiver.deliver(BytesIO(data), name, actor="test")

    return give


@pytest.fixture
def receipt(receiver):
    """A file's receipt, and what it says of the vouchers: (number, RECEIV_DOC, line)."""

    def read_back(file: PostingFile) -> tuple[bytes, list[tuple[str, str, int]]]:
        with receiver.store.open(file.receipt_sha256) as stored:
            data = stored.read()
        rows = [
            (row.findtext("MESSAGE_NUM"), row.findtext("RECEIV_DOC"), int(row.findtext("POSNR_ACC")))
            for row in etree.fromstring(data).iter("RETURN")
        ]
        return data, [row for row in rows if row[1]]

    return read_back
