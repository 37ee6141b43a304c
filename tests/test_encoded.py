"""A base64 text and what it holds: exactly what encoding gives, or made so."""

from __future__ import annotations

import json
import pickle
from base64 import b64decode, b64encode
from binascii import a2b_base64
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opus_soap import encoded
from opus_soap.encoded import Base64, as_bytes, pieces


@given(st.binary(max_size=40))
def test_what_encoding_gives_is_taken_as_it_is(content: bytes) -> None:
    text = b64encode(content).decode()
    for found in (Base64(content), Base64.as_encoded(text), Base64.read(text)):
        assert found is not None
        assert (str(found), len(found), bytes(found.encoded)) == (text, len(text), text.encode())
        assert found.content == content


@given(
    st.text("AQgw+/=QUJD \n-å", max_size=12)
    | st.binary(max_size=9).map(lambda some: b64encode(some).decode())
)
def test_no_other_text_is(text: str) -> None:
    found = Base64.as_encoded(text)
    if found is None:
        with pytest.raises((ValueError, AssertionError)):
            assert b64encode(b64decode(text, validate=True)).decode() == text
    else:
        assert b64encode(b64decode(text, validate=True)).decode() == text == str(found)
        assert found.content == b64decode(text)


@given(st.binary(max_size=40))
def test_nothing_in_it_needs_escaping(content: bytes) -> None:
    text = str(Base64(content))
    assert (escape(text), json.dumps(text)) == (text, f'"{text}"')


def test_line_breaks_and_stray_bits_are_read_but_not_kept() -> None:
    assert str(Base64.read(" QU\nI= ")) == "QUI="
    assert str(Base64.read("QR==")) == "QQ=="  # the last bits stand for nothing


@pytest.mark.parametrize("text", ["Q", "QQ", "QQ=", "=", "QQ==QQ==", "å", "-_AA", "QQQ=Q"])
def test_what_is_no_base64_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"base64|padding|ASCII"):
        Base64.read(text)


@pytest.mark.parametrize("end", ["=", "==", "===", "====", "Q", "Q==", "*", " "])
@pytest.mark.parametrize("good", ["QUJD", "eHh4", "QQQQ", "eHh4" * 2000, "QQ=="])
def test_a_text_with_more_behind_it_is_not_as_encoding_gives_it(good: str, end: str) -> None:
    assert Base64.as_encoded(good + end) is None


@given(
    st.text("AQgw+/=UJDé", max_size=12)
    | st.binary(max_size=70).map(lambda some: b64encode(some).decode() + "=")
    | st.binary(max_size=70).flatmap(
        lambda some: st.integers(0, 100).map(lambda at: _with_stray(b64encode(some).decode(), at))
    )
)
def test_the_standard_library_takes_and_refuses_the_same(text: str) -> None:
    """The library that decodes takes whole blocks at once: of any length they are as the standard's."""
    try:
        expected = a2b_base64(text, strict_mode=True) if len(text) % 4 == 0 else None
    except ValueError:
        expected = None
    found = Base64.as_encoded(text)
    if found is None:
        assert expected is None or b64encode(expected).decode() != text
    else:
        assert found.content == expected


def _with_stray(text: str, at: int) -> str:
    return text[:at] + "\n" + text[at:]


@pytest.mark.parametrize("before", range(40))
def test_long_texts_are_found_wherever_they_stand_in_steps(before: int) -> None:
    first, second = "eHh4" * 8, "eHh4" * 6
    data = f"<m>{'<x/>' * before}<a>{first}</a>{'<y>z</y>' * before}<b>{second}</b></m>".encode()
    cut = pieces(data, 24)
    assert [piece for piece in cut if isinstance(piece, Base64)] == [
        Base64.as_encoded(first),
        Base64.as_encoded(second),
    ]
    assert b"".join(map(as_bytes, cut)) == data


@given(st.lists(st.sampled_from([b"<", b">", b"eHh4", b"QQ==", b"=", b"\n", b"&", b"\xc3\xa6"]), max_size=60))
def test_cut_anyhow_the_bytes_are_the_same(given: list[bytes]) -> None:
    data = b"".join(given)
    cut = pieces(data, 8)
    assert b"".join(map(as_bytes, cut)) == data
    for before, text, behind in zip(cut, cut[1:], cut[2:], strict=False):
        if isinstance(text, Base64):
            assert (bytes(as_bytes(before))[-1:], bytes(as_bytes(behind))[:1]) == (b">", b"<")
            assert len(text) >= 8


@pytest.mark.parametrize("end", ["", "eA==", "eHg="])
@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize("more", [-4, 0, 4])
def test_a_text_of_any_length_is_cut_out_whole(steps: int, more: int, end: str) -> None:
    text = "eHh4" * ((steps * encoded._STEP + more - len(end)) // 4) + end
    data = f"<m><a>{text}</a></m>".encode()
    assert pieces(data, 1) == ([b"<m><a>", Base64.as_encoded(text), b"</a></m>"] if text else [data])


@pytest.mark.parametrize("end", ["eA==", "eHg=", "eHi="])
@pytest.mark.parametrize("more", [-4, 0, 4])
def test_a_text_that_ends_before_its_end_is_left_where_it_is(more: int, end: str) -> None:
    text = "eHh4" * ((encoded._STEP + more - len(end)) // 4) + end + "eHh4" * 40
    data = f"<m><a>{text}</a></m>".encode()
    assert pieces(data, 100) == [data]


def test_for_another_process_it_is_the_same_with_its_hash() -> None:
    (_, text, _) = pieces(b"<m><a>eHh4eHh4</a></m>", 4)
    assert isinstance(text, Base64)
    digest = text.sha256
    again = pickle.loads(pickle.dumps(text))
    assert "encoded" not in again.__dict__, "nobody asks for it there"
    assert (again, str(again), again.__dict__["sha256"]) == (text, str(text), digest)
