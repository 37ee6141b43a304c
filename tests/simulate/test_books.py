"""Made-up postings: as many as ordered, by every rule of the books, the same again from the same seed."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date
from math import log10
from threading import Event
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from peewee import fn

from opus_soap.clock import business_date
from opus_soap.database import connected, proxy
from opus_soap.errors import (
    BooksBeingFilled,
    BooksNotMadeUp,
    FiscalYearClosed,
    FiscalYearUnknown,
    GeneratedDatesReversed,
    GeneratedTooFew,
    MunicipalityTooBare,
    PeriodClosed,
    VoucherRefused,
)
from opus_soap.ledger.balance import trial_balance
from opus_soap.ledger.loading import load_municipality
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import Account, DimensionValue, DocumentType, Posting, Seal, Supplier, Voucher
from opus_soap.ledger.periods import set_period, set_year
from opus_soap.ledger.posting import PostingLine, VoucherDraft, post
from opus_soap.ledger.seals import key_id
from opus_soap.ledger.verification import verify
from opus_soap.simulate import books
from opus_soap.simulate.books import generate
from opus_soap.simulate.books_alone import alone
from opus_soap.simulate.books_calendar import slots, weight
from opus_soap.store.models import AuditEntry
from tests.conftest import DEFINITION
from tests.simulate.conftest import ORDER

SMALL = {
    "municipality": {"code": "998", "cvr": "44444449", "name": "Lilleby Kommune"},
    "suppliers": [{"number": "1", "name": "Smeden", "cvr": "91521911"}],
    "company_codes": [
        {
            "code": "0001",
            "name": "Lilleby",
            "vat_refund_account": "91",
            "retained_account": "92",
            "supplier_account": "93",
            "years": [2026],
            "document_types": [{"code": "KR", "name": "F", "first_number": 1}],
            "account_rules": [
                {"priority": 1, "pattern": "9.", "requires_exactly_one_of": [], "forbids_any_of": []},
                {
                    "priority": 2,
                    "pattern": ".*",
                    "requires_exactly_one_of": ["profit_center", "network"],
                    "forbids_any_of": ["cost_center"],
                },
            ],
            "accounts": [
                {"number": "91", "name": "Moms", "is_balance": True},
                {"number": "92", "name": "Balance", "is_balance": True},
                {"number": "93", "name": "Kreditorer", "is_balance": True},
                {"number": "94", "name": "Bank", "is_balance": True},
                {"number": "22", "name": "Søm", "is_balance": False},
            ],
            "dimensions": {
                "cost_center": [{"code": "1", "name": "Smedjen"}],
                "profit_center": [{"code": "P1", "name": "Alt"}],
            },
        }
    ],
}


@pytest.fixture
def forgotten(fill):
    """UUIDs and hashes of what is generated, which does not stay."""

    def hashes(**changes) -> dict[UUID, bytes]:
        with proxy.obj.atomic() as transaction:
            fill(**changes)
            found = {row.uuid: bytes(row.hash) for row in Voucher.select()}
            transaction.rollback()
        return found

    return hashes


def test_what_is_told_is_in_the_books_and_holds(company, fill):
    key = Ed25519PrivateKey.generate()
    done = fill(seal_key=key)
    assert done.postings == Posting.select().count() == 1000
    assert done.vouchers == Voucher.select().count()
    debit = Posting.select(fn.SUM(Posting.amount_ore)).where(Posting.amount_ore > 0).scalar()
    assert done.debit_ore == debit > 0
    assert sum(row.closing_ore for row in trial_balance(company, 2026)) == 0
    report = verify("999", trusted={key_id(key.public_key())})
    assert (report.problems, report.postings, report.seals, report.unsealed) == ((), 1000, 1, 0)


@pytest.mark.parametrize("postings", [2, 3, 4, 5, 61, 62, 63])
def test_exactly_as_many_as_ordered(fill, postings):
    assert fill(postings=postings).postings == Posting.select().count() == postings


def test_the_same_seed_makes_the_same_vouchers(forgotten):
    first = forgotten(postings=300)
    assert forgotten(postings=300) == first
    assert len(first) > 50
    assert not first.keys() & forgotten(postings=300, seed=2).keys()


def test_made_up_again_they_are_others(fill):
    first = fill(postings=300)
    again = fill(postings=300)
    assert Voucher.select().count() == first.vouchers + again.vouchers
    assert first.debit_ore != again.debit_ore


def test_accounts_carry_what_their_rule_says(company, fill):
    fill(postings=3000)
    for row in Posting.select():
        carried = [row.cost_center, row.wbs_element]
        assert carried.count(None) == (2 if row.account[0] in "S9" else 1), row.account
    blocked = {row.number for row in Account.select().where(Account.blocked)}
    used = {row.account for row in Posting.select(Posting.account).distinct()}
    assert not used & (blocked | {company.retained_account})
    assert len(used) > 25
    homes = Posting.select(Posting.cost_center, Posting.profit_center).where(
        Posting.cost_center.is_null(False)
    )
    assert len({(row.cost_center, row.profit_center) for row in homes}) == 15


def test_they_look_like_a_municipality_s(fill):
    done = fill(postings=12_000)
    vouchers = list(Voucher.select())
    types = Counter(row.document_type for row in vouchers)
    assert set(types) == {row["code"] for row in DEFINITION["company_codes"][0]["document_types"]}
    assert types.most_common(1)[0][0] == "KR"
    sizes = Counter(Counter(row.voucher_id for row in Posting.select(Posting.voucher)).values())
    assert min(sizes) == 2
    assert sizes[2] + sizes[3] > 0.4 * done.vouchers
    assert 40 < max(sizes) <= 61
    users = Counter(row.entered_by for row in vouchers).most_common()
    assert len(users) == 19
    assert users[0][1] > 8 * users[-1][1]
    reversals = [row for row in vouchers if row.reverses_id]
    assert 0.005 < len(reversals) / done.vouchers < 0.015
    late = [row for row in vouchers if row.period < business_date(row.entered_at).month]
    assert 0.01 < len(late) / done.vouchers < 0.05
    suppliers = Counter(row.supplier for row in Posting.select().where(Posting.supplier.is_null(False)))
    assert suppliers.most_common(1)[0][1] > 5 * min(suppliers.values())


def test_first_digits_are_as_benford_says(fill):
    fill(postings=6000)
    digits = Counter(str(abs(row.amount_ore))[0] for row in Posting.select(Posting.amount_ore))
    for digit in range(1, 10):
        assert abs(digits[str(digit)] / 6000 - log10(1 + 1 / digit)) < 0.02, digit


def test_amounts_agree_with_their_invoice(fill):
    """VAT is that of what it is paid for, to the øre that each line was rounded by."""
    fill(postings=2000)
    seen = 0
    for voucher in Voucher.select().where(Voucher.document_type == "KR"):
        lines = list(Posting.select().where(Posting.voucher == voucher))
        vat = sum(line.amount_ore for line in lines if line.account == "90510025")
        if vat:
            net = sum(line.amount_ore for line in lines if line.account[0] not in "S9")
            assert abs(net - 4 * vat) <= 4 * len(lines)
            seen += 1
    assert seen > 50


def test_entered_along_the_days_and_never_after_now(fill, clock):
    fill(last=date(2026, 12, 20))
    entered = [row.entered_at for row in Voucher.select().order_by(Voucher.id)]
    assert entered == sorted(entered)
    assert entered[0].date() == ORDER.first
    assert len({moment.date() for moment in entered}) > 50
    assert entered[-1] == clock.now()
    assert {row.posting_date.month for row in Voucher.select()} == {9, 10, 11, 12}


def test_nothing_is_posted_outside_the_days(fill):
    fill(first=date(2026, 10, 3), last=date(2026, 11, 5))
    days = [row.posting_date for row in Voucher.select()]
    assert min(days) >= date(2026, 10, 3)
    assert max(days) <= date(2026, 11, 5)


def test_weekends_are_quiet_and_the_ends_of_months_are_not():
    friday, saturday, last = date(2026, 10, 9), date(2026, 10, 10), date(2026, 10, 30)
    assert weight(friday) > 10 * weight(saturday)
    assert weight(last) > 2 * weight(friday)
    assert weight(date(2026, 7, 9)) < weight(date(2026, 10, 8))
    assert weight(date(2026, 12, 24)) == weight(date(2026, 10, 11))


def test_the_last_moment_of_the_last_day_has_them_all():
    found = list(slots(date(2026, 10, 5), date(2026, 10, 6), 1000))
    assert [slot.until for slot in found] == sorted(slot.until for slot in found)
    assert found[-1].until == 1000
    assert {slot.day for slot in found} == {date(2026, 10, 5), date(2026, 10, 6)}
    assert all(5 <= slot.instant.astimezone(UTC).hour <= 14 for slot in found)


def test_seals_come_as_often_as_said(fill):
    done = fill(seal_key=Ed25519PrivateKey.generate(), seal_every=50)
    seals = list(Seal.select().order_by(Seal.sequence))
    assert len(seals) == done.seals > 3
    assert {row.voucher_count for row in seals[:-1]} == {50}
    assert sum(row.voucher_count for row in seals) == done.vouchers
    for row in seals:
        assert row.sealed_at == row.last_voucher.entered_at


def test_a_transaction_holds_a_thousand_vouchers_at_most(company, clock, monkeypatch):
    monkeypatch.setattr(books, "BATCH", 40)
    told = []
    done = generate(
        company, ORDER, clock=clock, actor="test", told=lambda so_far: told.append(so_far.vouchers)
    )
    assert told[:3] == [40, 80, 120]
    assert told[-1] == done.vouchers


def test_who_filled_the_books_is_in_the_trail(fill):
    fill(postings=10)
    (entry,) = AuditEntry.select().where(AuditEntry.event == "books.generated")
    assert (entry.actor, entry.subject, entry.detail) == ("test", "0020", {"postings": "10", "seed": "1"})
    assert {row.source for row in Voucher.select()} == {"generate:1"}


def test_a_municipality_with_other_rules(fill):
    load_municipality(SMALL)
    Account.update(name="Søm" * 85).where(Account.number == "22").execute()  # with more, no text of a line
    fill(company_code("998", "0001"), postings=500)
    for row in Posting.select():
        assert (row.profit_center == "P1") == (row.account == "22")
        assert row.cost_center is None
    assert {row.document_type for row in Voucher.select()} == {"KR"}


def test_what_is_not_open_all_the_time_is_left_out(fill):
    changed = DimensionValue.update(valid_from=date(2026, 10, 1)).where(DimensionValue.code == "2102")
    assert changed.execute() == 1
    fill()
    used = {row.cost_center for row in Posting.select(Posting.cost_center).distinct()}
    assert "2102" not in used
    assert "1199" not in used
    assert "2101" in used


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"postings": 1}, GeneratedTooFew),
        ({"last": date(2026, 8, 31)}, GeneratedDatesReversed),
        ({"first": date(2028, 1, 1), "last": date(2028, 1, 2)}, FiscalYearUnknown),
        ({"first": date(2025, 12, 1)}, FiscalYearClosed),
        ({"last": date(2026, 12, 1)}, PeriodClosed),
    ],
)
def test_what_cannot_be_filled_is_said_before_anything_is_written(company, fill, clock, changes, error):
    set_year(company, 2025, open_=False, actor="test", clock=clock)
    set_period(company, 2026, 12, open_=False, actor="test", clock=clock)
    with pytest.raises(error):
        fill(**changes)
    assert not Voucher.select().exists()
    assert not AuditEntry.select().where(AuditEntry.event == "books.generated").exists()


@pytest.mark.parametrize(
    ("bare", "missing"),
    [
        (lambda: Supplier.update(active=False), "an active supplier"),
        (lambda: DocumentType.update(code=fn.LOWER(DocumentType.code)), "a document type"),
        (lambda: Account.update(blocked=True).where(~Account.is_balance), "a result account"),
        (
            lambda: Account.update(blocked=True).where(Account.is_balance, Account.number != "90590100"),
            "a balance account",
        ),
        (lambda: Account.update(blocked=True).where(Account.number == "90590100"), "supplier_account"),
        (lambda: Account.update(blocked=True).where(Account.number == "90510025"), "vat_refund_account"),
    ],
)
def test_a_municipality_that_lacks_something_is_told_what(fill, bare, missing):
    bare().execute()
    with pytest.raises(MunicipalityTooBare, match=missing):
        fill()
    assert not AuditEntry.select().where(AuditEntry.event == "books.generated").exists()


def test_an_account_whose_rule_cannot_be_kept_to_is_none(fill):
    load_municipality(SMALL)
    DimensionValue.update(blocked=True).where(DimensionValue.code == "P1").execute()
    with pytest.raises(MunicipalityTooBare, match=r"0001 .*a result account"):
        fill(company_code("998", "0001"))


def test_nothing_comes_among_other_people_s_vouchers_by_mistake(company, fill, clock):
    fill(postings=10)
    day = date(2026, 11, 20)
    lines = (PostingLine("90520001", 100), PostingLine("90520002", -100))
    post(VoucherDraft(company, "SA", day, day, "Ægte", "1", lines, "test", "test"), clock)
    with pytest.raises(BooksNotMadeUp, match="0020 SA 2026"):
        fill(postings=10)
    assert Voucher.select(fn.SUM(1)).where(Voucher.source == "test").scalar() == 1
    assert Posting.select().count() == 12
    assert fill(postings=10, among_others=True).postings == 10


def test_two_do_not_fill_one_database_at_once(fill):
    """They would make the same vouchers, by the same UUIDs."""
    with ThreadPoolExecutor(1) as other:
        begun, over = Event(), Event()

        def at_it():
            with connected(), alone():
                begun.set()
                assert over.wait(30)

        working = other.submit(at_it)
        assert begun.wait(30)
        try:
            with pytest.raises(BooksBeingFilled):
                fill(postings=10)
            assert not Voucher.select().exists()
        finally:
            over.set()
        working.result()
    assert fill(postings=10).postings == 10
    assert fill(postings=10).postings == 10


def test_a_refused_voucher_ends_it(fill, monkeypatch):
    """Somebody blocks an account meanwhile: none is left out, and nothing of its thousand is written."""
    read = books.choices

    def blocked_since(*given):
        found = read(*given)
        Account.update(blocked=True).where(Account.number == "90590100").execute()
        return found

    monkeypatch.setattr(books, "choices", blocked_since)
    with pytest.raises(VoucherRefused, match="90590100"):
        fill()
    assert not Voucher.select().exists()
