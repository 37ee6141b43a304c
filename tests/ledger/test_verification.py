"""What `verify` sees: every change that somebody with the database in hand could make."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opus_soap.database import is_postgresql, proxy
from opus_soap.errors import SealKeyUnusable
from opus_soap.ledger.models import Seal
from opus_soap.ledger.posting import post, reverse
from opus_soap.ledger.seals import create_seal_key, load_seal_key, seal
from opus_soap.ledger.verification import verify
from opus_soap.store.schema import APPEND_ONLY_TABLES, migrate


@pytest.fixture
def key(tmp_path):
    create_seal_key(tmp_path / "seal.pem")
    return load_seal_key(tmp_path / "seal.pem")


@pytest.fixture
def books(draft, clock, company, key):
    """Four vouchers, one of them a reversal; two seals of two each."""
    first = post(draft, clock)
    post(replace(draft, document_type="SA"), clock)
    seal(company, key, clock=clock)
    reverse(first, posting_date=draft.posting_date, entered_by="test", source="test", clock=clock)
    post(draft, clock)
    seal(company, key, clock=clock)


def tamper(*statements: str) -> None:
    """Change the tables with the triggers taken away for the moment."""
    for table in APPEND_ONLY_TABLES:
        for operation in ("update", "delete"):
            on = f" ON {table}" if is_postgresql() else ""
            proxy.obj.execute_sql(f"DROP TRIGGER {table}_no_{operation}{on}")
    if not is_postgresql():
        proxy.obj.execute_sql("PRAGMA foreign_keys = 0")
    for statement in statements:
        proxy.obj.execute_sql(statement)
    migrate()


@pytest.mark.usefixtures("books")
def test_untouched_books_hold(company, key, clock):
    report = verify()
    assert report.ok
    assert (report.vouchers, report.postings, report.seals, report.unsealed) == (4, 12, 2, 0)
    assert seal(company, key, clock=clock) is None


ATTACKS = {
    "amount": ("UPDATE posting SET amount_ore = amount_ore + 1 WHERE line = 1", "hash does not match"),
    "both amounts": (
        "UPDATE posting SET amount_ore = amount_ore * 2",
        "hash does not match",
    ),
    "text": ("UPDATE posting SET text = 'x' WHERE id = 1", "hash does not match"),
    "who": ("UPDATE voucher SET entered_by = 'x' WHERE number = 100000000", "hash does not match"),
    "number": ("UPDATE voucher SET number = 100000009 WHERE number = 100000000", "hash does not match"),
    "a posting deleted": ("DELETE FROM posting WHERE id = 2", "not to zero"),
    "root": ("UPDATE seal SET root = previous WHERE sequence = 1", "not those that were sealed"),
    "signature": (
        "UPDATE seal SET signature = (SELECT s.root FROM seal s WHERE s.sequence = 1) WHERE sequence = 2",
        "signature does not hold",
    ),
    "a seal deleted": ("DELETE FROM seal WHERE sequence = 1", "does not follow"),
    "the key": ("DELETE FROM seal_key", "signature does not hold"),
}


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("attack", ATTACKS)
def test_each_change_is_seen(attack):
    statement, expected = ATTACKS[attack]
    tamper(statement)
    problems = verify().problems
    assert any(expected in problem for problem in problems), problems


@pytest.mark.usefixtures("books")
def test_a_deleted_voucher_is_seen_by_number_and_by_seal():
    tamper(
        "DELETE FROM posting WHERE voucher_id = 2",
        "DELETE FROM voucher WHERE id = 2" if not is_postgresql() else "SELECT 1",
        *(
            ["ALTER TABLE seal DROP CONSTRAINT seal_last_voucher_id_fkey", "DELETE FROM voucher WHERE id = 2"]
            if is_postgresql()
            else []
        ),
    )
    problems = verify().problems
    assert any("numbers were given" in problem for problem in problems)
    assert any("not those that were sealed" in problem for problem in problems)


def test_missing_triggers_are_seen(books):
    on = " ON posting" if is_postgresql() else ""
    proxy.obj.execute_sql(f"DROP TRIGGER posting_no_update{on}")
    assert any("posting_no_update" in problem for problem in verify("999").problems)


def test_keys_rotate_and_old_seals_still_verify(draft, clock, company, books, tmp_path):
    create_seal_key(tmp_path / "next.pem")
    post(draft, clock)
    seal(company, load_seal_key(tmp_path / "next.pem"), clock=clock)
    assert verify().ok
    assert len({row.key_id for row in Seal.select()}) == 2


def test_a_key_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "seal.pem"
    create_seal_key(path)
    with pytest.raises(SealKeyUnusable):
        create_seal_key(path)
    path.chmod(0o644)
    with pytest.raises(SealKeyUnusable, match="others can read"):
        load_seal_key(path)
    path.chmod(0o600)
    path.write_text("nonsense")
    with pytest.raises(SealKeyUnusable):
        load_seal_key(path)
