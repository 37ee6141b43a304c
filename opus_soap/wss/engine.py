"""The seam to signxml: nothing else in this package imports it.

signxml gets a pinned place for the signature, loaded keys and our hardened parser; it lacks the
STR-Transform, which is added here. By itself it copies the whole document for each reference and looks
through all of it for the signature and the target. On our chains nothing changes the tree, and both are
known: of the version that was tried, those methods are replaced here, and those that make what nobody asks
for (tests hold both to be equal), and of any other none.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from importlib.resources import as_file, files
from itertools import islice
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import Hash
from lxml import etree
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
    digest_algorithm_implementations,
)
from signxml.exceptions import InvalidCertificate, InvalidDigest, InvalidSignature
from signxml.signer import SignatureReference, XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from opus_soap.languages import Both
from opus_soap.wss.errors import ReferenceInvalid, SignatureMalformed, SignatureWrong
from opus_soap.wss.lifting import NOTHING, Lifting
from opus_soap.wss.names import (
    CANONICALIZATION_METHOD,
    DIGEST_ALGORITHMS,
    DS,
    ENVELOPED,
    EXC_C14N,
    KEY_IDENTIFIER,
    REFERENCE,
    SECURITY,
    SECURITY_TOKEN_REFERENCE,
    SIGNATURE,
    SIGNATURE_ALGORITHMS,
    STR_TRANSFORM,
    TRANSFORMATION_PARAMETERS,
    WSSE,
)
from opus_soap.wss.parsing import hardened_parser

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
# identifiers as a signature's URIs name them, and the elements that carry them
Targets = Mapping[str, etree._Element]
_MOST_ELEMENTS = 6000  # of a Signature; one of 16 references has 200
# of the attributes and not of the elements that have one: few messages have many
_IDENTIFIERS = etree.XPath("//@*[local-name() = $name and . = $value]")
_APEX = re.compile(rb"<[^\s/>]+")
_TRIED = "5.2."  # of signxml: what `_Direct…` replaces is as it is there
DIRECT = version("signxml").startswith(_TRIED)
_EXCLUSIVE = CanonicalizationMethod(EXC_C14N)
_SIGNATURE_METHODS = frozenset(SignatureMethod(uri) for uri in SIGNATURE_ALGORITHMS)
_DIGEST_ALGORITHMS = frozenset(DigestAlgorithm(uri) for uri in DIGEST_ALGORITHMS)


@dataclass(frozen=True)
class VerifiedSignature:
    """The signed elements, parsed from the very bytes that were digested, in the signature's order."""

    elements: tuple[etree._Element, ...]
    signed_info: bytes
    """The canonical SignedInfo: what the signature value covers."""


class _Schemas(threading.local):
    """One for each thread: a schema keeps its error log."""

    def __init__(self) -> None:
        with as_file(files("opus_soap.wss") / "schemas") as folder:
            self.xmldsig = etree.XMLSchema(etree.parse(folder / "xmldsig.xsd", hardened_parser()))


_schemas = _Schemas()


def _schema() -> etree.XMLSchema:
    return _schemas.xmldsig


def _as_utf8(node: etree._Element, **kwargs: Any) -> bytes:
    """signxml writes ASCII on its way, which is no XML any more once an element's name has an å."""
    written: bytes = etree.tostring(node, **{"encoding": "UTF-8", **kwargs})
    return written


class _Verifier(XMLVerifier):
    """signxml with our schema, our parser and the STR-Transform."""

    signed_info: bytes
    """The canonical SignedInfo, once the signature value is known to cover it."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def _tostring(self, xml_node: etree._Element, **kwargs: Any) -> Any:
        return _as_utf8(xml_node, **kwargs)

    def _verify_signature_with_pubkey(self, **given: Any) -> Any:
        self.signed_info, key = super()._verify_signature_with_pubkey(**given)
        return self.signed_info, key

    @classmethod
    def schemas(cls) -> list[etree.XMLSchema]:
        return [_schema()]

    def _apply_transforms(
        self, payload: etree._Element, *, transforms_node: etree._Element, signature: etree._Element
    ) -> Any:
        if [step.get("Algorithm") for step in transforms_node] == [STR_TRANSFORM]:
            return canonical_token(payload)
        return super()._apply_transforms(payload, transforms_node=transforms_node, signature=signature)


class _Itself:
    """A node where signxml expects its text, to make a copy of."""

    __slots__ = ("node",)

    def __init__(self, node: etree._Element) -> None:
        self.node = node


class _DirectVerifier(_Verifier):
    """The same without copies, and without looking for what has been found; it knows what was lifted."""

    _found: etree._Element | None = None

    def __init__(self, targets: Targets, lifting: Lifting) -> None:
        super().__init__(targets)
        self._lifting = lifting

    def _get_digest(self, data: Any, algorithm: DigestAlgorithm) -> Any:
        if not self._lifting.texts:
            return super()._get_digest(data, algorithm)
        digest = Hash(digest_algorithm_implementations[algorithm]())
        for piece in self._lifting.whole(data):
            digest.update(piece)
        return digest.finalize()

    def get_root(self, data: Any) -> Any:
        return data

    def _get_signature(self, root: Any) -> Any:
        if self._found is None:
            self._found = super()._get_signature(root)  # type: ignore[no-untyped-call]
        return self._found

    def _find(self, element: Any, query: str, require: bool = True, xpath: str = "") -> Any:
        # by the tag: a path with a table of namespaces says the same, and lxml sorts the table each time
        found = None if xpath else next(element.iterchildren(f"{{{DS}}}{query}"), None)
        if found is not None:
            return found
        return super()._find(element, query, require, xpath)  # type: ignore[no-untyped-call]

    def _verify_signature_with_pubkey(self, **given: Any) -> Any:
        covered, _key = super()._verify_signature_with_pubkey(**given)
        return covered, b""  # a key would be written as PEM for each reference

    def _tostring(self, xml_node: etree._Element, **_kwargs: Any) -> Any:
        return _Itself(xml_node)

    def _fromstring(self, xml_string: Any, **kwargs: Any) -> Any:
        if isinstance(xml_string, _Itself):
            return xml_string.node
        return super()._fromstring(xml_string, **kwargs)  # type: ignore[no-untyped-call]

    def _get_cert_description(self, cert: x509.Certificate, cert_source: str) -> str:
        return cert_source  # for an error whose words nobody reads, and made for every message

    def _resolve_reference(self, doc_root: Any, reference: Any, uri_resolver: Any = None) -> Any:
        return self._targets[str(reference.get("URI")).removeprefix("#")]

    def _get_inclusive_ns_prefixes(self, transform_node: Any) -> Any:
        if not len(transform_node):
            return None
        return super()._get_inclusive_ns_prefixes(transform_node)  # type: ignore[no-untyped-call]

    def _apply_transforms(
        self, payload: etree._Element, *, transforms_node: etree._Element, signature: etree._Element
    ) -> Any:
        *before, last = transforms_node
        enveloped = [step.get("Algorithm") for step in before] == [ENVELOPED]
        # nothing to take out of what does not hold the signature, and the tree stays as it is
        if last.get("Algorithm") == EXC_C14N and (
            not before or (enveloped and payload not in signature.iterancestors())
        ):
            return self._c14n(payload, _EXCLUSIVE, self._get_inclusive_ns_prefixes(last))
        return super()._apply_transforms(payload, transforms_node=transforms_node, signature=signature)


class _TokenOf:
    """In place of a SecurityTokenReference: the canonical token that it stands for."""

    def __init__(self, reference: etree._Element) -> None:
        self.canonical = canonical_token(reference)


class _Signer(XMLSigner):
    """signxml with our parser, so that texts over 10 MB can be signed, and the STR-Transform."""

    def __init__(self, targets: Targets, **options: Any) -> None:
        super().__init__(**options)
        self._targets = targets

    def _tostring(self, xml_node: etree._Element, **kwargs: Any) -> bytes:
        return _as_utf8(xml_node, **kwargs)

    @property
    def parser(self) -> etree.XMLParser[etree._Element]:
        return hardened_parser()

    def _get_c14n_inputs_from_references(self, doc_root: Any, references: Any) -> Any:
        inputs, found = self._inputs(doc_root, references)
        for place, reference in enumerate(found):
            target = self._targets[reference.URI.removeprefix("#")]
            if target.tag == SECURITY_TOKEN_REFERENCE:
                inputs[place] = _TokenOf(target)
        return inputs, found

    def _inputs(self, doc_root: Any, references: Any) -> Any:
        return super()._get_c14n_inputs_from_references(doc_root, references)

    def _c14n(self, nodes: Any, algorithm: Any, inclusive_ns_prefixes: Any = None) -> Any:
        if isinstance(nodes, _TokenOf):
            return nodes.canonical
        return super()._c14n(nodes, algorithm, inclusive_ns_prefixes)

    def _build_transforms_for_reference(
        self, *, transforms_node: Any, reference: Any, **options: Any
    ) -> None:
        if self._targets[reference.URI.removeprefix("#")].tag != SECURITY_TOKEN_REFERENCE:
            super()._build_transforms_for_reference(
                transforms_node=transforms_node, reference=reference, **options
            )
            return
        transform = etree.SubElement(transforms_node, f"{{{DS}}}Transform", Algorithm=STR_TRANSFORM)
        parameters = etree.SubElement(transform, TRANSFORMATION_PARAMETERS, nsmap={"wsse": WSSE})
        etree.SubElement(parameters, CANONICALIZATION_METHOD, Algorithm=EXC_C14N)


class _DirectSigner(_Signer):
    """The same without copies, and without looking for what is given."""

    def get_root(self, data: Any) -> Any:
        return data

    def _ds_tag(self, tag: str) -> str:
        return f"{{{DS}}}{tag}"

    def _inputs(self, doc_root: Any, references: Any) -> Any:
        return [self._targets[reference.URI.removeprefix("#")] for reference in references], references


def check_schema(signature: etree._Element, most_references: int) -> None:
    """Raises `SignatureMalformed` unless the ds:Signature follows our schema (two SignedInfo, …).

    Counted first: what libxml2 says of mistakes costs the square of their number. Raises `ReferenceInvalid`
    for more references than that.
    """
    if _more(signature.iter(REFERENCE), most_references):
        raise ReferenceInvalid(
            value=Both(f"> {most_references} referencer", f"> {most_references} references"),
            expected=Both(f"1 til {most_references}", f"1 to {most_references}"),
        )
    if _more(signature.iter(), _MOST_ELEMENTS):
        raise SignatureMalformed(
            value=Both(f"mere end {_MOST_ELEMENTS} elementer", f"more than {_MOST_ELEMENTS} elements")
        )
    schema = _schema()
    if not schema.validate(signature):
        lines = {entry.line: entry.message for entry in schema.error_log}
        raise SignatureMalformed(value=next(iter(lines.values()), Both("ikke gyldig", "not valid")))


def _more(nodes: Iterator[etree._Element], most: int) -> bool:
    return next(islice(nodes, most, None), None) is not None


def verify_signature(
    envelope: etree._Element,
    *,
    soap_namespace: str,
    certificate: x509.Certificate,
    now: datetime,
    targets: Targets,
    lifting: Lifting = NOTHING,
) -> VerifiedSignature:
    """Verify the one signature in Security with the key of `certificate`.

    The caller has checked the certificate, the references and their `targets`; nothing may have been lifted
    out of the envelope unless `DIRECT`. Raises `SignatureWrong`; whatever else a library raises, the caller
    turns into a refusal.
    """
    place = f"./{{{soap_namespace}}}Header/{SECURITY}/"
    return _verified(envelope, place, "Id", certificate, now, targets, lifting)


def verify_enveloped(
    assertion: etree._Element, *, certificate: x509.Certificate, now: datetime
) -> etree._Element:
    """An assertion, parsed from the very bytes that were digested, its own signature verified and left out.

    The caller has checked certificate, shape and reference. Raises `SignatureWrong`.
    """
    alone = etree.fromstring(_as_utf8(assertion, with_tail=False), hardened_parser())
    targets = {str(alone.get("ID")): alone}
    return _verified(alone, "./", "ID", certificate, now, targets).elements[0]


def _verified(
    root: etree._Element,
    place: str,
    id_attribute: str,
    certificate: x509.Certificate,
    now: datetime,
    targets: Targets,
    lifting: Lifting = NOTHING,
) -> VerifiedSignature:
    configuration = SignatureConfiguration(
        location=place,
        expect_references=True,
        signature_methods=_SIGNATURE_METHODS,
        digest_algorithms=_DIGEST_ALGORITHMS,
        verification_time=now,
    )
    assert DIRECT or lifting is NOTHING
    verifier = _DirectVerifier(targets, lifting) if DIRECT else _Verifier(targets)
    try:
        results = verifier.verify(
            root,
            x509_cert=certificate,
            parser=hardened_parser(),
            id_attribute=id_attribute,
            expect_config=configuration,
        )
    except InvalidDigest as error:
        raise _changed(str(error), targets) from None
    except (InvalidSignature, InvalidCertificate):
        raise SignatureWrong(
            value=Both(
                "signaturværdien passer ikke til nøglen og SignedInfo",
                "the signature value does not match key and SignedInfo",
            )
        ) from None
    assert isinstance(results, list)
    elements = tuple(result.signed_xml for result in results if result.signed_xml is not None)
    return VerifiedSignature(elements, verifier.signed_info)


def _changed(said: str, targets: Targets) -> SignatureWrong:
    """What does not have its digest: signxml tells its number and URI, of which people know neither."""
    for identifier, element in targets.items():
        if f"(#{identifier})" in said:
            name = etree.QName(element).localname
            value = Both(
                f"{name} er ændret, siden det blev underskrevet (reference #{identifier})",
                f"{name} was changed after it was signed (reference #{identifier})",
            )
            return SignatureWrong(element=name, value=value)
    return SignatureWrong(element="Reference", value=said)


def create_signature(
    envelope: etree._Element, *, targets: Targets, key: SigningKey, key_info: etree._Element
) -> etree._Element:
    """A detached ds:Signature over the elements with these ids (exc-c14n, SHA-256).

    Of a SecurityTokenReference the token that it names is signed (STR-Transform).
    """
    is_rsa = isinstance(key, rsa.RSAPrivateKey)
    signer = (_DirectSigner if DIRECT else _Signer)(
        targets,
        method=SignatureConstructionMethod.detached,
        signature_algorithm=SignatureMethod.RSA_SHA256 if is_rsa else SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=_EXCLUSIVE,
    )
    signature: etree._Element = signer.sign(
        envelope,
        key=key,
        key_info=key_info,
        id_attribute="Id",
        reference_uri=[
            # complete, so that signxml makes no copy of it for what it would add
            SignatureReference(f"#{identifier}", c14n_method=_EXCLUSIVE, inclusive_ns_prefixes=[])
            for identifier in targets
        ],
    )
    return signature


def sign_enveloped(
    assertion: etree._Element, *, key: rsa.RSAPrivateKey, certificate: x509.Certificate
) -> etree._Element:
    """The assertion with a signature of its own behind its first child, the issuer's certificate in it."""
    placeholder = etree.Element(SIGNATURE, Id="placeholder", nsmap={"ds": DS})
    assertion.insert(1, placeholder)
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=_EXCLUSIVE,
    )
    signed: etree._Element = signer.sign(
        assertion, key=key, cert=[certificate], id_attribute="ID", reference_uri=f"#{assertion.get('ID')}"
    )
    return signed


def canonical_token(reference: etree._Element) -> bytes:
    """STR-Transform: the token that a SecurityTokenReference names, in exclusive canonical form.

    The profile says that the apex carries `xmlns=""` when no default namespace is in force.
    """
    pointer = reference[0] if len(reference) else None
    if pointer is not None and pointer.tag == KEY_IDENTIFIER:
        attribute, identifier = "ID", (pointer.text or "").strip()
    else:
        attribute = "Id"
        identifier = "" if pointer is None else pointer.get("URI", "").removeprefix("#")
    found = _IDENTIFIERS(reference, name=attribute, value=identifier)
    if not isinstance(found, list) or len(found) != 1:
        raise SignatureWrong(
            value=Both("STR-Transform peger ikke på ét token", "STR-Transform does not name one token")
        )
    token = found[0].getparent()
    canonical: bytes = etree.tostring(token, method="c14n", exclusive=True, with_comments=False)
    apex = _APEX.match(canonical)
    assert apex is not None
    if canonical[apex.end() :].startswith(b' xmlns="'):
        return canonical
    return canonical[: apex.end()] + b' xmlns=""' + canonical[apex.end() :]
