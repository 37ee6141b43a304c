"""Each control goes red when somebody with the database in hand changes what it looks at; none is hidden."""

from __future__ import annotations

from datetime import date

import pytest

from opus_soap.ledger.models import Voucher
from opus_soap.ledger.year_end import carry_forward
from tests.ledger.test_verification import tamper

BALANCE = "Hvert bilag stemmer i nul"
HASH = "Hvert bilags hash stemmer med dets indhold"
CHAIN = "Seglenes kæde holder"
SERIES = "Nummerserie SA uden huller"
LEDGER = "Primo, debet og kredit som i finansens saldobalance"
SUMS = "Debet er lig kredit"
GONE = ("DELETE FROM posting WHERE voucher_id = {v}", "DELETE FROM voucher WHERE id = {v}")


def test_untouched_books_hold(books):
    delivered = books.extract()
    assert delivered.failed == {}
    assert delivered.told["findings"] == []
    assert "✘ nej" not in delivered.text("_rapport.html")


@pytest.mark.parametrize(
    ("statements", "controls"),
    [
        (
            ["UPDATE posting SET amount_ore = amount_ore + 1 WHERE voucher_id = {v} AND line = 1"],
            {BALANCE, HASH, SUMS},
        ),
        (["UPDATE posting SET amount_ore = amount_ore * 2 WHERE voucher_id = {v}"], {HASH}),
        (["UPDATE posting SET text = 'x' WHERE voucher_id = {v}"], {HASH}),
        (["UPDATE voucher SET entered_by = 'x' WHERE id = {v}"], {HASH}),
        (list(GONE), {SERIES, CHAIN}),
        (["UPDATE number_range SET next_number = next_number + 2 WHERE document_type = 'SA'"], {SERIES}),
        (["UPDATE seal SET voucher_count = voucher_count + 1"], {CHAIN}),
    ],
)
def test_what_was_changed_behind_the_ledger_is_told(books, statements, controls):
    _, second = Voucher.select().where(Voucher.document_type == "SA").order_by(Voucher.id).limit(2)
    books.desk.order(books.desk.subscribe())  # seals
    tamper(*(text.format(v=second.id) for text in statements))
    delivered = books.extract()
    wrong = {name for name in delivered.failed if not name.startswith("SAF-T")}
    assert wrong == controls
    assert {finding.partition(":")[0] for finding in delivered.told["findings"]} >= controls
    page = delivered.text("_rapport.html")
    assert f"✘ {len(delivered.failed)} af " in page
    assert page.count("✘ nej") == len(delivered.failed)


def test_missing_numbers_are_named(books):
    books.desk.post(3)
    ids = [row.id for row in Voucher.select().where(Voucher.number.in_([100000001, 100000004, 100000005]))]
    books.desk.order(books.desk.subscribe())
    tamper(*(text.format(v=identity) for identity in ids for text in GONE))
    delivered = books.extract()
    assert delivered.failed[SERIES] == "mangler 100000001 100000004–100000005"
    (row,) = [row for row in delivered.rows("OPUS_Number_Ranges") if row["Bill_Type_Code"] == "SA"]
    assert (row["Missing_Numbers"], row["Missing"]) == ("3", "100000001 100000004–100000005")


def test_the_end_of_a_series_may_not_be_gone(books):
    last = books.desk.post(1)[0]
    books.desk.order(books.desk.subscribe())
    tamper("DELETE FROM seal", *(text.format(v=last.id) for text in GONE))
    delivered = books.extract()
    assert delivered.failed[SERIES] == f"mangler {last.number}"


def test_openings_are_what_the_year_before_left(books):
    desk = books.desk
    old = date(2025, 12, 30)
    desk.post(document_date=old, posting_date=old)
    name = "Primo er lig ultimo 2025"
    assert "er årets saldi overført?" in books.extract().failed[name]
    carry_forward(desk.company, 2025, clock=desk.clock, entered_by="t")
    delivered = books.extract()
    assert name not in delivered.failed
    assert name in {row["Control"] for row in delivered.rows("OPUS_Control_Totals")}
    balances = {row["GL_Account_Number"]: row for row in delivered.rows("GL_Trial_Balance")}
    assert balances["90599000"]["Opening_Balance"] == "100.00"


def test_vouchers_outside_the_seals_are_told(books):
    extract = books.order()
    tamper("DELETE FROM seal")
    delivered = books.produce(extract)
    assert "Hvert bilag ligger under et segl" in delivered.failed
    assert {row["Seal_Number"] for row in delivered.rows("GL_Details")} == {""}
