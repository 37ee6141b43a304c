"""What `verify` sees: every change that somebody with the database in hand could make."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from opus_soap.database import is_postgresql, proxy, transaction
from opus_soap.errors import SealKeyUnusable, TrustedKeysUnreadable
from opus_soap.ledger.models import CompanyCode, Seal
from opus_soap.ledger.posting import post, reverse
from opus_soap.ledger.seals import create_seal_key, key_id, load_seal_key, read_trusted_keys, seal
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
    "a reversal's date": (
        "UPDATE voucher SET posting_date = '2026-11-01' WHERE reverses_id IS NOT NULL",
        "hash does not match",
    ),
    "details": ("UPDATE posting SET details = '{}' WHERE id = 1", "hash does not match"),
    "details of a voucher": (
        "UPDATE voucher SET details = '{}' WHERE number = 100000000",
        "hash does not match",
    ),
    "another type": ("UPDATE posting SET amount_ore = 'x' WHERE id = 1", "hash does not match"),
    "bytes": ("UPDATE posting SET text = x'61' WHERE id = 1", "hash does not match"),
    "not UTF-8": ("UPDATE posting SET text = CAST(x'ff' AS TEXT) WHERE id = 1", "hash does not match"),
    "a UUID in capitals": (
        "UPDATE voucher SET uuid = upper(uuid) WHERE number = 100000000",
        "hash does not match",
    ),
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

ONLY_SQLITE_HOLDS_IT = ("another type", "bytes", "not UTF-8", "a UUID in capitals")


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("attack", ATTACKS)
def test_each_change_is_seen(attack):
    if attack in ONLY_SQLITE_HOLDS_IT and is_postgresql():
        pytest.skip("PostgreSQL's columns have types that do not take it")
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


def drop_last_voucher() -> list[str]:
    """Voucher 4 gone, and its number given back."""
    return [
        "DELETE FROM posting WHERE voucher_id = 4",
        *(["ALTER TABLE seal DROP CONSTRAINT seal_last_voucher_id_fkey"] if is_postgresql() else []),
        "DELETE FROM voucher WHERE id = 4",
        "UPDATE number_range SET next_number = next_number - 1 WHERE document_type = 'KR'",
    ]


@pytest.mark.usefixtures("books")
def test_the_last_sealed_voucher_deleted_is_seen():
    tamper(*drop_last_voucher())
    assert any("seal 0020/2" in problem for problem in verify().problems)


@pytest.mark.usefixtures("books")
def test_a_tail_cut_off_with_its_seal_is_seen_only_by_a_root_kept_elsewhere():
    roots = [bytes(row.root).hex() for row in Seal.select().order_by(Seal.sequence)]
    assert verify(roots=roots).ok
    tamper("DELETE FROM seal WHERE sequence = 2", *drop_last_voucher())
    assert verify().ok  # what a seal cannot see: docs/ledger.md
    problems = verify(roots=roots).problems
    assert problems == (f"no seal has the root {roots[1]}",)


@pytest.mark.usefixtures("books")
def test_books_sealed_again_with_another_key_are_seen_by_the_trusted_keys(company, key, clock, tmp_path):
    trusted = frozenset({key_id(key.public_key())})
    assert verify(trusted=trusted).ok
    tamper("DELETE FROM seal", "DELETE FROM seal_key")
    create_seal_key(tmp_path / "forged.pem")
    seal(company, load_seal_key(tmp_path / "forged.pem"), clock=clock)
    assert verify().ok  # the database vouches for its own keys
    assert any("not a trusted key" in problem for problem in verify(trusted=trusted).problems)


def public_pem(key) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_trusted_keys_are_public_keys_or_their_ids(key, tmp_path):
    create_seal_key(tmp_path / "next.pem")
    other = load_seal_key(tmp_path / "next.pem")
    file = tmp_path / "trusted"
    file.write_text(f"# 2026\n{key_id(key.public_key()).upper()}  # old\n\n{public_pem(other)}")
    assert read_trusted_keys(file) == {key_id(key.public_key()), key_id(other.public_key())}


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"# nothing\n",
        b"abc\n",
        b"\xff",
        b"-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n",
        rsa.generate_private_key(65537, 2048)
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
)
def test_trusted_keys_that_cannot_be_read(tmp_path, content):
    file = tmp_path / "trusted"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(TrustedKeysUnreadable, match="trusted"):
        read_trusted_keys(file)


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


def test_books_hold_while_others_post_and_seal(draft, company, key, clock, database_url):
    """What is verified is one moment of the books, and no seal overlooks a voucher that was under way."""
    stop = threading.Event()
    types = ["KR", "SA", "KG", "ZP"]

    def work(document_type: str) -> None:
        with proxy.obj.connection_context():
            while not stop.wait(0.01):  # leave the others a turn
                post(replace(draft, document_type=document_type), clock)

    with ThreadPoolExecutor(len(types)) as pool:
        posters = [pool.submit(work, name) for name in types]
        try:
            for _ in range(12):
                seal(company, key, clock=clock)
                report = verify()
                assert report.ok, report.problems
        finally:
            stop.set()
        for poster in posters:
            poster.result()
    assert verify().ok


@pytest.mark.usefixtures("company")
def test_no_voucher_takes_its_place_while_a_seal_is_made(draft, clock, company):
    """Places are given in the order of entry only if nobody takes one before the sealer lets go."""
    if not is_postgresql():
        pytest.skip("SQLite has one writer at a time")
    post(draft, clock)  # or the new series would wait
    place = "SELECT last_value FROM voucher_id_seq"
    with ThreadPoolExecutor(1) as pool:
        with transaction():
            CompanyCode.select().where(CompanyCode.id == company.id).for_update().get()
            before = proxy.obj.execute_sql(place).fetchone()
            poster = pool.submit(post, draft, clock)
            with suppress(TimeoutError):
                poster.result(timeout=1)
            assert not poster.done()
            assert proxy.obj.execute_sql(place).fetchone() == before
        assert poster.result(timeout=10).number == 5100000001
