"""For whom a call is made, as its body says: the contexts of Serviceplatformen.

Services since 2017 have an AuthorityContext in HovedOplysninger. The older style has AuthorityContext,
InvocationContext and CallContext as children of the request; our contracts do not declare them, so
they are taken out before the request is held against its contract, and held against their own schemas.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from uuid import UUID

from lxml import etree

from opus_soap.errors import AuthorityContextMissing, AuthorityContextWrong, Both, InvocationContextWrong
from opus_soap.soap.contracts import ROOT
from opus_soap.soap.models import KONTEKST_NS

_OLDER = "http://serviceplatformen.dk/xml/schemas/{}/1/"
_NAMES = ("AuthorityContext", "InvocationContext", "CallContext")
_OLDER_TAGS = {f"{{{_OLDER.format(name)}}}{name}": name for name in _NAMES}
_HEADER = f"{{{KONTEKST_NS}}}HovedOplysninger"
_AUTHORITY = "{0}AuthorityContext/{0}MunicipalityCVR".format(f"{{{KONTEKST_NS}}}")
_USER_SYSTEM = f"{{{_OLDER.format('InvocationContext')}}}UserSystemUUID"


def check_authority(request: etree._Element, authority: str) -> None:
    """Raises `AuthorityContextWrong` when HovedOplysninger names another authority, in whichever model.

    `authority` is the CVR number of the agreement's municipality.
    """
    for found in request.iterfind(f"{_HEADER}/{_AUTHORITY}"):
        if found.text != authority:
            raise AuthorityContextWrong(value=found.text, expected=authority)


def check_contexts(request: etree._Element, *, authority: str, system: UUID, supported: str) -> None:
    """Hold a request of the Context model against its agreement; takes the older contexts out of it.

    `authority` is the CVR number of the agreement's municipality, `system` the agreement's UUID. An
    AuthorityContext must be there, the older one must name that authority (`check_authority` has seen to the
    other); an InvocationContext must name that system. Raises `AuthorityContextMissing` (which names the
    `supported` models), `AuthorityContextWrong`, `InvocationContextWrong`.
    """
    older = dict(_taken_out(request))
    cvr = older["AuthorityContext"][0].text if "AuthorityContext" in older else None
    if cvr is None and request.find(f"{_HEADER}/{_AUTHORITY}") is None:
        raise AuthorityContextMissing(expected=supported)
    if cvr not in (None, authority):
        raise AuthorityContextWrong(value=cvr, expected=authority)
    if "InvocationContext" in older:
        caller = older["InvocationContext"].findtext(_USER_SYSTEM)
        if caller != str(system):
            raise InvocationContextWrong(element="UserSystemUUID", value=caller, expected=system)


def _taken_out(request: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """The older contexts, each of its schema's form and at most once, removed from the request."""
    seen: set[str] = set()
    for child in list(request):
        name = _OLDER_TAGS.get(str(child.tag))
        if name is None:
            continue
        if name in seen:
            raise InvocationContextWrong(
                element=name, value=Both("står to gange", "stands twice"), expected="1"
            )
        if not _schema(name).validate(child):
            raise InvocationContextWrong(
                element=name, value=Both("en anden form", "another form"), expected=f"{name}.xsd"
            )
        seen.add(name)
        request.remove(child)
        yield name, child


@cache
def _schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(ROOT / "common" / "serviceplatform" / f"{name}.xsd"))
