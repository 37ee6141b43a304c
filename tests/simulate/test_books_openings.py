"""Empty books that are filled from a year's first day on begin with balances, as the ledger's own do."""

from __future__ import annotations

from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from opus_soap.database import proxy
from opus_soap.errors import BooksNotMadeUp
from opus_soap.ledger.balance import trial_balance
from opus_soap.ledger.models import Account, DocumentType, Posting, Voucher
from opus_soap.ledger.openings import open_year
from opus_soap.ledger.posting import lines_of
from opus_soap.ledger.seals import key_id
from opus_soap.ledger.verification import verify
from opus_soap.ledger.year_end import carry_forward

WHOLE = {"first": date(2026, 1, 1), "last": date(2026, 11, 20)}


def opening() -> Voucher:
    """The first voucher of all."""
    found: Voucher = Voucher.select().order_by(Voucher.id).get()
    return found


def test_the_first_voucher_opens_the_year(company, fill):
    key = Ed25519PrivateKey.generate()
    done = fill(**WHOLE, seal_key=key, seal_every=1, postings=100)
    assert done.postings == Posting.select().count() == 100
    assert done.vouchers == done.seals == Voucher.select().count()
    first = opening()
    assert (first.document_type, first.period, first.posting_date) == ("AB", 1, WHOLE["first"])
    assert first.entered_at.date() == WHOLE["first"]
    lines = lines_of(first)
    assert sum(line.amount_ore for line in lines) == 0
    balance = {row.number for row in Account.select().where(Account.is_balance)}
    assert {line.account for line in lines} == balance
    rows = trial_balance(company, 2026)
    opened = {row.account: row.opening_ore for row in rows if row.opening_ore}
    assert opened == {line.account: line.amount_ore for line in lines}
    assert (opened["90520001"] > 0, opened["90530100"] > 0, opened["90590100"] > 0) == (True, True, False)
    assert verify("999", trusted={key_id(key.public_key())}).problems == ()


def test_the_same_seed_opens_the_same_and_another_otherwise(fill):
    found = []
    for seed in (1, 1, 2):
        with proxy.obj.atomic() as transaction:
            fill(**WHOLE, seed=seed, postings=100)
            found.append(bytes(opening().hash))
            transaction.rollback()
    assert found[0] == found[1] != found[2]


def test_books_are_opened_once(fill):
    fill(**WHOLE, postings=100)
    fill(**WHOLE, postings=100)
    assert Voucher.select().where(Voucher.source.startswith("opening-balance")).count() == 1
    assert Posting.select().count() == 200


def test_what_they_end_with_is_carried_forward(company, fill, clock):
    fill(**WHOLE, postings=100)
    carry_forward(company, 2026, clock=clock, entered_by="t")
    opened = {row.account: row.opening_ore for row in trial_balance(company, 2027)}
    assert opened["90595000"] == next(
        row.closing_ore for row in trial_balance(company, 2026) if row.account == "90595000"
    )
    assert fill(**WHOLE, postings=10).postings == 10  # what was made up is so when it is carried forward


def test_openings_that_somebody_entered_are_not_made_up(company, fill, clock):
    open_year(company, 2026, {"90520001": 5, "90599000": -5}, clock=clock, entered_by="t")
    with pytest.raises(BooksNotMadeUp):
        fill(**WHOLE)


@pytest.mark.parametrize("change", [{"first": date(2026, 1, 2)}, {"postings": 14}])
def test_none_where_the_year_has_begun_or_without_room(fill, change):
    fill(**{**WHOLE, "postings": 100, **change})
    assert {row.source for row in Voucher.select()} == {"generate:1"}


def test_none_without_the_document_type_of_openings(fill):
    DocumentType.delete().where(DocumentType.code == "AB").execute()
    fill(**WHOLE, postings=100)
    assert {row.source for row in Voucher.select()} == {"generate:1"}
