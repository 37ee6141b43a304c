"""By whichever door a file of postings comes, the books and the receipt are the same."""

from __future__ import annotations

import base64
import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from opus_soap.database import connect, disconnect
from opus_soap.ledger.hashing import POSTING_FIELDS
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.ledger.verification import verify
from opus_soap.store import content
from opus_soap.store.models import PostingDocument
from tests.acceptance.doors import DOORS, Town
from tests.interfaces.postings_in.conftest import CONTROL, CREDIT, DEBIT, NAME, document, request

pytestmark = pytest.mark.slow

PDF = b"%PDF-1." * 60_000  # so long that a message is read and kept without it
ATTACHED = {
    "FILE_NAME": "bilag.pdf",
    "FILE_LENGTH": str(len(PDF)),
    "FILE_TYPE": "PDF",
    "FILE": base64.b64encode(PDF).decode(),
}
SHORT = ATTACHED | {"FILE_LENGTH": "7", "FILE": base64.b64encode(b"%PDF-1.").decode()}
PERSON = {name: text for name, text in DEBIT.items() if name != "ZZCSYSIDN"}
PERSON |= {"PAYEE_NO_CODE": "02", "PAYEE_NO": "0101019999", "ZZCSYSIDN": "KY01"}
FILE = request(
    document(RECEIV_DOC="1", FILES=ATTACHED),
    document(RECEIV_DOC="2", lines=[DEBIT | {"GL_ACCOUNT": "99999999"}, CREDIT]),
    document(RECEIV_DOC="1"),
    document(RECEIV_DOC="3", lines=[PERSON, CREDIT], FILES=SHORT),
    document(
        RECEIV_DOC="4",
        XREF2_HD="TBF:3",
        lines=[
            DEBIT | {"DEB_CRED_IND": "K", "AMT_DOCCUR": "-100.00"},
            CREDIT | {"DEB_CRED_IND": "D", "AMT_DOCCUR": "100.00"},
        ],
    ),
    control={**CONTROL, "RECEIVER": "P01CLNT999"},
)
_OWN = ("personal_sha256",)  # salted: another each time
_VOUCHER = ("document_type", "year", "number", "period", "posting_date", "header_text", "reference", "source")


def books() -> list[object]:
    """What the file did to the books, but for times and identifiers."""
    vouchers = [
        (
            *(getattr(voucher, name) for name in _VOUCHER),
            {name: value for name, value in (voucher.details or {}).items() if name not in _OWN},
            [
                tuple(getattr(posting, name) for name in POSTING_FIELDS)
                for posting in Posting.select().where(Posting.voucher == voucher).order_by(Posting.line)
            ],
        )
        for voucher in Voucher.select().order_by(Voucher.id)
    ]
    told = PostingDocument.select(PostingDocument.position, PostingDocument.digest, PostingDocument.returns)
    return [*vouchers, *told.order_by(PostingDocument.position).tuples()]


def delivered(door: str, folder: Path) -> tuple[bytes, list[object]]:
    """The receipt, and what is in the books then."""
    with ExitStack() as stack:
        stack.callback(disconnect)
        town = Town(folder, stack)
        receipt = DOORS[door](town, NAME, FILE)
        files = Path(town.environment["OPUS_SOAP_FILES_FOLDER"])
        connect(town.environment["OPUS_SOAP_DATABASE_URL"], files=files)
        assert verify().ok
        assert list(content.verify()) == []
        first = Voucher.get(Voucher.reference == "1")
        [attached] = first.details["FILES"]
        assert content.get(attached["sha256"]) == PDF
        return re.sub(rb"Statistik: [^<]*", b"Statistik", receipt), books()  # when it came


@pytest.fixture(scope="session")
def by_command(tmp_path_factory):
    """What comes of it on the command line."""
    return delivered("command", tmp_path_factory.mktemp("command"))


@pytest.mark.parametrize("door", [name for name in DOORS if name != "command"])
def test_every_door_leads_to_the_same_books(by_command, door, tmp_path):
    receipt, found = delivered(door, tmp_path)
    assert receipt == by_command[0]
    assert found == by_command[1]


def test_the_file_was_worth_it(by_command):
    receipt, found = by_command
    assert [receipt.count(f"<MESSAGE_NUM>{number}".encode()) for number in (305, 301)] == [3, 1]
    assert len([row for row in found if len(row) > 3]) == 3  # vouchers
