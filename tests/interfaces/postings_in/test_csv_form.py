"""The omposteringsbilag: read strictly, told by row and column, booked as the same lines in a file are."""

from __future__ import annotations

import csv
from datetime import date
from io import BytesIO, StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opus_soap.interfaces.postings_in.csv_form import (
    COLUMNS,
    Heading,
    document_of,
    moment_of,
    read_csv,
)
from opus_soap.interfaces.postings_in.receiving import as_file
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.store.models import PostingFile, PostingSender

DAY = date(2026, 11, 23)
HEADING = Heading("0020", "SA", DAY, DAY, "OMP-1", "Ompostering", "OMP-1")
DEBIT = {
    "Artskonto": "52000200",
    "Omkostningssted": "1101",
    "Debet/kredit": "Debet",
    "Beløb": "1.234,50",
    "Tekst": "Rengøring; æøå",
    "Referencenøgle": "K7",
}
CREDIT = {"Artskonto": "90540100", "Debet/kredit": "Kredit", "Beløb": "1234,5"}


def written(*rows, headings=tuple(COLUMNS), encoding="utf-8"):
    out = StringIO(newline="")
    writer = csv.writer(out, delimiter=";")
    writer.writerow(headings)
    for row in rows:
        writer.writerow([row.get(column, "") for column in COLUMNS] if isinstance(row, dict) else row)
    return out.getvalue().encode(encoding)


def mistakes(data, encoding="utf-8"):
    return [(item.error.code, item.row, item.column) for item in read_csv(data, encoding).mistakes]


@pytest.fixture
def book(receiver, sender):
    def once(data, heading=HEADING, encoding="utf-8"):
        form = read_csv(data, encoding)
        assert form.mistakes == []
        made = PostingSender.get()
        name, file = as_file([document_of(form, heading, data, "bilag.csv", made)], made, moment_of(heading))
        return receiver.deliver(BytesIO(file), name, actor="t", as_sender="KY01")

    return once


def test_an_upload_is_booked_with_its_file(book, receipt):
    data = written(DEBIT, CREDIT)
    assert [number for number, *_ in receipt(book(data))[1]] == ["305"]
    voucher = Voucher.get()
    assert (voucher.reference, voucher.header_text) == ("OMP-1", "Ompostering")
    (kept,) = voucher.details["FILES"]
    assert (kept["FILE_TYPE"], kept["FILE_LENGTH"]) == ("CSV", str(len(data)))
    lines = [(row.account, row.amount_ore, row.text) for row in Posting.select().order_by(Posting.line)]
    assert lines == [("52000200", 123450, "Rengøring; æøå"), ("90540100", -123450, "")]


def test_the_same_again_is_the_same_and_another_number_another(book):
    data = written(DEBIT, CREDIT)
    assert book(data) == book(data)
    assert (Voucher.select().count(), PostingFile.select().count()) == (1, 1)
    book(data, Heading("0020", "SA", DAY, DAY, "OMP-2", "Ompostering", "OMP-2"))
    assert Voucher.select().count() == 2


def test_windows_1252_is_read_when_it_is_said(book):
    data = written(DEBIT, CREDIT, encoding="windows-1252")
    ((code, row, _),) = mistakes(data)
    assert (code, row) == ("PIN-480", 1)  # the headings have a letter of it
    book(data, encoding="windows-1252")
    assert Posting.get(Posting.line == 1).text == "Rengøring; æøå"


def test_a_byte_order_mark_is_no_heading():
    assert mistakes(b"\xef\xbb\xbf" + written(DEBIT, CREDIT)) == []
    assert (
        mistakes(b"\xef\xbb\xbf" + written(DEBIT, encoding="windows-1252"), "windows-1252")[0][0] == "PIN-481"
    )


@pytest.mark.parametrize(
    ("change", "code", "column"),
    [
        ({"Beløb": "1234.50"}, "PIN-483", "Beløb"),
        ({"Beløb": "1.234"}, "PIN-483", "Beløb"),
        ({"Beløb": "-5,00"}, "PIN-483", "Beløb"),
        ({"Beløb": "1,2E+05"}, "PIN-483", "Beløb"),
        ({"Beløb": "1,234"}, "PIN-483", "Beløb"),
        ({"Beløb": "12.34,00"}, "PIN-483", "Beløb"),
        ({"Beløb": "kr 5,00"}, "PIN-483", "Beløb"),
        ({"Beløb": "٣,00"}, "PIN-483", "Beløb"),
        ({"Beløb": ""}, "PIN-483", "Beløb"),
        ({"Beløb": "1234567890123,00"}, "PIN-483", "Beløb"),
        ({"Debet/kredit": "D"}, "PIN-484", "Debet/kredit"),
        ({"Debet/kredit": "debet"}, "PIN-484", "Debet/kredit"),
        ({"Debet/kredit": ""}, "PIN-484", "Debet/kredit"),
        ({"Ydelsesperiode fra": "2026-11-01"}, "PIN-485", "Ydelsesperiode fra"),
        ({"Ydelsesperiode til": "31.11.2026"}, "PIN-485", "Ydelsesperiode til"),
        ({"Tekst": "a\x07b"}, "PIN-486", "Tekst"),
        ({"Næste agent": "a\tb"}, "PIN-486", "Næste agent"),
    ],
)
def test_each_mistake_has_its_row_and_column(change, code, column):
    assert mistakes(written(CREDIT, DEBIT | change)) == [(code, 3, column)]


def test_every_mistake_is_told_not_the_first():
    found = mistakes(
        written(DEBIT | {"Beløb": "x", "Debet/kredit": "x"}, [""] * 25, ["a", "b"], CREDIT | {"Beløb": "y"})
    )
    assert found == [
        ("PIN-484", 2, "Debet/kredit"),
        ("PIN-483", 2, "Beløb"),
        ("PIN-487", 3, ""),
        ("PIN-482", 4, ""),
        ("PIN-483", 5, "Beløb"),
    ]


def test_a_row_is_counted_as_an_editor_counts():
    assert mistakes(written(DEBIT | {"Tekst": "to\nlinjer"}, CREDIT | {"Beløb": "x"})) == [
        ("PIN-486", 2, "Tekst"),
        ("PIN-483", 4, "Beløb"),
    ]


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (b"", {"PIN-481"}),
        (written(), {"PIN-487"}),
        (written(headings=[*COLUMNS, "mere"]), {"PIN-482"}),
        (written(DEBIT).replace(b";", b","), {"PIN-491"}),
        (written(DEBIT).replace(b";", b"\t"), {"PIN-491"}),
        (b"Artskonto,Tekst\n", {"PIN-481"}),
        (written(DEBIT, headings=list(COLUMNS)[::-1]), {"PIN-481"}),
        (written(DEBIT) + b'"uden slut', {"PIN-489"}),
        (b"\xff\xfe" + written(DEBIT, encoding="utf-16-le"), {"PIN-480"}),
        (b"PK\x03\x04" + bytes(200), {"PIN-481"}),
        (written(DEBIT).replace(b"1101", b"11\x0001"), {"PIN-486", "PIN-489"}),
        (written({"Tekst": "x" * 200_000, **CREDIT}), {"PIN-489"}),
    ],
)
def test_what_is_no_upload_is_told(data, codes):
    found = {code for code, *_ in mistakes(data)}
    assert found
    assert found <= codes


def test_another_separator_is_one_mistake():
    (mistake,) = read_csv(written(DEBIT, CREDIT).replace(b";", b","), "utf-8").mistakes
    assert "„,”" in mistake.error.text_danish
    assert "semikolon" in mistake.error.remedy_danish


def test_a_person_is_never_told(book, capsys):
    data = written(DEBIT | {"Betalingsmodtagernr.": "0101019999", "Betalingsmodtagernr.kode": "02"}, CREDIT)
    book(data)
    wrong = read_csv(written(DEBIT | {"Beløb": "0101019999-x"}), "utf-8").mistakes
    assert "0101019999" not in str(wrong[0].error)
    assert "0101019999" not in str(Voucher.get().details) + str(Posting.get().details)


def test_the_columns_are_those_of_the_template():
    assert len(COLUMNS) == 25
    assert [column for column, element in COLUMNS.items() if not element] == ["Næste agent", "Påligningsår"]
    elements = [element for element in COLUMNS.values() if element]
    assert len(set(elements)) == len(elements)


AMOUNTS = st.integers(1, 10**14 - 1)


def danish(ore: int, dots: bool) -> str:
    kroner, rest = divmod(ore, 100)
    return f"{kroner:,}".replace(",", "." if dots else "") + f",{rest:02d}"


@given(
    st.lists(st.tuples(AMOUNTS, st.booleans(), st.booleans(), st.text(max_size=20)), min_size=1, max_size=8)
)
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_what_is_read(lines):
    """Amounts to the øre, sides and texts, however the spreadsheet quotes them."""
    rows = [
        CREDIT | {"Beløb": danish(ore, dots), "Debet/kredit": "Debet" if debit else "Kredit", "Tekst": text}
        for ore, debit, dots, text in lines
    ]
    form = read_csv(written(*rows, encoding="utf-8") if _encodes(rows) else written(), "utf-8")
    if not _encodes(rows) or any(item.error.code == "PIN-486" for item in form.mistakes):
        return
    assert form.mistakes == []
    expected = [
        (f"{'' if debit else '-'}{ore // 100}.{ore % 100:02d}", "D" if debit else "K", text)
        for ore, debit, _, text in lines
    ]
    found = [(line["AMT_DOCCUR"], line["DEB_CRED_IND"], line["ITEM_TEXT"]) for line in form.lines]
    assert found == expected


def _encodes(rows):
    try:
        str(rows).encode()
    except UnicodeEncodeError:
        return False
    return all(row["Tekst"].isprintable() for row in rows)
