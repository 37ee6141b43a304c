"""WS-Security for SoapUI: what it signs with, what it signs, whom it believes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from lxml import etree

from opus_soap.soapui.elements import CON, add, add_plain
from opus_soap.wss.names import EXC_C14N, RSA_SHA256, SBF, SHA256, SOAP11, WSA, WSSE, WSU

OUTGOING, INCOMING = "opus-soap signeret", "opus-soap kontrolleret"
# SoapUI tells a keystore's kind by its ending, and knows this one for PKCS#12
KEYSTORE_ENDING = ".pk12"
TRUST_STORE = f"opus-trust{KEYSTORE_ENDING}"
_DIRECT_REFERENCE = "1"  # WSS4J's number for: a BinarySecurityToken in the message
_SECONDS = "300"
_BASIC = ((SOAP11, "Body"), (WSU, "Timestamp"))
_KOMBIT = (
    *_BASIC,
    (SBF, "Framework"),
    (WSA, "Action"),
    (WSA, "MessageID"),
    (WSSE, "BinarySecurityToken"),
)
PARTS = {"basic": _BASIC, "kombit": _KOMBIT}
"""What is signed, by the profile of the agreement."""


@dataclass(frozen=True)
class Keys:
    """The key that SoapUI signs with: `alias` in a PKCS#12 file called `ALIAS.pk12`."""

    alias: str
    password: str

    @property
    def file_name(self) -> str:
        """Of the keystore, beside the project."""
        return f"{self.alias}{KEYSTORE_ENDING}"


def trust_store(certificates: Sequence[x509.Certificate], password: str) -> bytes:
    """A PKCS#12 file of trusted certificates that Java reads as such."""
    entries = [
        pkcs12.PKCS12Certificate(one, f"trusted-{number}".encode())
        for number, one in enumerate(certificates, start=1)
    ]
    return pkcs12.serialize_java_truststore(entries, BestAvailableEncryption(password.encode()))


def add_security(project: etree._Element, keys: Keys, profile: str) -> None:
    """The project's wssContainer: both stores, one incoming and one outgoing configuration."""
    container = add(project, "wssContainer")
    for source, kind in ((keys.file_name, "KEYSTORE"), (TRUST_STORE, "TRUSTSTORE")):
        crypto = add(container, "crypto")
        add(crypto, "source", source)
        add(crypto, "password", keys.password)
        add(crypto, "type", kind)
        if kind == "KEYSTORE":
            add(crypto, "defaultAlias", keys.alias)
            add(crypto, "aliasPassword", keys.password)
    incoming = add(container, "incoming")
    add(incoming, "name", INCOMING)
    add(incoming, "signatureCrypto", TRUST_STORE)
    outgoing = add(container, "outgoing", mustUnderstand="true")
    add(outgoing, "name", OUTGOING)
    _timestamp(outgoing)  # SoapUI applies entries in this order: what is signed must be there
    _signature(outgoing, keys, profile)


def _timestamp(outgoing: etree._Element) -> None:
    configuration = add(add(outgoing, "entry", type="Timestamp"), "configuration")
    add_plain(configuration, "timeToLive", _SECONDS)
    add_plain(configuration, "strictTimestamp", "true")


def _signature(outgoing: etree._Element, keys: Keys, profile: str) -> None:
    entry = add(outgoing, "entry", type="Signature", username=keys.alias, password=keys.password)
    configuration = add(entry, "configuration")
    for name, value in (
        ("crypto", keys.file_name),
        ("keyIdentifierType", _DIRECT_REFERENCE),
        ("signatureAlgorithm", RSA_SHA256),
        ("signatureCanonicalization", EXC_C14N),
        ("useSingleCert", "true"),
        ("digestAlgorithm", SHA256),
    ):
        add_plain(configuration, name, value)
    for namespace, name in PARTS[profile]:
        add_plain(configuration, "signaturePart", _part(namespace, name))


def _part(namespace: str, name: str) -> str:
    """A row of SoapUI's table of parts: a map, written as XML, in a text."""
    fragment = etree.Element("xml-fragment", nsmap={"con": CON})
    for key, value in (("id", ""), ("name", name), ("enc", "Element"), ("namespace", namespace)):
        add(fragment, "entry", key=key, value=value)
    return etree.tostring(fragment, encoding="unicode")
