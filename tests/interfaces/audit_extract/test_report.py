"""The report: one file, nothing fetched, every figure in a table, and what an auditor looks for is found."""

from __future__ import annotations

import re
import tracemalloc
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from lxml import html

from opus_soap.extracts import books as reading
from opus_soap.interfaces.audit_extract import charts
from opus_soap.interfaces.audit_extract.figures import LISTED, Figures, Shown, Top
from opus_soap.ledger.posting import post_many


@pytest.fixture
def page(books):
    return books.extract().text("_rapport.html")


def rows_of(page: str, section: str) -> list[list[str]]:
    (found,) = html.fromstring(page).xpath(f"//section[@id='{section}']")
    return [[cell.text_content().strip() for cell in row] for row in found.iter("tr")]


def test_it_is_one_file_that_fetches_nothing(page):
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert not re.search(r"url\(|@import", page)
    assert "default-src 'none'" in page


def test_it_reads_without_its_charts(page):
    root = html.fromstring(page)
    assert root.get("lang") == "da"
    for svg in root.iter("svg"):
        assert svg.get("role") == "img"
        assert svg.get("aria-label")
        (section,) = svg.xpath("ancestor::section")
        assert section.xpath(".//table"), svg.get("aria-label")
    for table in root.iter("table"):
        assert table.xpath(".//th[@scope='col']")
    anchors = {link.get("href")[1:] for link in root.iter("a")}
    assert anchors <= set(root.xpath("//section/@id"))


def test_it_tells_what_an_auditor_looks_for(page):
    assert ["sep", "1", "2", "10.000,00"] in rows_of(page, "perioder")
    assert ["KR", "3", "6", "30.000,00"] in rows_of(page, "bilagsarter")
    assert ["ANNA", "0", "0", "1"] in rows_of(page, "brugere")
    (late,) = [row for row in rows_of(page, "sene") if "83 dage" in row]
    assert late[0] == "KR 2026 5100000001"
    (odd,) = [row for row in rows_of(page, "tidspunkter") if "batch" in row]
    assert odd[-2:] == ["batch", "fridag, nat"]
    assert "29.11.2026 03:30" in odd
    (reversal,) = [row for row in rows_of(page, "tilbagefoersler") if row[-1].startswith("SA 2026")]
    assert reversal[-1] == "SA 2026 100000000"
    assert rows_of(page, "stoerste")[1][0].startswith("KR 2026")
    assert ["10.000 kr.", "6", "42,9 %"] in rows_of(page, "runde")
    assert any(row[0] == "1" and row[1] == "14" for row in rows_of(page, "benford")) is False


def test_what_is_entered_a_month_later_is_late_whatever_the_days(books):
    day = date(2026, 10, 31)
    books.desk.clock.advance(datetime(2026, 11, 2, 9, tzinfo=UTC) - books.desk.clock.now())
    books.desk.post(document_date=day, posting_date=day)
    page = books.extract().text("_rapport.html")
    assert [row[-1] for row in rows_of(page, "sene")[1:]] == ["83 dage", "2 dage"]
    assert "2 bilag er indtastet mere end 30 dage" in page
    assert "heraf 2 i en tidligere måneds periode" in page


def test_texts_of_strangers_stay_texts(books):
    nasty = "<img src=x onerror=1>"
    post_many([books.desk.draft(header_text=nasty, entered_by=nasty)], books.desk.clock)
    page = books.extract().text("_rapport.html")
    assert "<img" not in page
    assert "&lt;img" in page


def test_charts_escape_and_bear_nothing_at_all():
    drawn = charts.bars("<t>", [("<b>&", 3), ("x" * 40, 0)], str)
    assert "<b>" not in drawn
    assert "&lt;b&gt;&amp;" in drawn
    for empty in (
        charts.bars("t", [], str),
        charts.columns("t", [], str),
        charts.hours("t", {}),
        charts.expected("t", [], []),
    ):
        assert empty.startswith("<svg")


def test_the_heaviest_are_kept_and_all_are_counted():
    top = Top()
    for weight in range(100):
        top.add(Shown(weight, f"SA 2026 {weight}", "SA", "", weight, 1, "2026-01-01", "", "t"))
    assert top.count == 100
    assert [shown.weight for shown in top.listed] == list(range(99, 99 - LISTED, -1))


def test_first_digits_are_judged_when_there_are_enough():
    figures = Figures(digits=Counter({1: 10}))
    assert figures.judgement == "for få beløb til en vurdering"
    benford = Counter({1: 301, 2: 176, 3: 125, 4: 97, 5: 79, 6: 67, 7: 58, 8: 51, 9: 46})
    assert Figures(digits=benford).judgement == "tæt på Benford"
    assert Figures(digits=Counter(dict.fromkeys(range(1, 10), 100))).judgement == "afviger fra Benford"


def test_a_supplement_posting_is_late_but_not_in_an_earlier_month(books):
    desk = books.desk
    day = date(2025, 12, 31)
    desk.post(document_date=day, posting_date=day, period=13, year=2025)
    page = books.extract(2025).text("_rapport.html")
    assert "heraf 0 i en tidligere måneds periode. 1 bilag er i supplementsperioden" in page
    assert ["S13", "1", "2", "100,00"] in rows_of(page, "perioder")


def test_memory_does_not_grow_with_the_postings(auditor, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "AT_ONCE", 50)
    desk = auditor.desk

    def peak(name: str) -> int:
        (tmp_path / name).mkdir()
        tracemalloc.start()
        try:
            auditor.write(tmp_path / name)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    post_many([replace(desk.draft(), reference=str(place)) for place in range(300)], desk.clock)
    peak("warm")
    few = peak("few")
    post_many([replace(desk.draft(), reference=str(place)) for place in range(2700)], desk.clock)
    assert peak("many") < few * 1.2 + 500_000
