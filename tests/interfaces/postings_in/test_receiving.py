"""From a file to vouchers and a receipt: each voucher by itself, each file once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from lxml import etree

from opus_soap import errors
from opus_soap.clock import ManualClock
from opus_soap.database import proxy
from opus_soap.interfaces.postings_in import receiving
from opus_soap.interfaces.postings_in.reading import ReadingLimits
from opus_soap.interfaces.postings_in.receipts import Counts, of_file
from opus_soap.interfaces.postings_in.schema import FOLDER
from opus_soap.ledger.models import FiscalYear, Period, Posting, Voucher
from opus_soap.ledger.verification import verify
from opus_soap.store import content, purging
from opus_soap.store.models import PostingDocument, PostingFile
from tests.interfaces.postings_in.conftest import (
    CONTROL,
    CREDIT,
    DEBIT,
    HEADER,
    NAME,
    document,
    element,
    request,
)

RESPONSE = etree.XMLSchema(file=str(FOLDER / "FinancePostingResponse.xsd"))


def named(time: str) -> dict:
    """Control fields of another file."""
    return {**CONTROL, "SEND_TIME": time, "FILE_NAME": NAME.replace("120000", time)}


def test_each_voucher_is_booked_and_said_to_be(deliver, receipt):
    file = deliver(request(document(), document(RECEIV_DOC="10000001")))
    data, vouchers = receipt(file)
    assert vouchers == [("305", "10000000", 0), ("305", "10000001", 0)]
    assert RESPONSE.validate(etree.fromstring(data))
    assert [row.reference for row in Voucher.select().order_by(Voucher.id)] == ["10000000", "10000001"]
    assert verify().ok


def test_what_was_delivered_stands_in_the_books(deliver):
    line = {**DEBIT, "ALLOC_NMBR": "A-1", "KIDNO": "77"}
    order = ["DEB_CRED_IND", "AMT_DOCCUR", "ITEM_TEXT", "ALLOC_NMBR", "COSTCENTER", "GL_ACCOUNT",
             "REF_KEY_3", "KIDNO", "ZZCSYSIDN"]  # fmt: skip
    deliver(request(document(lines=[{name: line[name] for name in order}, CREDIT])))
    voucher = Voucher.get()
    first, second = Posting.select().order_by(Posting.line)
    assert (voucher.document_type, voucher.header_text, voucher.details) == (
        "SA",
        "Ydelser",
        {"XREF1_HD": "november"},
    )
    assert (first.account, first.amount_ore, first.cost_center) == ("52000200", 10000, "1101")
    assert (first.text, first.allocation) == ("kontanthjælp", "A-1")
    assert first.details == {"REF_KEY_3": "1", "KIDNO": "77", "ZZCSYSIDN": "KY01"}
    assert (second.account, second.amount_ore) == ("90540100", -10000)
    assert voucher.source == f"{NAME}#1"


def test_numbers_of_persons_can_be_purged_and_stay_provable(deliver, clock):
    line = {**DEBIT, "PAYEE_NO_CODE": "02", "PAYEE_NO": "0101901234"}
    line["ZZCSYSIDN"] = line.pop("ZZCSYSIDN")
    deliver(request(document(lines=[line, CREDIT])))
    voucher = Voucher.get()
    assert "0101901234" not in str(voucher.details) + str([row.details for row in Posting.select()])
    assert b"0101901234" in content.get(voucher.details["personal_sha256"])
    clock.advance(timedelta(days=4000))
    purging.purge(now=clock.now(), retention=timedelta(days=1))
    with pytest.raises(errors.ContentMissing):
        content.get(voucher.details["personal_sha256"])
    assert verify().ok


REFUSED = {
    "line count": ({"NO_DOC_POSITION": "3"}, {}, [("441", 0)]),
    "debit total": ({"BALANCE_DEBET": "99.00"}, {}, [("442", 0)]),
    "credit total": ({"BALANCE_CREDIT": "-99.00"}, {}, [("442", 0)]),
    "balance": ({}, {"AMT_DOCCUR": "99.00"}, [("442", 0), ("443", 0)]),
    "sign": ({}, {"AMT_DOCCUR": "-100.00"}, [("442", 0), ("443", 0), ("444", 1)]),
    "negative zero": ({}, {"AMT_DOCCUR": "-0.00"}, [("442", 0), ("443", 0), ("445", 1)]),
    "a day that is none": ({"DOC_DATE": "20260229"}, {}, [("446", 0)]),
    "reference": ({}, {"REF_KEY_3": "02"}, [("447", 2)]),
    "both assignments": ({}, {"WBS_ELEMENT": "XG-920-1"}, [("448", 1)]),
    "a person in a text": (
        {"HEADER_TXT": "0101901234"},
        {"ITEM_TEXT": "010190-1234"},
        [("449", 0), ("449", 1)],
    ),
    "a person without a code": ({}, {"PAYEE_NO": "0101901234"}, [("450", 1)]),
    "a person of nine digits": ({}, {"PAYEE_NO_CODE": "02", "PAYEE_NO": "010190123"}, [("450", 1)]),
    "a company of seven digits": ({}, {"PAYEE_NO_CODE": "01", "PAYEE_NO": "4444444"}, [("450", 1)]),
    "a person in an allocation": ({}, {"ALLOC_NMBR": "0101901234"}, [("449", 1)]),
    "a person in a reference": ({"XREF1_HD": "010190-1234"}, {}, [("449", 0)]),
    "a number with blanks": ({"RECEIV_DOC": "2 "}, {}, [("426", 0)]),
    "zeros without end": ({"NO_DOC_POSITION": "0" * 6000 + "2"}, {}, [("426", 0)]),
    "no document type": ({"DOC_TYPE": ""}, {}, [("523", 0)]),
    "municipality": ({"MUNICIPALITY": "998"}, {}, [("452", 0)]),
    "currency": ({"CURRENCY": "EUR"}, {}, [("453", 0)]),
    "company code": ({"COMP_CODE": "0099"}, {}, [("454", 0)]),
    "account": ({}, {"GL_ACCOUNT": "99999999"}, [("510", 1)]),
    "account rule": ({}, {"GL_ACCOUNT": "90540100"}, [("514", 1)]),
    "cost centre": ({}, {"COSTCENTER": "9999"}, [("515", 1)]),
    "document type": ({"DOC_TYPE": "QQ"}, {}, [("523", 0)]),
    "period": ({"FIS_PERIOD": "3"}, {}, [("527", 0)]),
    "year": ({"PSTNG_DATE": "20310101"}, {}, [("520", 0)]),
    "several": (
        {"NO_DOC_POSITION": "3", "CURRENCY": "EUR"},
        {"REF_KEY_3": "2", "AMT_DOCCUR": "0.00"},
        [("441", 0), ("442", 0), ("443", 0), ("453", 0), ("445", 1), ("447", 2)],
    ),
}
ORDER = ("DEB_CRED_IND", "AMT_DOCCUR", "ITEM_TEXT", "ALLOC_NMBR", "COSTCENTER", "GL_ACCOUNT", "WBS_ELEMENT",
         "REF_KEY_3", "PAYEE_NO_CODE", "PAYEE_NO", "ZZCSYSIDN")  # fmt: skip
HEADERS = ("NO_DOC_POSITION", "BALANCE_DEBET", "BALANCE_CREDIT", "MUNICIPALITY", "COMP_CODE", "DOC_TYPE",
           "DOC_DATE", "PSTNG_DATE", "FIS_PERIOD", "RECEIV_DOC", "HEADER_TXT", "CURRENCY",
           "XREF1_HD")  # fmt: skip


def in_order(values: dict, order: Sequence[str]) -> dict:
    return {name: values[name] for name in order if name in values}


@pytest.mark.parametrize("name", REFUSED)
def test_a_voucher_that_is_wrong_is_told_why_and_the_good_one_is_booked(deliver, receipt, name):

    header, line, expected = REFUSED[name]
    wrong = document(
        in_order({**HEADER, "RECEIV_DOC": "2", **header}, HEADERS),
        [in_order({**DEBIT, **line}, ORDER), CREDIT],
    )
    _, rows = receipt(deliver(request(wrong, document())))
    assert [(number, at) for number, _, at in rows[:-1]] == expected
    assert rows[-1] == ("305", "10000000", 0)
    assert Voucher.select().count() == 1


def test_ten_digits_that_number_a_voucher_are_nobody(deliver, receipt):
    """Systems number by date and count; that looks like a person, and is none."""
    file = deliver(request(document(RECEIV_DOC="2611290001", XREF1_HD="KY-2611290001")))
    assert receipt(file)[1] == [("305", "2611290001", 0)]


def test_a_document_type_may_be_left_out_and_is_not_guessed(deliver, receipt):
    header = {name: text for name, text in HEADER.items() if name != "DOC_TYPE"}
    assert receipt(deliver(request(document(header))))[1] == [("523", "10000000", 0)]


def test_schema_mistakes_are_the_vouchers_own(deliver, receipt):
    wrong = document(
        RECEIV_DOC="2", lines=[{**DEBIT, "ITEM_TEXT": "x" * 59}, {**CREDIT, "AMT_DOCCUR": "1,00"}]
    )
    _, rows = receipt(deliver(request(wrong, document())))
    assert rows == [("425", "2", 1), ("426", "2", 2), ("305", "10000000", 0)]


def test_the_same_file_again_is_the_same_receipt(deliver, clock):
    data = request(document())
    first = deliver(data)
    clock.advance(timedelta(days=1))
    assert deliver(data).receipt_sha256 == first.receipt_sha256
    assert (Voucher.select().count(), PostingFile.select().count()) == (1, 1)


def test_the_same_name_with_other_content_is_refused(deliver):
    deliver(request(document()))
    with pytest.raises(errors.PostingFileRefused, match="other content"):
        deliver(request(document(RECEIV_DOC="2")))
    assert Voucher.select().count() == 1


def test_a_voucher_again_is_301_and_people_see_what_of(deliver, receipt):
    deliver(request(document()))
    file = deliver(request(document(), document(RECEIV_DOC="2"), control=named("120001")))
    assert receipt(file)[1] == [("301", "10000000", 0), ("305", "2", 0)]
    told = PostingDocument.get(PostingDocument.file == file, PostingDocument.position == 1).returns
    assert "samme indhold" in told[1][3]
    assert NAME in told[1][3]
    other = deliver(request(document(HEADER_TXT="andet"), control=named("120002")))
    assert "andet indhold" in PostingDocument.get(PostingDocument.file == other).returns[1][3]
    assert Voucher.select().count() == 2


def test_a_voucher_twice_in_a_file_is_taken_once(deliver, receipt):
    twice = deliver(request(document(), document(), document(COMP_CODE="20")))
    assert [number for number, *_ in receipt(twice)[1]] == ["305", "301", "301"]
    wrong = document(DOC_TYPE="QQ", RECEIV_DOC="7")
    again = deliver(request(wrong, document(RECEIV_DOC="7"), control=named("120001")))
    assert [number for number, *_ in receipt(again)[1]] == ["523", "305"], "what was refused was not received"


FILES = {
    "not XML": (b"no", "PIN-401"),
    "no vouchers": (request(), "PIN-405"),
    "unknown sender": (request(document(), control={**CONTROL, "SENDERID": "XX99"}), "PIN-406"),
    "another municipality": (request(document(), control={**CONTROL, "RECEIVER": "T02CLNT998"}), "PIN-404"),
    "another date than its name's": (
        request(document(), control={**CONTROL, "SEND_DATE": "20261122"}),
        "PIN-404",
    ),
    "a hyphenated date": (request(document(), control={**CONTROL, "SEND_DATE": "2026-11-23"}), "PIN-426"),
    "another's short name": (
        request(document(), control={**CONTROL, "FILE_NAME": NAME.replace("KY01", "XX99")}),
        "PIN-410",
    ),
    "strangers": (request(document(), "<x/>", "text"), "PIN-421"),
    "no control fields": (
        request(document()).replace(element("CONTROL_FIELDS", CONTROL).encode(), b""),
        "PIN-406",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_wrong_as_a_whole_has_no_effect(deliver, name):
    data, code = FILES[name]
    with pytest.raises(errors.PostingFileRefused) as refused:
        deliver(data)
    assert code in [error.code for error in refused.value.errors]
    assert (Voucher.select().count(), PostingFile.select().count()) == (0, 0)


def test_a_file_called_otherwise_than_it_says_is_refused(deliver):
    with pytest.raises(errors.PostingFileRefused, match="FILE_NAME"):
        deliver(request(document()), NAME.replace("120000", "120001"))
    assert deliver(request(document()), NAME.upper()).state == PostingFile.BOOKED


def test_a_sender_delivers_for_itself_alone(receiver):
    with pytest.raises(errors.PostingFileRefused) as refused:
        receiver.deliver(BytesIO(request(document())), "", actor="sftp", as_sender="XX99")
    assert refused.value.errors[0].code == "PIN-406"


def test_a_sender_posts_only_what_it_may(deliver, receipt, sender):
    sender.company_codes, sender.document_types = ["0030"], ["AB"]
    sender.save()
    assert receipt(deliver(request(document())))[1] == [("454", "10000000", 0), ("455", "10000000", 0)]
    sender.active = False
    sender.save()
    with pytest.raises(errors.PostingFileRefused):
        deliver(request(document(), control=named("120001")))


class Killed(Exception):
    """The process is gone."""


@pytest.mark.parametrize("after", range(4))
def test_a_file_that_was_cut_off_goes_on_where_it_was(receiver, receipt, monkeypatch, after):
    """Killed before, between and behind the batches, and before the receipt."""
    data = request(*[document(RECEIV_DOC=str(number)) for number in range(1, 7)])
    receiver = replace(receiver, limits=ReadingLimits(max_batch=2))
    whole, left = receiving.Receiver._deal_with_batch, [after]

    def cut(self, file, batch, *more, **new):
        if not left[0]:
            raise Killed
        left[0] -= 1
        whole(self, file, batch, *more, **new)

    def no_receipt(self, file, **_):
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(receiving.Receiver, "_deal_with_batch", cut)
        broken.setattr(receiving.Receiver, "_finish", no_receipt)
        with pytest.raises(Killed):
            receiver.deliver(BytesIO(data), "", actor="test")
    assert Voucher.select().count() == 2 * after
    file = receiver.deliver(BytesIO(data), "", actor="test")
    assert [number for number, *_ in receipt(file)[1]] == ["305"] * 6
    assert Voucher.select().count() == 6
    assert verify().ok


# --- as published, by the values that are known of them

MIXED = [
    ("", "I", "200", "Statistik: 25.09.2018 14:30"),
    ("", "I", "201", "Antal modtagne bilag: 0002"),
    ("", "I", "202", "Antal godkendte bilag: 0001"),
    ("", "I", "203", "Antal afviste bilag: 0001"),
    ("", "I", "002", "Fil: 20180925 143000 ZFIR_KMD_Opus_Posteringer_IND_999_KY01_20180925_143000.xml"),
    ("10000000", "I", "305", "Firmakode 0020 bilagsnr. 10000000 pr. 25.09.2018 modtaget uden fejl"),
    ("10000001", "E", "301", "Bilagsnr. 10000001 2018 er tidligere modtaget"),
]
SUCCESS = [
    ("", "I", "200", "Statistik: 25.09.2018 14:30"),
    ("", "I", "201", "Antal modtagne bilag: 0001"),
    ("", "I", "202", "Antal godkendte bilag: 0001"),
    ("", "I", "204", "Fil modtaget uden fejl"),
    ("", "I", "002", "Fil: 20180925 143000 ZFIR_KMD_Opus_Posteringer_IND_999_KY01_20180925_143000.xml"),
    ("10000000", "I", "305", "Firmakode 0020 bilagsnr. 10000000 pr. 25.09.2018 modtaget uden fejl"),
]


def published(rows: list[tuple[str, str, str, str]]) -> bytes:
    """The receipt that production wrote, in canonical form."""
    control = {
        "SENDERID": "KY01",
        "RECEIVER": "T02CLNT999",
        "FILE_NAME": "ZFIR_KMD_Opus_Posteringer_IND_999_KY01_20180925_143000.xml",
        "SEND_DATE": "2018-09-25",
        "SEND_TIME": "14:30:00",
    }
    returns = [
        {
            "RECEIV_DOC": number,
            "POSNR_ACC": "0000000000",
            "MESSAGE_TYPE": kind,
            "MESSAGE_CLASS": "ZFIR_EXTPOST",
            "MESSAGE_NUM": message,
            "MESSAGE_TEXT": text,
        }
        for number, kind, message, text in rows
    ]
    inner = element("CONTROL_FIELDS", control) + element("RETURN", returns)
    namespace = "http://kmd.dk/fir/posting/external"
    xml = f'<n0:FinancePostingResponse xmlns:n0="{namespace}">{inner}</n0:FinancePostingResponse>'
    return etree.tostring(etree.fromstring(xml), method="c14n")


@pytest.mark.parametrize("rows", [SUCCESS, MIXED], ids=["success", "mixed"])
def test_the_receipt_is_productions_to_the_byte(deliver, receipt, company, clock, rows):
    clock.advance(datetime(2018, 9, 25, 12, 30, tzinfo=UTC) - clock.now())
    year = FiscalYear.create(company_code=company, year=2018)
    Period.create(fiscal_year=year, number=9)
    control = {**CONTROL, "SEND_DATE": "20180925", "SEND_TIME": "143000"}
    control["FILE_NAME"] = NAME.replace("20261123_120000", "20180925_143000")
    dates = {"DOC_DATE": "20180925", "PSTNG_DATE": "20180925"}
    first = document(**dates)
    again = document(RECEIV_DOC="10000001", **dates)
    deliver(
        request(
            again,
            control={
                **control,
                "SEND_TIME": "142900",
                "FILE_NAME": control["FILE_NAME"].replace("143000", "142900"),
            },
        )
    )
    documents = [first] if rows is SUCCESS else [first, again]
    data, _ = receipt(deliver(request(*documents, control=control)))
    assert etree.tostring(etree.fromstring(data), method="c14n") == published(rows)


def test_more_than_four_digits_are_written_whole():
    texts = [row.text for row in of_file(Counts(12345, 12344), {}, ManualClock(datetime.now(UTC)).now())]
    assert texts[1:4] == [
        "Antal modtagne bilag: 12345",
        "Antal godkendte bilag: 12344",
        "Antal afviste bilag: 0001",
    ]


def test_two_at_once_book_each_voucher_once(receiver, database_url):
    """The same file twice, and another with some of its vouchers, all at the same moment."""
    numbers = [str(number) for number in range(1, 41)]
    one = request(*[document(RECEIV_DOC=number) for number in numbers])
    other = request(
        *[document(RECEIV_DOC=number) for number in reversed(numbers[20:])], control=named("120001")
    )
    together = threading.Barrier(3)

    def work(data: bytes) -> PostingFile:
        with proxy.obj.connection_context():
            together.wait(10)
            return receiver.deliver(BytesIO(data), "", actor="test")

    with ThreadPoolExecutor(3) as pool:
        files = list(pool.map(work, [one, one, other]))
    assert len({file.uuid for file in files}) == 2
    assert {file.state for file in files} == {PostingFile.BOOKED}
    assert Voucher.select().count() == 40
    assert PostingDocument.select().count() == 60
    assert verify().ok
