"""What people read of a mistake: in their language, with what is to be written instead."""

from __future__ import annotations

from io import BytesIO

import pytest

from opus_soap.errors import OpusSoapError, PostingsInError
from opus_soap.interfaces.postings_in.inspection import Inspector
from opus_soap.interfaces.postings_in.reading import ReadingLimits, survey
from tests.interfaces.postings_in.conftest import CREDIT, DEBIT, HEADER, NAME, document, request


@pytest.fixture
def errors(sender, clock, tmp_path):
    """The errors that a check tells of a file."""

    def told(data: bytes) -> list[OpusSoapError]:
        path = tmp_path / "file.xml"
        path.write_bytes(data)
        return [item.finding.error for item in Inspector("999", ReadingLimits(), clock).inspect(path, NAME)]

    return told


@pytest.mark.parametrize("amount", ["100", "100,00", "100.0", "1.000,00"])
def test_an_amount_has_a_full_stop_and_two_decimals(errors, amount):
    (error,) = errors(request(document(lines=[DEBIT | {"AMT_DOCCUR": amount}, CREDIT])))
    assert error.code == "PIN-426"
    assert "punktum og præcis to decimaler, fx 100.00" in error.text_danish
    assert "a full stop and exactly two decimals, such as 100.00" in error.text_english


def test_a_rate_has_a_full_stop(errors):
    header = {}
    for name, value in HEADER.items():
        header |= {"CURRENCY": "EUR", "EXCH_RATE": "746,00"} if name == "XREF1_HD" else {}
        header[name] = value
    error, *_ = errors(request(document(header)))
    assert "EXCH_RATE" in error.text_danish
    assert "punktum, fx 746.00" in error.text_danish


@pytest.mark.parametrize("day", ["20260230", "20270229", "20261301", "20260431", "20260100"])
def test_a_day_that_there_is_not_is_told_as_such(errors, day):
    (error,) = errors(request(document(DOC_DATE=day)))
    assert (error.code, error.value) == ("PIN-446", day)


@pytest.mark.parametrize("day", ["23112026", "2026-11-23", "20600101", "2026112", "18991231"])
def test_what_is_written_otherwise_is_told_its_form(errors, day):
    (error,) = errors(request(document(DOC_DATE=day)))
    assert error.code == "PIN-426"
    assert "ååååmmdd" in error.text_danish
    assert "yyyymmdd" in error.text_english


@pytest.mark.parametrize("missing", ["SERV_REC_NO", "SERV_REC_NO_CODE"])
def test_the_half_that_is_missing_is_named(errors, missing):
    line = DEBIT | {"SERV_REC_NO_CODE": "02", "SERV_REC_NO": "0101901234"}
    line["ZZCSYSIDN"] = line.pop("ZZCSYSIDN")
    del line[missing]
    (error,) = errors(request(document(lines=[line, CREDIT])))
    assert error.code == "PIN-450"
    assert f"{missing} mangler" in error.text_danish
    assert f"{missing} is missing" in error.text_english
    assert "0101901234" not in error.text_danish


def test_a_reversal_of_another_amount_is_told_in_kroner(errors):
    back = [
        {**DEBIT, "DEB_CRED_IND": "K", "AMT_DOCCUR": "-200.00"},
        {**CREDIT, "DEB_CRED_IND": "D", "AMT_DOCCUR": "200.00"},
    ]
    totals = {"BALANCE_DEBET": "200.00", "BALANCE_CREDIT": "-200.00"}
    header = {**HEADER, **totals, "XREF2_HD": "TBF:10000000", "RECEIV_DOC": "2"}
    told = errors(request(document(), document(header, back)))
    assert [(error.value, error.expected) for error in told] == [("-200.00", "-100.00"), ("200.00", "100.00")]


DEFAULT = b'<FinancePostingRequest xmlns="http://kmd.dk/fir/posting/external">'


def with_a_default_namespace(data: bytes) -> bytes:
    begin, end = data.index(b"<p:Fin"), data.index(b"external") + len(b'external">')
    return data[:begin] + DEFAULT + data[end:].replace(b"</p:", b"</")


def test_a_default_namespace_on_the_root_is_one_mistake(errors):
    data = with_a_default_namespace(request(document(), document()))
    (error,) = errors(data)
    assert error.code == "PIN-412"
    assert "præfiks" in error.remedy_danish
    with pytest.raises(PostingsInError) as raised:
        survey(BytesIO(data), ReadingLimits())
    assert raised.value.code == error.code


def test_a_default_namespace_that_the_parts_do_not_have_is_none(errors):
    data = with_a_default_namespace(request(document()))
    for part in (b"<CONTROL_FIELDS>", b"<POSTING_DOCUMENT>"):
        data = data.replace(part, part[:-1] + b' xmlns="">')
    assert errors(data) == []
