"""One changed byte in any booked row is found, whichever column it is in."""

from __future__ import annotations

from sqlite3 import IntegrityError

import pytest

from opus_soap.database import is_postgresql, proxy
from opus_soap.interfaces.postings_in.verification import verify_files
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.ledger.seals import create_seal_key, load_seal_key, seal
from opus_soap.ledger.verification import verify
from opus_soap.store.models import PostingDocument, PostingFile
from tests.interfaces.postings_in.conftest import CREDIT, DEBIT, document, request

RICH = DEBIT | {"VALUE_DATE": "20261123", "ALLOC_NMBR": "Sag 7", "REF_KEY_1": "K7"}


PLACES = {"posting": "id", "posting_document": "id"}  # a row's place in its table says nothing of it


def changed(value: object) -> object:
    """The value with one bit of it turned; what is not there is there."""
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    if isinstance(value, int):
        return value ^ 1
    if value is None:
        return "1"
    text = str(value)
    return text[:-1] + chr(ord(text[-1]) ^ 1) if text else "1"


@pytest.fixture
def books(deliver, company, clock, tmp_path):
    """Two sealed vouchers, without the triggers that guard them; a cursor."""
    deliver(request(document(lines=[RICH, CREDIT]), document(RECEIV_DOC="2")))
    create_seal_key(tmp_path / "seal.key.pem")
    seal(company, load_seal_key(tmp_path / "seal.key.pem"), clock=clock)
    assert verify().ok
    cursor = proxy.obj.cursor()
    if is_postgresql():
        pytest.skip("one engine says it: the bytes are the same")
    names = [row[0] for row in cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    for name in names:
        cursor.execute(f'DROP TRIGGER "{name}"')
    cursor.execute("PRAGMA foreign_keys = OFF")
    return cursor


@pytest.mark.parametrize(
    "model", [Voucher, Posting, PostingDocument, PostingFile], ids=lambda model: model._meta.table_name
)
def test_one_changed_byte_in_any_column_is_found(books, receiver, model):
    def problems() -> set[str]:
        return {*verify().problems, *verify_files(receiver.store)}

    table, missed, tried = model._meta.table_name, [], 0
    without_triggers = problems()
    fields = [field for field in model._meta.sorted_fields if field.name != PLACES.get(table)]
    for field in fields:
        column = f'"{field.column_name}"'
        (value,) = books.execute(f"SELECT {column} FROM {table} WHERE id = 1").fetchone()
        try:
            books.execute(f"UPDATE {table} SET {column} = ? WHERE id = 1", (changed(value),))
        except IntegrityError:  # the table refuses it by itself
            continue
        tried += 1
        if not problems() - without_triggers:
            missed.append(field.column_name)
        row = changed(1) if field.column_name == "id" else 1
        books.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (value, row))
    assert missed == []
    assert tried >= len(fields) - 2
    assert problems() == without_triggers
