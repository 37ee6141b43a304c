"""post() and reverse(): every rule of a voucher, on both engines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

import pytest
from peewee import PeeweeException

from opus_soap.database import proxy, transaction
from opus_soap.errors import AlreadyReversed, VoucherRefused
from opus_soap.ledger.checks import normalised_wbs
from opus_soap.ledger.hashing import POSTING_FIELDS, head_of, voucher_hash
from opus_soap.ledger.models import (
    Account,
    DimensionValue,
    FiscalYear,
    Period,
    Posting,
    Seal,
    Supplier,
    Voucher,
)
from opus_soap.ledger.periods import set_period
from opus_soap.ledger.posting import PostingLine, label, lines_of, post, post_many, reverse
from opus_soap.ledger.verification import verify

TODAY = date(2026, 11, 23)


def first_line(draft, **change):
    return replace(draft, lines=(draft.lines[0]._replace(**change), *draft.lines[1:]))


def codes(draft, clock):
    with pytest.raises(VoucherRefused) as refused:
        post(draft, clock)
    assert Voucher.select().count() == 0
    return [error.code for error in refused.value.errors]


def test_a_voucher_is_numbered_hashed_and_keyed(draft, clock):
    vouchers = [post(draft, clock) for _ in range(3)]
    assert [voucher.number for voucher in vouchers] == [5100000000, 5100000001, 5100000002]
    stored = Voucher.get_by_id(vouchers[0].id)
    rows = list(Posting.select().where(Posting.voucher == stored).order_by(Posting.line))
    assert [row.posting_key for row in rows] == ["40", "40", "31"]
    values = [[getattr(row, name) for name in POSTING_FIELDS] for row in rows]
    assert bytes(stored.hash) == voucher_hash(head_of(stored, reversed_uuid=None), values)


def test_the_series_are_apart_by_type_and_year(draft, clock):
    assert post(replace(draft, document_type="SA"), clock).number == 100000000
    assert post(replace(draft, posting_date=date(2027, 1, 2)), clock).number == 5100000000
    assert post(draft, clock).number == 5100000000


def test_a_refused_voucher_leaves_no_gap(draft, clock):
    assert codes(first_line(draft, amount_ore=9999), clock) == ["LED-002"]
    assert post(draft, clock).number == 5100000000


def test_a_rolled_back_voucher_leaves_no_gap(draft, clock):
    def fails_after_posting():
        with transaction():
            post(draft, clock)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails_after_posting()
    assert post(draft, clock).number == 5100000000


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"account": "12345678"}, ["LED-010"]),
        ({"account": "22009900"}, ["LED-011"]),
        ({"cost_center": None}, ["LED-013"]),
        ({"wbs_element": "XG-0000000920-00001"}, ["LED-013"]),
        ({"account": "90520001"}, ["LED-014"]),
        ({"cost_center": "9999"}, ["LED-015"]),
        ({"cost_center": "1199"}, ["LED-016"]),
        ({"supplier": "999"}, ["LED-017"]),
        ({"supplier": "200099"}, ["LED-018"]),
        ({"tax_code": "XX"}, ["LED-019"]),
        ({"partner_profit_center": "P999"}, ["LED-015"]),
        ({"text": "x" * 256}, ["LED-005"]),
    ],
)
def test_each_rule_of_a_line(draft, clock, change, expected):
    assert codes(first_line(draft, **change), clock) == expected


def test_an_account_without_a_rule_is_refused(draft, clock, company):
    from opus_soap.ledger.models import AccountRule

    AccountRule.delete().where(AccountRule.priority == 20).execute()
    assert codes(draft, clock) == ["LED-012"]


def test_each_rule_of_the_header(draft, clock):
    assert codes(replace(draft, document_type="QQ"), clock) == ["LED-023"]
    assert codes(replace(draft, header_text="x" * 71), clock) == ["LED-005"]
    assert codes(replace(draft, posting_date=date(2031, 1, 1)), clock) == ["LED-020"]
    assert codes(replace(draft, lines=()), clock) == ["LED-003"]


# a tab that XML cannot hold, NUL, a lone surrogate, no character: no extract could ever tell them
@pytest.mark.parametrize("character", ["\x0b", "\x00", "\ud800", "\uffff"])
@pytest.mark.parametrize("field", ["header_text", "reference", "entered_by", "source"])
def test_a_character_that_cannot_be_told_is_refused_in_a_header(draft, clock, field, character):
    with pytest.raises(VoucherRefused, match=rf"{field}.*U\+{ord(character):04X}") as refused:
        post(replace(draft, **{field: f"a{character}b"}), clock)
    assert [error.code for error in refused.value.errors] == ["LED-047"]
    assert character not in str(refused.value)


@pytest.mark.parametrize("field", ["text", "allocation", "activity"])
def test_a_character_that_cannot_be_told_is_refused_in_a_line(draft, clock, field):
    assert codes(first_line(draft, **{field: "a\x01b"}), clock) == ["LED-047"]


def test_a_character_that_cannot_be_told_is_refused_in_what_else_was_delivered(draft, clock):
    assert codes(replace(draft, details={"XREF1_HD": "a\x02"}), clock) == ["LED-047"]
    assert codes(first_line(draft, details={"DISP1": "\x03"}), clock) == ["LED-047"]


def test_lines_and_tabs_in_a_text_are_no_mistake(draft, clock):
    text = "Papir,\tA4\r\nblåt\u00a0\u0085"
    assert lines_of(post(first_line(draft, text=text), clock))[0].text == text


def test_a_reversal_may_not_bring_what_its_voucher_does_not_hold(draft, clock):
    voucher = post(draft, clock)
    opposite = replace(draft, reverses=voucher, lines=tuple(map(negative, draft.lines)))
    for spoilt in (replace(opposite, reference="\x07"), first_line(opposite, text="\x07")):
        with pytest.raises(VoucherRefused, match=r"U\+0007"):
            post(spoilt, clock)


def test_a_voucher_that_holds_such_a_character_already_can_be_reversed(draft, clock, monkeypatch):
    """As one from before they were refused."""
    spoilt = first_line(replace(draft, reference="\x07", details={"XREF1_HD": "\x07"}), text="\x07")
    with monkeypatch.context() as lenient:
        lenient.setattr("opus_soap.ledger.checks.untellable", lambda text: None)
        voucher = post(spoilt, clock)
    reversal = reverse(
        voucher, posting_date=date(2026, 11, 24), entered_by="test", source="test", clock=clock
    )
    assert reversal.reference == "\x07"


def negative(line: PostingLine) -> PostingLine:
    return line._replace(amount_ore=-line.amount_ore)


def test_a_zero_or_enormous_amount_is_refused(draft, clock):
    zero = PostingLine(account="90510025", amount_ore=0)
    assert codes(replace(draft, lines=(*draft.lines, zero)), clock) == ["LED-004"]
    huge = 10**14
    lines = (draft.lines[0]._replace(amount_ore=huge), draft.lines[2]._replace(amount_ore=-huge))
    assert codes(replace(draft, lines=lines), clock) == ["LED-004", "LED-004"]


def test_periods_and_years_must_be_open(draft, clock, company):
    year = FiscalYear.get(FiscalYear.company_code == company, FiscalYear.year == 2026)
    Period.update(open=False).where(Period.fiscal_year == year, Period.number == 11).execute()
    assert codes(draft, clock) == ["LED-022"]
    supplement = replace(draft, posting_date=date(2027, 1, 10), year=2026, period=13)
    assert post(supplement, clock).year == 2026
    FiscalYear.update(closed=True).where(FiscalYear.id == year.id).execute()
    with pytest.raises(VoucherRefused, match="is closed"):
        post(supplement, clock)


def test_every_error_is_told_at_once(draft, clock):
    bad = first_line(draft, account="12345678", cost_center="9999", amount_ore=1)
    assert codes(replace(bad, document_type="QQ"), clock) == ["LED-023", "LED-002", "LED-010", "LED-015"]


@pytest.mark.parametrize("repeated", [False, True])
def test_validity_of_a_dimension_is_by_posting_date_and_includes_both_ends(draft, clock, repeated):
    first, last, day = date(2026, 11, 2), date(2026, 11, 22), timedelta(days=1)
    dates = DimensionValue.update(valid_from=first, valid_to=last)
    dates.where(DimensionValue.code == "1101").execute()
    days = (first - day, first, last, last + day)
    if repeated:  # in one go, so that what was found of one line counts for the next
        results = post_many([replace(draft, posting_date=on) for on in days], clock)
    else:
        results = [post_many([replace(draft, posting_date=on)], clock)[0] for on in days]
    assert [isinstance(result, VoucherRefused) for result in results] == [True, False, False, True]
    assert [error.code for error in results[0].errors] == ["LED-016"]


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("XG-920-1", "XG-0000000920-00001"),
        ("xg-0000000920-00001", "XG-0000000920-00001"),
        ("YG-920-1", "YG-920-1"),
    ],
)
def test_wbs_elements_are_normalised(given, canonical):
    assert normalised_wbs(given) == canonical


def test_a_normalised_wbs_element_is_what_is_posted(draft, clock):
    voucher = post(first_line(draft, cost_center=None, wbs_element="XG-920-1"), clock)
    row = Posting.get(Posting.voucher == voucher, Posting.line == 1)
    assert row.wbs_element == "XG-0000000920-00001"


def test_a_reversal_is_the_opposite_and_found_from_both_sides(draft, clock):
    original = post(draft, clock)
    Account.update(blocked=True).where(Account.number == "22000300").execute()
    Supplier.update(active=False).where(Supplier.number == "200002").execute()
    reversal = reverse(original, posting_date=TODAY, entered_by="test", source="test", clock=clock)
    assert reversal.reverses == original
    assert original.reversed_by.get() == reversal
    amounts = [row.amount_ore for row in reversal.postings.order_by(Posting.line)]
    assert amounts == [-10000, -2500, 12500]
    with pytest.raises(AlreadyReversed, match="5100000001"):
        reverse(original, posting_date=TODAY, entered_by="test", source="test", clock=clock)


def test_a_reversal_into_a_closed_period_is_refused(draft, clock, company):
    original = post(draft, clock)
    Period.update(open=False).where(Period.number == 11).execute()
    with pytest.raises(VoucherRefused) as refused:
        reverse(original, posting_date=TODAY, entered_by="test", source="test", clock=clock)
    assert [error.code for error in refused.value.errors] == ["LED-022"]


@pytest.mark.parametrize("model", [Voucher, Posting])
def test_the_books_refuse_change(draft, clock, model):
    post(draft, clock)
    field = "header_text" if model is Voucher else "text"
    for change in (model.update({field: "x"}), model.delete()):
        with pytest.raises(PeeweeException, match="append-only"), transaction():
            change.execute()


def test_insert_or_replace_does_not_slip_past(draft, clock):
    voucher = post(draft, clock)
    row = Posting.select().where(Posting.voucher == voucher, Posting.line == 1).dicts().get()
    with pytest.raises((PeeweeException, ValueError)), transaction():
        Posting.insert({**row, "amount_ore": 1}).on_conflict_replace().execute()
    assert Posting.get_by_id(row["id"]).amount_ore == 10000
    assert Seal.select().count() == 0


def test_a_period_is_not_closed_under_a_voucher(draft, clock, company):
    """Whoever closes it waits for what is being posted; SQLite has one writer at a time anyway."""

    def close() -> None:
        with proxy.obj.connection_context():
            set_period(company, 2026, 11, open_=False, actor="test", clock=clock)

    with ThreadPoolExecutor(1) as pool:
        with transaction():
            post(draft, clock)
            closing = pool.submit(close)
            with suppress(TimeoutError):
                closing.result(timeout=0.5)
            assert not closing.done()
        closing.result(timeout=10)
    with pytest.raises(VoucherRefused):
        post(draft, clock)


def test_a_reversal_is_never_dated_before_what_it_reverses(draft, clock):
    original = post(draft, clock)
    with pytest.raises(VoucherRefused) as refused:
        reverse(original, posting_date=date(2026, 10, 5), entered_by="test", source="test", clock=clock)
    assert [error.code for error in refused.value.errors] == ["LED-034"]


@pytest.mark.parametrize("day", [date(1989, 12, 31), date(2037, 1, 1)])
def test_dates_beyond_belief_are_refused(draft, clock, day):
    lines = (draft.lines[0]._replace(value_date=day), *draft.lines[1:])
    with pytest.raises(VoucherRefused) as refused:
        post(replace(draft, document_date=day, lines=lines), clock)
    assert [error.code for error in refused.value.errors] == ["LED-035", "LED-035"]
    assert [error.element for error in refused.value.errors] == ["document date", "line 1 value_date"]


def test_many_are_written_in_their_order_and_each_tells_its_own_errors(draft, company, clock):
    wrong = first_line(draft, account="99999999")
    credit = replace(draft, document_type="SA", lines=tuple(reversed(draft.lines)))
    results = post_many([draft, wrong, credit, draft], clock)
    first, refused, second, third = results
    assert isinstance(refused, VoucherRefused)
    assert [error.code for error in refused.errors] == ["LED-010"]
    assert [label(row) for row in (first, second, third)] == [
        "0020 KR 2026 5100000000",
        "0020 SA 2026 100000000",
        "0020 KR 2026 5100000001",
    ]
    stored = list(Voucher.select().order_by(Voucher.id))
    assert [row.uuid for row in stored] == [first.uuid, second.uuid, third.uuid]
    assert [len(lines_of(row)) for row in stored] == [3, 3, 3]
    assert lines_of(stored[1]) == tuple(line._replace(origin="") for line in credit.lines)
    assert verify().ok
    assert post_many([], clock) == []


def test_what_many_write_is_undone_together(draft, clock):
    with suppress(RuntimeError), transaction():
        post_many([draft] * 3, clock)
        raise RuntimeError
    assert Voucher.select().count() == Posting.select().count() == 0
    assert post(draft, clock).number == 5100000000


def test_the_last_day_of_the_calendar_is_refused_and_no_more(draft, clock):
    late = replace(draft, posting_date=date.max, document_date=date.max)
    assert codes(late, clock) == ["LED-020"]


def test_what_is_in_the_books_with_a_date_beyond_belief_can_be_reversed(draft, clock, monkeypatch):
    monkeypatch.setattr("opus_soap.ledger.checks.EARLIEST", date(1900, 1, 1))
    original = post(replace(draft, document_date=date(1926, 11, 20)), clock)
    monkeypatch.undo()
    assert reverse(original, posting_date=TODAY, entered_by="t", source="t", clock=clock).reverses == original


def test_a_reversal_lies_in_no_period_before_its_vouchers(draft, clock, company):
    """December was closed, and is open again."""
    late = replace(
        draft, posting_date=date(2025, 12, 30), document_date=date(2025, 12, 1), year=2025, period=13
    )
    original = post(late, clock)
    reversal = reverse(original, posting_date=date(2025, 12, 31), entered_by="t", source="t", clock=clock)
    assert (reversal.year, reversal.period) == (2025, 13)


def test_what_else_was_delivered_is_kept_hashed_and_reversed_with_it(draft, clock):
    lines = (draft.lines[0]._replace(details={"KIDNO": "æ1", "REF_KEY_3": "1"}), *draft.lines[1:])
    rich, poor = post_many([replace(draft, details={"XREF1_HD": "x"}, lines=lines), draft], clock)
    stored = Voucher.get_by_id(rich.id)
    assert stored.details == {"XREF1_HD": "x"}
    assert [line.details for line in lines_of(stored)] == [{"KIDNO": "æ1", "REF_KEY_3": "1"}, None, None]
    reversal = reverse(rich, posting_date=TODAY, entered_by="t", source="t", clock=clock)
    assert lines_of(reversal)[0].details == lines[0].details
    assert Voucher.get_by_id(poor.id).details is None
    assert verify().ok


def reversal(original: Voucher, draft, **change):
    """What somebody else hands in as the reversal of a voucher."""
    lines = tuple(line._replace(amount_ore=-line.amount_ore) for line in draft.lines)
    return replace(draft, **{"lines": lines, "reverses": original, "reference": "T-1", **change})


def test_a_reversal_that_is_handed_in_is_linked_from_both_sides(draft, clock):
    original = post(draft, clock)
    Account.update(blocked=True).where(Account.number == "22000300").execute()
    posted = post(reversal(original, draft), clock)
    assert (posted.reverses, original.reversed_by.get()) == (original, posted)
    assert posted.reference == "T-1"
    assert verify().ok


OTHERWISE = {
    "an amount": lambda lines: (
        lines[0]._replace(amount_ore=lines[0].amount_ore - 1),
        lines[1]._replace(amount_ore=lines[1].amount_ore + 1),
        lines[2],
    ),
    "an account": lambda lines: (lines[0]._replace(account="22000301"), *lines[1:]),
    "a cost center": lambda lines: (lines[0]._replace(cost_center="1102"), *lines[1:]),
    "the order": lambda lines: (lines[1], lines[0], lines[2]),
    "a line more": lambda lines: (*lines, lines[0]._replace(amount_ore=1), lines[0]._replace(amount_ore=-1)),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_reversal_that_is_not_the_opposite_is_refused(draft, clock, name):
    original = post(draft, clock)
    handed_in = reversal(original, draft)
    with pytest.raises(VoucherRefused) as refused:
        post(replace(handed_in, lines=OTHERWISE[name](handed_in.lines)), clock)
    assert {error.code for error in refused.value.errors} == {"LED-042"}


def test_a_voucher_is_reversed_once_whoever_does_it(draft, clock):
    original = post(draft, clock)
    reverse(original, posting_date=TODAY, entered_by="t", source="t", clock=clock)
    with pytest.raises(VoucherRefused) as refused:
        post(reversal(original, draft), clock)
    assert [error.code for error in refused.value.errors] == ["LED-024"]


def test_a_reversal_in_a_period_before_its_vouchers_is_refused(draft, clock):
    december = replace(
        draft, posting_date=date(2025, 12, 31), document_date=date(2025, 12, 1), year=2025, period=13
    )
    original = post(december, clock)
    with pytest.raises(VoucherRefused) as refused:
        post(reversal(original, december, period=12), clock)
    assert [error.code for error in refused.value.errors] == ["LED-034"]
