"""The seam to signxml, where the callers' own checks are taken away."""

from __future__ import annotations

import pytest
from lxml import etree

from opus_soap.wss import engine
from opus_soap.wss.errors import ReferenceInvalid, SignatureMalformed, SignatureWrong
from opus_soap.wss.names import WSU_ID
from tests.wss.forge import DS, NOW, SOAP, WSSE, Forge, find, world

SYSTEM = world().certificates["case-system"].certificate
REFERENCE = (
    f'<r xmlns:w="{WSSE}"><s><w:Reference URI="#%s"/></s><w:Token Id="t">x</w:Token>'
    '<q Id="q" xmlns="urn:q"/></r>'
)


def verified(root, certificate=SYSTEM):
    targets = {node.get(WSU_ID): node for node in root.iter("*") if node.get(WSU_ID)}
    return engine.verify_signature(
        root, soap_namespace=SOAP, certificate=certificate, now=NOW, targets=targets
    )


@pytest.fixture(params=[True, False], ids=["direct", "stock"], autouse=True)
def _both(request, monkeypatch):
    """signxml as it is, and without its copies."""
    monkeypatch.setattr(engine, "DIRECT", request.param)


def test_signed_elements_come_in_the_order_of_the_signature():
    found = verified(Forge().tree())
    assert [etree.QName(element).localname for element in found.elements] == [
        "Framework", "Action", "MessageID", "To", "ReplyTo", "BinarySecurityToken", "Timestamp", "Body",
    ]  # fmt: skip
    assert found.signed_info.startswith(b"<ds:SignedInfo")


def test_another_key():
    opus = world().certificates["opus"].certificate
    with pytest.raises(SignatureWrong):
        verified(Forge().tree(), opus)


def test_the_signature_is_looked_for_in_one_place_only():
    """signxml itself would take the first Signature anywhere."""
    root = Forge().tree()
    find(root, "//s:Body").append(find(root, "//ds:Signature"))
    with pytest.raises(Exception, match="Signature"):
        verified(root)


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [("t", f'<w:Token xmlns="" xmlns:w="{WSSE}" Id="t">x</w:Token>'), ("q", '<q xmlns="urn:q" Id="q"></q>')],
)
def test_str_transform_gives_the_apex_a_default_namespace(identifier: str, expected: str):
    root = etree.fromstring(REFERENCE % identifier)
    assert engine.canonical_token(root[0]) == expected.encode()


def test_str_transform_of_nothing():
    with pytest.raises(SignatureWrong):
        engine.canonical_token(etree.fromstring(REFERENCE % "nobody")[0])


def test_str_transform_of_two():
    root = etree.fromstring(REFERENCE % "t")
    root[2].set(WSU_ID, "t")
    with pytest.raises(SignatureWrong):
        engine.canonical_token(root[0])


def test_schema_is_narrower_than_the_standard():
    signature = find(Forge().tree(), "//ds:Signature")
    engine.check_schema(signature, 16)
    etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object")
    with pytest.raises(SignatureMalformed, match="Object"):
        engine.check_schema(signature, 16)


def test_what_is_too_much_is_not_validated(monkeypatch):
    """libxml2's cost is the square of the mistakes: 20,000 empty references took ten seconds."""

    def validated():
        raise AssertionError

    monkeypatch.setattr(engine, "_schema", validated)
    signature = etree.Element(f"{{{DS}}}Signature")
    info = etree.SubElement(signature, f"{{{DS}}}SignedInfo")
    for _ in range(17):
        etree.SubElement(info, f"{{{DS}}}Reference")
    with pytest.raises(ReferenceInvalid):
        engine.check_schema(signature, 16)
    for reference in list(info):
        info.remove(reference)
    for _ in range(engine._MOST_ELEMENTS):
        etree.SubElement(info, "x")
    with pytest.raises(SignatureMalformed, match="elements"):
        engine.check_schema(signature, 16)
