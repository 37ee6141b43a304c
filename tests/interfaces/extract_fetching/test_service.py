"""UdtraekHent: a system sees its own subscriptions, orders, fetches in parts, confirms; nobody else's."""

from __future__ import annotations

import hashlib
from copy import deepcopy
from decimal import Decimal
from uuid import UUID

import pytest
from lxml import etree

from opus_soap import errors
from opus_soap.database import transaction
from opus_soap.extracts.ending import end
from opus_soap.interfaces.extract_fetching import contract
from opus_soap.interfaces.extract_fetching.service import extract_service
from opus_soap.settings import Settings
from opus_soap.soap.models import HovedOplysninger
from opus_soap.soap.service import CallContext, ContractProtocol
from opus_soap.store import agreements
from opus_soap.store.extract_models import Extract, ExtractDelivery
from tests.extracts.doors import Doors

OURS, THEIRS = (UUID(f"c0ffee00-1590-4d00-8000-00000000000{number}") for number in (7, 8))
NS = f"{{{contract.UDTRAEK_NS}}}"
PART = 300_000


@pytest.fixture
def doors(company, clock, tmp_path):
    made = Doors(tmp_path, clock)
    for uuid, municipality in ((OURS, "999"), (THEIRS, "999")):
        agreements.register_system(
            uuid=uuid, municipality=municipality, name=str(uuid), cvr="44444449", services=["UdtraekHent"]
        )
    return made


@pytest.fixture
def subscription(doors):
    return doors.subscribe("OURS", calendar="weekdays", system=str(OURS))


@pytest.fixture
def ask(doors, clock):
    service = extract_service(doors.deliverer, Settings(max_extract_part_bytes=PART))

    def call(operation: str, system: UUID = OURS, municipality: str = "999", **values):
        kind = getattr(contract, f"{operation}_I")
        header = HovedOplysninger(TransaktionsId="1", TransaktionsTid="2026-11-23T12:00:00+01:00")
        parent = etree.Element("parent")
        sent = kind(HovedOplysninger=header, **values)
        ContractProtocol().to_parent(None, kind, sent, parent, contract.UDTRAEK_NS, kind.get_type_name())
        service.contract.validate(parent[0])
        found = agreements.find_system(str(system))
        with transaction():
            return service.dispatch(
                deepcopy(parent[0]), CallContext(found, municipality, "m", system, clock.now())
            )

    return call


def texts(answer, name: str) -> list[str | None]:
    return [node.text for node in answer.iter(f"{NS}{name}")]


def test_a_system_sees_the_subscriptions_whose_receiver_it_is(doors, subscription, ask):
    doors.subscribe("THEIRS", system=str(THEIRS))
    doors.subscribe("NOBODYS")
    answer = ask("HentAbonnementer")
    assert texts(answer, "AbonnementNavn") == ["OURS"]
    assert texts(answer, "AbonnementNæsteDato") == ["2026-11-23"]
    assert texts(ask("HentAbonnementer", THEIRS), "AbonnementNavn") == ["THEIRS"]
    assert texts(ask("HentAbonnementer", municipality="998"), "AbonnementNavn") == []


def test_an_extract_is_ordered_fetched_in_parts_and_confirmed(doors, subscription, ask):
    answer = ask("BestilUdtraek", AbonnementNavn="OURS", UdtrækFuldt=True)
    (name,), state = texts(answer, "UdtrækNavn"), texts(answer, "UdtrækTilstand")
    assert (state, texts(answer, "UdtrækFuldt")) == (["Bestilt"], ["true"])
    assert Extract.get().ordered_by == f"soap:{OURS}"
    named = {"AbonnementNavn": "OURS", "UdtrækNavn": name}
    assert texts(ask("HentUdtraek", **named), "FilNavn") == []
    extract = doors.producer.produce(Extract.get(), actor="t")
    assert not doors.deliverer.deliver(extract, at_once=True)  # it waits to be fetched
    answer = ask("HentUdtraek", **named)
    wanted = doors.files(extract)
    assert texts(answer, "UdtrækTilstand") == ["Dannet"]
    assert dict(zip(texts(answer, "FilNavn"), texts(answer, "FilStørrelse"), strict=True)) == {
        name: str(len(data)) for name, data in wanted.items()
    }
    hashes = dict(zip(texts(answer, "FilNavn"), texts(answer, "FilSha256"), strict=True))
    for file_name, data in wanted.items():
        got, calls = b"", 0
        while len(got) < len(data):
            part = ask("HentUdtraekFil", **named, FilNavn=file_name, FilFra=Decimal(len(got)))
            got += ContractProtocol().from_element(None, contract.HentUdtraekFil_O, part).FilIndhold.content
            calls += 1
        assert calls == -(-len(data) // PART)
        assert got == data
        assert texts(part, "FilSha256") == [hashlib.sha256(data).hexdigest()] == [hashes[file_name]]
    for _ in range(2):
        answer = ask("KvitterUdtraek", **named, FølgeseddelSha256=extract.manifest_sha256)
        assert texts(answer, "UdtrækTilstand") == ["Afleveret"]
    assert [row.door for row in ExtractDelivery.select()] == [f"soap:{OURS}"]
    assert texts(ask("HentUdtraek", AbonnementNavn="OURS"), "UdtrækNavn") == [name]


def test_the_next_order_is_what_came_since_or_everything(doors, subscription, ask):
    full = [
        texts(ask("BestilUdtraek", AbonnementNavn="OURS", **more), "UdtrækFuldt")
        for more in ({}, {}, {"UdtrækFuldt": True}, {"UdtrækFuldt": False})
    ]
    assert full == [["true"], ["false"], ["true"], ["false"]]


def test_a_part_is_as_long_as_asked(doors, subscription, ask):
    extract = doors.produced(subscription)
    file = {"AbonnementNavn": "OURS", "UdtrækNavn": extract.name, "FilNavn": f"{extract.name}.txt"}
    part = ask("HentUdtraekFil", **file, FilFra=Decimal(10), FilLængde=Decimal(5))
    assert len(texts(part, "FilIndhold")[0]) == 8  # base64 of five bytes
    most = ask("HentUdtraekFil", **file, FilFra=Decimal(0), FilLængde=Decimal(10**9))
    assert len(texts(most, "FilIndhold")[0]) == PART * 4 // 3
    end = ask("HentUdtraekFil", **file, FilFra=Decimal(doors.kind.size))
    assert not texts(end, "FilIndhold")[0]
    for first, length in ((-1, 1), (doors.kind.size + 1, 1), (Decimal("0.5"), 1), (0, 0)):
        with pytest.raises(errors.PartInvalid):
            ask("HentUdtraekFil", **file, FilFra=Decimal(first), FilLængde=Decimal(length))


def test_what_is_anothers_looks_as_if_it_were_not_there(doors, subscription, ask):
    extract = doors.produced(subscription)
    theirs = doors.subscribe("THEIRS", system=str(THEIRS))
    for name in ("OURS", "NONE"):
        with pytest.raises(errors.SubscriptionUnknown):
            ask("HentUdtraek", THEIRS, AbonnementNavn=name)
        with pytest.raises(errors.SubscriptionUnknown):
            ask("BestilUdtraek", THEIRS, AbonnementNavn=name)
    with pytest.raises(errors.ExtractUnknown):
        ask("HentUdtraek", THEIRS, AbonnementNavn=theirs.name, UdtrækNavn=extract.name)
    named = {"AbonnementNavn": theirs.name, "UdtrækNavn": extract.name}
    with pytest.raises(errors.DownloadMissing):
        ask("HentUdtraekFil", THEIRS, **named, FilNavn=f"{extract.name}.txt", FilFra=Decimal(0))
    with pytest.raises(errors.DownloadMissing):
        ask("KvitterUdtraek", THEIRS, **named, FølgeseddelSha256=extract.manifest_sha256)
    with pytest.raises(errors.DownloadMissing):
        ask(
            "HentUdtraekFil",
            AbonnementNavn="OURS",
            UdtrækNavn=extract.name,
            FilNavn="../x",
            FilFra=Decimal(0),
        )


def test_a_receipt_for_something_else_is_refused(doors, subscription, ask):
    extract = doors.produced(subscription)
    with pytest.raises(errors.DownloadReceiptWrong):
        ask("KvitterUdtraek", AbonnementNavn="OURS", UdtrækNavn=extract.name, FølgeseddelSha256="0" * 64)
    assert Extract.get().state == Extract.PRODUCED


@pytest.mark.parametrize("given", ["", "x", str(UUID(int=5))])
def test_a_subscription_names_a_system_that_there_is(doors, given):
    with pytest.raises(errors.SubscriptionInvalid):
        doors.subscribe("NEW", system=given)


def test_every_state_has_a_name():
    names = {value for name, value in vars(Extract).items() if name.isupper() and isinstance(value, str)}
    assert set(contract.STATES) == names


def test_what_has_ended_is_nobodys(ask, doors, subscription, clock):
    extract = doors.produced(subscription)
    end(doors.producer, subscription, give_up=True, actor="t", clock=clock)
    assert ask("HentAbonnementer").findall(f"{NS}Abonnement") == []
    with pytest.raises(errors.SubscriptionUnknown):
        ask("HentUdtraek", AbonnementNavn="OURS", UdtrækNavn=extract.name)
