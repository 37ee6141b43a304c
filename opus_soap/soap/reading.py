"""A request as its operation gets it: by the model, from a tree that the contract's schema has vouched for.

Spyne's own reader prepares every member of a structure, given or not, and looks each type up again and
again: of a message with many lines that was most of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal as DecimalValue
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

from lxml import etree

from opus_soap.encoded import Base64
from opus_soap.errors import BodyInvalid
from opus_soap.soap import compat  # noqa: F401  before spyne
from opus_soap.wss.lifting import Lifted

from spyne import Boolean, ByteArray, Date, DateTime, Decimal, Unicode, Uuid, XmlAttribute  # isort: skip
from spyne.model.complex import ComplexModelBase  # isort: skip
from spyne.model.primitive import AnyXml  # isort: skip

# a model and a text → the value
ReadText = Callable[[Any, str], Any]
_Read = Callable[[etree._Element, Lifted], Any]


# values that Spyne reads otherwise than XML Schema writes them
_AS_SCHEMA_HAS_IT: Mapping[Any, Callable[[str], Any]] = {
    Date: lru_cache(maxsize=1024)(date.fromisoformat),  # many lines, few days
    DateTime: datetime.fromisoformat,
    Boolean: lambda text: text in ("true", "1"),
    Decimal: DecimalValue,
}


class Given:
    """A structure that came in; its elements are attributes."""

    elements: ClassVar[tuple[str, ...]] = ()
    """The names of all that may be there, in the contract's order."""


class _Member(NamedTuple):
    """How an element is read, None for its text, and whether it may be repeated (then it is a list)."""

    name: str
    read: _Read | None
    many: bool


class _Members(dict[str, _Member]):
    """A structure's members by the tags that they have come with; each is found by its local name once."""

    def __init__(self, by_name: Mapping[str, _Member]) -> None:
        super().__init__()
        self._by_name = by_name

    def __missing__(self, tag: str) -> _Member:
        member = self[tag] = self._by_name[tag.rpartition("}")[2]]
        return member


@dataclass(frozen=True)
class _Form:
    """What is known of a structure: the class of its values, and its members."""

    kind: type[Given]
    elements: _Members
    attributes: Mapping[str, Any]


class Reader:
    """Reads structures: what is not given is None, repeated elements are lists, base64 is `Base64`."""

    def __init__(self, read_text: ReadText) -> None:
        self._read_text = read_text
        self._forms: dict[Any, _Form] = {}

    def read(self, model: Any, element: etree._Element, lifted: Lifted) -> Any:
        """The structure, with the contents that were lifted out of it; raises what `read_text` raises."""
        form = self._forms.get(model)
        if form is None:
            form = self._forms[model] = self._form(model)
        made = form.kind()
        values, members = made.__dict__, form.elements
        for child in element:
            name, read, many = members[child.tag]  # type: ignore[index]  # a name: there are no comments
            value = read(child, lifted) if read is not None else child.text or ""  # most are texts
            if many:
                values.setdefault(name, []).append(value)
            else:
                values[name] = value
        for name, attribute in form.attributes.items():
            if (text := element.get(name)) is not None:
                values[name] = self._read_text(attribute, text)
        return made

    def _form(self, model: Any) -> _Form:
        members = model.get_flat_type_info(model)
        attributes = {
            name: member.type for name, member in members.items() if issubclass(member, XmlAttribute)
        }
        elements = {
            name: _Member(name, self._reading(member), member.Attributes.max_occurs > 1)
            for name, member in members.items()
            if name not in attributes
        }
        kind = type(model.__name__, (Given,), {**dict.fromkeys(members), "elements": tuple(elements)})
        return _Form(kind, _Members(elements), attributes)

    def _reading(self, model: Any) -> _Read | None:
        if issubclass(model, ComplexModelBase):
            return lambda element, lifted: self.read(model, element, lifted)
        if issubclass(model, AnyXml):
            return _anything
        if issubclass(model, ByteArray):
            return _content
        if issubclass(model, Unicode) and not issubclass(model, Uuid):
            return None
        for kind, read in _AS_SCHEMA_HAS_IT.items():
            if issubclass(model, kind):
                return lambda element, _, read=read: read((element.text or "").strip())  # type: ignore[misc]
        return lambda element, _: self._read_text(model, element.text or "")


def _anything(element: etree._Element, lifted: Lifted) -> etree._Element | None:
    """What a wildcard holds, as it came: nobody knows what its texts are."""
    for inner in element.iter():
        if inner in lifted:
            inner.text = str(lifted[inner])
    return element[0] if len(element) else None


def _content(element: etree._Element, lifted: Lifted) -> Base64:
    if (found := lifted.get(element)) is not None:
        return found
    try:
        return Base64.read(element.text or "")
    except ValueError:  # libxml2's schemas take characters that base64 does not have
        raise BodyInvalid(element=etree.QName(element).localname, expected="base64") from None
