"""Long texts that are read apart from their message: nothing else changes, and each byte is digested."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from opus_soap.encoded import Base64, decoded
from opus_soap.wss import engine, lifting
from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.errors import MessageTooLarge, NotWellFormed, ParsingError, SignatureWrong
from opus_soap.wss.lifting import NOTHING, Lifting, parse_lifted
from opus_soap.wss.parsing import ParseLimits, parse
from opus_soap.wss.unsigned import read_unsigned
from opus_soap.wss.verification import VerificationPolicy, Verifier
from tests.wss.forge import BODY_PATH, LIFT_FROM, LONG, NOW, SOAP, Forge, attached, find, world

LIMITS = ParseLimits()
LEAST = 8
TEXT = "eHh4" * 100  # more than the rest of a message here


def enveloped(body: str, header: str = "") -> bytes:
    parts = f"<s:Header>{header}</s:Header><s:Body>{body}</s:Body>"
    return f'<s:Envelope xmlns:s="{SOAP}">{parts}</s:Envelope>'.encode()


def verifier(lift_from: int) -> Verifier:
    return Verifier(TrustStore(issuers=world().trusted), VerificationPolicy(lift_from=lift_from))


def verified(data: bytes, lift_from: int = LIFT_FROM):
    return verifier(lift_from).verify(data, now=NOW, profile=lambda _: "kombit")


@pytest.mark.parametrize(
    "body",
    [
        f"<a>{TEXT}</a>",
        f"<a>{TEXT}</a><b>{TEXT}{TEXT}</b><c>short</c>",
        f"<a b='1>'>{TEXT}</a>",
        f"<a><![CDATA[]]>{TEXT}</a>",
        f"<a>{TEXT}<b/></a>",
        TEXT,
    ],
)
def test_what_stands_alone_in_the_body_is_lifted(body: str):
    root, lifted = parse_lifted(enveloped(body), LIMITS, LEAST)
    assert lifted.texts
    assert TEXT.encode() not in etree.tostring(root)
    canonical = etree.tostring(parse(enveloped(body), LIMITS), method="c14n", exclusive=True)
    assert b"".join(lifted.whole(etree.tostring(root, method="c14n", exclusive=True))) == canonical


@pytest.mark.parametrize(
    "body",
    [
        "<a>eHh4</a>",  # short
        f"<a>{TEXT[:-1]}</a>",  # no base64
        f"<a>{TEXT}eR==</a>",  # bits that stand for nothing
        f"<a>{TEXT}\n{TEXT}</a>",
        f"<a>{TEXT}&#10;{TEXT}</a>",
        f"<a> {TEXT}</a>",
        f"<a>x>{TEXT}</a>",
        f"<a><![CDATA[x]]>{TEXT}</a>",
        f"<a><![CDATA[x>{TEXT}<]]></a>",
        f"<a><b/>{TEXT}</a>",
        f"<a b='>{TEXT}'/>",
        f"<a>ææææ{TEXT}</a>",
    ],
)
def test_nothing_else_is(body: str):
    data = enveloped(body)
    root, lifted = parse_lifted(data, LIMITS, LEAST)
    assert lifted is NOTHING
    assert etree.tostring(root) == etree.tostring(parse(data, LIMITS))


def test_a_header_keeps_its_texts_and_then_so_does_the_body():
    data = enveloped(f"<a>{TEXT}</a>", header=f"<h>{TEXT}</h>")
    root, lifted = parse_lifted(data, LIMITS, LEAST)
    assert (lifted, root.findtext(".//h"), root.findtext(".//a")) == (NOTHING, TEXT, TEXT)


@pytest.mark.parametrize(
    "data",
    [
        enveloped(f"<a>{TEXT}</b>"),
        enveloped(f"<a>{TEXT}</a><!-- -->"),
        enveloped(f"<!-- <a>{TEXT}</a> -->"),
        enveloped(f"<?p <a>{TEXT}</a>?>"),
        b"<!DOCTYPE a [<!ENTITY e '<b>" + TEXT.encode() + b"</b>'>]>" + enveloped("&e;"),
        f'<?xml version="1.0" encoding="latin1"?><a>{TEXT}</a>'.encode(),
        f"<a><b>{TEXT}</b></a>".encode("utf-16"),
        f"<a>{TEXT}<".encode(),
        f">{TEXT}<".encode(),
        b"",
    ],
)
def test_what_is_wrong_is_told_of_the_message_as_it_came(data: bytes):
    with pytest.raises(ParsingError) as whole:
        parse(data, LIMITS)
    with pytest.raises(ParsingError) as short:
        parse_lifted(data, LIMITS, LEAST)
    assert (type(short.value), str(short.value)) == (type(whole.value), str(whole.value))


def test_limits_are_of_the_whole_message():
    data = enveloped(f"<a>{TEXT}</a>")
    with pytest.raises(MessageTooLarge):
        parse_lifted(data, ParseLimits(max_bytes=len(data) - 1), LEAST)
    with pytest.raises(NotWellFormed, match=f"column {len(data) - 21}"):
        parse_lifted(data.replace(b"</a>", b"</b>"), LIMITS, LEAST)


def test_marks_are_other_ones_each_time():
    data = enveloped(f"<a>{TEXT}</a>")
    tokens = {parse_lifted(data, LIMITS, LEAST)[1].token for _ in range(20)}
    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {32}


def test_a_signed_text_is_told_beside_the_body():
    with attached():
        message = verified(Forge()())
    [(element, text)] = message.lifted.items()
    assert (element.tag, element.text, str(text), text.content) == (
        "{urn:test}Attachment",
        None,
        LONG,
        b"xxx" * (len(LONG) // 4),
    )
    assert element in [*message.body.iter()]


def test_by_default_texts_stay_where_they_are():
    with attached():
        data = Forge()()
    message = Verifier(TrustStore(issuers=world().trusted)).verify(data, now=NOW, profile=lambda _: "kombit")
    assert (message.lifted, message.body.findtext(".//{urn:test}Attachment")) == ({}, LONG)


def test_nothing_is_lifted_for_a_signxml_that_is_not_known(monkeypatch):
    monkeypatch.setattr(engine, "DIRECT", False)
    with attached():
        message = verified(Forge()())
    assert (message.lifted, message.body.findtext(".//{urn:test}Attachment")) == ({}, LONG)


@given(place=st.integers(0, len(LONG) - 1), into=st.sampled_from("AZ5+/=\n &;"))
def test_a_changed_byte_of_it_is_seen(place: int, into: str):
    data = _attached()
    start = data.index(LONG.encode())
    changed = data[: start + place] + into.encode() + data[start + place + 1 :]
    with pytest.raises((SignatureWrong, NotWellFormed)):
        verified(changed)


def test_texts_that_change_places_are_seen():
    with attached():
        data = Forge(before=_add_another)()
    first, second = LONG.encode(), b64encode(b"yyy" * 6000)
    changed = data.replace(first, b"*").replace(second, first).replace(b"*", second)
    assert len(verified(data).lifted) == 2
    assert len(changed) == len(data)
    with pytest.raises(SignatureWrong):
        verified(changed)


def _add_another(root: etree._Element) -> None:
    send = find(root, f"{BODY_PATH}/*")
    etree.SubElement(send, "{urn:test}Attachment").text = b64encode(b"yyy" * 6000).decode()


def test_a_body_that_is_signed_twice_is_digested_twice():
    with attached():
        data = Forge(ids=(*Forge.ids, "body"))()
    assert [*map(str, verified(data).lifted.values())] == [LONG]


def test_canary_a_digest_of_marks_lets_a_changed_text_in(monkeypatch):
    """As if texts were not put back: what is signed would be the message without its attachment."""
    whole, signed = Lifting.whole, memoryview(LONG.encode())
    monkeypatch.setattr(
        Lifting, "whole", lambda self, canonical: whole(Lifting(self.token, [signed]), canonical)
    )
    with pytest.raises(pytest.fail.Exception):
        test_a_changed_byte_of_it_is_seen.hypothesis.inner_test(0, "A")


def test_a_text_that_is_lost_on_the_way_is_no_message():
    root, lifted = parse_lifted(enveloped(f"<a>{TEXT}</a>"), LIMITS, LEAST)
    root[-1][0].text = "other"
    with pytest.raises(SignatureWrong):
        lifted.take(root[-1])


def test_of_a_message_that_is_not_signed():
    data = enveloped(f"<a><b>{TEXT}</b></a>")
    message = read_unsigned(data, LIMITS, LEAST)
    [(element, text)] = message.lifted.items()
    assert (element.tag, element.text, text) == ("b", None, Base64(b"xxx" * 100))
    assert read_unsigned(data, LIMITS).body.findtext(".//b") == TEXT


def test_texts_that_are_not_most_of_a_message_stay():
    """Or whoever sends many elements and a text would have each looked at for it."""
    data = enveloped(f"<a>{TEXT}</a>" + "<b/>" * 100)
    root, lifted = parse_lifted(data, LIMITS, LEAST)
    assert (lifted, root.findtext(".//a")) == (NOTHING, TEXT)


def test_so_are_very_many():
    count = 3000
    _, lifted = parse_lifted(enveloped(f"<a>{TEXT}</a>" * count), LIMITS, LEAST)
    assert len(lifted.texts) == count


def test_no_message_has_more_of_them_than_there_are_numbers():
    assert ParseLimits().max_bytes < 10**lifting._NUMBER


def _attached() -> bytes:
    with attached():
        return Forge(expires=(NOW + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S.000Z"))()


def test_what_is_not_believed_is_not_decoded(monkeypatch):
    """It takes memory: of a stranger's message there is no more than the message."""
    asked = []
    monkeypatch.setattr(lifting, "decoded", lambda cut: asked.append(cut) or decoded(cut))
    data = _attached()
    with pytest.raises(SignatureWrong):
        verified(data.replace(LONG[:8].encode(), b"AAAAAAAA", 1))
    assert asked == []
    verified(data)
    assert len(asked) == 1
