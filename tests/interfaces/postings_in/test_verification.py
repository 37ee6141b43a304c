"""One byte changed in what was kept of a file is found and named."""

from __future__ import annotations

import random

import pytest

from opus_soap.database import is_postgresql, proxy
from opus_soap.interfaces.postings_in.verification import verify_files
from opus_soap.store.models import PostingDocument
from opus_soap.store.schema import migrate

from .conftest import NAME, document, request


@pytest.fixture
def file(deliver, receiver):
    """A file that is dealt with, with a voucher that was refused."""
    delivered = deliver(request(document(), document(RECEIV_DOC="2", DOC_TYPE="QQ")))
    receiver.finish_booked(delivered)
    assert list(verify_files(receiver.store)) == []
    return delivered


@pytest.mark.parametrize(
    ("which", "named"),
    [
        ("sha256", NAME),
        ("receipt_sha256", f"receipt of {NAME}"),
        ("booked_sha256", f"third receipt of {NAME}"),
    ],
)
def test_each_byte_of_each_file(file, receiver, which, named):
    digest = getattr(file, which)
    path = receiver.store.folder / digest[:2] / digest
    whole, drawn = path.read_bytes(), random.Random(which)
    for _ in range(50):
        place, bit = drawn.randrange(len(whole)), 1 << drawn.randrange(8)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        assert list(verify_files(receiver.store)) == [f"{named}: {digest} has been changed in the file store"]
    path.unlink()
    assert list(verify_files(receiver.store, "999")) == [f"{named}: {digest} is missing from the file store"]
    assert list(verify_files(receiver.store, "998")) == []


CHANGES = {
    "what was said": ("returns = replace(returns, 'modtaget', 'afvist')", "is not what was said"),
    "whether it was taken": ("voucher_uuid = NULL", "is not what was said"),
    "its number": ("number = '3'", "is not what was said"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_the_receipt_was_written_from(file, receiver, name):
    change, expected = CHANGES[name]
    tamper(f"UPDATE posting_document SET {change} WHERE position = 1")
    assert [problem for problem in verify_files(receiver.store) if expected in problem]


def test_a_voucher_that_is_not_in_the_books(file, receiver):
    uuid = PostingDocument.get(PostingDocument.position == 1).voucher_uuid
    other = uuid.int ^ 1
    tamper(f"UPDATE posting_document SET voucher_uuid = '{other:032x}' WHERE position = 1")
    assert list(verify_files(receiver.store)) == [f"{NAME}#1 (10000000): its voucher is not in the books"]


def tamper(statement: str) -> None:
    on = " ON posting_document" if is_postgresql() else ""
    proxy.obj.execute_sql(f"DROP TRIGGER posting_document_no_update{on}")
    proxy.obj.execute_sql(statement)
    migrate()
