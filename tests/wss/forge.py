"""Messages made by hand: what our own signer would never sign, signed with a real key.

`Forge` builds a valid message by default; a test changes one thing, so that the one thing is what is
refused. Of the code under test it uses the example PKI and the shape of a token. Within `token_model` the
same recipes make messages of the Token model: an assertion and a reference to it (with the id that the
certificate has otherwise) in place of the BinarySecurityToken.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from opus_soap.wss import pki
from opus_soap.wss.engine import sign_enveloped
from opus_soap.wss.issuing import Claims, issue
from opus_soap.wss.pki import Issued

NOW = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
WSA = "http://www.w3.org/2005/08/addressing"
DS = "http://www.w3.org/2000/09/xmldsig#"
EC = "http://www.w3.org/2001/10/xml-exc-c14n#"
NS = {"s": SOAP, "wsse": WSSE, "wsu": WSU, "wsa": WSA, "ds": DS}
X509 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
B64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
ANONYMOUS = f"{WSA}/anonymous"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
C14N = f'<ds:Transform xmlns:ds="{DS}" Algorithm="{EC}"/>'

TEMPLATE = """<s:Envelope xmlns:s="{soap}" xmlns:wsu="{wsu}" xmlns:wsa="{wsa}"><s:Header>
<sbf:Framework xmlns:sbf="urn:liberty:sb:2006-08" version="2.0" wsu:Id="framework"/>
<wsa:Action wsu:Id="action">urn:test#Send</wsa:Action>
<wsa:MessageID wsu:Id="msgid">urn:uuid:8a9c7a1e-3a53-4bb0-9a57-5a2c3b5dbe01</wsa:MessageID>
<wsa:To wsu:Id="to">urn:test:service</wsa:To>
<wsa:ReplyTo wsu:Id="replyto"><wsa:Address>{anonymous}</wsa:Address></wsa:ReplyTo>
<wsse:Security xmlns:wsse="{wsse}" s:mustUnderstand="1"><wsse:BinarySecurityToken wsu:Id="bst"
 EncodingType="{b64}" ValueType="{x509}">{token}</wsse:BinarySecurityToken><wsu:Timestamp wsu:Id="ts"
><wsu:Created>{created}</wsu:Created><wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp></wsse:Security>
</s:Header><s:Body wsu:Id="body"><k:Send xmlns:k="urn:test"><k:Amount>100</k:Amount><k:Party
>010170-1234</k:Party></k:Send></s:Body></s:Envelope>"""
BODY_PATH = "/s:Envelope/s:Body"
ENVELOPED = f'<ds:Transform xmlns:ds="{DS}" Algorithm="{DS}enveloped-signature"/>'
C14N_METHOD = f'<ds:CanonicalizationMethod xmlns:ds="{DS}" Algorithm="{EC}"/>'
IDS = ("framework", "action", "msgid", "to", "replyto", "bst", "ts", "body")


STS, AUDIENCE, CVR = "https://sts.example.dk/runtime", "urn:test:service", "90810111"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
SAML_ID = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLID"
STR_TRANSFORM = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"
)
TOKEN_TRANSFORM = (
    f'<ds:Transform xmlns:ds="{DS}" Algorithm="{STR_TRANSFORM}"><wsse:TransformationParameters '
    f'xmlns:wsse="{WSSE}"><ds:CanonicalizationMethod Algorithm="{EC}"/>'
    "</wsse:TransformationParameters></ds:Transform>"
)
_token_model: ContextVar[bool] = ContextVar("token_model", default=False)
_attachment: ContextVar[str] = ContextVar("attachment", default="")
LIFT_FROM = 4000
"""Bytes of a text that are more than those of any other in a forged message."""
LONG = "eHh4" * 6000
"""More than the rest of any of them."""


@contextmanager
def token_model() -> Iterator[None]:
    """Forge messages of the Token model."""
    reset = _token_model.set(True)
    try:
        yield
    finally:
        _token_model.reset(reset)


@contextmanager
def attached(text: str = LONG) -> Iterator[None]:
    """Forge messages whose Body holds a text besides."""
    reset = _attachment.set(text)
    try:
        yield
    finally:
        _attachment.reset(reset)


@lru_cache(maxsize=1)
def world() -> pki.Pki:
    """The example PKI, made once for all tests."""
    return pki.build(pki.example(), now=NOW)


def find(root: etree._Element, path: str) -> etree._Element:
    """The one element at an XPath with the prefixes of `NS`."""
    [element] = root.xpath(path, namespaces=NS)
    return element


def to_bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def token_of(certificate_name: str) -> str:
    """The base64 of a certificate's DER."""
    certificate = world().certificates[certificate_name].certificate
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def digest_of(data: bytes, algorithm: str) -> str:
    """The base64 of a digest; of an algorithm that is none, SHA-256."""
    name = {"sha1": "sha1", "md5": "md5"}.get(algorithm.rpartition("#")[2], "sha256")
    return base64.b64encode(hashlib.new(name, data).digest()).decode()


def value_of(data: bytes, method: str, issued: Issued) -> str:
    """The base64 of a signature value; by HMAC, one that whoever has the certificate can make."""
    if "hmac" in method:
        public = issued.certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        mac = hmac.HMAC(public, hashes.SHA256())
        mac.update(data)
        return base64.b64encode(mac.finalize()).decode()
    algorithm = {"sha1": hashes.SHA1(), "md5": hashes.MD5()}.get(method[-4:].strip("-"), hashes.SHA256())
    return base64.b64encode(issued.key.sign(data, PKCS1v15(), algorithm)).decode()


@dataclass
class OwnSignature:
    """How an assertion's own signature is made; every field has the value of a good one."""

    method: str = RSA_SHA256
    digest: str = SHA256
    c14n: str = C14N_METHOD
    transforms: str = ENVELOPED + C14N
    uris: tuple[str | None, ...] = ("#{ID}",)
    """Of its references; `{ID}` is the assertion's, None leaves the attribute out."""
    part: str = ""
    """The ID of the element whose digest is signed, when not the assertion's."""

    def sign(self, assertion: etree._Element, issued: Issued) -> None:
        """Put the signature behind the first child of an assertion that has none."""
        target = assertion.find(f".//*[@ID='{self.part}']") if self.part else assertion
        canonical = etree.tostring(target, method="c14n", exclusive=True, with_tail=False)
        references = "".join(self._reference(uri, canonical, assertion.get("ID")) for uri in self.uris)
        certificate = base64.b64encode(issued.certificate.public_bytes(Encoding.DER)).decode()
        signature = etree.fromstring(
            f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>{self.c14n}'
            f'<ds:SignatureMethod Algorithm="{self.method}"/>{references}</ds:SignedInfo>'
            f"<ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}"
            "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
        )
        assertion.insert(1, signature)
        signed = etree.tostring(signature[0], method="c14n", exclusive=EC in self.c14n)
        signature[1].text = value_of(signed, self.method, issued)

    def _reference(self, uri: str | None, canonical: bytes, identifier: str) -> str:
        return reference_to(
            None if uri is None else uri.format(ID=identifier), self.transforms, self.digest, canonical
        )


def reference_to(uri: str | None, transforms: str, digest: str, canonical: bytes) -> str:
    """A ds:Reference; None leaves its URI out."""
    attribute = "" if uri is None else f' URI="{uri}"'
    return (
        f"<ds:Reference{attribute}><ds:Transforms>{transforms}</ds:Transforms>"
        f'<ds:DigestMethod Algorithm="{digest}"/>'
        f"<ds:DigestValue>{digest_of(canonical, digest)}</ds:DigestValue></ds:Reference>"
    )


@dataclass
class Forge:
    """A recipe for one message; every field has the value of a good message."""

    signer: str = "case-system"
    ids: tuple[str, ...] = IDS
    created: str = instant(NOW)
    expires: str = instant(NOW + timedelta(minutes=5))
    method: str = RSA_SHA256
    c14n: str = C14N_METHOD
    transforms: str = C14N
    digest: str = SHA256
    uris: dict[str, str | None] = field(default_factory=dict)
    """The URI to write for an id, when not #id; None leaves the attribute out."""
    key_info: str = (
        f'<wsse:SecurityTokenReference xmlns:wsse="{WSSE}"><wsse:Reference URI="#bst" ValueType="{X509}"/>'
        "</wsse:SecurityTokenReference>"
    )
    token: str = ""
    claims: dict[str, object] = field(default_factory=dict)
    """What the token claims, when not what a good one does."""
    sts: str = "sts"
    """Whose key signs the token."""
    issuer: str = STS
    within: Callable[[etree._Element], None] | None = None
    """Changes the assertion before its issuer signs it (again)."""
    own: OwnSignature | None = None
    """How the issuer signs the assertion (again), when not as a good one does."""
    before: Callable[[etree._Element], None] = lambda root: None
    """Changes the tree before it is signed."""
    after: Callable[[etree._Element], None] = lambda root: None
    """Changes the tree after it is signed."""

    def tree(self) -> etree._Element:
        """The signed envelope."""
        root = etree.fromstring(
            TEMPLATE.format(
                soap=SOAP,
                wsu=WSU,
                wsa=WSA,
                wsse=WSSE,
                anonymous=ANONYMOUS,
                b64=B64,
                x509=X509,
                token=self.token or token_of(self.signer),
                created=self.created,
                expires=self.expires,
            )
        )
        if _attachment.get():
            send = find(root, f"{BODY_PATH}/*")
            etree.SubElement(send, "{urn:test}Attachment").text = _attachment.get()
        if _token_model.get():
            self._take_assertion(root)
        self.before(root)
        root = etree.fromstring(
            etree.tostring(root, encoding="UTF-8")
        )  # namespaces as a receiver will see them
        self._sign(root)
        self.after(root)
        return root

    def __call__(self) -> bytes:
        return to_bytes(self.tree())

    def assertion(self) -> etree._Element:
        """The token of the Token model."""
        own, holder = world().certificates[self.sts], world().certificates[self.signer]
        claims = Claims(**{"audience": AUDIENCE, "cvr": CVR, "holder": holder.certificate, **self.claims})
        made = issue(claims, issuer=self.issuer, key=own.key, certificate=own.certificate, now=NOW)
        if self.within is None and self.own is None:
            return made
        made.remove(made[1])
        if self.within is not None:
            self.within(made)
        if self.own is None:
            return sign_enveloped(made, key=own.key, certificate=own.certificate)
        self.own.sign(made, own)
        return made

    def _take_assertion(self, root: etree._Element) -> None:
        token = find(root, "//wsse:BinarySecurityToken")
        assertion = self.assertion()
        token.getparent().replace(token, assertion)
        reference = etree.fromstring(self._assertion_reference(assertion))
        reference.set(f"{{{WSU}}}Id", "bst")
        assertion.addnext(reference)

    def _assertion_reference(self, assertion: etree._Element) -> str:
        return (
            f'<wsse:SecurityTokenReference xmlns:wsse="{WSSE}"><wsse:KeyIdentifier ValueType="{SAML_ID}">'
            f"{assertion.get('ID')}</wsse:KeyIdentifier></wsse:SecurityTokenReference>"
        )

    def _sign(self, root: etree._Element) -> None:
        references = "".join(self._reference(root, identifier) for identifier in self.ids)
        key_info = self.key_info
        if _token_model.get() and key_info == Forge.key_info:
            key_info = self._assertion_reference(root.find(f".//{{{SAML}}}Assertion"))
        signature = etree.fromstring(
            f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>{self.c14n}'
            f'<ds:SignatureMethod Algorithm="{self.method}"/>{references}</ds:SignedInfo>'
            f"<ds:SignatureValue/><ds:KeyInfo>{key_info}</ds:KeyInfo></ds:Signature>"
        )
        find(root, "/s:Envelope/s:Header/wsse:Security").append(signature)
        exclusive = EC in self.c14n
        prefixes = signature.xpath("ds:SignedInfo/ds:CanonicalizationMethod/*/@PrefixList", namespaces=NS)
        signed = etree.tostring(
            signature[0],
            method="c14n",
            exclusive=exclusive,
            inclusive_ns_prefixes=prefixes[0].split() if prefixes else None,
        )
        signature[1].text = value_of(signed, self.method, world().certificates[self.signer])

    def _reference(self, root: etree._Element, identifier: str) -> str:
        uri = self.uris.get(identifier, f"#{identifier}")
        [target] = root.xpath("//*[@*[local-name()='Id' or local-name()='ID']=$id]", id=identifier) or [root]
        transforms = self.transforms
        if _token_model.get() and identifier == "bst" and transforms == C14N:
            target = root.find(f".//{{{SAML}}}Assertion")
            transforms = TOKEN_TRANSFORM
        canonical = etree.tostring(
            target, method="c14n", exclusive="exc-c14n" in self.transforms, with_tail=False
        )
        return reference_to(uri, transforms, self.digest, canonical)
