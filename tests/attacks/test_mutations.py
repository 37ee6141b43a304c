"""Property: one change anywhere in a valid message is refused, or changes nothing that is acted on."""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.errors import WssError
from opus_soap.wss.saml import TokenTrust
from opus_soap.wss.signing import Signer
from opus_soap.wss.verification import VerifiedMessage, Verifier
from tests.wss.forge import AUDIENCE, NOW, STS, Forge, token_model, world

BODY = """<k:Send xmlns:k="urn:test"><k:Amount currency="DKK">100</k:Amount><k:Rows><k:Row/><k:Row>æøå</k:Row>
</k:Rows></k:Send>"""


@lru_cache(maxsize=1)
def messages() -> dict[str, tuple[bytes, str]]:
    system = world().certificates["case-system"]
    signer, body = Signer(system.key, system.certificate), etree.fromstring(BODY)
    addressing = Addressing("urn:test#Send", "urn:uuid:1", to="urn:to")
    with token_model():
        with_token = Forge()()
    return {
        "kombit": (signer.sign(body, addressing, now=NOW), "kombit"),
        "basic": (signer.sign(body, Addressing(), now=NOW, profile="basic"), "basic"),
        "forged": (Forge()(), "kombit"),
        "token": (with_token, "kombit"),
    }


KINDS = ("kombit", "basic", "forged", "token")
TOKENS = TokenTrust({STS: [world().certificates["sts"].certificate]})


def verified(data: bytes, profile: str) -> VerifiedMessage:
    verifier = Verifier(TrustStore(issuers=world().trusted), tokens=TOKENS)
    return verifier.verify(data, now=NOW, profile=lambda _: profile, audience=AUDIENCE)


def meaning(message: VerifiedMessage) -> tuple[bytes, object]:
    """Everything that is acted on."""
    canonical = etree.tostring(message.envelope, method="c14n", exclusive=True)
    return canonical, (message.addressing, message.expires, message.thumbprint, message.replay_key)


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


@settings(max_examples=600, deadline=None, derandomize=True)
@given(
    which=st.sampled_from(KINDS),
    mutate=st.sampled_from(MUTATIONS),
    position=st.integers(0, 200),
    target=st.integers(0, 200),
    name=names,
    word=words,
)
def test_a_changed_element_is_refused_or_means_nothing(which, mutate, position, target, name, word):
    data, profile = messages()[which]
    root = etree.fromstring(data)
    elements = list(root.iter())
    mutate(elements[position % len(elements)], elements[target % len(elements)], name, word)
    try:
        message = verified(etree.tostring(root), profile)
    except WssError:
        return
    assert meaning(message) == meaning(verified(data, profile))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    which=st.sampled_from(KINDS),
    position=st.integers(0, 20_000),
    new=st.one_of(st.binary(max_size=3), st.sampled_from([b"<", b"&#0;", b"]]>", b"</", b" xmlns=''"])),
    length=st.integers(0, 3),
)
def test_changed_bytes_are_refused_or_mean_nothing(which, position, new, length):
    data, profile = messages()[which]
    position %= len(data)
    try:
        message = verified(data[:position] + new + data[position + length :], profile)
    except WssError:
        return
    assert meaning(message) == meaning(verified(data, profile))


@pytest.mark.parametrize("which", KINDS)
def test_deleting_any_one_element_is_refused(which):
    """The whole space of one mutation, not a sample."""
    data, profile = messages()[which]
    for position in range(1, len(list(etree.fromstring(data).iter()))):
        root = etree.fromstring(data)
        delete(list(root.iter())[position], root, "", "")
        with pytest.raises(WssError):
            verified(etree.tostring(root), profile)
