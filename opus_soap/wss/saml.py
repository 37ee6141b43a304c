"""SAML 2.0 holder-of-key tokens as Kombit's STS issues them: believed only when everything holds.

Signature by a pinned key of a trusted issuer, shape, time, audience, recipient, holder. What is read is
what was signed: the assertion as the signature's verifier hands it back. Sources: OIO SAML profile for
identity tokens, OIO IDWS, SAML 2.0 core chapter 2.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from lxml import etree

from opus_soap.languages import Both
from opus_soap.wss.certificates import check_dates, check_key, load_der, subject_text, thumbprint
from opus_soap.wss.engine import check_schema, verify_enveloped
from opus_soap.wss.errors import ReferenceInvalid
from opus_soap.wss.errors_tokens import (
    AssertionInvalid,
    HolderWrong,
    PrivilegeMissing,
    TokenForAnother,
    TokenIssuerUntrusted,
    TokenOutOfDate,
)
from opus_soap.wss.names import (
    DS,
    ENVELOPED,
    EXC_C14N,
    KEY_INFO,
    SIGNATURE,
    X509_CERTIFICATE,
    X509_DATA,
    XSI,
    saml,
)
from opus_soap.wss.privileges import PrivilegeGroup, read_privileges
from opus_soap.wss.references import listed, read_chain
from opus_soap.wss.timestamps import read_instant

HOLDER_OF_KEY = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"
CVR = "dk:gov:saml:attribute:CvrNumberIdentifier"
ASSURANCE_LEVEL = "dk:gov:saml:attribute:AssuranceLevel"
SPEC_VER = "dk:gov:saml:attribute:SpecVer"
PRIVILEGES = "dk:gov:saml:attribute:Privileges_intermediate"
_SPEC = "DK-SAML-2.0"
_CONFIRMATION_TYPE = "KeyInfoConfirmationDataType"
_FIRST = (saml("Issuer"), SIGNATURE, saml("Subject"), saml("Conditions"))
_STATEMENTS = (saml("AttributeStatement"), saml("AuthnStatement"))
_MOST_ATTRIBUTES, _MOST_VALUES = 50, 20
_CVR_NUMBER = re.compile(r"[0-9]{8}")


@dataclass(frozen=True)
class TokenTrust:
    """Which STSes are believed, and what their tokens must be."""

    issuers: Mapping[str, Sequence[x509.Certificate]] = field(default_factory=dict)
    """EntityId of an STS → the certificates that it signs with."""
    max_lifetime: timedelta = timedelta(hours=24)
    least_assurance: int = 3
    required_privileges: Sequence[str] = ()
    """Names that a token must bring, on behalf of the authority that it is for."""


@dataclass(frozen=True)
class SamlToken:
    """What a believed token says."""

    identifier: str
    issuer: str
    subject: str
    holder: x509.Certificate
    """The certificate whose key must sign the message."""
    audience: str
    cvr: str
    privileges: tuple[PrivilegeGroup, ...]
    not_before: datetime
    not_on_or_after: datetime
    attributes: Mapping[str, tuple[str, ...]]


def verify_assertion(
    assertion: etree._Element, trust: TokenTrust, *, audience: str, now: datetime, skew: timedelta
) -> SamlToken:
    """The token that an assertion is, for the service with the EntityId `audience`.

    Raises `AssertionInvalid`, `TokenIssuerUntrusted`, `TokenOutOfDate`, `TokenForAnother`, `HolderWrong`,
    `PrivilegeMissing`, and what a signature may be refused for.
    """
    signature = _check_shape(assertion)
    _check_signature(assertion, signature)
    issuer = _text(assertion[0], "Issuer")
    signed = verify_enveloped(assertion, certificate=_issuer(issuer, signature, trust, now), now=now)
    token = _read(signed)
    _check_times(token, trust, now, skew)
    if token.audience != audience:
        raise TokenForAnother(element="Audience", value=token.audience, expected=audience)
    _check_confirmation(_confirmation(signed), audience, now, skew)
    if _assurance(token) < trust.least_assurance:
        raise AssertionInvalid(
            element="AssuranceLevel",
            value=Both(f"er lavere end {trust.least_assurance}", f"is below {trust.least_assurance}"),
        )
    for name in trust.required_privileges:
        if not has_privilege(token.privileges, name, token.cvr):
            raise PrivilegeMissing(value=token.cvr, expected=name)
    return token


def _check_shape(assertion: etree._Element) -> etree._Element:
    """The children that Kombit's tokens have, and no others (no Advice); returns the signature."""
    tags = [str(child.tag) for child in assertion]
    if tuple(tags[:4]) != _FIRST:
        raise AssertionInvalid(
            element="Assertion",
            value=Both(
                "skal begynde med Issuer, Signature, Subject, Conditions",
                "must begin with Issuer, Signature, Subject, Conditions",
            ),
        )
    if sorted(tags[4:]) not in ([_STATEMENTS[0]], list(_STATEMENTS)):
        raise AssertionInvalid(
            element="Assertion",
            value=Both("skal slutte med én AttributeStatement", "must end with one AttributeStatement"),
        )
    if assertion.get("Version") != "2.0" or not assertion.get("ID"):
        raise AssertionInvalid(
            element="Assertion",
            value=Both("skal have Version 2.0 og et ID", "must have Version 2.0 and an ID"),
        )
    return assertion[1]


def _check_signature(assertion: etree._Element, signature: etree._Element) -> None:
    """One reference, to the whole assertion without the signature."""
    check_schema(signature, most_references=1)
    references = listed(signature, most=1)
    uri, chain = references[0].get("URI"), read_chain(references[0])
    if uri != f"#{assertion.get('ID')}" or chain != (ENVELOPED, EXC_C14N):
        raise ReferenceInvalid(
            value=Both(f"URI {uri!r} i en assertion", f"URI {uri!r} of an assertion"),
            expected=Both("hele assertion", "the whole assertion"),
        )


def _issuer(issuer: str, signature: etree._Element, trust: TokenTrust, now: datetime) -> x509.Certificate:
    """The pinned certificate of the issuer that the signature says it was made with."""
    if issuer not in trust.issuers:
        raise TokenIssuerUntrusted(
            value=issuer, expected="; ".join(sorted(trust.issuers)) or Both("ingen", "none")
        )
    key_info = signature.find(KEY_INFO)
    data = None if key_info is None else key_info.find(X509_DATA)
    if data is None:
        raise AssertionInvalid(
            element="KeyInfo",
            value=Both("har intet certifikat fra udstederen", "carries no certificate of the issuer"),
        )
    given = load_der(_decoded(data[0]))
    for pinned in trust.issuers[issuer]:
        if pinned == given:
            check_dates(pinned, now)
            check_key(pinned)
            return pinned
    raise TokenIssuerUntrusted(
        value=f"{issuer}, {_named(given)}",
        expected=f"{issuer}, {'; '.join(map(_named, trust.issuers[issuer])) or 'none'}",
    )


def _named(certificate: x509.Certificate) -> str:
    return f"{subject_text(certificate.subject)} ({thumbprint(certificate)[:16]}…)"


def _read(signed: etree._Element) -> SamlToken:
    subject, conditions = signed.find(saml("Subject")), signed.find(saml("Conditions"))
    statement = signed.find(saml("AttributeStatement"))
    assert subject is not None
    assert conditions is not None
    assert statement is not None
    attributes = _attributes(statement)
    return SamlToken(
        identifier=str(signed.get("ID")),
        issuer=_text(signed[0], "Issuer"),
        subject=_subject(subject),
        holder=_holder(_confirmation(signed)),
        audience=_audience(conditions),
        cvr=_cvr(attributes),
        privileges=read_privileges(_one(attributes, PRIVILEGES, "")),
        not_before=read_instant(conditions.get("NotBefore"), "Conditions NotBefore"),
        not_on_or_after=read_instant(conditions.get("NotOnOrAfter"), "Conditions NotOnOrAfter"),
        attributes=attributes,
    )


def _subject(subject: etree._Element) -> str:
    if [child.tag for child in subject] != [saml("NameID"), saml("SubjectConfirmation")]:
        raise AssertionInvalid(
            element="Subject",
            value=Both(
                "skal indeholde én NameID og én SubjectConfirmation",
                "must hold one NameID and one SubjectConfirmation",
            ),
        )
    return _text(subject[0], "NameID")


def _confirmation(signed: etree._Element) -> etree._Element:
    """The one SubjectConfirmationData, of a holder-of-key confirmation."""
    confirmations = signed.findall(f"{saml('Subject')}/{saml('SubjectConfirmation')}")
    if len(confirmations) != 1:
        raise AssertionInvalid(
            element="Subject",
            value=Both("skal indeholde én SubjectConfirmation", "must hold one SubjectConfirmation"),
        )
    if confirmations[0].get("Method") != HOLDER_OF_KEY:
        raise HolderWrong(value=f"Method {confirmations[0].get('Method')!r}")
    if [child.tag for child in confirmations[0]] != [saml("SubjectConfirmationData")]:
        raise AssertionInvalid(
            element="SubjectConfirmation",
            value=Both(
                "skal kun indeholde SubjectConfirmationData", "must hold SubjectConfirmationData alone"
            ),
        )
    data: etree._Element = confirmations[0][0]
    kind = data.get(f"{{{XSI}}}type", _CONFIRMATION_TYPE).rpartition(":")[2]
    if kind != _CONFIRMATION_TYPE or [child.tag for child in data] != [KEY_INFO]:
        raise HolderWrong(
            value=Both(
                "SubjectConfirmationData indeholder ikke alene en KeyInfo",
                "SubjectConfirmationData holds no KeyInfo alone",
            )
        )
    return data


def _holder(data: etree._Element) -> x509.Certificate:
    certificates = data.findall(f"{KEY_INFO}/{X509_DATA}/{X509_CERTIFICATE}")
    others = [child.tag for child in data.iter(f"{{{DS}}}*")]
    if len(certificates) != 1 or len(others) != 3:
        raise HolderWrong(
            value=Both("KeyInfo skal indeholde ét X509Certificate", "KeyInfo must hold one X509Certificate")
        )
    return load_der(_decoded(certificates[0]))


def _audience(conditions: etree._Element) -> str:
    """The one Audience of the one AudienceRestriction; no other condition is known here."""
    if [child.tag for child in conditions] != [saml("AudienceRestriction")]:
        raise AssertionInvalid(
            element="Conditions",
            value=Both(
                "skal kun indeholde én AudienceRestriction", "must hold one AudienceRestriction alone"
            ),
        )
    if [child.tag for child in conditions[0]] != [saml("Audience")]:
        raise AssertionInvalid(
            element="AudienceRestriction", value=Both("skal indeholde én Audience", "must hold one Audience")
        )
    return _text(conditions[0][0], "Audience")


def _attributes(statement: etree._Element) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    if len(statement) > _MOST_ATTRIBUTES:
        raise AssertionInvalid(
            element="AttributeStatement",
            value=Both(
                f"mere end {_MOST_ATTRIBUTES} attributter", f"more than {_MOST_ATTRIBUTES} attributes"
            ),
        )
    for attribute in statement:
        name = attribute.get("Name")
        if attribute.tag != saml("Attribute") or not name or name in found:
            raise AssertionInvalid(
                element="AttributeStatement",
                value=Both("en attribut to gange, eller uden navn", "an attribute twice, or without a name"),
            )
        values = list(attribute)
        if len(values) > _MOST_VALUES or any(value.tag != saml("AttributeValue") for value in values):
            raise AssertionInvalid(
                element=name,
                value=Both("indeholder andet end sine værdier", "holds something else than its values"),
            )
        found[name] = tuple(_plain(value, name) for value in values)
    return found


def _one(attributes: Mapping[str, tuple[str, ...]], name: str, default: str) -> str:
    values = attributes.get(name, (default,))
    if len(values) != 1:
        raise AssertionInvalid(
            element=name, value=Both(f"har {len(values)} værdier", f"has {len(values)} values")
        )
    return values[0]


def _cvr(attributes: Mapping[str, tuple[str, ...]]) -> str:
    cvr = _one(attributes, CVR, "")
    if not _CVR_NUMBER.fullmatch(cvr):
        raise AssertionInvalid(
            element="CvrNumberIdentifier", value=Both("er ikke otte cifre", "is not eight digits")
        )
    if _one(attributes, SPEC_VER, _SPEC) != _SPEC:
        raise AssertionInvalid(element="SpecVer", value=Both(f"er ikke {_SPEC}", f"is not {_SPEC}"))
    return cvr


def _assurance(token: SamlToken) -> int:
    level = _one(token.attributes, ASSURANCE_LEVEL, "0")
    return int(level) if re.fullmatch("[0-9]", level) else 0


def _check_times(token: SamlToken, trust: TokenTrust, now: datetime, skew: timedelta) -> None:
    first, last = token.not_before, token.not_on_or_after
    if last <= first or last - first > trust.max_lifetime:
        raise AssertionInvalid(
            element="Conditions",
            value=Both(
                f"gælder i {last - first}, højst {trust.max_lifetime}",
                f"valid for {last - first}, at most {trust.max_lifetime}",
            ),
        )
    if now < first - skew:
        raise TokenOutOfDate(element="NotBefore", value=first.isoformat(), expected=now.isoformat())
    if now >= last + skew:
        raise TokenOutOfDate(element="NotOnOrAfter", value=last.isoformat(), expected=now.isoformat())


def _check_confirmation(data: etree._Element, audience: str, now: datetime, skew: timedelta) -> None:
    """Recipient and times of the confirmation itself (OIO SAML: the Recipient is the EntityId, too)."""
    if data.get("Recipient") != audience:
        raise TokenForAnother(element="Recipient", value=data.get("Recipient"), expected=audience)
    last = read_instant(data.get("NotOnOrAfter"), "SubjectConfirmationData NotOnOrAfter")
    first = data.get("NotBefore")
    if first is not None and now < read_instant(first, "SubjectConfirmationData NotBefore") - skew:
        raise TokenOutOfDate(element="NotBefore", value=first, expected=now.isoformat())
    if now >= last + skew:
        raise TokenOutOfDate(element="NotOnOrAfter", value=last.isoformat(), expected=now.isoformat())


def _text(element: etree._Element, name: str) -> str:
    text = _plain(element, name).strip()
    if not text:
        raise AssertionInvalid(element=name, value=Both("er tom", "is empty"))
    return text


def _plain(element: etree._Element, name: str) -> str:
    if len(element):
        raise AssertionInvalid(element=name, value=Both("er ikke ren tekst", "is not plain text"))
    return element.text or ""


def _decoded(element: etree._Element) -> bytes:
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise AssertionInvalid(
            element=etree.QName(element).localname, value=Both("er ikke base64", "is not base64")
        ) from None


def has_privilege(privileges: Iterable[PrivilegeGroup], name: str, cvr: str) -> bool:
    """Whether a privilege is given on behalf of an authority (its CVR number)."""
    return any(group.cvr == cvr and name in group.names for group in privileges)
