"""Generated messages keep to the schema, and come through Spyne, in and out, without a change."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

from opus_soap.errors import BodyInvalid
from opus_soap.interfaces.extract_fetching import contract as extract_fetching
from opus_soap.interfaces.invoice_approval import contract
from opus_soap.interfaces.master_data import contract as master_data
from opus_soap.interfaces.postings_in import soap_contract as postings_in
from opus_soap.soap import models
from opus_soap.soap.contracts import load_contract
from opus_soap.soap.service import ContractProtocol

import spyne  # isort: skip
from spyne.protocol.soap import Soap11  # isort: skip

CHOICES = [
    ("FakturaSvarKanIkkeModtagesMarkering", "FakturaSvarPåkrævetMarkering"),
    ("AcceptStruktur", "AfvisningStruktur"),
    ("AccepteretUdenBemærkninger", "ResultatÅrsagStruktur"),
    ("Advis", "Fejl"),
]
BY_PATTERN = {
    "[0-9]{8}": "29189846",
    "[0-9]{13}": "5798000416604",
    "[A-Z]{3}": "SEK",
    r"r\d{4}": "r5123",
    r"[^@\s]+@[^@\s]+": "sagsbehandler@example.dk",
    r"\+?[0-9 ]{3,20}": "+45 70 10 20 30",
    r"[a-zA-Z0-9.+\-]+/[a-zA-Z0-9.+\-]+": "application/vnd.oasis+xml",
}
MESSAGES = [
    ("FakturaInformationAfsend", contract.AfsendFakturaInformation_I),
    ("FakturaInformationAfsend", contract.AfsendFakturaInformation_O),
    ("FakturaInformationAfsend", models.Ping_I),
    ("FakturaInformationSvarAfsend", contract.AfsendFakturaInformationSvar_I),
    ("FakturaInformationSvarAfsend", contract.AfsendFakturaInformationSvar_O),
    ("FakturaInformationSvarAfsend", models.Ping_O),
    ("DimensionHent", master_data.DimensionHent_I),
    ("DimensionHent", master_data.DimensionHent_O),
    ("FinansbilagModtag", postings_in.ModtagFinansbilag_I),
    ("FinansbilagModtag", postings_in.ModtagFinansbilag_O),
    ("UdtraekHent", extract_fetching.HentAbonnementer_I),
    ("UdtraekHent", extract_fetching.HentAbonnementer_O),
    ("UdtraekHent", extract_fetching.BestilUdtraek_I),
    ("UdtraekHent", extract_fetching.BestilUdtraek_O),
    ("UdtraekHent", extract_fetching.HentUdtraek_I),
    ("UdtraekHent", extract_fetching.HentUdtraek_O),
    ("UdtraekHent", extract_fetching.HentUdtraekFil_I),
    ("UdtraekHent", extract_fetching.HentUdtraekFil_O),
    ("UdtraekHent", extract_fetching.KvitterUdtraek_I),
    ("UdtraekHent", extract_fetching.KvitterUdtraek_O),
]


def generated(model: Any, dice: random.Random) -> Any:
    """A value of a model, with every optional part now there and now not."""
    if issubclass(model, spyne.XmlAttribute):
        return generated(model.type, dice) if dice.random() < 0.5 else None
    if issubclass(model, spyne.model.primitive.AnyXml):
        return etree.fromstring('<t:stub xmlns:t="urn:test">godkend</t:stub>')
    if issubclass(model, spyne.ComplexModel):
        return generated_structure(model, dice)
    return generated_simple(model, dice)


def generated_structure(model: Any, dice: random.Random) -> Any:
    members = model.get_flat_type_info(model)
    left_out = {dice.choice(pair) for pair in CHOICES if set(pair) <= set(members)}
    chosen = {name for pair in CHOICES if set(pair) <= set(members) for name in pair} - left_out
    instance = model()
    for name, member in members.items():
        attributes = member.Attributes
        if name in left_out or (attributes.min_occurs == 0 and name not in chosen and dice.random() < 0.4):
            continue
        if attributes.max_occurs > 1:
            value: Any = [generated(member, dice) for _ in range(dice.randint(1, 3))]
        else:
            value = generated(member, dice)
        setattr(instance, name, value)
    return instance


def generated_simple(model: Any, dice: random.Random) -> Any:
    attributes = model.Attributes
    if issubclass(model, spyne.Uuid):
        return uuid.UUID(int=dice.getrandbits(128))
    if issubclass(model, spyne.Unicode):
        if attributes.values:
            return dice.choice(sorted(attributes.values))
        if attributes.pattern in BY_PATTERN:
            return BY_PATTERN[attributes.pattern]
        if attributes.pattern:
            return str(uuid.UUID(int=dice.getrandbits(128)))
        longest = int(min(attributes.max_len, 1000))
        return "".join(
            dice.choices("abc ÆØÅæøå&<>\"'€𝄞", k=dice.randint(max(1, attributes.min_len), longest))
        )
    if issubclass(model, spyne.Date):
        return date(2026, 1, 1) + timedelta(days=dice.randint(0, 800))
    if issubclass(model, spyne.DateTime):
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=dice.getrandbits(50))
    if issubclass(model, spyne.Boolean):
        return True
    if issubclass(model, spyne.Decimal):
        return Decimal(dice.randint(-(10**14), 10**14)).scaleb(-2)
    assert issubclass(model, spyne.ByteArray)
    return [dice.randbytes(dice.randint(0, 500))]


class TheirWriter(ContractProtocol):
    """With Spyne's own writing of structures."""

    complex_to_parent = Soap11.complex_to_parent


def written(model: Any, instance: Any, protocol: type[ContractProtocol] = ContractProtocol) -> etree._Element:
    parent = etree.Element("parent")
    protocol().to_parent(None, model, instance, parent, model.get_namespace(), model.get_type_name())
    element = parent[0]
    parent.remove(element)
    return element


def without_lexical_times(element: etree._Element) -> etree._Element:
    """TransaktionsTid is kept as written, so a generated one must be made a time."""
    for node in element.iter(f"{{{models.KONTEKST_NS}}}TransaktionsTid"):
        node.text = "2026-11-23T12:00:00.1234567+01:00"
    return element


@pytest.mark.parametrize(("folder", "model"), MESSAGES, ids=lambda value: getattr(value, "__name__", value))
def test_generated_messages_are_valid_and_round_trip(folder: str, model: Any):
    held = load_contract(folder)
    for seed in range(40):
        first = without_lexical_times(written(model, generated(model, random.Random(seed))))
        held.validate(first)
        canonical = etree.tostring(first, method="c14n")  # now: writing moves the wildcards' elements
        again = written(model, ContractProtocol().from_element(None, model, first))
        assert etree.tostring(again, method="c14n") == canonical, seed


@pytest.mark.parametrize(("folder", "model"), MESSAGES, ids=lambda value: getattr(value, "__name__", value))
def test_they_are_written_as_spyne_would(folder: str, model: Any):
    for seed in range(10):
        ours, theirs = (
            etree.tostring(written(model, generated(model, random.Random(seed)), protocol), method="c14n")
            for protocol in (ContractProtocol, TheirWriter)
        )
        assert ours == theirs, seed


def test_values_are_read_as_xml_schema_has_them():
    """White space around, seven decimals of a second, a negative half-hour zone, an empty text."""
    held = load_contract("FakturaInformationSvarAfsend")
    message = generated(contract.AfsendFakturaInformationSvar_I, random.Random(1))
    element = without_lexical_times(written(contract.AfsendFakturaInformationSvar_I, message))
    node = element.find(f".//{{{models.KOMBIT_NS}}}FakturaInformationBehandlingDatoTid")
    assert node is not None
    node.text = "\n 2026-11-23T12:00:00.1234567-03:30 "
    held.validate(element)
    read = ContractProtocol().from_element(None, contract.AfsendFakturaInformationSvar_I, element)
    moment = read.FakturaInformationBehandling.FakturaInformationBehandlingDatoTid
    assert moment == datetime(2026, 11, 23, 15, 30, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("FakturaInformationBehandlingDatoTid", "2026-11-23T12:00:00"),
        ("FakturaInformationBehandlingResultat", "Måske"),
        ("FakturaInformationIdentifikation", "0101701234"),
        ("FakturaInformationSvarIdentifikation", ""),
    ],
)
def test_a_wrong_value_is_named_and_never_shown(tag: str, value: str):
    held = load_contract("FakturaInformationSvarAfsend")
    message = generated(contract.AfsendFakturaInformationSvar_I, random.Random(1))
    element = without_lexical_times(written(contract.AfsendFakturaInformationSvar_I, message))
    node = element.find(f".//{{{models.KOMBIT_NS}}}{tag}")
    assert node is not None
    node.text = value
    with pytest.raises(BodyInvalid) as refused:
        held.validate(element)
    assert tag in refused.value.text_danish
    assert tag in refused.value.text_english
    assert not value or value not in str(refused.value)


def test_a_deviation_deep_inside_is_told_by_its_path():
    held = load_contract("FakturaInformationSvarAfsend")
    for seed in range(20):
        message = generated(contract.AfsendFakturaInformationSvar_I, random.Random(seed))
        if message.Kontering and len(message.Kontering.Postering) > 1:
            break
    element = without_lexical_times(written(contract.AfsendFakturaInformationSvar_I, message))
    amounts = list(element.iter(f"{{{models.KOMBIT_NS}}}PosteringsdataBeløb"))
    amounts[1].text = "12,50"
    with pytest.raises(BodyInvalid, match=r"Kontering/Postering.*/Posteringsdata/PosteringsdataBeløb"):
        held.validate(element)
