"""What a signature says it covers: algorithms from a list, targets at their fixed places.

signxml ignores transforms it does not know and finds a target by any attribute called Id, wherever
it stands. So every ds:Reference is read here first: its chain of transforms must be one of three,
and the element it names must *be* the Body, a header block, the Timestamp or the token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from opus_soap.languages import Both
from opus_soap.wss.errors import AlgorithmUnsupported, ReferenceInvalid, SignedPartMisplaced
from opus_soap.wss.names import (
    CANONICALIZATION_METHOD,
    DIGEST_ALGORITHMS,
    DIGEST_METHOD,
    EXC_C14N,
    INCLUSIVE_NAMESPACES,
    KEY_IDENTIFIER,
    KEY_INFO,
    KNOWN_HEADERS,
    REFERENCE,
    SAML_ID,
    SECURITY,
    SECURITY_TOKEN_REFERENCE,
    SIGNATURE_ALGORITHMS,
    SIGNATURE_METHOD,
    SIGNED_INFO,
    STR_TRANSFORM,
    TRANSFORM_CHAINS,
    TRANSFORMATION_PARAMETERS,
    TRANSFORMS,
)
from opus_soap.wss.structure import MessageStructure

_SAME_DOCUMENT = re.compile(r"#([\w.:-]{1,256})\Z")
_MOST_PREFIXES = 1000  # characters in a PrefixList


@dataclass(frozen=True)
class SignedPart:
    """One ds:Reference, resolved: the name of the part and the element whose digest is signed."""

    name: str
    element: etree._Element
    through: etree._Element | None = None
    """The SecurityTokenReference that it was signed through, when it was."""


def read_references(message: MessageStructure, most: int) -> tuple[SignedPart, ...]:
    """What the signature covers, in its order; the signature itself is not verified here.

    `most` bounds the number of references. Raises `ReferenceInvalid`, `AlgorithmUnsupported`,
    `SignedPartMisplaced`.
    """
    return tuple(_read_reference(message, reference) for reference in listed(message.signature, most))


def listed(signature: etree._Element, most: int) -> list[etree._Element]:
    """The ds:Reference elements of a signature with allowed algorithms; raises as `read_references` does."""
    info = signature.find(SIGNED_INFO)
    references = [] if info is None else info.findall(REFERENCE)
    if info is None or not references or len(references) > most:
        raise ReferenceInvalid(
            value=Both(f"{len(references)} referencer", f"{len(references)} references"),
            expected=Both(f"1 til {most}", f"1 to {most}"),
        )
    _check_canonicalization(info.find(CANONICALIZATION_METHOD))
    _check_listed("SignatureMethod", info.find(SIGNATURE_METHOD), SIGNATURE_ALGORITHMS)
    for reference in references:
        _check_listed("DigestMethod", reference.find(DIGEST_METHOD), DIGEST_ALGORITHMS)
    return references


def _read_reference(message: MessageStructure, reference: etree._Element) -> SignedPart:
    chain = read_chain(reference)
    uri = reference.get("URI")
    match = _SAME_DOCUMENT.match(uri or "")
    if match is None:
        raise ReferenceInvalid(
            value=f"URI {uri!r}",
            expected=Both("#id for et element i meddelelsen", "#id of an element in the message"),
        )
    target = message.identifiers.get(match[1])
    if target is None:
        raise ReferenceInvalid(
            value=Both(f"URI {uri!r} peger ikke på noget", f"URI {uri!r} points to nothing"),
            expected=Both("#id for et element", "#id of an element"),
        )
    if chain == (STR_TRANSFORM,):
        return _dereferenced_token(message, target)
    return SignedPart(_place(message, target), target)


def _place(message: MessageStructure, element: etree._Element) -> str:
    """The name of a place that may be signed; the element must be the one that stands there."""
    if element is message.body:
        return "Body"
    if element is message.timestamp:
        return "Timestamp"
    if element is message.binary_token:
        return "BinarySecurityToken"
    if element is message.assertion:
        return "Assertion"
    if element.getparent() is message.header and element.tag != SECURITY:
        return KNOWN_HEADERS.get(str(element.tag), f"Header/{element.tag!s}")
    raise SignedPartMisplaced(element=etree.QName(element).localname)


def _dereferenced_token(message: MessageStructure, target: etree._Element) -> SignedPart:
    """STR-Transform: the reference names the reference to the token; signed is the token.

    Only the SecurityTokenReference of KeyInfo, which tokens.py resolves to the signing token, or the one
    in Security, which must name the assertion.
    """
    key_info = message.signature.find(KEY_INFO)
    of_signature = None if key_info is None else key_info.find(SECURITY_TOKEN_REFERENCE)
    if target is not of_signature and target is not message.token_reference:
        raise SignedPartMisplaced(element=etree.QName(target).localname)
    if message.assertion is not None:
        if named_assertion(target) != message.assertion.get("ID"):
            raise ReferenceInvalid(
                value="STR-Transform", expected=Both("meddelelsens assertion", "the assertion of the message")
            )
        return SignedPart("Assertion", message.assertion, target)
    if message.binary_token is None:
        raise ReferenceInvalid(
            value="STR-Transform", expected=Both("et token i meddelelsen", "a token in the message")
        )
    return SignedPart("BinarySecurityToken", message.binary_token, target)


def named_assertion(reference: etree._Element) -> str | None:
    """The ID of the assertion that a SecurityTokenReference names (SAML Token Profile 1.1, 3.4)."""
    pointer = reference[0] if len(reference) == 1 else None
    if (
        pointer is None
        or pointer.tag != KEY_IDENTIFIER
        or pointer.get("ValueType") != SAML_ID
        or len(pointer)
    ):
        return None
    return (pointer.text or "").strip()


def read_chain(reference: etree._Element) -> tuple[str, ...]:
    """The transforms of a reference, one of three chains; raises `AlgorithmUnsupported`."""
    transforms = reference.find(TRANSFORMS)
    steps = [] if transforms is None else list(transforms)
    chain = tuple(step.get("Algorithm", "") for step in steps[:4])
    if len(steps) > len(chain) or chain not in TRANSFORM_CHAINS:
        raise AlgorithmUnsupported(element="Transforms", value=" ".join(chain) or Both("ingen", "none"))
    for step in steps:
        if step.text and step.text.strip():
            raise AlgorithmUnsupported(element="Transform", value="text")
        parameters = list(step)
        if step.get("Algorithm") == STR_TRANSFORM:
            _check_token_parameters(parameters)
        elif step.get("Algorithm") == EXC_C14N:
            _check_prefixes(parameters)
        elif parameters:
            raise AlgorithmUnsupported(element="Transform", value="parameters")
    return chain


def _check_token_parameters(parameters: list[etree._Element]) -> None:
    if [parameter.tag for parameter in parameters] != [TRANSFORMATION_PARAMETERS]:
        raise AlgorithmUnsupported(
            element="STR-Transform",
            value=Both("ingen TransformationParameters", "no TransformationParameters"),
        )
    method = parameters[0].find(CANONICALIZATION_METHOD)
    _check_canonicalization(method)
    if method is not None and len(method):
        raise AlgorithmUnsupported(element="STR-Transform", value="InclusiveNamespaces")


def _check_canonicalization(method: etree._Element | None) -> None:
    algorithm = "" if method is None else method.get("Algorithm", "")
    if method is None or algorithm != EXC_C14N:
        raise AlgorithmUnsupported(element="CanonicalizationMethod", value=algorithm)
    _check_prefixes(list(method))


def _check_prefixes(parameters: list[etree._Element]) -> None:
    if not parameters:
        return
    if [parameter.tag for parameter in parameters] != [INCLUSIVE_NAMESPACES]:
        raise AlgorithmUnsupported(element="exc-c14n", value=Both("ukendte parametre", "unknown parameters"))
    if len(parameters[0].get("PrefixList", "")) > _MOST_PREFIXES:
        raise AlgorithmUnsupported(
            element="InclusiveNamespaces", value=Both("en meget lang PrefixList", "a very long PrefixList")
        )


def _check_listed(name: str, method: etree._Element | None, allowed: frozenset[str]) -> None:
    algorithm = "" if method is None else method.get("Algorithm", "")
    if algorithm not in allowed:
        raise AlgorithmUnsupported(element=name, value=algorithm)
