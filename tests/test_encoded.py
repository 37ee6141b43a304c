"""A base64 text and what it holds: exactly what encoding gives, or made so."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import a2b_base64
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opus_soap.encoded import Base64


@given(st.binary(max_size=40))
def test_what_encoding_gives_is_taken_as_it_is(content: bytes) -> None:
    text = b64encode(content).decode()
    for found in (Base64.of(content), Base64.as_encoded(text), Base64.read(text)):
        assert found == text
        assert found is not None
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
        assert b64encode(b64decode(text, validate=True)).decode() == text == found
        assert found.content == b64decode(text)


@given(st.binary(max_size=40))
def test_nothing_in_it_needs_escaping(content: bytes) -> None:
    text = Base64.of(content)
    assert (escape(text), json.dumps(text)) == (str(text), f'"{text}"')


def test_line_breaks_and_stray_bits_are_read_but_not_kept() -> None:
    assert Base64.read(" QU\nI= ") == "QUI="
    assert Base64.read("QR==") == "QQ=="  # the last bits stand for nothing


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
