"""Contents that are read apart from a body: only where the contract says that they are base64."""

from __future__ import annotations

import pytest
from lxml import etree

from opus_soap.encoded import LONG, Base64
from opus_soap.errors import BodyInvalid
from opus_soap.soap.contracts import Contract, load_contract
from opus_soap.wss.parsing import ParseLimits
from opus_soap.wss.unsigned import read_unsigned
from tests.soap.conftest import House, svar

TEXT = Base64(b"xxx" * LONG)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract("FinansbilagModtag")


def content_tag(contract: Contract) -> str:
    return next(name for name in contract._encoded if name.endswith("}Indhold"))


def test_what_the_contract_calls_base64_stays_apart(contract: Contract):
    element = etree.Element(content_tag(contract))
    assert contract.kept_apart({element: TEXT}) == {element: TEXT}
    assert element.text is None


def test_any_other_text_goes_back(contract: Contract):
    other, parent = etree.Element("Tekst"), etree.Element(content_tag(contract))
    etree.SubElement(parent, "child")
    assert contract.kept_apart({other: TEXT, parent: TEXT}) == {}
    assert (other.text, parent.text) == (str(TEXT), str(TEXT))


def test_what_was_lifted_is_told_with_what_is_lifted_here(contract: Contract, monkeypatch):
    monkeypatch.setattr(Contract, "validate", lambda *_: None)
    tag = content_tag(contract)
    before, here = etree.Element(tag), etree.Element(tag)
    here.text = str(TEXT)
    body = etree.Element("body")
    body.extend((before, here))
    lifted = contract.accept(body, {before: TEXT})
    assert lifted == {before: TEXT, here: TEXT}
    assert here.text == ""


def test_a_long_text_where_none_may_be_is_refused_by_the_contract(house: House):
    """As without being lifted: whoever reads a message sees the text in its place."""
    body = svar()
    identification = body.find("{*}FakturaInformationSvarIdentifikation")
    identification.text = str(TEXT)
    assert house.post(house.sign(body)).code == BodyInvalid.code
    data = etree.tostring(body, encoding="UTF-8")
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    message = b'<s:Envelope xmlns:s="%b"><s:Body>%b</s:Body></s:Envelope>' % (soap.encode(), data)
    assert [*read_unsigned(message, ParseLimits(), LONG).lifted.values()] == [TEXT]
