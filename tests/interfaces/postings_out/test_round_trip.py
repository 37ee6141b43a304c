"""What comes in by posteringer IND goes out field for field.

Over random vouchers, and a canary that is caught.
"""

from __future__ import annotations

import shutil
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lxml import etree

from opus_soap.clock import ManualClock
from opus_soap.database import connect, disconnect, proxy
from opus_soap.extracts import subscribing
from opus_soap.extracts.ordering import order
from opus_soap.extracts.producing import Producer
from opus_soap.interfaces.extract_kinds import KINDS
from opus_soap.interfaces.postings_in.reading import ReadingLimits
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.interfaces.postings_in.storing import PostingStore
from opus_soap.interfaces.postings_in.writing import WrittenDocument, shape_of, write
from opus_soap.interfaces.postings_out import kind as kind_module
from opus_soap.ledger.models import Voucher
from opus_soap.ledger.seals import create_seal_key
from opus_soap.store.models import PostingSender
from tests.conftest import NOON
from tests.extracts.conftest import UD
from tests.interfaces.postings_in.conftest import CONTROL, HEADER

# what the ledger says in its own way, or that is counted
_COUNTED = {"NO_DOC_POSITION", "BALANCE_DEBET", "BALANCE_CREDIT", "MUNICIPALITY", "FILES"}
_SAID = {"COMP_CODE": "0020", "DOC_TYPE": "SA"}
_text = st.text("aæøåÆ B&<>\"'é-", min_size=1, max_size=10).map(str.strip).filter(bool)
_digits = st.text("0123456789", min_size=1, max_size=2)
_DAY = "20261120"
# elements of a line that any value may stand in
_FREE = {
    "ITEM_TEXT": _text,
    "ALLOC_NMBR": _text,
    "VALUE_DATE": st.just(_DAY),
    "REF_KEY_1": _text,
    "REF_KEY_2": _text,
    "RES_DOC": _digits,
    "RES_ITEM": _digits,
    "KIDNO": _digits,
    "ACTTYPE": st.just("A1"),
    "INFORM_DUTY_CODE": st.just("X"),
    "MAIN_TRANSACTION": _digits,
    "SUB_TRANSACTION": _digits,
    "APPROP_ID": _digits,
    "BENEFIT_ID": _digits,
    "BENEFIT_VALFROM": st.just(_DAY),
    "BENEFIT_VALTO": st.just(_DAY),
    "BENEFIT_QUANT": st.just("1.5"),
    "BENEFIT_UNIT": st.just("ST"),
    "DISP1": _text,
    "DISP2": _text,
    "DISP3": _text,
    "ACTIVITY": st.just("0010"),
}
_person = st.sampled_from(("PAYEE_NO_CODE PAYEE_NO", "SERV_REC_NO_CODE SERV_REC_NO"))
_FREE_HEADER = {"USERNAME": _text, "TRANS_DATE": st.just(_DAY), "XREF2_HD": _digits, "XBLNR_ALT": _digits}


@st.composite
def vouchers(draw: Any) -> list[tuple[dict[str, str], list[dict[str, str]]]]:
    """Some vouchers that balance, each with whatever a sender may say."""
    found = []
    for number in range(draw(st.integers(1, 3))):
        amounts = draw(st.lists(st.integers(1, 99_999_999), min_size=1, max_size=4))
        lines = [_line(draw, place, ore) for place, ore in enumerate(amounts, start=1)]
        lines.append(_line(draw, len(amounts) + 1, -sum(amounts)))
        total = _kroner(sum(amounts))
        header = {
            **HEADER,
            "NO_DOC_POSITION": str(len(lines)),
            "BALANCE_DEBET": total,
            "BALANCE_CREDIT": f"-{total}",
            "RECEIV_DOC": f"1000{number}",
            "HEADER_TXT": draw(_text),
            **draw(st.fixed_dictionaries({}, optional=_FREE_HEADER)),
        }
        found.append((header, lines))
    return found


def _line(draw: Any, place: int, ore: int) -> dict[str, str]:
    line = {
        "DEB_CRED_IND": "D" if ore > 0 else "K",
        "AMT_DOCCUR": _kroner(ore),
        "GL_ACCOUNT": "52000200" if ore > 0 else "90540100",
        "REF_KEY_3": str(place),
        "ZZCSYSIDN": "KY01",
        **draw(st.fixed_dictionaries({}, optional=_FREE)),
    }
    if ore > 0:
        line["COSTCENTER"] = "1101"
    if draw(st.booleans()):
        code, number = draw(_person).split()
        line |= {code: "01", number: "12345678"}
    return line


def _kroner(ore: int) -> str:
    return f"{'-' if ore < 0 else ''}{abs(ore) // 100}.{abs(ore) % 100:02d}"


def check(template: Path, given_: list[tuple[dict[str, str], list[dict[str, str]]]]) -> None:
    """Deliver, extract, and compare element by element."""
    with tempfile.TemporaryDirectory() as name:
        folder, clock = Path(name), ManualClock(NOON)
        shutil.copy(template, folder / "books.sqlite3")
        connect(f"sqlite:///{folder}/books.sqlite3").connect()
        try:
            PostingSender.create(municipality="999", sender_id="KY01", short="KY01", name="KY")
            data = BytesIO()
            write(data, CONTROL, [WrittenDocument(header, lines) for header, lines in given_])
            receiver = Receiver("999", PostingStore(folder / "files"), ReadingLimits(), clock)
            receiver.deliver(BytesIO(data.getvalue()), "", actor="test")
            assert Voucher.select().count() == len(given_)  # or nothing would be compared
            found = [_compared(node) for node in _extracted(folder, clock).iter(f"{UD}POSTING_DOCUMENT")]
        finally:
            disconnect()
            proxy.initialize(None)
    expected = [
        (
            {key: text for key, text in header.items() if key not in _COUNTED} | _SAID,
            lines,
        )
        for header, lines in given_
    ]
    assert found == expected


def _extracted(folder: Path, clock: ManualClock) -> etree._Element:
    key = folder / "key.pem"
    create_seal_key(key)
    subscription = subscribing.add(
        KINDS, municipality="999", company="0020", name="X", kind="posteringer-ud", receiver="x",
        options={"persons": True}, calendar="manual", at="06:00", target={}, delta=True,
        starts_on=NOON.date(), actor="t", clock=clock,
    )  # fmt: skip
    producer = Producer(KINDS, folder / "extracts", key, clock)
    extract = order(subscription, KINDS, key, actor="t", clock=clock)
    producer.produce(extract, actor="t")
    return etree.parse(producer.place(extract) / f"{extract.name}.xml").getroot()


def _compared(voucher: etree._Element) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Of what went out, the elements that came in."""
    header = voucher.find(f"{UD}HEADER")
    assert header is not None
    return _texts(header, "HEADER"), [_texts(line, "LINE") for line in voucher.iter(f"{UD}LINE")]


def _texts(node: etree._Element, shape: str) -> dict[str, str]:
    known = {child.name for child in shape_of(shape).children} - _COUNTED
    told = {etree.QName(child).localname: child.text or "" for child in node}
    return {
        name: text for name, text in told.items() if name in known and name not in ("CURRENCY", "FIS_PERIOD")
    }


FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(given_=vouchers())
def test_field_for_field(sqlite_template: Path, given_):
    check(sqlite_template, given_)


@pytest.mark.parametrize("lost", ["BENEFIT_UNIT", "REF_KEY_2", "KIDNO"])
def test_an_element_that_is_lost_is_noticed(sqlite_template: Path, monkeypatch, lost):
    names = tuple("" if name == lost else name for name in kind_module.DELIVERED)
    monkeypatch.setattr(kind_module, "DELIVERED", names)

    @settings(FEW, max_examples=60, database=None, print_blob=False, phases=[Phase.generate])
    @given(given_=vouchers())
    def test(given_):
        check(sqlite_template, given_)

    with pytest.raises(AssertionError):
        test()
