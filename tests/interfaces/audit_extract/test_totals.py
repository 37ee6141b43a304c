"""What the extract adds up to is the fold of what was posted, over random vouchers and reversals.

The same property must catch extracts that are broken on purpose (the canaries), or it proves nothing.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from opus_soap.clock import ManualClock
from opus_soap.database import connect, disconnect, proxy
from opus_soap.extracts import books as reading
from opus_soap.extracts.kinds import Job
from opus_soap.extracts.output import Output
from opus_soap.interfaces.audit_extract import controls, writing, year
from opus_soap.interfaces.audit_extract.controls import Fold
from opus_soap.interfaces.audit_extract.kind import AuditExtract
from opus_soap.interfaces.audit_extract.saft import NAMESPACE, Totals
from opus_soap.interfaces.extract_kinds import KINDS
from opus_soap.ledger.balance import TrialBalanceRow
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.openings import open_year
from opus_soap.ledger.posting import PostingLine, VoucherDraft, post, reverse
from opus_soap.ledger.seals import create_seal_key, load_seal_key, seal
from tests.conftest import NOON

AMOUNT = st.integers(-10_000_000, 10_000_000).filter(bool)
LINES = st.lists(st.tuples(st.sampled_from(("22000300", "40000100")), AMOUNT), min_size=1, max_size=4)
# each voucher: its document type, its cost lines, and whether it is reversed
VOUCHERS = st.lists(
    st.tuples(st.sampled_from(("SA", "AB", "DR")), LINES, st.booleans()), min_size=1, max_size=5
)
LIMITED = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
DAY = date(2026, 11, 23)


def post_all(vouchers, company, clock) -> tuple[Counter[str], Counter[str]]:
    """Post and reverse; øre by account, opening and moved."""
    opening = Counter({"90520001": 777, "90599000": -777})
    open_year(company, 2026, opening, clock=clock, entered_by="t")
    moved = Counter[str]()
    for document_type, lines, is_reversed in vouchers:
        costs = tuple(PostingLine(account, ore, cost_center="1101") for account, ore in lines)
        total = sum(line.amount_ore for line in costs)
        whole = (*costs, PostingLine("90520001", -total)) if total else costs
        if len(whole) < 2:
            continue
        voucher = post(VoucherDraft(company, document_type, DAY, DAY, "x", "x", whole, "t", "s"), clock)
        for line in whole:
            moved[line.account] += 0 if is_reversed else line.amount_ore
        if is_reversed:
            reverse(voucher, posting_date=DAY, entered_by="t", source="s", clock=clock)
    return opening, moved


def check(template: Path, vouchers) -> None:
    """Every way in which the extract tells the year says the same as the fold."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(template, folder / "books.sqlite3")
        connect(f"sqlite:///{folder / 'books.sqlite3'}").connect()
        try:
            company, clock = company_code("999", "0020"), ManualClock(NOON)
            opening, moved = post_all(vouchers, company, clock)
            create_seal_key(folder / "key")
            sealed = seal(company, load_seal_key(folder / "key"), clock=clock)
            (folder / "out").mkdir()
            output = Output(folder / "out", "X")
            options = {"year": 2026}
            job = Job(company, "X", "r", 1, options, True, 0, sealed.last_voucher_id, DAY, NOON, UUID(int=1))
            AuditExtract().write(job, output)
            assert output.findings == []
            compare(folder / "out", opening, moved)
        finally:
            disconnect()
            proxy.initialize(None)


def compare(folder: Path, opening: Counter[str], moved: Counter[str]) -> None:
    def ore(text: str) -> int:
        return int(text.replace(".", ""))

    def rows(table: str):
        with (folder / f"X_{table}.csv").open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, delimiter=";")

    closing = {account: opening[account] + moved[account] for account in {*opening, *moved}}
    told = {row["GL_Account_Number"]: row for row in rows("GL_Trial_Balance")}
    assert {account: ore(row["Closing_Balance"]) for account, row in told.items()} == closing
    assert {a: ore(row["Opening_Balance"]) for a, row in told.items()} == {a: opening[a] for a in told}
    posted = Counter[str]()
    for row in rows("GL_Details"):
        posted[row["GL_Account_Number"]] += ore(row["Amount"])
    assert dict(posted) == closing
    ns = {"s": NAMESPACE}
    saft = etree.parse(folder / "X_SAF-T.xml")
    lines = Counter[str]()
    for line in saft.iterfind(".//s:Line", ns):
        for side, sign in (("Debit", 1), ("Credit", -1)):
            for amount in line.iterfind(f"s:{side}Amount/s:Amount", ns):
                lines[line.findtext("s:AccountID", namespaces=ns)] += sign * ore(amount.text)
    assert dict(lines) == closing
    masters = {
        account.findtext("s:AccountID", namespaces=ns): sum(
            sign * ore(account.findtext(f"s:Closing{side}Balance", "0", ns))
            for side, sign in (("Debit", 1), ("Credit", -1))
        )
        for account in saft.iterfind(".//s:Account", ns)
    }
    assert {account: ore for account, ore in masters.items() if account in closing} == closing


@LIMITED
@given(vouchers=VOUCHERS)
def test_the_extract_is_the_fold_of_the_postings(sqlite_template, vouchers):
    check(sqlite_template, vouchers)


def loses_the_last_of_a_page(of, document_type):
    """A canary: of a series the last voucher does not come."""
    found = list(VOUCHERS_OF(of, document_type))
    yield from found[:-1] if len(found) > 1 else found


def takes_credits_for_debits(booked, *rest):
    """Another: a small credit is told as a debit in the table."""
    for row in ROWS(booked, *rest):
        row[10] = row[10].lstrip("-") if len(row[10]) < 6 else row[10]
        yield row


VOUCHERS_OF, ROWS = year.vouchers, writing.rows


@pytest.mark.parametrize(
    ("name", "canary"), [("vouchers", loses_the_last_of_a_page), ("rows", takes_credits_for_debits)]
)
def test_the_property_catches_a_broken_extract(sqlite_template, monkeypatch, name, canary):
    monkeypatch.setattr(writing, name, canary)

    @LIMITED
    @given(vouchers=VOUCHERS)
    def property_of_the_canary(vouchers):
        check(sqlite_template, vouchers)

    with pytest.raises(AssertionError):
        property_of_the_canary()


LEDGER = [TrialBalanceRow("1", "a", 5, 10, 3), TrialBalanceRow("2", "b", -5, 0, 7)]


def fold(**change: object) -> Fold:
    whole = {
        "vouchers": 2, "postings": 4, "debit_ore": 15, "credit_ore": -15,
        "opening": {"1": 5, "2": -5}, "debit": {"1": 10}, "credit": {"1": -3, "2": -7},
    }  # fmt: skip
    return Fold(**{**whole, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, set()),
        ({"debit": {"1": 11}}, {"Primo + bevægelser", "Primo, debet og kredit"}),
        ({"debit": {"1": 11}, "credit": {"1": -4, "2": -7}}, {"Primo, debet og kredit"}),
        ({"opening": {"1": 5}}, {"Primo + bevægelser", "Primo, debet og kredit"}),
        ({"debit": {"1": 10, "3": 1}}, {"Primo + bevægelser", "Primo, debet og kredit"}),
        ({"postings": 3}, {"Bilag og posteringer"}),
        ({"vouchers": 3}, {"Bilag og posteringer"}),
        ({"debit_ore": 16}, {"Debet er lig kredit", "Debet og kredit som talt"}),
    ],
)
def test_each_sum_is_held_against_the_ledgers(change, wrong):
    found = controls.sums(fold(**change), LEDGER, Totals(2, 15, 15), 4)
    names = {control.name for control in found if not control.holds}
    assert all(any(name.startswith(prefix) for name in names) for prefix in wrong)
    assert len(names) == len(wrong)


def test_a_page_ends_where_it_ends(auditor, monkeypatch):
    monkeypatch.setattr(reading, "AT_ONCE", 3)
    monkeypatch.setattr(reading, "_LINES_AT_ONCE", 4)
    auditor.desk.post(10)
    of = year.Year(auditor.desk.company, 2026, 10**9)
    found = [(one.booked.head.number, len(one.booked.lines)) for one in year.vouchers(of, "SA")]
    assert found == [(100000000 + place, 2) for place in range(10)]


def test_in_pieces_a_year_is_what_it_is_at_once(books, monkeypatch, tmp_path):
    job = books.desk.producer._job(books.order(), lambda done, of: None)

    def written(piece: int) -> dict[str, bytes]:
        folder = tmp_path / str(piece)
        folder.mkdir()
        monkeypatch.setattr(reading, "PIECE", piece)
        KINDS["revisorudtraek"].write(job, Output(folder, job.name))
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    at_once = written(2000)
    assert any(b"false" not in data for name, data in at_once.items() if "Control_Totals" in name)
    assert written(1) == at_once
