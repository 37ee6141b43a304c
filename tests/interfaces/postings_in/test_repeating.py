"""A voucher that comes again with other content: what differs is told."""

from __future__ import annotations

import pickle
from functools import partial
from io import BytesIO
from textwrap import wrap

import pytest

from opus_soap.interfaces.postings_in import reading
from opus_soap.interfaces.postings_in.examining import examine
from opus_soap.interfaces.postings_in.reading import ReadingLimits, read
from opus_soap.ledger.models import Voucher
from opus_soap.store.models import PostingDocument
from tests.interfaces.postings_in.conftest import CREDIT, DEBIT
from tests.interfaces.postings_in.test_second_looks import again, attached, request, voucher

LIMITS = ReadingLimits()
PARTY = {"PAYEE_NO_CODE": "01", "PAYEE_NO": "44444449"}


def party(line: dict, **numbers: str) -> dict:
    """The line with numbers of a person or company, in the format's order."""
    return (
        {name: text for name, text in line.items() if name != "ZZCSYSIDN"} | numbers | {"ZZCSYSIDN": "KY01"}
    )


OTHERWISE = {
    "a text": ({"HEADER_TXT": "andet"}, (DEBIT, CREDIT), "HEADER_TXT: Ydelser → andet"),
    "a date": ({"PSTNG_DATE": "20261122"}, (DEBIT, CREDIT), "PSTNG_DATE: 2026-11-23 → 2026-11-22"),
    "what else was delivered": ({"XREF1_HD": "x"}, (DEBIT, CREDIT), "XREF1_HD: november → x"),
    "a line": ({}, ({**DEBIT, "COSTCENTER": "1102"}, CREDIT), "COSTCENTER linje 1: 1101 → 1102"),
    "amounts": (
        {"BALANCE_DEBET": "90.00", "BALANCE_CREDIT": "-90.00"},
        ({**DEBIT, "AMT_DOCCUR": "90.00"}, {**CREDIT, "AMT_DOCCUR": "-90.00"}),
        "AMT_DOCCUR linje 1: 100.00 → 90.00; AMT_DOCCUR linje 2: -100.00 → -90.00",
    ),
    "numbers of persons": ({}, (party(DEBIT, **PARTY), CREDIT), "PAYEE_NO_CODE linje 1: - → 01"),
}


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("what", OTHERWISE)
def test_what_differs_is_told(deliver, sender, what, waits):
    if waits:
        sender.release_above = {"*": 0}
        sender.save()
    change, lines, told = OTHERWISE[what]
    deliver(request(voucher()))
    other = deliver(again(voucher(lines, **change)))
    text = PostingDocument.get(PostingDocument.file == other).returns[1][3]
    assert f"med andet indhold: {told}" in text
    assert Voucher.select().count() == (0 if waits else 1)


def test_numbers_of_persons_are_never_shown(deliver):
    deliver(request(voucher((party(DEBIT, PAYEE_NO_CODE="02", PAYEE_NO="0101901234"), CREDIT))))
    other = deliver(again(voucher((party(DEBIT, PAYEE_NO_CODE="02", PAYEE_NO="0201901234"), CREDIT))))
    text = PostingDocument.get(PostingDocument.file == other).returns[1][3]
    assert "numre på personer eller virksomheder" in text
    assert "90" not in text.split("indhold: ")[1]


def test_many_differences_are_counted(deliver):
    deliver(request(voucher()))
    lines = ({**DEBIT, "COSTCENTER": "1102", "ITEM_TEXT": "x"}, CREDIT)
    other = deliver(again(voucher(lines, HEADER_TXT="y", XREF1_HD="z")))
    text = PostingDocument.get(PostingDocument.file == other).returns[1][3]
    assert " … 4 i alt" in text


PDF = attached(b"%PDF-1." * 10_000)


def only(data: bytes) -> reading.Document:
    [document] = [part for part in read(BytesIO(data), LIMITS) if isinstance(part, reading.Document)]
    return document


@pytest.mark.parametrize("change", [{}, {"HEADER_TXT": "andet"}])
def test_the_same_is_known_by_the_digest_that_was_made_of_it_before(deliver, monkeypatch, change):
    """Before contents had parts an attachment was digested as its text, and the books keep what they have."""
    now = reading.digest_of
    with monkeypatch.context() as before:
        before.setattr(reading, "digest_of", partial(now, whole=True))
        first = deliver(request(voucher(FILES=PDF)))
    other = deliver(again(voucher(FILES=PDF, **change)))
    digests = [bytes(row.digest) for row in PostingDocument.select().order_by(PostingDocument.id)]
    assert digests[0] != digests[1], "otherwise this shows nothing"
    text = PostingDocument.get(PostingDocument.file == other).returns[1][3]
    assert ("med andet indhold: HEADER_TXT" if change else "med samme indhold") in text
    assert PostingDocument.get(PostingDocument.file == first).voucher_uuid


def test_what_was_read_ahead_says_the_same_of_it():
    [examined] = examine([only(request(voucher(FILES=PDF)))], "999", LIMITS)
    written = pickle.dumps(examined)
    copied = pickle.loads(written)
    assert copied.digest_before() == examined.digest_before() != copied.digest == examined.digest
    assert len(written) < len(PDF["FILE"]), "not with all that it is made of"


def test_a_short_attachment_is_its_text():
    assert only(request(voucher(FILES=attached(b"%PDF-1.")))).digest_before is None


@pytest.mark.parametrize("change", [{"FILE_NAME": "b.pdf"}, attached(b"%PDF-2." * 10_000)])
def test_another_attachment_is_other_content(deliver, change):
    deliver(request(voucher(FILES=PDF)))
    other = deliver(again(voucher(FILES=PDF | change)))
    assert "med andet indhold: FILES" in PostingDocument.get(PostingDocument.file == other).returns[1][3]


def test_the_same_attachment_with_line_breaks_is_written_otherwise(deliver):
    deliver(request(voucher(FILES=PDF)))
    broken = {**PDF, "FILE": "\n".join(wrap(PDF["FILE"], 76))}
    other = deliver(again(voucher(FILES=broken)))
    text = PostingDocument.get(PostingDocument.file == other).returns[1][3]
    assert text.endswith("med andet indhold: kun skrivemåden")
