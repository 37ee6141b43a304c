"""The Spyne models and the schemas in `wsdl/` say the same: elements, order, types, cardinality, facets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from opus_soap.interfaces.extract_fetching import contract as extract_fetching
from opus_soap.interfaces.invoice_approval import contract
from opus_soap.interfaces.master_data import contract as master_data
from opus_soap.interfaces.postings_in import soap_contract as postings_in
from opus_soap.soap import models
from opus_soap.soap.contracts import ROOT

import spyne  # isort: skip

XS = "{http://www.w3.org/2001/XMLSchema}"
BASES = {
    "string": spyne.Unicode,
    "date": spyne.Date,
    "dateTime": spyne.DateTime,
    "decimal": spyne.Decimal,
    "boolean": spyne.Boolean,
    "base64Binary": spyne.ByteArray,
}
UUID_PATTERN = "[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"
ROOTS = [
    contract.AfsendFakturaInformation_I,
    contract.AfsendFakturaInformation_O,
    contract.AfsendFakturaInformationSvar_I,
    contract.AfsendFakturaInformationSvar_O,
    models.Ping_I,
    models.Ping_O,
    master_data.DimensionHent_I,
    master_data.DimensionHent_O,
    postings_in.ModtagFinansbilag_I,
    postings_in.ModtagFinansbilag_O,
    extract_fetching.HentAbonnementer_I,
    extract_fetching.HentAbonnementer_O,
    extract_fetching.BestilUdtraek_I,
    extract_fetching.BestilUdtraek_O,
    extract_fetching.HentUdtraek_I,
    extract_fetching.HentUdtraek_O,
    extract_fetching.HentUdtraekFil_I,
    extract_fetching.HentUdtraekFil_O,
    extract_fetching.KvitterUdtraek_I,
    extract_fetching.KvitterUdtraek_O,
]


@dataclass
class Schemas:
    """Every global declaration of the schemas, by QName."""

    elements: dict[str, etree._Element] = field(default_factory=dict)
    types: dict[str, etree._Element] = field(default_factory=dict)

    @classmethod
    def read(cls) -> Schemas:
        found = cls()
        for path in sorted(ROOT.rglob("*.xsd")):
            root = etree.parse(path).getroot()
            for node in root:
                if node.get("name"):
                    name = f"{{{root.get('targetNamespace')}}}{node.get('name')}"
                    table = found.elements if node.tag == f"{XS}element" else found.types
                    assert name not in table, f"{name} is declared twice"
                    table[name] = node
        return found


def qname(node: etree._Element, value: str) -> str:
    prefix, local = value.split(":")
    return f"{{{node.nsmap[prefix]}}}{local}"


@dataclass
class Particle:
    name: str
    type: str
    least: int
    most: float


def occurs(node: etree._Element, attribute: str) -> float:
    value = node.get(attribute, "1")
    return float("inf") if value == "unbounded" else int(value)


def particles(schemas: Schemas, group: etree._Element, in_choice: bool = False) -> Iterator[Particle]:
    for node in group:
        if node.tag == f"{XS}choice":
            yield from particles(schemas, node, True)
        elif node.tag == f"{XS}element":
            namespace = group.getroottree().getroot().get("targetNamespace")
            declared = schemas.elements[qname(node, node.get("ref"))] if node.get("ref") else node
            yield Particle(
                qname(node, node.get("ref")) if node.get("ref") else f"{{{namespace}}}{node.get('name')}",
                qname(declared, declared.get("type")),
                0 if in_choice else int(occurs(node, "minOccurs")),
                occurs(node, "maxOccurs"),
            )


def compare(schemas: Schemas, model: Any, type_name: str, seen: set[str]) -> None:
    """Hold a model against a schema type, and all below it."""
    declared = schemas.types[type_name]
    if issubclass(model, spyne.model.primitive.AnyXml):
        assert declared.find(f".//{XS}any") is not None, type_name
        return
    if declared.tag == f"{XS}simpleType":
        compare_simple(model, declared)
        return
    if type_name in seen:
        return
    seen.add(type_name)
    (group,) = (node for node in declared if node.tag in (f"{XS}sequence", f"{XS}all", f"{XS}choice"))
    expected = list(particles(schemas, group, group.tag == f"{XS}choice"))
    members = model.get_flat_type_info(model)
    elements = {k: v for k, v in members.items() if not issubclass(v, spyne.XmlAttribute)}
    actual = [f"{{{v.Attributes.sub_ns or model.get_namespace()}}}{k}" for k, v in elements.items()]
    assert actual == [particle.name for particle in expected]
    for particle, member in zip(expected, elements.values(), strict=True):
        occurrences = (member.Attributes.min_occurs, float(member.Attributes.max_occurs))
        assert occurrences == (particle.least, particle.most), particle.name
        compare(schemas, member, particle.type, seen)
    attributes = {k: v for k, v in members.items() if issubclass(v, spyne.XmlAttribute)}
    declared_attributes = {node.get("name"): node for node in declared.findall(f"{XS}attribute")}
    assert set(attributes) == set(declared_attributes)
    for name, node in declared_attributes.items():
        compare_simple(attributes[name].type, schemas.types[qname(node, node.get("type"))])


def compare_simple(model: Any, declared: etree._Element) -> None:
    restriction = declared.find(f"{XS}restriction")
    assert restriction is not None
    facets: dict[str, list[str]] = {}
    for node in restriction:
        facets.setdefault(etree.QName(node).localname, []).append(node.get("value"))
    base = restriction.get("base").split(":")[1]
    if declared.get("name") == "TransaktionsTidType":  # repeated as written: a string here
        base = "string"
    if facets.get("pattern") == [UUID_PATTERN] and issubclass(model, spyne.Uuid):
        return
    assert issubclass(model, BASES[base]), (model, declared.get("name"))
    attributes = model.Attributes
    if base == "string":
        assert list(attributes.values) == [] or sorted(attributes.values) == sorted(facets["enumeration"])
        assert sorted(facets.get("enumeration", [])) == sorted(attributes.values)
        assert attributes.pattern == facets.get("pattern", [None])[0]
        assert attributes.min_len == int(facets.get("minLength", ["0"])[0])
        longest = facets.get("maxLength", ["inf"])[0]
        assert attributes.max_len == (Decimal("inf") if longest == "inf" else int(longest))
    if base == "decimal":
        assert attributes.total_digits == Decimal(facets.get("totalDigits", ["inf"])[0])
        assert attributes.fraction_digits == Decimal(facets.get("fractionDigits", ["inf"])[0])


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas.read()


@pytest.mark.parametrize("model", ROOTS, ids=lambda model: model.get_type_name())
def test_models_equal_the_schemas(schemas: Schemas, model: Any):
    element = schemas.elements[f"{{{model.get_namespace()}}}{model.get_type_name()}"]
    compare(schemas, model, qname(element, element.get("type")), set())


def test_comparison_sees_another_order_cardinality_and_facet(schemas: Schemas):
    """The canary: deliberately wrong models are found out."""
    good = contract.Korrespondance._type_info
    name = f"{{{models.KOMBIT_NS}}}KorrespondanceType"

    def model(*fields: tuple[str, Any]) -> Any:
        return type("Wrong", (models.Structure,), {"_type_info": list(fields)})

    fields = list(good.items())
    wrong = [
        model(*reversed(fields)),
        model(*fields[:2]),
        model(*fields[:2], ("KorrespondanceTekst", models.optional(models.text(1000)))),
        model(*fields[:2], ("KorrespondanceTekst", models.required(models.text(999)))),
        model(*fields[:2], ("KorrespondanceTekst", models.required(spyne.Date))),
    ]
    compare(schemas, model(*fields), name, set())
    for each in wrong:
        with pytest.raises(AssertionError):
            compare(schemas, each, name, set())


@pytest.mark.parametrize(
    "folder",
    [
        "FakturaInformationAfsend",
        "FakturaInformationSvarAfsend",
        "DimensionHent",
        "FinansbilagModtag",
        "UdtraekHent",
    ],
)
def test_readme_speaks_of_every_element(folder: str, schemas: Schemas):
    """Each name has its mark: confirmed, inferred or reconstructed."""
    texts = [ROOT / folder / "README.md", ROOT / "common" / "README.md"]
    said = "".join(path.read_text("utf-8") for path in texts)
    files = [*Path(ROOT / folder).rglob("*.xsd"), *(ROOT / "common").rglob("*.xsd")]
    for path in files:
        for node in etree.parse(path).getroot().iter(f"{XS}element"):
            if node.get("name"):
                assert f"`{node.get('name')}`" in said, node.get("name")
