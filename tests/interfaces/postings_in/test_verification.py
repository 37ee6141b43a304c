"""One byte changed in what was kept of a file is found and named."""

from __future__ import annotations

import random
from io import BytesIO

import pytest
from peewee import PeeweeException

from opus_soap.database import is_postgresql, proxy, transaction
from opus_soap.interfaces.postings_in.proofs import hash_of_file
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.interfaces.postings_in.verification import verify_files
from opus_soap.store.models import PostingDocument, PostingFile, PostingSender
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
        assert list(verify_files(receiver.store)) == [f"{named}: {digest} has been changed"]
    path.unlink()
    path.mkdir()
    assert list(verify_files(receiver.store)) == [f"{named}: {digest} cannot be read"]
    path.rmdir()
    assert list(verify_files(receiver.store, "999")) == [f"{named}: {digest} is missing"]
    assert list(verify_files(receiver.store, "998")) == []


CHANGES = {
    "what was said": "returns = replace(returns, 'modtaget', 'afvist')",
    "whether it was taken": "voucher_uuid = NULL",
    "its number": "number = '3'",
    "its year": "year = 2025",
    "its company code": "company_code = '0030'",
    "its sender": "sender_id = (SELECT id FROM posting_sender WHERE sender_id = 'XX99')",
    "its place": "position = 3",
    "what it was": "digest = (SELECT digest FROM posting_document WHERE position = 2)",
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_said_of_a_voucher(file, receiver, name):
    PostingSender.create(municipality="999", sender_id="XX99", short="XX99", name="En anden")
    tamper("posting_document", "update", f"UPDATE posting_document SET {CHANGES[name]} WHERE position = 1")
    assert list(verify_files(receiver.store)) == [f"{NAME}: what was said of its vouchers has been changed"]


FACTS = {
    "no receipt": ("receipt_sha256 = NULL", "what is known of the file"),
    "another content": ("sha256 = receipt_sha256", "what is known of the file"),
    "another name": (f"name = '{NAME.lower()}'", "what is known of the file"),
    "another name to find it by": ("name_key = 'x'", "what is known of the file"),
    "under way": ("state = 'under_way'", "what is known of the file"),
    "under way and no hash": ("state = 'under_way', hash = NULL", "has no hash"),
    "refused and no hash": ("state = 'refused', hash = NULL, receipt_sha256 = NULL", "was finished"),
    "another time": ("received_at = replace(received_at, '2026', '2025')", "what is known of the file"),
    "fewer vouchers": ("documents = 1", "what is known of the file"),
    "another hash": ("hash = said_root", "what is known of the file"),
    "not so far": ("position = 1", "what was said of its vouchers"),
    "another sender": (
        "sender_id = (SELECT id FROM posting_sender WHERE sender_id = 'XX99')",
        "what is known of the file",
    ),
}


@pytest.mark.parametrize("name", FACTS)
def test_what_is_known_of_a_file(file, receiver, clock, name):
    PostingSender.create(municipality="999", sender_id="XX99", short="XX99", name="En anden")
    change, expected = FACTS[name]
    with pytest.raises(PeeweeException, match="append-only"), transaction():
        proxy.obj.execute_sql(f"UPDATE posting_file SET {change}")
    tamper("posting_file", "change", f"UPDATE posting_file SET {change}")
    assert [problem for problem in verify_files(receiver.store) if expected in problem]


def test_files_and_what_was_said_of_their_vouchers_are_not_deleted(file, receiver):
    with pytest.raises(PeeweeException, match="append-only"), transaction():
        PostingFile.delete().execute()
    tamper("posting_document", "delete", "DELETE FROM posting_document WHERE position = 2")
    assert list(verify_files(receiver.store)) == [f"{NAME}: what was said of its vouchers has been changed"]


def test_a_hash_that_was_computed_again_is_not_the_one_in_the_audit_trail(file, receiver):
    changed = PostingFile.get()
    changed.name = NAME.lower()
    digest = hash_of_file(changed).hex()
    digest = f"'\\x{digest}'" if is_postgresql() else f"X'{digest}'"
    tamper("posting_file", "change", f"UPDATE posting_file SET name = '{NAME.lower()}', hash = {digest}")
    assert list(verify_files(receiver.store)) == [
        f"{NAME.lower()}: what is known of the file has been changed"
    ]


def test_a_file_that_is_under_way_is_held_to_what_was_said_so_far(receiver, sender, monkeypatch):
    def gone(self, file, **_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Receiver, "_finish", gone)
    with pytest.raises(KeyboardInterrupt):
        receiver.deliver(BytesIO(request(document(), document(RECEIV_DOC="2"))), "", actor="t")
    assert list(verify_files(receiver.store)) == []
    tamper("posting_document", "update", "UPDATE posting_document SET year = 2025 WHERE position = 2")
    assert list(verify_files(receiver.store)) == [f"{NAME}: what was said of its vouchers has been changed"]


def test_a_voucher_that_is_not_in_the_books(file, receiver):
    uuid = PostingDocument.get(PostingDocument.position == 1).voucher_uuid
    other = uuid.int ^ 1
    change = f"UPDATE posting_document SET voucher_uuid = '{other:032x}' WHERE position = 1"
    tamper("posting_document", "update", change)
    assert list(verify_files(receiver.store)) == [
        f"{NAME}: what was said of its vouchers has been changed",
        f"{NAME}#1 (10000000): its voucher is not in the books",
    ]


def tamper(table: str, guard: str, statement: str) -> None:
    """Change a table behind its trigger's back."""
    on = f" ON {table}" if is_postgresql() else ""
    proxy.obj.execute_sql(f"DROP TRIGGER {table}_no_{guard}{on}")
    proxy.obj.execute_sql(statement)
    migrate()
