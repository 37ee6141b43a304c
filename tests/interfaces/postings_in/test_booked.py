"""The third receipt: what became of each voucher in the books."""

from __future__ import annotations

import pytest
from lxml import etree

from opus_soap.interfaces.postings_in import booked
from opus_soap.interfaces.postings_in.schema import FOLDER
from opus_soap.ledger import parking
from opus_soap.ledger.models import Voucher
from opus_soap.ledger.posting import post
from opus_soap.ledger.seals import create_seal_key, load_seal_key, seal
from opus_soap.store.models import PostingDocument

from .conftest import CONTROL, NAME, document, request

SCHEMA = etree.XMLSchema(file=str(FOLDER / "FinancePostingBooked.xsd"))


@pytest.fixture
def third(receiver):
    """A file's third receipt, as a tree that the schema finds good; None while it has none."""

    def read(file) -> etree._Element | None:
        digest = receiver.finish_booked(file)
        if digest is None:
            return None
        with receiver.store.open(digest) as stored:
            root = etree.fromstring(stored.read())
        assert SCHEMA.validate(root), SCHEMA.error_log
        return root

    return read


def totals(root) -> dict[str, str]:
    return {child.tag: child.text for child in root.find("TOTALS")}


def test_numbers_hashes_and_totals(deliver, third):
    root = third(deliver(request(document(), document(RECEIV_DOC="2", DOC_TYPE="QQ"))))
    first, second = root.iter("VOUCHER")
    voucher = Voucher.get()
    assert {child.tag: child.text for child in first} == {
        "RECEIV_DOC": "10000000",
        "COMP_CODE": "0020",
        "STATUS": "BOGFOERT",
        "DOC_TYPE": "SA",
        "FISC_YEAR": "2026",
        "DOC_NO": "100000000",
        "PSTNG_DATE": "20261123",
        "FIS_PERIOD": "11",
        "UUID": str(voucher.uuid),
        "HASH": bytes(voucher.hash).hex(),
    }
    assert [child.text for child in second] == ["2", "0020", "AFVIST"]
    assert list(totals(root).items()) == [
        ("RECEIVED", "2"),
        ("BOOKED", "1"),
        ("DISMISSED", "0"),
        ("REJECTED", "1"),
        ("DEBIT", "100.00"),
        ("CREDIT", "-100.00"),
    ]


def test_the_seal_that_covers_a_voucher_is_named(deliver, third, company, clock, tmp_path, draft_before):
    create_seal_key(tmp_path / "key.pem")
    key = load_seal_key(tmp_path / "key.pem")
    post(draft_before, clock)
    seal(company, key, clock=clock)
    file = deliver(request(document()))
    row = seal(company, key, clock=clock)
    told = next(third(file).iter("VOUCHER"))
    assert (told.findtext("SEAL_NO"), told.findtext("SEAL_ROOT")) == ("2", bytes(row.root).hex())


def test_it_waits_for_the_seal_where_the_books_are_sealed(deliver, third, company, clock, tmp_path):
    create_seal_key(tmp_path / "key.pem")
    key = load_seal_key(tmp_path / "key.pem")
    first = deliver(request(document()))
    seal(company, key, clock=clock)
    later = NAME.replace("120000", "120001")
    control = {**CONTROL, "FILE_NAME": later, "SEND_TIME": "120001"}
    second = deliver(request(document(RECEIV_DOC="2"), control=control))
    assert third(first).find("VOUCHER").findtext("SEAL_NO") == "1"
    assert third(second) is None
    seal(company, key, clock=clock)
    assert third(second).find("VOUCHER").findtext("SEAL_NO") == "2"


def test_it_waits_until_all_is_decided_and_stays_what_it_was(deliver, third, sender, clock):
    sender.release_above = {"*": 0}
    sender.save()
    file = deliver(request(document(), document(RECEIV_DOC="2")))
    assert third(file) is None
    first, second = (row.voucher_uuid for row in PostingDocument.select().order_by(PostingDocument.position))
    parking.set_right("999", "anna", "", limit_ore=10**6, actor="t", clock=clock)
    parking.release(first, user="anna", actor="t", clock=clock)
    assert third(file) is None
    parking.dismiss(second, user="anna", actor="t", reason="-", clock=clock)
    root = third(file)
    assert [row.findtext("STATUS") for row in root.iter("VOUCHER")] == ["BOGFOERT", "FORKASTET"]
    assert totals(root)["DISMISSED"] == "1"
    once = file.booked_sha256
    file.booked_sha256 = None
    third(file)
    assert file.booked_sha256 == once


def test_more_than_a_page(deliver, third, monkeypatch):
    monkeypatch.setattr(booked, "_AT_ONCE", 2)
    root = third(deliver(request(*(document(RECEIV_DOC=str(number)) for number in range(5)))))
    assert [int(row.findtext("RECEIV_DOC")) for row in root.iter("VOUCHER")] == list(range(5))
    assert totals(root)["DEBIT"] == "500.00"


def test_its_name():
    assert booked.name_of(NAME) == NAME.replace(".xml", "_BOGFOERT.xml")
    assert booked.name_of("A.XML") == "A_BOGFOERT.XML"
