"""An answer as it is sent: a structure by the model, to a tree; the contract's schema looks at it afterwards.

As with reading, Spyne's own writer looks each type up again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lxml import etree
from pybase64 import b64encode_as_string

from opus_soap.encoded import Base64
from opus_soap.soap import compat  # noqa: F401  before spyne

from spyne import ByteArray, Unicode, Uuid, XmlAttribute  # isort: skip
from spyne.model.complex import ComplexModelBase  # isort: skip
from spyne.model.primitive import AnyXml  # isort: skip

# a model and a value → the text
WriteText = Callable[[Any, Any], str]


@dataclass(frozen=True)
class _Member:
    """How a value becomes an element or an attribute, and whether there may be several: then it is a list."""

    name: str
    write: Callable[[etree._Element, Any], None]
    many: bool


class Writer:
    """Writes structures; what is None or missing is left out, for the schema to miss it."""

    def __init__(self, write_text: WriteText) -> None:
        self._write_text = write_text
        self._forms: dict[Any, tuple[_Member, ...]] = {}

    def write(self, model: Any, value: Any, parent: etree._Element, tag: str) -> None:
        """The structure as a child of `parent`; raises what `write_text` raises."""
        form = self._forms.get(model)
        if form is None:
            form = self._forms[model] = tuple(self._form(model))
        element = etree.SubElement(parent, tag)
        for member in form:
            given = getattr(value, member.name, None)
            if given is None:
                continue
            if member.many:
                for one in given:
                    member.write(element, one)
            else:
                member.write(element, given)

    def _form(self, model: Any) -> list[_Member]:
        return [
            _Member(name, self._writing(member, self._name(model, name, member)), _is_many(member))
            for name, member in model.get_flat_type_info(model).items()
        ]

    def _name(self, model: Any, name: str, member: Any) -> str:
        if issubclass(member, XmlAttribute):
            return name
        namespace = member.Attributes.sub_ns or model.get_namespace()
        return f"{{{namespace}}}{member.Attributes.sub_name or name}"

    def _writing(self, model: Any, tag: str) -> Callable[[etree._Element, Any], None]:
        if issubclass(model, XmlAttribute):
            return lambda parent, value: parent.set(tag, self._write_text(model.type, value))
        if issubclass(model, ComplexModelBase):
            return lambda parent, value: self.write(model, value, parent, tag)
        if issubclass(model, AnyXml):
            return lambda parent, value: etree.SubElement(parent, tag).append(value)
        if issubclass(model, ByteArray):
            return lambda parent, value: _set(parent, tag, _encoded(value))
        if issubclass(model, Unicode) and not issubclass(model, Uuid):
            return lambda parent, value: _set(parent, tag, value)
        return lambda parent, value: _set(parent, tag, self._write_text(model, value))


def _set(parent: etree._Element, tag: str, text: str) -> None:
    etree.SubElement(parent, tag).text = text


def _encoded(value: Any) -> str:
    return str(value) if isinstance(value, Base64) else b64encode_as_string(b"".join(value))


def _is_many(member: Any) -> bool:
    return not issubclass(member, XmlAttribute) and member.Attributes.max_occurs > 1
