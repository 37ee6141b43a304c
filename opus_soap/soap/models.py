"""What every contract's Spyne models are made of: base class, simple types, HovedOplysninger, Ping.

The models mirror the schemas in `wsdl/`; a test holds them equal. Messages are validated against the
schemas, not against these: facets stand here only so that the test can compare them.
"""

from __future__ import annotations

import datetime as time
import decimal
from typing import Any

from lxml import etree

from opus_soap.clock import COPENHAGEN
from opus_soap.soap import compat  # noqa: F401  before spyne
from opus_soap.soap.reading import Given

from spyne import ComplexModel, XmlAttribute  # isort: skip
from spyne import Boolean, ByteArray, Date, DateTime, Decimal, Unicode, Uuid  # isort: skip
from spyne.model.primitive import AnyXml  # isort: skip

KOMBIT_NS = "http://www.kombit.dk/2017/01/01/"
KONTEKST_NS = "http://kombit.dk/xml/schemas/kontekst/2017/01/01/"
OIR_NS = "urn:kombit:oir:1.0"


class Structure(ComplexModel):  # type: ignore[misc]
    """A structure in KOMBIT's common namespace; `_type_info` gives its elements in order."""

    __namespace__ = KOMBIT_NS


class KontekstStructure(ComplexModel):  # type: ignore[misc]
    """A structure in the context namespace."""

    __namespace__ = KONTEKST_NS


def optional(model: Any) -> Any:
    """An element that may be left out."""
    return model.customize(min_occurs=0)


def required(model: Any) -> Any:
    """An element that must be there."""
    return model.customize(min_occurs=1)


def many(model: Any, *, least: int = 0) -> Any:
    """An element that may be repeated; read and written as a list."""
    return model.customize(min_occurs=least, max_occurs="unbounded")


def text(longest: int | None = None, *, shortest: int = 0, pattern: str | None = None) -> Any:
    """A string with the facets of its schema type."""
    facets: dict[str, Any] = {"min_len": shortest, "pattern": pattern}
    if longest is not None:
        facets["max_len"] = longest
    return Unicode(**facets)


def choice_of(*values: str) -> Any:
    """A string that is one of `values`."""
    return Unicode(values=list(values))


UUID = Uuid
DATE = Date
INSTANT = DateTime
MARK = Boolean  # MarkeringAltidSand, SandFalsk
AMOUNT = Decimal(total_digits=15, fraction_digits=2, str_format="{:f}")
NUMBER = Decimal(str_format="{:f}")
REVISION = XmlAttribute(Unicode(pattern=r"r\d{4}"))

_IT_SYSTEM = text(pattern="[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}")
_CVR = text(pattern="[0-9]{8}")
# kept as the caller wrote it, because the answer must repeat it unchanged
_TRANSAKTIONS_TID = text()


class AuthorityContext(KontekstStructure):
    """The authority on whose behalf the call is made."""

    _type_info = [("MunicipalityCVR", required(_CVR))]


class Rute(KontekstStructure):
    """Routing: explicit when ModtagerItSystemInstans is given, else implicit."""

    _type_info = [
        ("AfsenderOrganisation", required(_CVR)),
        ("AfsenderItSystemInstans", required(_IT_SYSTEM)),
        ("ModtagerOrganisation", required(_CVR)),
        ("ModtagerItSystemInstans", optional(_IT_SYSTEM)),
    ]


class HovedOplysninger(KontekstStructure):
    """The header that every request carries in its body."""

    _type_info = [
        ("TransaktionsId", required(text(shortest=1))),
        ("TransaktionsTid", required(_TRANSAKTIONS_TID)),
        ("OnBehalfOfUser", optional(text(255))),
        ("CallersServiceCallIdentifier", optional(text(255))),
        ("AccountingInfo", optional(text(255))),
        ("AuthorityContext", optional(AuthorityContext)),
        ("Rute", optional(Rute)),
        ("Processing", many(AnyXml)),
    ]


class Advis(KontekstStructure):
    """A remark to the caller that is no error."""

    _type_info = [
        ("AdvisId", required(text())),
        ("AdvisTekst", required(text(shortest=1))),
        ("KildeId", optional(text(100, shortest=1))),
        ("Identifikation", many(AnyXml)),
    ]


class Fejl(KontekstStructure):
    """An error that the caller is told about; FejlId and KildeId together are unique."""

    _type_info = [
        ("FejlId", required(text())),
        ("FejlTekst", required(text(shortest=1))),
        ("KildeId", optional(text(100, shortest=1))),
        ("Identifikation", many(AnyXml)),
    ]


class SvarReaktion(KontekstStructure):
    """Either a remark or an error."""

    _type_info = [("Advis", optional(Advis)), ("Fejl", optional(Fejl))]


class HovedOplysningerSvar(KontekstStructure):
    """The header that every answer carries in its body."""

    _type_info = [
        ("TransaktionsId", required(text(shortest=1))),
        ("TransaktionsTid", required(_TRANSAKTIONS_TID)),
        ("SvarReaktion", many(SvarReaktion)),
    ]


HOVED = required(HovedOplysninger.customize(sub_ns=KONTEKST_NS))
HOVED_SVAR = required(HovedOplysningerSvar.customize(sub_ns=KONTEKST_NS))


def plain(value: Any) -> Any:
    """A value of a Spyne model, or one that came in for it, as JSON has it.

    Elements by their names, and nothing for what is not there.

    What means the same is the same: 100.0 and 100.00, an instant in any zone.
    """
    if isinstance(value, Given):
        given = ((name, getattr(value, name)) for name in value.elements)
        return {name: plain(member) for name, member in given if member is not None}
    if isinstance(value, ComplexModel):
        members = {
            name: getattr(value, name, None)
            for name, member in value.get_flat_type_info(type(value)).items()
            if not issubclass(member, XmlAttribute)
        }
        return {name: plain(member) for name, member in members.items() if member is not None}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, decimal.Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, time.datetime):
        return (value if value.tzinfo else value.replace(tzinfo=COPENHAGEN)).astimezone(time.UTC).isoformat()
    if isinstance(value, etree._Element):
        return etree.tostring(value, method="c14n").decode("utf-8")
    return value if isinstance(value, bool) else str(value)


def answer_header(request: Any, *reactions: Any) -> HovedOplysningerSvar:
    """HovedOplysningerSvar for a request: its TransaktionsId and TransaktionsTid, repeated unchanged."""
    header = request.HovedOplysninger
    return HovedOplysningerSvar(
        TransaktionsId=header.TransaktionsId,
        TransaktionsTid=header.TransaktionsTid,
        SvarReaktion=list(reactions) or None,
    )


class OirBase64Container(ComplexModel):  # type: ignore[misc]
    """A file. Rolle: ORIGINAL is the invoice as it came, HTML a readable rendering, BILAG an attachment."""

    __namespace__ = OIR_NS
    _type_info = [
        ("FilNavn", required(text(255, shortest=1))),
        ("Medietype", required(text(pattern=r"[a-zA-Z0-9.+\-]+/[a-zA-Z0-9.+\-]+"))),
        ("Rolle", required(choice_of("ORIGINAL", "HTML", "BILAG"))),
        ("Indhold", required(ByteArray)),
    ]


class Ping_I(Structure):
    """Is the service there, and may I call it?"""

    _type_info = [("HovedOplysninger", HOVED), ("revision", REVISION)]


class Ping_O(Structure):
    """It is, and you may."""

    _type_info = [("HovedOplysningerSvar", HOVED_SVAR), ("revision", REVISION)]
