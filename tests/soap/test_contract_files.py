"""`?wsdl` and `?xsd=`: the files as they stand, only locations rewritten, nothing else reachable."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from lxml import etree

from opus_soap.soap.contracts import ROOT, load_contract
from tests.soap.conftest import NAME, PATH, House

ADDRESS = f"https://opus.example.dk{PATH}"
WSDL_SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"


def canonical(document: etree._Element) -> bytes:
    """The document without what may be rewritten."""
    for node in document.iter(etree.Element):
        for attribute in ("location", "schemaLocation"):
            node.attrib.pop(attribute, None)
    return etree.tostring(document, method="c14n")


def test_every_file_is_served_as_it_stands(house: House):
    for path in load_contract(NAME).files:
        reply = house.get(PATH, f"xsd={path}")
        assert (reply.status, reply.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
        assert canonical(reply.root) == canonical(etree.parse(ROOT / path).getroot())


@pytest.mark.parametrize("entry", ["wsdl", "WSDL", "wsdl=Token", "wsdl=Context"])
def test_all_that_the_wsdl_leads_to_can_be_fetched(house: House, entry: str):
    waiting, seen = [entry], set()
    while waiting:
        query = waiting.pop()
        if query in seen:
            continue
        seen.add(query)
        reply = house.get(PATH, query)
        assert reply.status == 200, query
        for node in reply.root.iter(etree.Element):
            location = node.get("location") or node.get("schemaLocation")
            if not location:
                continue
            assert location.startswith(ADDRESS)
            if node.tag != f"{WSDL_SOAP}address":
                waiting.append(urlsplit(location).query)
    assert len(seen) > 12


def test_the_address_is_the_one_asked_for(house: House):
    (address,) = house.get(PATH, "wsdl").root.iter(f"{WSDL_SOAP}address")
    assert address.get("location") == ADDRESS


def test_a_forged_host_is_not_repeated(house: House):
    reply = house.get(PATH, "wsdl", HTTP_HOST='evil.dk/"><x>')
    assert b"evil" not in reply.body
    assert b"https://localhost:8080/service" in reply.body


@pytest.mark.parametrize(
    "query",
    [
        "xsd=../errors.py",
        "xsd=../../opus_soap/errors.py",
        "xsd=/etc/passwd",
        "xsd=..%2f..%2fetc%2fpasswd",
        "xsd=common/README.md",
        "xsd=DimensionHent/service/DimensionHentServiceInterface.xsd",
        "xsd=common/klasser/../klasser/Datatyper.xsd",
        "wsdl=file:///etc/passwd",
        "wsdl&xsd=common/klasser/Datatyper.xsd",
        "a=1&b=2&c=3",
        "disco",
        "xsd=%00",
        "wsdl=\0",
        "",
    ],
)
def test_nothing_else_can_be_fetched(house: House, query: str):
    reply = house.get(PATH, query)
    assert reply.status == 404
    assert b"root:" not in reply.body
    assert "Kontrakten" in reply.body.decode()


def test_unknown_paths_and_head(house: House):
    assert house.get("/service/OIR/Andet/1", "wsdl").status == 404
    assert house.get(f"{PATH}\0", "wsdl").status == 404
    head = house.get(PATH, "wsdl", REQUEST_METHOD="HEAD")
    assert (head.status, head.body) == (200, b"")
