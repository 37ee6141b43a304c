"""Elements of a SoapUI project, made alike everywhere."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from lxml import etree

CON = "http://eviware.com/soapui/config"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


def root(name: str, /, **attributes: str) -> etree._Element:
    """The outermost element, with the prefixes that SoapUI itself uses."""
    return etree.Element(f"{{{CON}}}{name}", attributes, nsmap={"con": CON, "xsi": XSI})


def add(parent: etree._Element, name: str, text: str | None = None, /, **attributes: str) -> etree._Element:
    """A child in SoapUI's namespace."""
    child: etree._Element = etree.SubElement(parent, f"{{{CON}}}{name}", attributes)
    child.text = text
    return child


def add_whole(parent: etree._Element, name: str, text: str) -> etree._Element:
    """A child whose text is a document of its own, as CDATA."""
    child = add(parent, name)
    child.text = etree.CDATA(text)
    return child


def add_plain(parent: etree._Element, name: str, text: str) -> etree._Element:
    """A child in no namespace: what stands in a configuration."""
    child: etree._Element = etree.SubElement(parent, name)
    child.text = text
    return child


def add_item(
    parent: etree._Element, name: str, label: str, /, *path: str, **attributes: str
) -> etree._Element:
    """A model item: it has a name, empty settings, and an id that stays the same from export to export."""
    identity = str(uuid5(NAMESPACE_URL, "/".join(("opus-soap", *path, name, label))))
    child = add(parent, name, None, **attributes, name=label, id=identity)
    add(child, "settings")
    return child
