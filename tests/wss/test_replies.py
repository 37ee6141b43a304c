"""A reply is taken only when it is signed by who we called and belongs to what we asked."""

from __future__ import annotations

import pytest
from lxml import etree

from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import thumbprint
from opus_soap.wss.errors import CertificateUntrusted, PartNotSigned, RelationWrong
from opus_soap.wss.errors_trust import SignerNotPinned
from opus_soap.wss.names import ANONYMOUS, UNSPECIFIED
from opus_soap.wss.replies import verify_reply
from opus_soap.wss.signing import Signer
from tests.wss.forge import NOW, world

BODY = etree.fromstring('<k:Received xmlns:k="urn:test"/>')
PINNED = [world().certificates["case-system"].certificate]


def reply(profile: str = "kombit", signer: str = "case-system", **addressing: str) -> bytes:
    headers = {"action": "urn:r", "message_id": "urn:uuid:2", "to": ANONYMOUS, "relates_to": "urn:uuid:1"}
    chosen = {name: value for name, value in {**headers, **addressing}.items() if value}
    system = world().certificates[signer]
    return Signer(system.key, system.certificate).sign(BODY, Addressing(**chosen), now=NOW, profile=profile)


def test_the_reply_to_our_request():
    message = verify_reply(reply(), request_message_id="urn:uuid:1", pinned=PINNED, now=NOW)
    assert message.relates_to == "urn:uuid:1"
    assert message.body[0].tag == "{urn:test}Received"


def test_a_second_pinned_certificate():
    both = [world().certificates["case-system-next"].certificate, *PINNED]
    assert verify_reply(reply(), request_message_id="urn:uuid:1", pinned=both, now=NOW)
    data = reply(signer="case-system-next")
    assert verify_reply(data, request_message_id="urn:uuid:1", pinned=both, now=NOW)


def test_the_reply_to_somebody_elses_request():
    with pytest.raises(RelationWrong, match="urn:uuid:7"):
        verify_reply(reply(), request_message_id="urn:uuid:7", pinned=PINNED, now=NOW)


def test_a_trusted_issuer_is_not_enough():
    data = reply(signer="other-case-system")
    with pytest.raises(CertificateUntrusted) as refusal:
        verify_reply(data, request_message_id="urn:uuid:1", pinned=PINNED, now=NOW)
    assert (type(refusal.value), refusal.value.code) == (SignerNotPinned, "WSS-050")
    signer = thumbprint(world().certificates["other-case-system"].certificate)
    for text in (refusal.value.text_danish, refusal.value.text_english):
        assert f"(SHA-256 {signer})" in text
        assert text.endswith(thumbprint(PINNED[0]))
        assert "issuer" not in text
    with pytest.raises(SignerNotPinned, match=r"-$"):
        verify_reply(data, request_message_id="urn:uuid:1", pinned=[], now=NOW)


@pytest.mark.parametrize("missing", ["relates_to", "message_id", "action"])
def test_kombit_needs_every_header(missing: str):
    data = reply("basic", **{missing: ""})
    with pytest.raises(PartNotSigned):
        verify_reply(data, request_message_id="urn:uuid:1", pinned=PINNED, now=NOW)


def test_basic_needs_relates_to_when_we_sent_a_message_id():
    data = reply("basic", relates_to="", message_id="", action="", to="")
    assert verify_reply(data, request_message_id=None, pinned=PINNED, now=NOW, profile="basic")
    with pytest.raises(PartNotSigned, match="RelatesTo"):
        verify_reply(data, request_message_id="urn:uuid:1", pinned=PINNED, now=NOW, profile="basic")


def test_a_relation_to_a_request_without_message_id():
    data = reply("basic", relates_to=UNSPECIFIED)
    assert verify_reply(data, request_message_id=None, pinned=PINNED, now=NOW, profile="basic")
    with pytest.raises(RelationWrong):
        verify_reply(reply("basic"), request_message_id=None, pinned=PINNED, now=NOW, profile="basic")
