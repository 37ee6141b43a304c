"""Property: one change anywhere in a valid message is refused, or changes nothing that is acted on."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache, partial
from uuid import UUID

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from lxml import etree

from opus_soap.soap.faults import fault_element, fault_for
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.errors import SignatureMissing, WssError
from opus_soap.wss.names import ANONYMOUS, SOAP11, SOAP12
from opus_soap.wss.parsing import ParseLimits, parse
from opus_soap.wss.replies import refuses_security, verify_reply
from opus_soap.wss.saml import TokenTrust
from opus_soap.wss.signing import Signer
from opus_soap.wss.sts import StsClient
from opus_soap.wss.trust import ANSWER_ACTION, IssuedToken, TokenRequest, read_answer, write_answer
from opus_soap.wss.verification import VerifiedMessage, Verifier
from tests.wss.forge import AUDIENCE, CVR, NOW, STS, Forge, token_model, world

BODY = """<k:Send xmlns:k="urn:test"><k:Amount currency="DKK">100</k:Amount><k:Rows><k:Row/><k:Row>æøå</k:Row>
</k:Rows></k:Send>"""


MESSAGE_ID = "urn:uuid:1"


@lru_cache(maxsize=1)
def messages() -> dict[str, bytes]:
    """Requests in the signed models, a reply to one of ours, a fault, and an STS's answer with a token."""
    system, opus = (world().certificates[name] for name in ("case-system", "opus"))
    signer, body = Signer(system.key, system.certificate), etree.fromstring(BODY)
    addressing = Addressing("urn:test#Send", MESSAGE_ID, to="urn:to")
    answering = Signer(opus.key, opus.certificate)
    answer = Addressing("urn:test#SendResponse", "urn:uuid:2", to=ANONYMOUS, relates_to=MESSAGE_ID)
    of_sts = replace(answer, action=ANSWER_ACTION)
    with token_model():
        with_token, assertion = Forge()(), Forge().assertion()
    hours = NOW + timedelta(hours=8)
    token = write_answer(
        TokenRequest(AUDIENCE, CVR, system.certificate), IssuedToken(assertion, AUDIENCE, NOW, hours)
    )
    fault = fault_element(fault_for(SignatureMissing()), UUID(int=1))
    return {
        "kombit": signer.sign(body, addressing, now=NOW),
        "basic": signer.sign(body, Addressing(), now=NOW, profile="basic"),
        "forged": Forge()(),
        "token": with_token,
        "reply": answering.sign(body, answer, now=NOW),
        "fault": answering.sign(fault, answer, now=NOW),
        "basic reply": answering.sign(body, Addressing(), now=NOW, profile="basic"),
        "answer of an STS": answering.sign(token, of_sts, now=NOW, profile="sts", soap_namespace=SOAP12),
    }


TOKENS = TokenTrust({STS: [world().certificates["sts"].certificate]})
PINNED = (world().certificates["opus"].certificate,)
Meaning = tuple[object, ...]


def meaning(message: VerifiedMessage) -> Meaning:
    """Everything that is acted on."""
    canonical = etree.tostring(message.envelope, method="c14n", exclusive=True)
    return canonical, message.addressing, message.expires, message.thumbprint, message.replay_key


def request(profile: str, data: bytes) -> Meaning:
    """A request, as a service takes it."""
    verifier = Verifier(TrustStore(issuers=world().trusted), tokens=TOKENS)
    return meaning(verifier.verify(data, now=NOW, profile=lambda _: profile, audience=AUDIENCE))


def reply(profile: str, asked: str | None, data: bytes) -> Meaning:
    """A reply, as a client takes it: what it says, and whether a new token shall be asked for."""
    message = verify_reply(data, request_message_id=asked, pinned=PINNED, now=NOW, profile=profile)
    return *meaning(message), refuses_security(message.body)


def issued(data: bytes) -> Meaning:
    """The token in an answer, as a client keeps it."""
    system = world().certificates["case-system"]
    client = StsClient("urn:sts", Signer(system.key, system.certificate), PINNED)
    token = read_answer(client._believed(data, MESSAGE_ID, NOW))
    canonical = etree.tostring(token.assertion, method="c14n", exclusive=True)
    return canonical, token.applies_to, token.created, token.expires


READERS: dict[str, Callable[[bytes], Meaning]] = {
    "kombit": partial(request, "kombit"),
    "basic": partial(request, "basic"),
    "forged": partial(request, "kombit"),
    "token": partial(request, "kombit"),
    "reply": partial(reply, "kombit", MESSAGE_ID),
    "fault": partial(reply, "kombit", MESSAGE_ID),
    "basic reply": partial(reply, "basic", None),
    "answer of an STS": issued,
}
KINDS = tuple(READERS)


def read(which: str, data: bytes) -> Meaning:
    """What a message of a kind means to whoever it is for; raises a `WssError`."""
    return READERS[which](data)


names = st.sampled_from(["Id", "ID", "x", "URI", "Algorithm", "{urn:evil}y", "version"])
words = st.sampled_from(["", "evil", "100", "#body", "urn:evil", "1"])


def delete(element: etree._Element, other: etree._Element, name: str, word: str) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def duplicate(element: etree._Element, other: etree._Element, name: str, word: str) -> None:
    if element.getparent() is not None:
        element.addnext(deepcopy(element))


def move(element: etree._Element, other: etree._Element, name: str, word: str) -> None:
    if element.getparent() is not None and element not in [other, *other.iterancestors()]:
        other.append(element)


def copy_elsewhere(element: etree._Element, other: etree._Element, name: str, word: str) -> None:
    other.insert(0, deepcopy(element))


def rename(element: etree._Element, other: etree._Element, name: str, word: str) -> None:
    element.tag = "{urn:evil}" + etree.QName(element).localname


def change_text(element: etree._Element, other: etree._Element, name: str, word: str) -> None:
    element.text = (element.text or "") + word


def change_tail(element: etree._Element, other: etree._Element, name: str, word: str) -> None:
    if element.getparent() is not None:
        element.tail = (element.tail or "") + word


def set_attribute(element: etree._Element, other: etree._Element, name: str, word: str) -> None:
    element.set(name, word)


def change_attribute(element: etree._Element, other: etree._Element, name: str, word: str) -> None:
    for key in element.attrib:
        element.set(key, element.get(key) + word)


def drop_attributes(element: etree._Element, other: etree._Element, name: str, word: str) -> None:
    element.attrib.clear()


def swap(element: etree._Element, other: etree._Element, name: str, word: str) -> None:
    following = element.getnext()
    if following is not None:
        element.addprevious(following)


def add_child(element: etree._Element, other: etree._Element, name: str, word: str) -> None:
    etree.SubElement(element, "{urn:evil}x").text = word


MUTATIONS = (
    delete, duplicate, move, copy_elsewhere, rename, change_text, change_tail, set_attribute,
    change_attribute, drop_attributes, swap, add_child,
)  # fmt: skip


changes = {
    "mutate": st.sampled_from(MUTATIONS),
    "position": st.integers(0, 200),
    "target": st.integers(0, 200),
    "name": names,
    "word": words,
}


def check_unchanged(which: str, data: bytes) -> None:
    """What was changed is refused, or means what it meant."""
    try:
        found = read(which, data)
    except WssError:
        return
    assert found == read(which, messages()[which])


def changed_element(which, mutate, position, target, name, word) -> None:
    root = etree.fromstring(messages()[which])
    elements = list(root.iter())
    mutate(elements[position % len(elements)], elements[target % len(elements)], name, word)
    check_unchanged(which, etree.tostring(root))


@settings(max_examples=800, deadline=None, derandomize=True)
@given(which=st.sampled_from(KINDS), **changes)
def test_a_changed_element_is_refused_or_means_nothing(which, mutate, position, target, name, word):
    changed_element(which, mutate, position, target, name, word)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    which=st.sampled_from(KINDS),
    position=st.integers(0, 20_000),
    new=st.one_of(st.binary(max_size=3), st.sampled_from([b"<", b"&#0;", b"]]>", b"</", b" xmlns=''"])),
    length=st.integers(0, 3),
)
def test_changed_bytes_are_refused_or_mean_nothing(which, position, new, length):
    data = messages()[which]
    position %= len(data)
    check_unchanged(which, data[:position] + new + data[position + length :])


@pytest.mark.parametrize("which", KINDS)
def test_every_message_is_good_as_it_is(which: str):
    assert read(which, messages()[which])


@pytest.mark.parametrize("which", KINDS)
def test_deleting_any_one_element_is_refused(which: str):
    """The whole space of one mutation, not a sample."""
    data = messages()[which]
    for position in range(1, len(list(etree.fromstring(data).iter()))):
        root = etree.fromstring(data)
        delete(list(root.iter())[position], root, "", "")
        with pytest.raises(WssError):
            read(which, etree.tostring(root))


def body_of(data: bytes) -> etree._Element:
    """The Body of bytes that nobody has verified."""
    return next(parse(data, ParseLimits()).iter(f"{{{SOAP11}}}Body", f"{{{SOAP12}}}Body"))


def gullible_body(data: bytes) -> Meaning:
    """The first Body, whoever signed it."""
    return (etree.tostring(body_of(data), method="c14n"),)


def gullible_token(data: bytes) -> Meaning:
    """The token of an answer that nobody has verified."""
    token = read_answer(body_of(data))
    return etree.tostring(token.assertion, method="c14n"), token.applies_to, token.expires


@pytest.mark.parametrize(
    ("which", "gullible"),
    [*((which, gullible_body) for which in KINDS), ("answer of an STS", gullible_token)],
)
def test_canary_who_believes_what_was_changed_is_caught(which: str, gullible, monkeypatch):
    monkeypatch.setitem(READERS, which, gullible)
    once = settings(
        max_examples=400, deadline=None, derandomize=True, phases=[Phase.generate], report_multiple_bugs=False
    )
    with pytest.raises(AssertionError):
        once(given(which=st.just(which), **changes)(changed_element))()
