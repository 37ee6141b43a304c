"""UdtraekHent behind the front: signed both ways, for whom it was granted, faults as SOAP has them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from lxml import etree

from opus_soap.interfaces.extract_fetching import contract
from opus_soap.interfaces.extract_fetching.service import extract_service
from opus_soap.settings import Settings
from opus_soap.soap.front import SoapFront
from opus_soap.soap.models import HovedOplysninger
from opus_soap.soap.service import ContractProtocol
from opus_soap.store.models import System
from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.verification import Verifier
from tests.extracts.doors import Doors
from tests.soap.conftest import House, agreement, pki  # noqa: F401

ACTION = f"{contract.UDTRAEK_NS}/UdtraekHentService_1#"


@pytest.fixture
def doors(company, clock, tmp_path):
    return Doors(tmp_path, clock)


@pytest.fixture
def house(doors, pki, clock):  # noqa: F811
    service = extract_service(doors.deliverer, Settings())
    verifier = Verifier(TrustStore(issuers=(pki.ca.certificate,)))
    front = SoapFront([service], Settings(), clock, verifier, pki.server.signer)
    agreement(pki.caller, "modtager", ["UdtraekHent"])
    agreement(pki.limited, "en anden", ["DimensionHent"])
    System.update(municipality="999").execute()
    made = House(front, pki, clock, lambda _: None)
    made.service = service
    return made


def ask(house, operation, identity=None, **values):
    kind, parent = getattr(contract, f"{operation}_I"), etree.Element("parent")
    header = HovedOplysninger(TransaktionsId="1", TransaktionsTid="2026-11-23T12:00:00+01:00")
    sent = kind(HovedOplysninger=header, **values)
    ContractProtocol().to_parent(None, kind, sent, parent, contract.UDTRAEK_NS, kind.get_type_name())
    action, service = ACTION + operation, house.service
    signed = house.sign(parent[0], identity, action=action, to=service.entity_id)
    return house.post(signed, path=service.path, action=action)


def test_an_answer_is_signed(house, doors):
    doors.subscribe(system=str(System.get(System.name == "modtager").uuid))
    reply = ask(house, "HentAbonnementer")
    assert reply.status == 200
    (body,) = house.verified(reply).body
    assert body.findtext(f".//{{{contract.UDTRAEK_NS}}}AbonnementNavn") == "SUB1"


def test_who_was_not_granted_it_is_refused(house, pki):  # noqa: F811
    reply = ask(house, "HentAbonnementer", pki.limited)
    assert (reply.status, reply.code) == (500, "STO-014")


def test_a_refusal_is_a_signed_fault_that_soap_stacks_read(house, doors):
    doors.subscribe(system=str(System.get(System.name == "modtager").uuid))
    named = {"AbonnementNavn": "SUB1", "UdtrækNavn": "X", "FilNavn": "X"}
    for reply, code in (
        (ask(house, "HentUdtraek", AbonnementNavn="NONE"), "EXT-001"),
        (ask(house, "HentUdtraekFil", **named, FilFra=Decimal(0)), "EXT-040"),
    ):
        assert (reply.status, reply.code) == (500, code)
