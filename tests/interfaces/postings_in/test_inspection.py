"""Checking without effect: what a delivery would tell, and where in the file it is."""

from __future__ import annotations

import pytest

from opus_soap.interfaces.postings_in.inspection import Inspector
from opus_soap.interfaces.postings_in.places import Locator
from opus_soap.interfaces.postings_in.reading import Place, ReadingLimits
from opus_soap.interfaces.postings_in.schema import parts
from opus_soap.ledger.models import Voucher
from opus_soap.store.models import Content, PostingDocument, PostingFile
from tests.interfaces.postings_in.conftest import CONTROL, CREDIT, DEBIT, HEADER, NAME, document, request

_ORDER = [
    child.name for child in parts()["POSTING_DOCUMENT"].children[1].content.children[0].content.children
]


@pytest.fixture
def inspect(sender, clock, tmp_path):
    """What is told of a file: (line:column, voucher, line, code)."""

    def check(data: bytes, name: str = NAME) -> list[tuple[str, str, int, str]]:
        path = tmp_path / "file.xml"
        path.write_bytes(data)
        return [
            (f"{told.line}:{told.column}", told.number, told.finding.place.line, told.finding.error.code)
            for told in Inspector("999", ReadingLimits(), clock).inspect(path, name)
        ]

    return check


def test_a_good_file_has_none_and_leaves_nothing_behind(inspect):
    line = {**DEBIT, "PAYEE_NO_CODE": "02", "PAYEE_NO": "0101901234"}
    line["ZZCSYSIDN"] = line.pop("ZZCSYSIDN")
    assert inspect(request(document(), document(RECEIV_DOC="2", lines=[line, CREDIT]))) == []
    assert [model.select().count() for model in (Voucher, PostingFile, PostingDocument, Content)] == [0] * 4


def test_what_real_senders_got_wrong_is_told_a_line_for_each(inspect):
    """The mistakes that files were rejected for, for months: element, what stood there, where."""
    renamed = {("NO_DOC-POSITION" if name == "NO_DOC_POSITION" else name): HEADER[name] for name in HEADER}
    late = {name: value for name, value in DEBIT.items() if name != "COSTCENTER"} | {"WBS_ELEMENT": "XG-1-1"}
    words = [{**DEBIT, "DEB_CRED_IND": "Debet"}, {**CREDIT, "DEB_CRED_IND": "Kredit"}]
    again = document(RECEIV_DOC="6").replace("</LINES>", "</LINES><LINES></LINES>")
    data = request(
        document(renamed, RECEIV_DOC="1"),
        document(DOC_DATE="23112026", RECEIV_DOC="2"),
        document(RECEIV_DOC="3", lines=[{**DEBIT, "ITEM_TEXT": "x" * 59}, CREDIT]),
        document(RECEIV_DOC="4" * 21),
        document(RECEIV_DOC="5", lines=words),
        again,
        document(RECEIV_DOC="7", lines=[late, CREDIT]),
        control={**CONTROL, "SEND_DATE": "2026-11-23"},
    )
    told = inspect(data)
    assert [(number, line, code) for _, number, line, code in told] == [
        ("", 0, "PIN-426"),
        ("1", 0, "PIN-421"),
        ("2", 0, "PIN-426"),
        ("3", 1, "PIN-425"),
        ("4" * 16, 0, "PIN-425"),
        ("5", 1, "PIN-426"),
        ("5", 2, "PIN-426"),
        ("6", 0, "PIN-424"),
        ("6", 0, "PIN-423"),
        ("7", 1, "PIN-422"),
    ]
    lines = data.decode().splitlines()
    for where, *_ in told[1:]:
        line, column = (int(part) for part in where.split(":"))
        assert lines[line - 1][column - 1] == "<"
    found = {code: where for where, _, _, code in told}
    line, column = (int(part) for part in found["PIN-422"].split(":"))
    assert lines[line - 1][column - 1 :].startswith("<WBS_ELEMENT>")


def test_the_ledgers_rules_are_told_too(inspect, deliver):
    deliver(request(document()))
    wrong = document(RECEIV_DOC="2", lines=[{**DEBIT, "GL_ACCOUNT": "99999999"}, CREDIT])
    told = inspect(request(document(), wrong))
    assert [row[1:] for row in told] == [
        ("", 0, "PIN-407"),  # the file came before, with other content
        ("10000000", 0, "PIN-456"),
        ("2", 1, "LED-010"),
    ]


def test_one_look_tells_the_mistakes_of_every_kind(inspect):
    """Against the schema, against itself and against the books, of one voucher: none hides another."""
    lines = [
        {**DEBIT, "ITEM_TEXT": "x" * 59, "COSTCENTER": "4711"},
        {**DEBIT, "GL_ACCOUNT": "99999999", "REF_KEY_3": "2"},
        {**CREDIT, "AMT_DOCCUR": "-100,00", "REF_KEY_3": "2"},
    ]
    told = inspect(request(document(lines=lines, HEADER_TXT="kontanthjælp 010190-1234", DOC_TYPE="XX")))
    assert [(line, code) for _, _, line, code in told] == [
        (0, "PIN-441"),
        (0, "PIN-449"),
        (1, "PIN-425"),
        (3, "PIN-426"),
        (3, "PIN-447"),
        (0, "LED-023"),
        (1, "LED-015"),
        (2, "LED-010"),
    ]


def test_what_follows_from_a_mistake_is_not_told(inspect):
    """No sums of amounts that cannot be read, no company code of none, no account rule of a double line."""
    both = {**DEBIT, "WBS_ELEMENT": "XG-1-1"}
    both = {name: both[name] for name in sorted(both, key=_ORDER.index)}
    data = request(
        document(RECEIV_DOC="1", lines=[{**DEBIT, "AMT_DOCCUR": "1,00"}, CREDIT]),
        document({name: text for name, text in HEADER.items() if name != "COMP_CODE"}, RECEIV_DOC="2"),
        document(RECEIV_DOC="3", lines=[both, CREDIT]),
        document(RECEIV_DOC="4", PSTNG_DATE="23112026"),
    )
    assert [(number, code) for _, number, _, code in inspect(data)] == [
        ("1", "PIN-426"),
        ("2", "PIN-423"),
        ("3", "PIN-448"),
        ("4", "PIN-426"),
    ]


def test_without_a_date_the_books_tell_what_is_so_on_every_day(inspect):
    line = {**DEBIT, "GL_ACCOUNT": "99999999"}
    told = inspect(request(document(PSTNG_DATE="23112026", lines=[line, CREDIT])))
    assert [code for *_, code in told] == ["PIN-426", "LED-010"]


def test_dimensions_are_called_as_the_format_calls_them(sender, clock, tmp_path):
    path = tmp_path / "file.xml"
    without = {name: text for name, text in DEBIT.items() if name != "COSTCENTER"}
    path.write_bytes(request(document(lines=[without, CREDIT])))
    (told,) = Inspector("999", ReadingLimits(), clock).inspect(path, NAME)
    assert told.finding.error.expected == "COSTCENTER, WBS_ELEMENT"


def test_a_number_twice_in_a_file_is_told(inspect, deliver, receipt):
    data = request(document(), document(), document(HEADER_TXT="andet"))
    told = [(number, code) for _, number, _, code in inspect(data)]
    assert told == [("10000000", "PIN-456")] * 2
    assert [row[0] for row in receipt(deliver(data))[1]] == ["305", "301", "301"]


def test_a_reversal_of_the_same_file_is_looked_at(inspect, deliver, receipt):
    back = [
        {**DEBIT, "DEB_CRED_IND": "K", "AMT_DOCCUR": "-100.00"},
        {**CREDIT, "DEB_CRED_IND": "D", "AMT_DOCCUR": "100.00"},
    ]
    other = [{**back[0], "COSTCENTER": "1102"}, back[1]]
    of_it = {**HEADER, "XREF2_HD": "TBF:10000000"}
    early = document({**of_it, "RECEIV_DOC": "0"}, back)
    good, wrong = document({**of_it, "RECEIV_DOC": "3"}, back), document({**of_it, "RECEIV_DOC": "2"}, other)
    data = request(early, document(), wrong, good)
    assert [(number, code) for _, number, _, code in inspect(data)] == [("0", "PIN-458"), ("2", "LED-042")]
    assert [row[:2] for row in receipt(deliver(data))[1]] == [
        ("458", "0"),
        ("305", "10000000"),
        ("542", "2"),
        ("305", "3"),
    ]


def test_without_an_agreement_the_rest_is_told_all_the_same(inspect):
    data = request(document(NO_DOC_POSITION="3"), control={**CONTROL, "SENDERID": "XX99"})
    assert [code for *_, code in inspect(data)] == ["PIN-406", "PIN-441"]


def test_what_is_no_file_is_one_mistake(inspect):
    assert [code for *_, code in inspect(b"no")] == ["PIN-401"]


def test_places_far_down_have_their_lines(tmp_path):
    path = tmp_path / "long.xml"
    path.write_bytes(request(*[document().replace("<LINE>", "\n" * 30 + "<LINE>")] * 2000))
    place = Place(2000, 2, "AMT_DOCCUR")
    with path.open("rb") as file:
        line, column = Locator(file).find({place})[place]
    text = path.read_text("utf-8").splitlines()[line - 1]
    assert line > 65_536
    assert text[column - 1 :].startswith("<AMT_DOCCUR>")
