"""Verify a signed message, and hand on nothing but what was signed.

Bytes → tree → shape → references → token → certificate → (the caller's agreement) → signature →
required parts → time → addressing → a new envelope made of the verified elements. The raw tree is
dropped. Every exception on the way is a refusal: a `WssError`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from lxml import etree

from opus_soap.encoded import Piece
from opus_soap.languages import Both
from opus_soap.wss import engine
from opus_soap.wss.addressing import Addressing, read_addressing
from opus_soap.wss.certificates import TrustStore, check_tls_client, key_of, thumbprint
from opus_soap.wss.engine import VerifiedSignature, check_schema, verify_signature
from opus_soap.wss.errors import (
    PartNotSigned,
    ProfileUnknown,
    SignatureWrong,
    VerificationFailed,
    WssError,
)
from opus_soap.wss.errors_tokens import HolderWrong, TokensNotTaken
from opus_soap.wss.lifting import Lifted, Lifting, parse_lifted
from opus_soap.wss.names import KNOWN_HEADERS, SOAP11
from opus_soap.wss.parsing import ParseLimits
from opus_soap.wss.references import SignedPart, read_references
from opus_soap.wss.saml import SamlToken, TokenTrust, verify_assertion
from opus_soap.wss.structure import MessageStructure, read_structure
from opus_soap.wss.timestamps import check_freshness, read_timestamp
from opus_soap.wss.tokens import SigningToken, check_names_assertion, names_certificate, resolve_token

# What must be there and signed. Besides, whatever known header is there must be signed.
REQUIRED_PARTS: Mapping[str, frozenset[str]] = {
    "kombit": frozenset({"Body", "Timestamp", "MessageID", "Action", "BinarySecurityToken"}),
    "basic": frozenset({"Body", "Timestamp"}),
    "kombit reply": frozenset({"Body", "Timestamp", "MessageID", "RelatesTo", "Action"}),
    "basic reply": frozenset({"Body", "Timestamp"}),
    "sts": frozenset({"Body", "Timestamp", "MessageID", "Action", "To", "BinarySecurityToken"}),
    "sts reply": frozenset({"Body", "Timestamp", "RelatesTo", "Action"}),
}
# the Liberty binding of SOAP 1.1 requires its Framework header; OIO IDWS on SOAP 1.2 has none
_FRAMEWORK_PROFILES = frozenset({"kombit"})


@dataclass(frozen=True)
class VerificationPolicy:
    """How strict: the clock's tolerance and the bounds."""

    skew: timedelta = timedelta(minutes=5)
    max_lifetime: timedelta = timedelta(minutes=10)
    max_references: int = 16
    carries_token: bool = False
    """Whether the Body may hold a token, as the answer of an STS does."""
    limits: ParseLimits = field(default_factory=ParseLimits)
    lift_from: int = 0
    """Base64 texts of at least so many bytes are `VerifiedMessage.lifted` out of the Body; 0: none is."""


@dataclass(frozen=True)
class VerifiedMessage:
    """What a message says under its signature, and who says it."""

    envelope: etree._Element
    """A new Envelope: the signed headers (without Security) and the signed Body, nothing else."""
    body: etree._Element
    """The Body element of `envelope`."""
    certificate: x509.Certificate
    thumbprint: str
    """SHA-256 of the signer's certificate, hex."""
    addressing: Addressing
    created: datetime
    expires: datetime
    replay_until: datetime
    """Keep `replay_key` until then: Expires plus the skew that we allow."""
    replay_key: str
    """SHA-256 hex of key and MessageID, or of key and canonical SignedInfo when there is none."""
    signed_parts: tuple[str, ...]
    """`Body`, `Timestamp`, `MessageID`, …, in the signature's order."""
    soap_namespace: str
    profile: str
    token: SamlToken | None = None
    """What the STS says of the sender, in the Token model."""
    lifted: Lifted = field(default_factory=dict)
    """Long texts of the Body, signed like the rest, by the elements that they belong in: those are empty."""
    pieces: Sequence[Piece] = ()
    """The message as it came, cut at these texts; none where there are none."""

    @property
    def model(self) -> str:
        """`token` (SAML, holder-of-key) or `x509`."""
        return "token" if self.token is not None else "x509"

    @property
    def message_id(self) -> str | None:
        """wsa:MessageID."""
        return self.addressing.message_id

    @property
    def action(self) -> str | None:
        """wsa:Action."""
        return self.addressing.action

    @property
    def to(self) -> str | None:
        """wsa:To."""
        return self.addressing.to

    @property
    def relates_to(self) -> str | None:
        """wsa:RelatesTo."""
        return self.addressing.relates_to


class _Read(NamedTuple):
    """A message whose shape holds, and what its signature says it covers; nothing of it is believed."""

    structure: MessageStructure
    references: tuple[SignedPart, ...]
    lifting: Lifting


@dataclass(frozen=True)
class _Candidate:
    """A message whose signer is known and trusted, its signature not yet verified."""

    read: _Read
    token: SigningToken


@contextmanager
def refusing() -> Iterator[None]:
    """Whatever a library raises inside is a refusal of the message, never an error of the server."""
    try:
        yield
    except WssError:
        raise
    except Exception as error:
        raise VerificationFailed(value=type(error).__name__) from error


class Verifier:
    """Verifies messages against one trust store; holds no state between them, so threads share it."""

    def __init__(
        self,
        trust: TrustStore,
        policy: VerificationPolicy | None = None,
        tokens: TokenTrust | None = None,
    ) -> None:
        self.trust = trust
        self.policy = policy or VerificationPolicy()
        self.tokens = tokens

    def verify(
        self,
        data: bytes,
        *,
        now: datetime,
        profile: Callable[[x509.Certificate], str],
        audience: str | None = None,
        known: Callable[[], Iterable[x509.Certificate]] = tuple,
    ) -> VerifiedMessage:
        """The verified content of `data`; raises a `WssError` for anything but a perfect message.

        `profile` maps the trusted certificate to the name of a profile in `REQUIRED_PARTS`, from the
        caller's agreements. It runs before the signature is verified, so it must only look up; what it
        raises (an unknown system) passes through. `audience` is the EntityId of the service that is called:
        tokens for another are refused, and without one every token. `known` gives certificates that a message
        may name (issuer and serial, key identifier, thumbprint) without carrying them; it is asked when one
        does, and what it raises passes through, too.
        """
        with refusing():
            read = self._read(data)
            names = read.structure.assertion is None and names_certificate(read.structure)
        certificates = known() if names else ()
        with refusing():
            candidate = self._candidate(read, now, audience, certificates)
        chosen = profile(candidate.token.certificate)
        with refusing():
            return self._verified(candidate, now, chosen)

    def check_tls_client(self, certificate: x509.Certificate, *, now: datetime) -> None:
        """Raises a `WssError` unless the certificate is trusted, and may stand for a client of TLS."""
        with refusing():
            self.trust.check(certificate, now)
            check_tls_client(certificate)

    def _read(self, data: bytes) -> _Read:
        policy = self.policy
        root, lifting = parse_lifted(data, policy.limits, policy.lift_from if engine.DIRECT else 0)
        structure = read_structure(root, carries_token=policy.carries_token)
        check_schema(structure.signature, policy.max_references)
        return _Read(structure, read_references(structure, policy.max_references), lifting)

    def _candidate(
        self,
        read: _Read,
        now: datetime,
        audience: str | None,
        known: Iterable[x509.Certificate],
    ) -> _Candidate:
        structure = read.structure
        if structure.assertion is None:
            token = resolve_token(structure, self.trust, known)
        else:
            token = self._holder(structure, audience, now)
        self.trust.check(token.certificate, now)
        return _Candidate(read, token)

    def _holder(self, structure: MessageStructure, audience: str | None, now: datetime) -> SigningToken:
        """The certificate that a believed assertion is bound to; its key must have signed the message."""
        assert structure.assertion is not None
        if self.tokens is None or audience is None:
            raise TokensNotTaken()
        check_names_assertion(structure)
        token = verify_assertion(
            structure.assertion, self.tokens, audience=audience, now=now, skew=self.policy.skew
        )
        return SigningToken(token.holder, structure.assertion, token)

    def _verified(self, candidate: _Candidate, now: datetime, profile: str) -> VerifiedMessage:
        (structure, references, lifting), certificate = candidate.read, candidate.token.certificate
        check_required_parts(structure, references, profile)
        try:
            signature = verify_signature(
                structure.envelope,
                soap_namespace=structure.soap_namespace,
                certificate=certificate,
                now=now,
                targets=structure.identifiers,
                lifting=lifting,
            )
        except SignatureWrong as error:
            if candidate.token.saml is not None and not error.element:  # nothing was changed
                raise HolderWrong(
                    value=Both(
                        "meddelelsen er underskrevet med en anden nøgle end tokenets",
                        "another key than the token's signed the message",
                    )
                ) from None
            raise
        parts = signed_elements(references, signature)
        freshness = read_timestamp(parts["Timestamp"])
        check_freshness(freshness, now=now, skew=self.policy.skew, max_lifetime=self.policy.max_lifetime)
        addressing = read_addressing(parts)
        lifted = lifting.take(parts["Body"])
        envelope = rebuild(structure.soap_namespace, parts)
        signer = thumbprint(certificate)
        return VerifiedMessage(
            envelope=envelope,
            body=envelope[-1],
            certificate=certificate,
            thumbprint=signer,
            addressing=addressing,
            created=freshness.created,
            expires=freshness.expires,
            replay_until=freshness.expires + self.policy.skew,
            replay_key=replay_key(key_of(certificate), addressing.message_id, signature.signed_info),
            signed_parts=tuple(parts),
            soap_namespace=structure.soap_namespace,
            profile=profile,
            token=candidate.token.saml,
            lifted=lifted,
            pieces=lifting.pieces,
        )


def check_required_parts(
    structure: MessageStructure, references: tuple[SignedPart, ...], profile: str
) -> None:
    """Raises `PartNotSigned` unless every part that the profile asks for, or that is there, is signed."""
    if profile not in REQUIRED_PARTS:
        raise ProfileUnknown(value=profile, expected=", ".join(REQUIRED_PARTS))
    required = set(REQUIRED_PARTS[profile]) | set(structure.headers)
    if structure.assertion is not None:  # it is the token then
        required = required - {"BinarySecurityToken"} | {"Assertion"}
    if profile in _FRAMEWORK_PROFILES and structure.soap_namespace == SOAP11:
        required.add("Framework")
    missing = required - {part.name for part in references}
    if missing:
        raise PartNotSigned(element=", ".join(sorted(missing)))
    pointer = structure.token_reference
    if pointer is not None and not any(part.through is pointer for part in references):
        raise PartNotSigned(element="SecurityTokenReference")


def signed_elements(
    references: tuple[SignedPart, ...], signature: VerifiedSignature
) -> dict[str, etree._Element]:
    """The verified elements by name. Paired check: what signxml digested is what we resolved."""
    if len(signature.elements) != len(references):
        raise SignatureWrong(value=Both("en reference blev ikke efterprøvet", "a reference was not verified"))
    parts: dict[str, etree._Element] = {}
    for reference, element in zip(references, signature.elements, strict=True):
        if element.tag != reference.element.tag:
            raise SignatureWrong(
                value=Both(
                    f"der blev beregnet digest af et andet element end {reference.name}",
                    f"another element than {reference.name} was digested",
                )
            )
        parts.setdefault(reference.name, element)
    return parts


def rebuild(soap_namespace: str, parts: Mapping[str, etree._Element]) -> etree._Element:
    """An envelope of the verified headers and Body; Security has done its work and stays behind."""
    envelope = etree.Element(f"{{{soap_namespace}}}Envelope", nsmap={"soap": soap_namespace})
    header = etree.SubElement(envelope, f"{{{soap_namespace}}}Header")
    for name in KNOWN_HEADERS.values():
        if name in parts:
            header.append(parts[name])
    envelope.append(parts["Body"])
    return envelope


def replay_key(signer: str, message_id: str | None, signed_info: bytes) -> str:
    """What makes a message the same message, whatever an attacker can change without the key.

    So of the key and not of its certificate, another one of which fits an unsigned token as well; and never
    of SignatureValue, whose base64 text takes line breaks and stray characters.
    """
    digest = hashlib.sha256(f"{signer}\n".encode())
    if message_id is not None:
        digest.update(b"MessageID\n" + message_id.encode())
    else:
        digest.update(b"SignedInfo\n" + signed_info)
    return digest.hexdigest()
