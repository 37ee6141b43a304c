"""The contracts in `wsdl/`: which operations they have, whether a body keeps to them, how they are served.

The files are the truth. They are served as they stand, with only soap:address and the locations of
imports rewritten; only files that a service's two WSDL variants reach can be asked for.
"""

from __future__ import annotations

import posixpath
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from lxml import etree

from opus_soap.encoded import Base64
from opus_soap.errors import BodyInvalid, ContractFileUnknown, mask_cpr
from opus_soap.wss.lifting import Lifted

ROOT = (Path(__file__).parent.parent / "wsdl").resolve()

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
_XS = "{http://www.w3.org/2001/XMLSchema}"
_BASE64 = f"{_XS}base64Binary"
_LOCATIONS = {
    f"{_WSDL}import": "location",
    f"{_XS}include": "schemaLocation",
    f"{_XS}import": "schemaLocation",
}
_ATTRIBUTE = re.compile(r"attribute '(?:\{[^}]*\})?([^']+)'")
_EXPECTED = re.compile(r"Expected is (?:one of )?\( (.*) \)")
_STEP = re.compile(r"/([^/\[]+)(?:\[(\d+)\])?")
_NAMESPACE = re.compile(r"\{[^}]*\}")
_LONG = 4096  # characters: what is longer is worth being lifted


@dataclass(frozen=True)
class Operation:
    """One operation of a contract; `request` and `response` are the QNames of the bodies."""

    name: str
    soap_action: str
    request: str
    response: str


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def _read(path: str) -> etree._Element:
    return etree.fromstring((ROOT / path).read_bytes(), _parser())


def _links(path: str, document: etree._Element) -> Iterator[tuple[etree._Element, str, str]]:
    """Every import and include of a file: the node, its attribute, the path it means."""
    for node in document.iter(*_LOCATIONS):
        attribute = _LOCATIONS[str(node.tag)]
        location = node.get(attribute)
        if location:
            yield node, attribute, posixpath.normpath(posixpath.join(posixpath.dirname(path), location))


def _reachable(*entries: str) -> dict[str, etree._Element]:
    found: dict[str, etree._Element] = {}
    waiting = list(entries)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = _read(path)
            waiting.extend(target for _, _, target in _links(path, found[path]))
    return found


_OUR_OWN = frozenset({"DimensionHent", "UdtraekHent"})  # services that KOMBIT does not have


def entity_id(name: str) -> str:
    """A service's EntityId, a token's audience (KOMBIT's: reconstructed in the shape of their siblings)."""
    house = "opus-soap.dk" if name in _OUR_OWN else "oir.serviceplatformen.dk"
    return f"http://{house}/service/{name.lower()}/1"


@dataclass(frozen=True)
class Contract:
    """The contract of one service; `name` is its folder in `wsdl/`."""

    name: str
    operations: Mapping[str, Operation]  # by the QName of the request body
    _documents: Mapping[str, etree._Element]
    _encoded: Collection[str]  # the QNames of elements that hold any base64
    _local: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    @property
    def wsdl_path(self) -> str:
        """The file with binding and service; what `?wsdl` alone answers with."""
        return f"{self.name}/wsdl/{self.name}Service.wsdl"

    @property
    def schema_path(self) -> str:
        """The schema that declares the bodies."""
        return f"{self.name}/service/{self.name}ServiceInterface.xsd"

    @property
    def files(self) -> frozenset[str]:
        """What may be asked for, as paths relative to `wsdl/`."""
        return frozenset(self._documents)

    def serve(self, path: str, address: str) -> bytes:
        """The file, with soap:address and locations rewritten to `address`, the service's own URL.

        An empty path means the WSDL; `Token` and `Context` name its variants. Raises
        `ContractFileUnknown` for everything that this contract does not reach.
        """
        variants = {
            "": self.wsdl_path,
            "Token": f"{self.name}/{self.name}ServiceToken.wsdl",
            "Context": f"{self.name}/{self.name}ServiceContext.wsdl",
        }
        path = variants.get(path, path)
        if path not in self._documents:
            raise ContractFileUnknown(element=self.name)
        document = etree.fromstring(etree.tostring(self._documents[path]), _parser())
        for node, attribute, target in list(_links(path, document)):
            kind = "wsdl" if target.endswith(".wsdl") else "xsd"
            node.set(attribute, f"{address}?{kind}={quote(target)}")
        for node in document.iter(f"{_SOAP}address"):
            node.set("location", address)
        return etree.tostring(document, xml_declaration=True, encoding="UTF-8")

    def kept_apart(self, lifted: Lifted) -> Lifted:
        """Those of the texts that were lifted which are what the schema calls base64; the others go back."""
        kept = {}
        for element, text in lifted.items():
            if element.tag in self._encoded and not len(element):
                kept[element] = text
            else:
                element.text = str(text)
        return kept

    def accept(self, body: etree._Element, lifted: Lifted) -> Lifted:
        """`validate` of a body that came in; its long contents are taken out, and returned with the `lifted`.

        They are decoded here, and nobody need look at their text again. Only what is good is taken, from
        elements of which the schema says nothing but that they are base64: an empty one is as valid. What is
        wrong stays, for the schema to tell.
        """
        lifted = {**lifted, **self._lift(body)}
        self.validate(body)
        return lifted

    def _lift(self, body: etree._Element) -> Lifted:
        found = {}
        for element in body.iter(*self._encoded):
            text = element.text or ""
            if len(text) >= _LONG and not len(element) and (content := Base64.as_encoded(text)) is not None:
                element.text = ""
                found[element] = content
        return found

    def _schema(self) -> etree.XMLSchema:
        # one per thread: a schema object keeps its error log
        schema: etree.XMLSchema | None = getattr(self._local, "schema", None)
        if schema is None:
            schema = etree.XMLSchema(file=str(ROOT / self.schema_path))
            self._local.schema = schema
        return schema

    def validate(self, body: etree._Element) -> None:
        """Hold a body against the schema; raises `BodyInvalid` for its first deviation.

        The error names the element and what the contract expects, never the value found: it may be
        a CPR number.
        """
        schema = self._schema()
        if not schema.validate(body):
            raise _deviation(body, schema.error_log[0])


def _where(body: etree._Element, path: str) -> str:
    """libxml2's path (`/*/*[4]/k:Postering[2]`) as names with positions, from below the body's root."""
    node, names = body, []
    for name, position in _STEP.findall(path)[1:]:
        local = name.rpartition(":")[2]
        children = [child for child in node if local in ("*", etree.QName(child).localname)]
        node = children[int(position or 1) - 1]
        names.append(etree.QName(node).localname + (f"[{position}]" if position and local != "*" else ""))
    return "/".join(names)


def _deviation(body: etree._Element, entry: etree._LogEntry) -> BodyInvalid:
    message = entry.message
    attribute = _ATTRIBUTE.search(message)
    expected = _EXPECTED.search(message)
    name = _where(body, entry.path or "") or etree.QName(body).localname
    if attribute:
        name = f"{name}/@{attribute.group(1)}"
    kind = entry.type_name.removeprefix("SCHEMAV_").removeprefix("CVC_").lower().replace("_", " ")
    return BodyInvalid(
        element=mask_cpr(name), expected=_NAMESPACE.sub("", expected.group(1)) if expected else kind
    )


def _operations(documents: Mapping[str, etree._Element]) -> dict[str, Operation]:
    elements: dict[str, str] = {}
    actions: dict[str, str] = {}
    for document in documents.values():
        for part in document.iter(f"{_WSDL}part"):
            prefix, local = str(part.get("element")).split(":")
            message = str(part.getparent().get("name"))  # type: ignore[union-attr]
            elements[message] = f"{{{part.nsmap[prefix]}}}{local}"
        for soap_operation in document.iter(f"{_SOAP}operation"):
            name = str(soap_operation.getparent().get("name"))  # type: ignore[union-attr]
            actions[name] = str(soap_operation.get("soapAction"))
    found = [
        Operation(name, action, elements[f"m_{name}_I"], elements[f"m_{name}_O"])
        for name, action in actions.items()
    ]
    return {operation.request: operation for operation in found}


def _encoded(documents: Collection[etree._Element]) -> Iterator[str]:
    """The elements that may hold any base64: of its type, or of one that restricts it in nothing."""
    types = set()
    for document in documents:
        for restriction in document.iter(f"{_XS}restriction"):
            if _named(restriction, "base") == _BASE64 and not len(restriction):
                types.add(_qualified(restriction.getparent()))
    for document in documents:
        for element in document.iterchildren(f"{_XS}element"):
            if _named(element, "type") in (_BASE64, *types):
                yield _qualified(element)


def _named(node: etree._Element, attribute: str) -> str:
    """The QName that an attribute holds."""
    prefix, _, local = node.get(attribute, "").rpartition(":")
    return f"{{{node.nsmap.get(prefix or None, '')}}}{local}"


def _qualified(declared: etree._Element | None) -> str:
    """The QName of what a schema declares at its top."""
    assert declared is not None
    namespace = declared.getroottree().getroot().get("targetNamespace", "")
    return f"{{{namespace}}}{declared.get('name')}"


def load_contract(name: str) -> Contract:
    """Read the contract in `wsdl/<name>/` and all that it imports."""
    documents = _reachable(
        f"{name}/{name}ServiceToken.wsdl",
        f"{name}/{name}ServiceContext.wsdl",
        f"{name}/service/{name}ServiceInterface.xsd",
    )
    return Contract(name, _operations(documents), documents, frozenset(_encoded(documents.values())))
