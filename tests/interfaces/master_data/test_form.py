"""Tables of the code and the contract say the same."""

from __future__ import annotations

import re

from lxml import etree

from opus_soap.errors import Both
from opus_soap.interfaces.master_data.form import ACTION, RECORD, TABLES, joined, split
from tests.conftest import ROOT

XS = "{http://www.w3.org/2001/XMLSchema}"
SCHEMA = etree.parse(ROOT / "wsdl/Udtraek/Stamdata.xsd").getroot()


def declared(name: str) -> etree._Element:
    (found,) = [node for node in SCHEMA.findall(f"{XS}element") if node.get("name") == name]
    return found


def test_the_contract_has_the_same_tables_in_the_same_order():
    refs = [node.get("ref") for node in declared("Stamdata").iter(f"{XS}element")]
    assert [ref for ref in refs if ref] == ["CONTROL_FIELDS", *(f"{table.name}{RECORD}" for table in TABLES)]


def test_each_record_has_the_same_elements():
    for table in TABLES:
        nodes = list(declared(f"{table.name}{RECORD}").iter(f"{XS}element"))[1:]
        said = [(node.get("name"), node.get("type"), node.get("minOccurs") != "0") for node in nodes]
        assert said[0] == (ACTION, "Action", False)
        assert said[1:] == [(one.name, one.type.name, one.required) for one in table.columns]


def test_each_type_is_as_long_and_of_the_same_pattern():
    for one in {column.type for table in TABLES for column in table.columns}:
        (node,) = [node for node in SCHEMA.findall(f"{XS}simpleType") if node.get("name") == one.name]
        facets = {etree.QName(facet).localname: facet.get("value") for facet in node[0]}
        if one.pattern:
            assert facets == {"pattern": one.pattern}
        else:
            assert facets == {"minLength": "1", "maxLength": str(one.longest)}


def test_identifiers_with_any_character_are_told_apart():
    identifiers = ["GLN:5798002000016", "X:a|b", "X:a%7Cb", "X:%"]
    assert split(joined(identifiers)) == sorted(identifiers, key=lambda one: joined([one]))
    assert split("") == []


ENGLISH = re.compile(
    r"\b(a|an|and|between|blank|blanks?|case|characters?|digits?|nothing|number|of|or|such|that|whole|with|without)\b"
)


def test_what_a_value_must_be_is_said_in_whole_danish():
    """In the Danish text nothing of the English one, of any type."""
    for one in {column.type for table in TABLES for column in table.columns}:
        danish = one.expected.danish if isinstance(one.expected, Both) else one.expected
        assert danish, one.name
        assert not ENGLISH.search(danish), (one.name, danish)
