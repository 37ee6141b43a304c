"""What was there before hashes were kept has the same ones as what comes now."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location

from opus_soap.database import is_postgresql, proxy
from opus_soap.interfaces.postings_in.verification import verify_files
from opus_soap.ledger import parking
from opus_soap.ledger.models import ParkedVoucher
from opus_soap.ledger.verification import verify
from opus_soap.store.models import PostingFile
from opus_soap.store.schema import MIGRATIONS, migrate

from .conftest import document, request
from .test_second_looks import again, opposite, voucher

NEW = {
    "posting_sender": ["own_rates"],
    "posting_file": ["said_root", "hash"],
    "parked_voucher": ["hash", "reverses_id"],
}


def test_the_migration_hashes_what_is_there(deliver, receiver, sender, clock):
    deliver(request(voucher(), document(RECEIV_DOC="2", DOC_TYPE="QQ", HEADER_TXT="æ")))
    sender.release_above = {"*": 0}
    sender.save()
    deliver(again(opposite(), voucher(RECEIV_DOC="3", USERNAME="OLE")))
    parking.set_right("999", "anna", "", limit_ore=10**9, actor="t", clock=clock)
    waiting = ParkedVoucher.get(ParkedVoucher.reference == "3")
    parking.release(waiting.uuid, user="anna", actor="t", clock=clock)
    before = proofs()
    assert ParkedVoucher.get(ParkedVoucher.reference == "2").reverses is not None

    as_it_was()
    spec = spec_from_file_location("proofs", MIGRATIONS / "0010_proofs.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.up(None, proxy.obj)
    migrate()

    assert proofs() == before
    assert verify().ok
    assert list(verify_files(receiver.store)) == []


def proofs() -> list[tuple]:
    files = PostingFile.select(PostingFile.said_root, PostingFile.hash).order_by(PostingFile.id)
    parked = ParkedVoucher.select(ParkedVoucher.hash, ParkedVoucher.reverses).order_by(ParkedVoucher.id)
    return [tuple(map(str, row)) for query in (files, parked) for row in query.tuples()]


def as_it_was() -> None:
    """Without the columns that the migration adds, and what guards them."""
    proxy.obj.execute_sql("DROP INDEX parked_voucher_reverses_id")
    for table, columns in NEW.items():
        on = f" ON {table}" if is_postgresql() else ""
        proxy.obj.execute_sql(f"DROP TRIGGER IF EXISTS {table}_no_change{on}")
        for column in columns:
            proxy.obj.execute_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
