"""A holder-of-key token as Kombit's STS shapes it; for the test STS, and for tests.

Shape read from published tokens of the test environment: NameID X509SubjectName, one holder-of-key
confirmation with the holder's certificate, Recipient and Audience the service's EntityId, five attributes,
one AuthnStatement.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from opus_soap.wss.certificates import distinguished_name
from opus_soap.wss.engine import sign_enveloped
from opus_soap.wss.names import DS, KEY_INFO, SAML2, X509_CERTIFICATE, X509_DATA, XSI, saml
from opus_soap.wss.privileges import PrivilegeGroup, write_privileges
from opus_soap.wss.saml import ASSURANCE_LEVEL, CVR, HOLDER_OF_KEY, PRIVILEGES, SPEC_VER
from opus_soap.wss.timestamps import write_instant

_FORMATS = "urn:oasis:names:tc:SAML"
_BASIC = f"{_FORMATS}:2.0:attrname-format:basic"


@dataclass(frozen=True)
class Claims:
    """What a token says."""

    audience: str
    cvr: str
    holder: x509.Certificate
    privileges: tuple[PrivilegeGroup, ...] = ()
    assurance_level: int = 3
    lifetime: timedelta = field(default=timedelta(hours=8))


def issue(
    claims: Claims, *, issuer: str, key: rsa.RSAPrivateKey, certificate: x509.Certificate, now: datetime
) -> etree._Element:
    """The signed assertion; `issuer` is the EntityId of the STS, `now` when it begins to count."""
    begin, end = write_instant(now), write_instant(now + claims.lifetime)
    assertion = etree.Element(
        saml("Assertion"), ID=f"_{uuid4()}", IssueInstant=begin, Version="2.0", nsmap={None: SAML2}
    )
    _add(assertion, "Issuer", issuer, Format=f"{_FORMATS}:2.0:nameid-format:entity")
    subject = _add(assertion, "Subject")
    _add(
        subject, "NameID", distinguished_name(claims.holder.subject),
        Format=f"{_FORMATS}:1.1:nameid-format:X509SubjectName",
    )  # fmt: skip
    confirmation = _add(subject, "SubjectConfirmation", Method=HOLDER_OF_KEY)
    data = etree.SubElement(confirmation, saml("SubjectConfirmationData"), nsmap={"xsi": XSI})
    data.set(f"{{{XSI}}}type", "KeyInfoConfirmationDataType")
    for name, value in (("NotBefore", begin), ("NotOnOrAfter", end), ("Recipient", claims.audience)):
        data.set(name, value)
    key_info = etree.SubElement(data, KEY_INFO, nsmap={None: DS})
    held = etree.SubElement(etree.SubElement(key_info, X509_DATA), X509_CERTIFICATE)
    held.text = base64.b64encode(claims.holder.public_bytes(Encoding.DER)).decode("ascii")
    conditions = _add(assertion, "Conditions", NotBefore=begin, NotOnOrAfter=end)
    _add(_add(conditions, "AudienceRestriction"), "Audience", claims.audience)
    _attributes(assertion, claims)
    context = _add(_add(assertion, "AuthnStatement", AuthnInstant=begin), "AuthnContext")
    _add(context, "AuthnContextClassRef", f"{_FORMATS}:2.0:ac:classes:X509")
    return sign_enveloped(assertion, key=key, certificate=certificate)


def _attributes(assertion: etree._Element, claims: Claims) -> None:
    statement = _add(assertion, "AttributeStatement")
    for name, value in (
        (CVR, claims.cvr),
        (ASSURANCE_LEVEL, str(claims.assurance_level)),
        (SPEC_VER, "DK-SAML-2.0"),
        ("dk:gov:saml:attribute:KombitSpecVer", "1.0"),
        (PRIVILEGES, write_privileges(claims.privileges)),
    ):
        _add(_add(statement, "Attribute", Name=name, NameFormat=_BASIC), "AttributeValue", value)


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    child: etree._Element = etree.SubElement(parent, saml(name), attributes)
    child.text = text
    return child
