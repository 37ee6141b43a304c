"""The attacks: each a named change of a valid message, with the refusal that it must get.

`naive=True` marks those that the naive verifier (naive.py) lets through.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from opus_soap.wss import errors
from opus_soap.wss.errors_trust import IssuerKeyWrong
from tests.wss.forge import (
    ANONYMOUS,
    C14N,
    DS,
    EC,
    ENVELOPED,
    NOW,
    NS,
    SOAP,
    WSA,
    WSSE,
    WSU,
    XSI,
    Forge,
    find,
    instant,
    to_bytes,
    token_of,
    world,
)

HEADER, BODY = "/s:Envelope/s:Header", "/s:Envelope/s:Body"
SECURITY = f"{HEADER}/wsse:Security"
TIMESTAMP = f"{SECURITY}/wsu:Timestamp"
SIGNATURE = f"{SECURITY}/ds:Signature"
EVIL = '<k:Send xmlns:k="urn:test"><k:Amount>999999</k:Amount><k:Party>evil</k:Party></k:Send>'


@dataclass(frozen=True)
class Attack:
    """A recipe: `make` returns the hostile message."""

    name: str
    make: Callable[[], bytes]
    refused_as: type[errors.WssError]
    naive: bool = False


@dataclass(frozen=True)
class Harmless:
    """A change of `start` on the way that no digest sees: it is believed, and means what it meant."""

    name: str
    change: Callable[[bytes], bytes]
    start: Callable[[], bytes]


ATTACKS: list[Attack] = []
HARMLESS: list[Harmless] = []


def attack(
    name: str, refused_as: type[errors.WssError], *, naive: bool = False
) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    def register(make: Callable[[], bytes]) -> Callable[[], bytes]:
        ATTACKS.append(Attack(name, make, refused_as, naive))
        return make

    return register


def changed(
    name: str, refused_as: type[errors.WssError], *, naive: bool = False
) -> Callable[[Callable[[etree._Element], None]], None]:
    """An attack that edits the signed tree in place."""

    def register(edit: Callable[[etree._Element], None]) -> None:
        ATTACKS.append(Attack(name, Forge(after=edit), refused_as, naive))

    return register


def forged(name: str, refused_as: type[errors.WssError], *, naive: bool = False, **recipe: object) -> None:
    """An attack that is signed with a valid key, but wrongly."""
    ATTACKS.append(Attack(name, Forge(**recipe), refused_as, naive))


def replaced(
    name: str, refused_as: type[errors.WssError], old: bytes, new: bytes, *, naive: bool = False
) -> None:
    """An attack on the bytes."""

    def make() -> bytes:
        data = Forge()()
        assert data.count(old) >= 1, old
        return data.replace(old, new, 1)

    ATTACKS.append(Attack(name, make, refused_as, naive))


def harmless(name: str, old: bytes, new: bytes, *, start: Callable[[], bytes] | None = None) -> None:
    """Bytes replaced that are not what was signed, or are written otherwise."""
    HARMLESS.append(Harmless(name, lambda data: data.replace(old, new, 1), start or Forge()))


# --- signature wrapping -----------------------------------------------------------------------------


def _evil_body(
    root: etree._Element, identifier: str | None = None, attribute: str = f"{{{WSU}}}Id"
) -> etree._Element:
    """Put an evil Body in the Body's place; returns the signed one, taken out."""
    signed = find(root, BODY)
    evil = etree.Element(signed.tag)
    evil.append(etree.fromstring(EVIL))
    if identifier is not None:
        evil.set(attribute, identifier)
    root.replace(signed, evil)
    return signed


def _wrapping(place: str, path: str, holder: str) -> None:
    for label, identifier, attribute in (
        ("new Id", "evil", f"{{{WSU}}}Id"),
        ("same Id", "body", f"{{{WSU}}}Id"),
        ("same ID", "body", "ID"),
        ("same xml:id", "body", "{http://www.w3.org/XML/1998/namespace}id"),
        ("no Id", None, ""),
    ):

        def edit(root: etree._Element, identifier=identifier, attribute=attribute) -> None:
            signed = _evil_body(root, identifier, attribute)
            wrapper = etree.SubElement(find(root, path), holder)
            wrapper.append(signed)

        # two elements with one wsu:Id are the one case that signxml itself sees
        naive = label != "same Id" and place in ("Header", "Security", "evil Body")
        changed(
            f"signed Body moved into {place}, evil one with {label}", errors.StructureInvalid, naive=naive
        )(edit)


_wrapping("Header", HEADER, "{urn:evil}Wrapper")
_wrapping("Security", SECURITY, "{urn:evil}Wrapper")
_wrapping("ds:Object", SIGNATURE, f"{{{DS}}}Object")
_wrapping("KeyInfo", f"{SIGNATURE}/ds:KeyInfo", "{urn:evil}Wrapper")
_wrapping(
    "SecurityTokenReference", f"{SIGNATURE}/ds:KeyInfo/wsse:SecurityTokenReference", "{urn:evil}Wrapper"
)
_wrapping("evil Body", BODY, "{urn:evil}Wrapper")


@changed("two Bodies, evil first", errors.StructureInvalid, naive=True)
def _(root):
    signed = _evil_body(root)
    root.append(signed)


@changed("two Bodies, evil last", errors.StructureInvalid, naive=True)
def _(root):
    evil = etree.SubElement(root, f"{{{SOAP}}}Body")
    evil.append(etree.fromstring(EVIL))


@changed("Header after Body", errors.StructureInvalid, naive=True)
def _(root):
    root.append(find(root, HEADER))


@changed("second, evil Header", errors.StructureInvalid, naive=True)
def _(root):
    root.insert(0, etree.Element(f"{{{SOAP}}}Header"))


@attack("Envelope in Envelope, signed one in the Header", errors.StructureInvalid, naive=True)
def _():
    inner = Forge().tree()
    outer = etree.fromstring(f'<s:Envelope xmlns:s="{SOAP}"><s:Header/><s:Body>{EVIL}</s:Body></s:Envelope>')
    outer[0].append(inner)
    return to_bytes(outer)


@attack("Envelope in Envelope, Security copied out", errors.StructureInvalid, naive=True)
def _():
    inner = Forge().tree()
    outer = etree.fromstring(f'<s:Envelope xmlns:s="{SOAP}"><s:Header/><s:Body>{EVIL}</s:Body></s:Envelope>')
    outer[0].append(find(inner, SECURITY))
    wrapper = etree.SubElement(outer[0], "{urn:evil}Wrapper")
    wrapper.append(inner)
    return to_bytes(outer)


@changed("Body in a namespace of its own", errors.StructureInvalid)
def _(root):
    signed = _evil_body(root)
    find(root, HEADER).append(signed)
    find(root, "/s:Envelope/s:Body[not(@wsu:Id)]").tag = "{urn:evil}Body"


@changed("text between Header and Body", errors.StructureInvalid, naive=True)
def _(root):
    find(root, HEADER).tail = "evil"


@changed("text between header blocks", errors.StructureInvalid, naive=True)
def _(root):
    find(root, HEADER).text = "evil"


@changed("text in Security", errors.StructureInvalid, naive=True)
def _(root):
    find(root, SECURITY).text = "evil"


def _wrapped_header(path: str, name: str, evil: str) -> None:
    @changed(f"signed {name} wrapped, evil {name} in its place", errors.SignedPartMisplaced, naive=True)
    def _(root):
        signed = find(root, path)
        replacement = etree.fromstring(evil)
        signed.getparent().replace(signed, replacement)
        etree.SubElement(find(root, HEADER), "{urn:evil}Wrapper").append(signed)

    @changed(f"evil {name} under the same id in another attribute", errors.IdentifierAmbiguous, naive=True)
    def _(root):
        signed = find(root, path)
        replacement = etree.fromstring(evil)
        replacement.set("id", signed.get(f"{{{WSU}}}Id"))
        signed.getparent().replace(signed, replacement)
        etree.SubElement(find(root, HEADER), "{urn:evil}Wrapper").append(signed)


_wrapped_header(f"{HEADER}/wsa:To", "wsa:To", f'<wsa:To xmlns:wsa="{WSA}">urn:evil</wsa:To>')
_wrapped_header(f"{HEADER}/wsa:Action", "wsa:Action", f'<wsa:Action xmlns:wsa="{WSA}">urn:evil</wsa:Action>')
_wrapped_header(
    f"{HEADER}/wsa:MessageID",
    "wsa:MessageID",
    f'<wsa:MessageID xmlns:wsa="{WSA}">urn:uuid:evil</wsa:MessageID>',
)
_wrapped_header(
    TIMESTAMP,
    "Timestamp",
    f'<wsu:Timestamp xmlns:wsu="{WSU}"><wsu:Created>{instant(NOW)}</wsu:Created>'
    f"<wsu:Expires>{instant(NOW + timedelta(minutes=9))}</wsu:Expires></wsu:Timestamp>",
)


@changed("signed To moved into the Body's place as a second To", errors.AddressingInvalid, naive=True)
def _(root):
    evil = etree.Element(f"{{{WSA}}}To")
    evil.text = "urn:evil"
    find(root, HEADER).insert(0, evil)


@changed("duplicate id in another attribute", errors.IdentifierAmbiguous, naive=True)
def _(root):
    etree.SubElement(find(root, HEADER), "{urn:evil}Extra").set("ID", "body")


@changed("duplicate AssertionID", errors.IdentifierAmbiguous, naive=True)
def _(root):
    etree.SubElement(find(root, HEADER), "{urn:evil}Extra").set("AssertionID", "body")


@changed("Timestamp removed", errors.ReferenceInvalid)
def _(root):
    find(root, SECURITY).remove(find(root, TIMESTAMP))


@changed("two Timestamps", errors.SecurityHeaderInvalid, naive=True)
def _(root):
    extra = deepcopy(find(root, TIMESTAMP))
    del extra.attrib[f"{{{WSU}}}Id"]
    find(root, SECURITY).insert(0, extra)


@changed("second Security header for somebody else", errors.StructureInvalid, naive=True)
def _(root):
    etree.SubElement(find(root, HEADER), f"{{{WSSE}}}Security").set(f"{{{SOAP}}}actor", "urn:other")


@changed("Security meant for somebody else", errors.SecurityHeaderInvalid, naive=True)
def _(root):
    find(root, SECURITY).set(f"{{{SOAP}}}actor", "urn:other")


@changed("password beside the token", errors.SecurityHeaderInvalid, naive=True)
def _(root):
    etree.SubElement(find(root, SECURITY), f"{{{WSSE}}}UsernameToken")


@changed("SAML assertion beside the token", errors.SecurityHeaderInvalid, naive=True)
def _(root):
    find(root, SECURITY).insert(0, etree.Element("{urn:oasis:names:tc:SAML:2.0:assertion}Assertion"))


@changed("second Signature in the Body", errors.StructureInvalid)
def _(root):
    find(root, f"{BODY}/*").append(deepcopy(find(root, SIGNATURE)))


@changed("two Signatures", errors.SecurityHeaderInvalid, naive=True)
def _(root):
    find(root, SECURITY).append(deepcopy(find(root, SIGNATURE)))


@changed("unknown header that must be understood", errors.HeaderNotUnderstood, naive=True)
def _(root):
    etree.SubElement(find(root, HEADER), "{urn:evil}Transaction").set(f"{{{SOAP}}}mustUnderstand", "1")


# --- what is signed ---------------------------------------------------------------------------------

_without = {name: tuple(i for i in Forge().ids if i != name) for name in Forge().ids}
forged("Body not signed", errors.PartNotSigned, naive=True, ids=_without["body"])
forged("Timestamp not signed", errors.PartNotSigned, naive=True, ids=_without["ts"])
forged("token not signed", errors.PartNotSigned, naive=True, ids=_without["bst"])
forged("To not signed", errors.PartNotSigned, naive=True, ids=_without["to"])
forged("Framework not signed", errors.PartNotSigned, naive=True, ids=_without["framework"])
forged("zero references", errors.ReferenceInvalid, ids=())
forged("3,000 references", errors.ReferenceInvalid, ids=("body",) * 3000)
forged("external URI", errors.ReferenceInvalid, uris={"to": "http://127.0.0.1:9/evil"})
forged("URI of a file", errors.ReferenceInvalid, uris={"to": "file:///etc/passwd"})
forged("empty URI", errors.ReferenceInvalid, uris={"to": ""})
forged("no URI", errors.ReferenceInvalid, uris={"to": None})
forged("xpointer URI", errors.ReferenceInvalid, uris={"to": "#xpointer(/)"})
forged("URI with two hashes", errors.ReferenceInvalid, uris={"to": "##to"})
forged("URI to nothing", errors.ReferenceInvalid, uris={"to": "#nobody"})


@attack("a part of the Body signed instead of the Body", errors.SignedPartMisplaced, naive=True)
def _():
    def mark(root):
        find(root, f"{BODY}/*").set("Id", "part")

    return Forge(ids=(*_without["body"], "part"), before=mark)()


@changed("no Security", errors.SecurityMissing)
def _(root):
    find(root, HEADER).remove(find(root, SECURITY))


@changed("no Header", errors.SecurityMissing)
def _(root):
    root.remove(find(root, HEADER))


@changed("no Signature", errors.SignatureMissing)
def _(root):
    find(root, SECURITY).remove(find(root, SIGNATURE))


@changed("Security in the Body", errors.SecurityMissing)
def _(root):
    find(root, BODY).append(find(root, SECURITY))
    find(root, BODY).remove(find(root, f"{BODY}/*[1]"))
    find(root, BODY).append(etree.fromstring(EVIL))


replaced("tampered Body", errors.SignatureWrong, b"<k:Amount>100<", b"<k:Amount>999<")
replaced("tampered header", errors.SignatureWrong, b"urn:test:service", b"urn:evil:service")
replaced(
    "tampered Timestamp",
    errors.SignatureWrong,
    b"<wsu:Expires>2026-11-23T11:05",
    b"<wsu:Expires>2026-11-23T11:09",
)
replaced("tampered digest", errors.SignatureWrong, b"<ds:DigestValue>", b"<ds:DigestValue>AAAA")
replaced(
    "tampered signature value", errors.SignatureWrong, b"<ds:SignatureValue>", b"<ds:SignatureValue>AAAA"
)
replaced(
    "empty signature value", errors.SignatureMalformed, b"<ds:SignatureValue>", b"<ds:SignatureValue><x/>"
)
replaced("comment in DigestValue", errors.MarkupForbidden, b"<ds:DigestValue>", b"<ds:DigestValue><!-- -->")


# --- algorithms -------------------------------------------------------------------------------------

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
for _method in (f"{MORE}hmac-sha256", f"{DS}hmac-sha1", f"{DS}rsa-sha1", f"{MORE}rsa-md5", f"{DS}none", ""):
    forged(f"signature method {_method or 'empty'}", errors.AlgorithmUnsupported, method=_method)
for _digest in (f"{DS}sha1", f"{MORE}md5", ""):
    forged(f"digest method {_digest or 'empty'}", errors.AlgorithmUnsupported, digest=_digest)


def _transform(algorithm: str, inside: str = "") -> str:
    return f'<ds:Transform xmlns:ds="{DS}" Algorithm="{algorithm}">{inside}</ds:Transform>'


_STYLESHEET = (
    '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:template match="/">'
    "evil</xsl:template></xsl:stylesheet>"
)
_EXPRESSION = f'<ds:XPath xmlns:ds="{DS}">true()</ds:XPath>'
_C14N10 = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
UNKNOWN = _transform("urn:evil")
XSLT = _transform("http://www.w3.org/TR/1999/REC-xslt-19991116", _STYLESHEET)
XPATH = _transform("http://www.w3.org/TR/1999/REC-xpath-19991116", _EXPRESSION)
INCLUSIVE = _transform(_C14N10)
WITH_COMMENTS = _transform(f"{EC}WithComments")
INCLUSIVE_METHOD = f'<ds:CanonicalizationMethod xmlns:ds="{DS}" Algorithm="{_C14N10}"/>'
for _name, _chain, _naive in (
    ("unknown transform", UNKNOWN + C14N, True),
    ("XSLT", XSLT + C14N, True),
    ("XPath", XPATH + C14N, False),
    ("base64 transform", _transform(f"{DS}base64") + C14N, False),
    ("no c14n", ENVELOPED, False),
    ("inclusive c14n of a part", INCLUSIVE, False),
    ("c14n with comments", WITH_COMMENTS, True),
    ("c14n before enveloped", C14N + ENVELOPED, True),
    ("500 transforms", C14N * 500, False),
    (
        "STR-Transform of the Body without parameters",
        _transform(
            "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"
        ),
        False,
    ),
):
    forged(_name, errors.AlgorithmUnsupported, naive=_naive, transforms=_chain)
for _uri in (_C14N10, f"{EC}WithComments", "urn:evil"):
    forged(
        f"SignedInfo canonicalised by {_uri}",
        errors.AlgorithmUnsupported,
        c14n=f'<ds:CanonicalizationMethod xmlns:ds="{DS}" Algorithm="{_uri}"/>',
    )
forged(
    "parameters of c14n unknown",
    errors.AlgorithmUnsupported,
    transforms=_transform(EC, '<x xmlns="urn:evil"/>'),
)


@attack("several SignedInfo", errors.SignatureMalformed)
def _():
    def add(root):
        signature = find(root, SIGNATURE)
        signature.insert(0, deepcopy(signature[0]))

    return Forge(after=add)()


@attack("SignedInfo wrapped", errors.SignatureMalformed)
def _():
    def wrap(root):
        signature = find(root, SIGNATURE)
        wrapper = etree.Element(f"{{{DS}}}Object")
        wrapper.append(deepcopy(signature[0]))
        signature.append(wrapper)

    return Forge(after=wrap)()


# --- certificates -----------------------------------------------------------------------------------

forged("self-signed certificate", errors.CertificateUntrusted, signer="self-signed")
forged("wrong CA with the same name", IssuerKeyWrong, signer="unknown-ca")
forged("expired certificate", errors.CertificateOutOfDate, signer="expired")
forged("certificate not yet valid", errors.CertificateOutOfDate, signer="not-yet-valid")
forged("certificate for encryption only", errors.CertificateUsageWrong, naive=True, signer="wrong-usage")
forged("certificate without key usage", errors.CertificateUsageWrong, naive=True, signer="no-usage")
forged("revoked certificate", errors.CertificateRevoked, naive=True, signer="revoked")
forged("token of another than the signer", errors.SignatureWrong, token=token_of("opus"))
_der = world().certificates["case-system"].certificate.public_bytes(Encoding.DER)
forged("bytes after the certificate", errors.TokenInvalid, token=base64.b64encode(_der + b"\x00").decode())
forged("token that is no base64", errors.TokenInvalid, token="%%%")
forged("token that is no certificate", errors.TokenInvalid, token="AAAA")


@changed("swapped token", errors.SignatureWrong)
def _(root):
    find(root, f"{SECURITY}/wsse:BinarySecurityToken").text = token_of("other-case-system")


@changed("two tokens", errors.SecurityHeaderInvalid)
def _(root):
    extra = deepcopy(find(root, f"{SECURITY}/wsse:BinarySecurityToken"))
    extra.set(f"{{{WSU}}}Id", "bst2")
    extra.text = token_of("opus")
    find(root, SECURITY).append(extra)


@changed("token of another type", errors.TokenUnsupported, naive=False)
def _(root):
    find(root, f"{SECURITY}/wsse:BinarySecurityToken").set("ValueType", "urn:evil#PKIPath")


def _str(inside: str) -> str:
    return f'<wsse:SecurityTokenReference xmlns:wsse="{WSSE}">{inside}</wsse:SecurityTokenReference>'


forged(
    "KeyInfo names the Body",
    errors.TokenUnavailable,
    naive=True,
    key_info=_str('<wsse:Reference URI="#body"/>'),
)
forged("KeyInfo names nothing", errors.TokenUnavailable, naive=True, key_info=_str(""))
forged(
    "KeyInfo embeds a token",
    errors.TokenUnavailable,
    naive=True,
    key_info=_str("<wsse:Reference URI='#bst'/><wsse:Embedded/>"),
)
forged(
    "KeyInfo with a key of its own",
    errors.SignatureMalformed,
    key_info=f'<ds:KeyValue xmlns:ds="{DS}"><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus>'
    "<ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>",
)
forged(
    "token named otherwise than the one sent",
    errors.SecurityHeaderInvalid,
    naive=True,
    key_info=_str('<wsse:KeyIdentifier ValueType="urn:x">AAAA</wsse:KeyIdentifier>'),
)


# --- time -------------------------------------------------------------------------------------------

_minute = timedelta(minutes=1)
for _name, _refused, _created, _expires in (
    ("expired", errors.MessageExpired, instant(NOW - 11 * _minute), instant(NOW - 5 * _minute)),
    ("not yet valid", errors.MessageFromTheFuture, instant(NOW + 6 * _minute), instant(NOW + 9 * _minute)),
    ("no zone", errors.TimestampInvalid, "2026-11-23T11:00:00", instant(NOW + 5 * _minute)),
    ("no zone in Expires", errors.TimestampInvalid, instant(NOW), "2026-11-23T11:05:00"),
    ("no such date", errors.TimestampInvalid, instant(NOW), "2026-11-31T11:05:00Z"),
    ("not a date", errors.TimestampInvalid, instant(NOW), "tomorrow"),
    ("lifetime of a year", errors.LifetimeTooLong, instant(NOW), "2027-11-23T11:00:00Z"),
    ("Expires before Created", errors.TimestampInvalid, instant(NOW), instant(NOW - _minute)),
):
    forged(f"Timestamp: {_name}", _refused, naive=True, created=_created, expires=_expires)


@attack("Timestamp without Expires", errors.TimestampInvalid, naive=True)
def _():
    return Forge(before=lambda root: find(root, TIMESTAMP).remove(find(root, TIMESTAMP)[1]))()


@attack("Timestamp with two Created", errors.TimestampInvalid, naive=True)
def _():
    return Forge(before=lambda root: find(root, TIMESTAMP).insert(0, deepcopy(find(root, TIMESTAMP)[0])))()


# --- addressing -------------------------------------------------------------------------------------


@attack("ReplyTo to somebody else, signed", errors.ReplyAddressRefused, naive=True)
def _():
    def redirect(root):
        find(root, f"{HEADER}/wsa:ReplyTo/wsa:Address").text = "http://169.254.169.254/latest"

    return Forge(before=redirect)()


def _fault_to(root: etree._Element) -> None:
    fault_to = etree.SubElement(find(root, HEADER), f"{{{WSA}}}FaultTo")
    fault_to.set(f"{{{WSU}}}Id", "faultto")
    etree.SubElement(fault_to, f"{{{WSA}}}Address").text = "http://127.0.0.1:9/"


forged(
    "FaultTo to somebody else, signed",
    errors.ReplyAddressRefused,
    naive=True,
    before=_fault_to,
    ids=(*Forge().ids, "faultto"),
)
changed("FaultTo to somebody else, unsigned", errors.PartNotSigned, naive=True)(_fault_to)


@attack("ReplyTo with two addresses", errors.AddressingInvalid, naive=True)
def _():
    def add(root):
        etree.SubElement(
            find(root, f"{HEADER}/wsa:ReplyTo"), f"{{{WSA}}}Address"
        ).text = "http://127.0.0.1:9/"

    return Forge(before=add)()


@attack("ReplyTo unsigned, to somebody else", errors.PartNotSigned, naive=True)
def _():
    def redirect(root):
        find(root, f"{HEADER}/wsa:ReplyTo/wsa:Address").text = "http://169.254.169.254/latest"

    return Forge(ids=_without["replyto"], after=redirect)()


@attack("empty MessageID", errors.AddressingInvalid, naive=True)
def _():
    def empty(root):
        find(root, f"{HEADER}/wsa:MessageID").text = ""

    return Forge(before=empty)()


@attack("MessageID with an element inside", errors.AddressingInvalid, naive=True)
def _():
    return Forge(before=lambda root: etree.SubElement(find(root, f"{HEADER}/wsa:MessageID"), "{urn:evil}x"))()


@attack("Action of two words", errors.AddressingInvalid, naive=True)
def _():
    def split(root):
        find(root, f"{HEADER}/wsa:Action").text = "urn:test#Send urn:test#Delete"

    return Forge(before=split)()


@attack("Framework of another version", errors.AddressingInvalid, naive=True)
def _():
    return Forge(
        before=lambda root: find(root, f"{HEADER}/*[local-name()='Framework']").set("version", "1.0")
    )()


# --- text and XML -----------------------------------------------------------------------------------

replaced("comment in a number", errors.MarkupForbidden, b"010170-1234", b"010170<!--x-->-1234", naive=True)
replaced("instruction in a number", errors.MarkupForbidden, b"010170-1234", b"010170<?x y?>-1234")
replaced(
    "comment before the envelope",
    errors.MarkupForbidden,
    b"<s:Envelope",
    b"<!-- x --><s:Envelope",
    naive=True,
)
replaced(
    "instruction before the envelope",
    errors.MarkupForbidden,
    b"<s:Envelope",
    b"<?x y?><s:Envelope",
    naive=True,
)
replaced(
    "comment after the envelope",
    errors.MarkupForbidden,
    b"</s:Envelope>",
    b"</s:Envelope><!-- x -->",
    naive=True,
)
replaced("DOCTYPE", errors.MarkupForbidden, b"<s:Envelope", b"<!DOCTYPE x><s:Envelope")
replaced(
    "XXE",
    errors.MarkupForbidden,
    b"<s:Envelope",
    b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><s:Envelope',
)
replaced(
    "billion laughs",
    errors.MarkupForbidden,
    b"<s:Envelope",
    b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]><s:Envelope',
)


@attack("quadratic entity", errors.MarkupForbidden)
def _():
    declared = b'<!DOCTYPE x [<!ENTITY a "' + b"x" * 50_000 + b'">]><s:Envelope'
    return Forge()().replace(b"<s:Envelope", declared, 1).replace(b"010170-1234", b"&a;" * 50_000)


replaced("entity never declared", errors.NotWellFormed, b"010170-1234", b"&evil;")
replaced(
    "depth", errors.MessageTooLarge, b"<k:Amount>100", b"<k:Amount>" + b"<x>" * 200 + b"</x>" * 200 + b"100"
)
replaced(
    "attributes",
    errors.MessageTooLarge,
    b"<k:Amount>",
    b"<k:Amount " + b" ".join(b'a%d=""' % n for n in range(40_000)) + b">",
)
replaced("elements", errors.MessageTooLarge, b"<k:Amount>100", b"<k:Amount>" + b"<x/>" * 200_001 + b"100")
replaced(
    "a million tags", errors.MessageTooLarge, b"<k:Amount>100", b"<k:Amount>" + b"<x/>" * 1_000_000 + b"100"
)
replaced(
    "namespaces",
    errors.MessageTooLarge,
    b"<k:Amount>",
    b"<k:Amount " + b" ".join(b'xmlns:a%d="u%d"' % (n, n) for n in range(5000)) + b">",
)
replaced("cut off", errors.NotWellFormed, b"</s:Envelope>", b"")
replaced("two documents", errors.NotWellFormed, b"</s:Envelope>", b"</s:Envelope><x/>")
replaced("NUL byte", errors.NotWellFormed, b"010170-1234", b"010170\x00-1234")
replaced("broken UTF-8", errors.NotWellFormed, b"010170-1234", b"010170\xff-1234")
replaced("declared as UTF-7", errors.EncodingUnsupported, b"encoding='UTF-8'", b"encoding='UTF-7'")


@attack("relative namespace URI", errors.VerificationFailed)
def _():
    return Forge()().replace(b"<k:Amount>", b'<k:Amount xmlns:r="../evil" r:x="1">')


@attack("UTF-16", errors.EncodingUnsupported, naive=True)
def _():
    return Forge()().replace(b"UTF-8", b"UTF-16").decode().encode("utf-16")


@attack("empty message", errors.NotWellFormed)
def _():
    return b""


@attack("not XML", errors.NotWellFormed)
def _():
    return b"{}"


@attack("not an envelope", errors.StructureInvalid)
def _():
    return b"<x/>"


@attack("envelope of no SOAP version", errors.StructureInvalid)
def _():
    return Forge()().replace(SOAP.encode(), b"urn:evil")


# --- what the same bytes mean elsewhere -------------------------------------------------------------

_BASE = b' xml:base="http://evil.example/"'
replaced("xml:base of the Body", errors.SignatureWrong, b"<s:Body", b"<s:Body" + _BASE)
replaced("xml:base of a signed header", errors.SignatureWrong, b"<wsa:To", b"<wsa:To" + _BASE)
replaced("prefix of an element rebound", errors.SignatureWrong, b'xmlns:k="urn:test"', b'xmlns:k="urn:evil"')
replaced("prefix of ids and Timestamp rebound", errors.SecurityHeaderInvalid, WSU.encode(), b"urn:evil")
for _name, _tag in (("envelope", b"<s:Envelope"), ("Header", b"<s:Header"), ("Security", b"<wsse:Security")):
    harmless(f"xml:base of the {_name}", _tag, _tag + _BASE)
harmless("CDATA", b"010170-1234", b"<![CDATA[010170-1234]]>")
harmless("CDATA inside a number", b"010170-1234", b"0101<![CDATA[70-]]>12<![CDATA[]]>34")


def _typed(root: etree._Element) -> None:
    find(root, f"{BODY}/*/*[1]").set(f"{{{XSI}}}type", "p:Amount")


# exclusive canonicalisation leaves out a prefix that only a value uses
harmless(
    "prefix of a value rebound",
    b"<s:Envelope ",
    b'<s:Envelope xmlns:p="urn:evil" ',
    start=Forge(before=_typed),
)


# --- the same in the Token model --------------------------------------------------------------------

# what is done to a BinarySecurityToken, which a message with an assertion does not have
NOT_IN_TOKEN_MODEL = frozenset(
    {
        "SAML assertion beside the token",
        "token of another than the signer",
        "bytes after the certificate",
        "token that is no base64",
        "token that is no certificate",
        "swapped token",
        "two tokens",
        "token of another type",
    }
)
# where the Token model has another reason for the refusal
IN_TOKEN_MODEL: dict[str, type[errors.WssError]] = {
    "token named otherwise than the one sent": errors.TokenUnavailable,
}

assert ANONYMOUS.startswith(NS["wsa"])
