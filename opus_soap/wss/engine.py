"""The seam to signxml: nothing else in this package imports it.

signxml gets a pinned place for the signature, loaded keys and our hardened parser; it lacks the
STR-Transform, which is added here. It copies the whole document for each reference, which is slow
and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import as_file, files
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.exceptions import InvalidCertificate, InvalidDigest, InvalidSignature
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from opus_soap.wss.errors import SignatureMalformed, SignatureWrong
from opus_soap.wss.names import (
    CANONICALIZATION_METHOD,
    DIGEST_ALGORITHMS,
    INCLUSIVE_NAMESPACES,
    SECURITY,
    SIGNATURE_ALGORITHMS,
    SIGNED_INFO,
    STR_TRANSFORM,
    TOKEN_REFERENCE,
)
from opus_soap.wss.parsing import hardened_parser

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_APEX = re.compile(rb"<[^\s/>]+")


@dataclass(frozen=True)
class VerifiedSignature:
    """The signed elements, parsed from the very bytes that were digested, in the signature's order."""

    elements: tuple[etree._Element, ...]
    signed_info: bytes
    """The canonical SignedInfo: what the signature value covers."""


@lru_cache(maxsize=1)
def _schema() -> etree.XMLSchema:
    with as_file(files("opus_soap.wss") / "schemas") as folder:
        return etree.XMLSchema(etree.parse(folder / "xmldsig.xsd", hardened_parser()))


def _as_utf8(node: etree._Element, **kwargs: Any) -> bytes:
    """signxml writes ASCII on its way, which is no XML any more once an element's name has an å."""
    written: bytes = etree.tostring(node, **{"encoding": "UTF-8", **kwargs})
    return written


class _Verifier(XMLVerifier):
    """signxml with our schema, our parser and the STR-Transform."""

    def _tostring(self, xml_node: etree._Element, **kwargs: Any) -> bytes:
        return _as_utf8(xml_node, **kwargs)

    @classmethod
    def schemas(cls) -> list[etree.XMLSchema]:
        return [_schema()]

    def _apply_transforms(
        self, payload: etree._Element, *, transforms_node: etree._Element, signature: etree._Element
    ) -> Any:
        if [step.get("Algorithm") for step in transforms_node] == [STR_TRANSFORM]:
            return _canonical_token(payload)
        return super()._apply_transforms(payload, transforms_node=transforms_node, signature=signature)


class _Signer(XMLSigner):
    """signxml with our parser, so that texts over 10 MB can be signed."""

    def _tostring(self, xml_node: etree._Element, **kwargs: Any) -> bytes:
        return _as_utf8(xml_node, **kwargs)

    @property
    def parser(self) -> etree.XMLParser[etree._Element]:
        return hardened_parser()


def check_schema(signature: etree._Element) -> None:
    """Raises `SignatureMalformed` unless the ds:Signature follows our schema (two SignedInfo, …)."""
    alone = etree.fromstring(etree.tostring(signature, with_tail=False), hardened_parser())
    schema = _schema()
    if not schema.validate(alone):
        lines = {entry.line: entry.message for entry in schema.error_log}
        raise SignatureMalformed(value=next(iter(lines.values()), "not valid"))


def verify_signature(
    envelope: etree._Element, *, soap_namespace: str, certificate: x509.Certificate, now: datetime
) -> VerifiedSignature:
    """Verify the one signature in Security with the key of `certificate`.

    The caller has checked the certificate, the references and their targets. Raises
    `SignatureWrong`; whatever else a library raises, the caller turns into a refusal.
    """
    configuration = SignatureConfiguration(
        location=f"./{{{soap_namespace}}}Header/{SECURITY}/",
        expect_references=True,
        signature_methods=frozenset(SignatureMethod(uri) for uri in SIGNATURE_ALGORITHMS),
        digest_algorithms=frozenset(DigestAlgorithm(uri) for uri in DIGEST_ALGORITHMS),
        verification_time=now,
    )
    try:
        results = _Verifier().verify(
            envelope,
            x509_cert=certificate,
            parser=hardened_parser(),
            id_attribute="Id",
            expect_config=configuration,
        )
    except InvalidDigest as error:
        raise SignatureWrong(value=str(error)) from None
    except (InvalidSignature, InvalidCertificate):
        raise SignatureWrong(value="the signature value does not match key and SignedInfo") from None
    assert isinstance(results, list)
    elements = tuple(result.signed_xml for result in results if result.signed_xml is not None)
    return VerifiedSignature(elements, _signed_info(results[0].signature_xml))


def create_signature(
    envelope: etree._Element, *, identifiers: list[str], key: SigningKey, key_info: etree._Element
) -> etree._Element:
    """A detached ds:Signature over the elements with these wsu:Ids (exc-c14n, SHA-256)."""
    is_rsa = isinstance(key, rsa.RSAPrivateKey)
    signer = _Signer(
        method=SignatureConstructionMethod.detached,
        signature_algorithm=SignatureMethod.RSA_SHA256 if is_rsa else SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    signature: etree._Element = signer.sign(
        envelope,
        key=key,
        key_info=key_info,
        id_attribute="Id",
        reference_uri=[f"#{identifier}" for identifier in identifiers],
    )
    return signature


def _canonical_token(reference: etree._Element) -> bytes:
    """STR-Transform: the token that a SecurityTokenReference names, in exclusive canonical form.

    The profile says that the apex carries `xmlns=""` when no default namespace is in force.
    """
    pointer = reference.find(TOKEN_REFERENCE)
    identifier = "" if pointer is None else pointer.get("URI", "").removeprefix("#")
    found = reference.getroottree().xpath("//*[@*[local-name()='Id']=$id]", id=identifier)
    if not isinstance(found, list) or len(found) != 1:
        raise SignatureWrong(value="STR-Transform does not name one token")
    canonical: bytes = etree.tostring(found[0], method="c14n", exclusive=True, with_comments=False)
    apex = _APEX.match(canonical)
    assert apex is not None
    if canonical[apex.end() :].startswith(b' xmlns="'):
        return canonical
    return canonical[: apex.end()] + b' xmlns=""' + canonical[apex.end() :]


def _signed_info(signature: etree._Element) -> bytes:
    info = signature.find(SIGNED_INFO)
    assert info is not None
    inclusive = info.find(f"{CANONICALIZATION_METHOD}/{INCLUSIVE_NAMESPACES}")
    prefixes = None if inclusive is None else inclusive.get("PrefixList", "").split(" ")
    return etree.tostring(
        info, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes
    )
