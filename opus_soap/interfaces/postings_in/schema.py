"""What `wsdl/PosteringerInd` says: as a fast yes or no, and as tables to explain a no with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from lxml import etree

from opus_soap.soap.contracts import ROOT

NAMESPACE = "http://kmd.dk/fir/posting/external"
REQUEST = f"{{{NAMESPACE}}}FinancePostingRequest"
RESPONSE = f"{{{NAMESPACE}}}FinancePostingResponse"
FOLDER = ROOT / "PosteringerInd"

_XS = "{http://www.w3.org/2001/XMLSchema}"
_PARTS = ("CONTROL_FIELDS", "POSTING_DOCUMENT")
# the parts of a file as roots of their own, so that each is validated as it is read
_OF_PARTS = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:f="{NAMESPACE}">
  <xs:import namespace="{NAMESPACE}" schemaLocation="FinancePostingRequest.xsd"/>
  <xs:element name="CONTROL_FIELDS" type="f:ControlFields"/>
  <xs:element name="POSTING_DOCUMENT" type="f:PostingDocument"/>
</xs:schema>"""

# how a form is told to people, in Danish and in English; types that only limit the length are not here
_FORMS = {
    "Receiver": ("[PQTDU]99CLNT999",) * 2,
    "FileName": (
        "ZFIR_KMD_Opus_Posteringer_IND_999_XXXX_ååååmmdd_ttmmss.xml",
        "ZFIR_KMD_Opus_Posteringer_IND_999_XXXX_yyyymmdd_hhmmss.xml",
    ),
    "Date": ("ååååmmdd uden skilletegn, før 2060", "yyyymmdd without separators, before 2060"),
    "Time": ("ttmmss", "hhmmss"),
    "Amount": (
        "højst 12 cifre, punktum og præcis to decimaler, fx 100.00",
        "at most 12 digits, a full stop and exactly two decimals, such as 100.00",
    ),
    "LineCount": ("2–99999",) * 2,
    "MunicipalityCode": ("1–999",) * 2,
    "CompanyCode": ("1–9999",) * 2,
    "FiscalPeriod": ("1–15",) * 2,
    "ExchangeRate": (
        "kroner for 100 enheder, med punktum, fx 746.00",
        "kroner for 100 units, with a full stop, such as 746.00",
    ),
    "FileLength": ("0–9999999999",) * 2,
    "RequiredDigits20": ("1–20 cifre", "1–20 digits"),
}


@dataclass(frozen=True)
class ValueType:
    """A simple type: what its text must be."""

    form: str  # how it is told to people, in Danish
    form_english: str
    pattern: re.Pattern[str] | None = None
    longest: int | None = None
    choices: tuple[str, ...] = ()
    is_date: bool = False

    @cached_property
    def takes(self) -> Callable[[str], object]:
        """Whether a text is of the type, by its truth; without a step in Python, for a file has millions."""
        if self.choices:
            return frozenset(self.choices).__contains__
        short = rf"[\s\S]{{0,{'' if self.longest is None else self.longest}}}"
        if self.pattern is None:
            return re.compile(short).fullmatch
        return re.compile(rf"(?={short}\Z)(?:{self.pattern.pattern})").fullmatch


@dataclass(frozen=True)
class Child:
    """A place in a sequence."""

    name: str
    content: ValueType | Sequence
    required: bool
    many: bool


@dataclass(frozen=True)
class Sequence:
    """A complex type: its children in their order."""

    children: tuple[Child, ...]

    def place(self, name: str) -> int | None:
        """Where a child stands in the order; None for a stranger."""
        return next((index for index, child in enumerate(self.children) if child.name == name), None)


@cache
def part_schema() -> etree.XMLSchema:
    """Validates a CONTROL_FIELDS or a POSTING_DOCUMENT that has been read."""
    return etree.XMLSchema(etree.fromstring(_OF_PARTS, base_url=f"{FOLDER}/parts.xsd"))


@cache
def parts() -> Mapping[str, Sequence]:
    """The tables of CONTROL_FIELDS and POSTING_DOCUMENT."""
    types = {
        str(node.get("name")): node
        for file in ("Types.xsd", "FinancePostingRequest.xsd")
        for node in etree.parse(FOLDER / file).getroot()
        if isinstance(node.tag, str) and node.get("name")
    }
    root = _sequence(types["FinancePostingRequest"].find(f"{_XS}complexType"), types)
    found = {child.name: child.content for child in root.children}
    return {name: part for name in _PARTS if isinstance(part := found[name], Sequence)}


def _sequence(node: etree._Element | None, types: Mapping[str, etree._Element]) -> Sequence:
    assert node is not None
    declared = node.findall(f"{_XS}sequence/{_XS}element")
    return Sequence(
        tuple(
            Child(
                name=str(element.get("name")),
                content=_content(element, types),
                required=element.get("minOccurs", "1") != "0",
                many=element.get("maxOccurs", "1") != "1",
            )
            for element in declared
        )
    )


def _content(element: etree._Element, types: Mapping[str, etree._Element]) -> ValueType | Sequence:
    name = element.get("type")
    if name is None:
        return _sequence(element.find(f"{_XS}complexType"), types)
    if name == "xs:base64Binary":
        return ValueType("base64", "base64", re.compile(r"[A-Za-z0-9+/=\s]*"))
    node = types[name]
    return _sequence(node, types) if node.tag == f"{_XS}complexType" else _value_type(name, node)


def _value_type(name: str, node: etree._Element) -> ValueType:
    facets = {
        kind: [str(facet.get("value")) for facet in node.iter(f"{_XS}{kind}")]
        for kind in ("pattern", "maxLength", "enumeration")
    }
    choices = tuple(facets["enumeration"])
    longest = int(facets["maxLength"][0]) if facets["maxLength"] else None
    pattern = re.compile(facets["pattern"][0]) if facets["pattern"] else None
    plain = " | ".join(choices) or (name if pattern is None else "≥ 1")
    form, english = _FORMS.get(name) or (plain, plain)
    if name.startswith("Digits"):
        digits = name.removeprefix("Digits")
        form, english = f"højst {digits} cifre", f"at most {digits} digits"
    elif name.startswith("Required") and name not in _FORMS:
        form, english = "mindst ét tegn", "at least one character"
    return ValueType(form, english, pattern, longest, choices, is_date=name == "Date")
