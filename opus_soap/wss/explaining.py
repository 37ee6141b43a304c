"""What a message shows, step by step, and where it fails: for people who look for the one thing to change.

Each step looks for itself, so that one that fails does not hide the next. Nothing here decides anything:
whether a message is taken is `Verifier`'s business alone, and its word is the last step.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509
from lxml import etree

from opus_soap.wss.certificates import PinnedOnly, TrustStore, load_der, subject_text, thumbprint
from opus_soap.wss.engine import canonical_token
from opus_soap.wss.errors import SecurityMissing, WssError
from opus_soap.wss.names import (
    DIGEST_METHOD,
    DS,
    EXC_C14N,
    INCLUSIVE_NAMESPACES,
    KNOWN_HEADERS,
    REFERENCE,
    SIGNED_INFO,
    STR_TRANSFORM,
    TRANSFORMS,
    X509_CERTIFICATE,
    saml,
)
from opus_soap.wss.parsing import parse
from opus_soap.wss.saml import CVR, TokenTrust, verify_assertion
from opus_soap.wss.structure import MessageStructure, read_structure, read_unsigned_structure
from opus_soap.wss.timestamps import check_freshness, read_timestamp
from opus_soap.wss.tokens import resolve_token
from opus_soap.wss.verification import VerificationPolicy, Verifier, refusing

_AUDIENCE = f".//{saml('Audience')}"
_DIGEST_VALUE = f"{{{DS}}}DigestValue"
_HASHES = ("sha256", "sha384", "sha512", "sha1")


@dataclass(frozen=True)
class Step:
    """One thing that was looked at: what stands there, whether it holds, and what to change."""

    name: str
    holds: bool | None
    """None: shown, not judged."""
    facts: tuple[str, ...]
    change: str = ""


@dataclass(frozen=True)
class Claimed:
    """What a message says of itself; nothing of it is verified."""

    model: str
    """`token`, `x509`, or `context` for a message without a Security header."""
    certificate: x509.Certificate | None
    """Whose key is said to have signed; None when that is not told, or cannot be read."""
    cvr: str | None
    """The authority of the token."""
    content: etree._Element | None
    """The one child of the Body."""
    created: datetime | None


@dataclass(frozen=True)
class Explainer:
    """Explains messages against one trust store.

    `profile` is as in an agreement, `audience` the EntityId of the service that is called.
    """

    trust: TrustStore
    tokens: TokenTrust | None
    policy: VerificationPolicy
    profile: str = "kombit"
    audience: str | None = None
    known: Sequence[x509.Certificate] = ()
    trust_unknown: str = ""
    """Why nobody's trust is known here: the certificate that a message names is taken for good then."""

    def explain(self, data: bytes, at: datetime) -> list[Step]:
        """Every step, for a message that came at an instant."""
        steps, structure = self._shape(data)
        if structure is None:
            return steps
        believing = self._believing(structure) if self.trust_unknown else self
        steps += believing._token(structure, at)
        steps.append(_timestamp(structure, self.policy, at))
        steps.append(believing._verdict(data, at))
        return steps

    def _believing(self, structure: MessageStructure) -> Explainer:
        """The same, with trust in the certificate that the message names."""
        named = self._named(structure)
        return self if named is None else replace(self, trust=PinnedOnly(pinned=(named,)))

    def shape(self, data: bytes) -> list[Step]:
        """The steps that ask for nobody's trust: XML, envelope, digests."""
        return self._shape(data)[0]

    def claimed(self, data: bytes) -> Claimed | None:
        """What the message says of itself; None when it cannot be read as one."""
        try:
            root = parse(data, self.policy.limits)
            structure = read_structure(root, carries_token=self.policy.carries_token)
        except SecurityMissing:
            return Claimed("context", None, None, _content(root), None)
        except WssError:
            return None
        assertion = structure.assertion
        return Claimed(
            model="x509" if assertion is None else "token",
            certificate=self._named(structure),
            cvr=None if assertion is None else _cvr(assertion),
            content=_content(root),
            created=_created(structure),
        )

    def _named(self, structure: MessageStructure) -> x509.Certificate | None:
        try:
            if structure.assertion is None:
                return resolve_token(structure, self.trust, self.known).certificate
            return load_der(base64.b64decode("".join((_held(structure.assertion) or "").split())))
        except (WssError, ValueError):
            return None

    def _shape(self, data: bytes) -> tuple[list[Step], MessageStructure | None]:
        """XML, envelope and digests; the structure when there is a signed one."""
        try:
            root = parse(data, self.policy.limits)
        except WssError as error:
            return [_failed("XML", error)], None
        steps = [Step("XML", True, (f"{len(data)} bytes, root {root.tag!s}",))]
        try:
            structure = read_structure(root, carries_token=self.policy.carries_token)
        except SecurityMissing:
            return [*steps, _unsigned(root)], None
        except WssError as error:
            return [*steps, _failed("Envelope", error)], None
        return [*steps, _headers(structure), *_references(structure)], structure

    def _token(self, structure: MessageStructure, at: datetime) -> Iterator[Step]:
        if structure.assertion is not None:
            yield self._assertion(structure.assertion, at)
            return
        try:
            certificate = resolve_token(structure, self.trust, self.known).certificate
        except WssError as error:
            yield _failed("Certificate", error)
            return
        yield self._certificate("Certificate", certificate, at)

    def _certificate(self, name: str, certificate: x509.Certificate, at: datetime) -> Step:
        if self.trust_unknown:
            return Step(name, None, (*_described(certificate), f"trust not looked at: {self.trust_unknown}"))
        issuers = [subject_text(issuer.subject) for issuer in self.trust.issuers]
        facts = (*_described(certificate), f"trusted issuers: {'; '.join(issuers) or 'none'}")
        return _judged(name, lambda: self.trust.check(certificate, at), facts)

    def _assertion(self, assertion: etree._Element, at: datetime) -> Step:
        expected = sorted(self.tokens.issuers) if self.tokens else []
        issuer = (assertion.findtext(saml("Issuer")) or "-").strip()
        audience = (assertion.findtext(_AUDIENCE) or "").strip()
        facts = [
            f"issuer: {issuer}{_environment(issuer)}",
            *(
                f"expected issuer: {name}{_environment(name)}"
                for name in expected or ["none is trusted here"]
            ),
            f"audience: {audience or '-'}; this service: {self.audience or 'not told'}",
        ]
        conditions = assertion.find(saml("Conditions"))
        if conditions is not None:
            window = f"{conditions.get('NotBefore')} – {conditions.get('NotOnOrAfter')}"
            facts.append(f"valid: {window}; looked at: {at.isoformat()}")
        held = _held(assertion)
        if held is not None:
            facts += [f"holder {line}" for line in _described_text(held)]

        def check() -> None:
            assert self.tokens is not None
            verify_assertion(
                assertion,
                self.tokens,
                audience=self.audience or audience,
                now=at,
                skew=self.policy.skew,
            )

        if self.tokens is None:
            return Step("Token", False, tuple(facts), "Set OPUS_SOAP_STS_ENTITY_ID and its certificate.")
        return _judged("Token", check, facts)

    def _verdict(self, data: bytes, at: datetime) -> Step:
        verifier = Verifier(self.trust, self.policy, self.tokens)
        facts: list[str] = []

        def check() -> None:
            message = verifier.verify(
                data, now=at, profile=lambda _: self.profile, audience=self.audience, known=lambda: self.known
            )
            signed = ", ".join(message.signed_parts)
            facts.append(f"signed: {signed}; model: {message.model}; profile: {self.profile}")

        who = "whoever made it" if self.trust_unknown else "as the server verifies it"
        return _judged(f"The signature as a whole, {who}", check, facts)


def _content(root: etree._Element) -> etree._Element | None:
    body = root.find("{*}Body")
    return body[0] if body is not None and len(body) == 1 else None


def _held(assertion: etree._Element) -> str | None:
    """The base64 of the certificate that a token is bound to."""
    return assertion.findtext(f"{saml('Subject')}//{X509_CERTIFICATE}")


def _cvr(assertion: etree._Element) -> str | None:
    found = assertion.find(f".//{saml('Attribute')}[@Name='{CVR}']")
    return None if found is None else found.findtext(saml("AttributeValue"))


def _created(structure: MessageStructure) -> datetime | None:
    try:
        return None if structure.timestamp is None else read_timestamp(structure.timestamp).created
    except WssError:
        return None


def _headers(structure: MessageStructure) -> Step:
    facts = []
    for block in structure.header:
        name = KNOWN_HEADERS.get(str(block.tag), etree.QName(block).localname)
        text = " ".join("".join(block.itertext()).split()) if name != "Security" else ""
        facts.append(f"{name}{': ' + text[:120] if text else ''}")
    return Step("Envelope", True, (f"SOAP {structure.soap_namespace}", *facts))


def _unsigned(root: etree._Element) -> Step:
    """A message that only the Context model could take; who sent it, TLS alone has seen."""
    try:
        read_unsigned_structure(root)
    except WssError as error:
        return _failed("Envelope", error)
    authorities = [found.text or "-" for found in root.iter("{*}MunicipalityCVR")]
    facts = (
        "nothing is signed: only the Context model takes it, by the client certificate that TLS is shown",
        f"AuthorityContext: {', '.join(authorities) or 'none'}",
    )
    change = (
        "" if authorities else "Name the authority in AuthorityContext/MunicipalityCVR; or sign the message."
    )
    return Step("Envelope", None if authorities else False, facts, change)


def _references(structure: MessageStructure) -> Iterator[Step]:
    info = structure.signature.find(SIGNED_INFO)
    for reference in [] if info is None else info.findall(REFERENCE):
        uri = reference.get("URI", "")
        target = structure.identifiers.get(uri.removeprefix("#"))
        if target is None:
            change = "Sign an element of the message, by its wsu:Id."
            yield Step(f"Reference {uri}", False, ("points to nothing",), change)
            continue
        expected = "".join((reference.findtext(_DIGEST_VALUE) or "").split())
        found = _digest(reference, target)
        name = etree.QName(target).localname
        facts = (f"{name}: {_chain(reference)}", f"digest said:  {expected}", f"digest found: {found}")
        change = "" if found == expected else f"{name} was changed after it was signed; send it as it was."
        yield Step(f"Reference {uri}", found == expected, facts, change)


def _digest(reference: etree._Element, target: etree._Element) -> str:
    method = reference.find(DIGEST_METHOD)
    algorithm = "" if method is None else method.get("Algorithm", "").rpartition("#")[2]
    if algorithm not in _HASHES:
        return f"({algorithm or 'no'} digest is not computed)"
    try:
        if STR_TRANSFORM in _chain(reference):
            canonical = canonical_token(target)
        else:
            inclusive = reference.find(f".//{INCLUSIVE_NAMESPACES}")
            prefixes = None if inclusive is None else inclusive.get("PrefixList", "").split(" ")
            canonical = etree.tostring(
                target,
                method="c14n",
                exclusive=True,
                with_comments=False,
                inclusive_ns_prefixes=prefixes,
            )
    except (WssError, etree.LxmlError) as error:
        return f"(cannot be computed: {type(error).__name__})"
    return base64.b64encode(hashlib.new(algorithm, canonical).digest()).decode("ascii")


def _chain(reference: etree._Element) -> str:
    transforms = reference.find(TRANSFORMS)
    steps = [] if transforms is None else [step.get("Algorithm", "") for step in transforms]
    return " → ".join("exc-c14n" if step == EXC_C14N else step for step in steps) or "no transforms"


def _timestamp(structure: MessageStructure, policy: VerificationPolicy, at: datetime) -> Step:
    if structure.timestamp is None:
        return Step("Timestamp", False, ("there is none",), "Send a wsu:Timestamp, and sign it.")
    facts: list[str] = []

    def check() -> None:
        assert structure.timestamp is not None
        freshness = read_timestamp(structure.timestamp)
        facts.append(f"{freshness.created.isoformat()} – {freshness.expires.isoformat()}")
        facts.append(f"looked at: {at.isoformat()}; {_age(freshness.created, at)}")
        facts.append(f"allowed besides: {policy.skew.total_seconds():.0f} s, for clocks that differ")
        check_freshness(freshness, now=at, skew=policy.skew, max_lifetime=policy.max_lifetime)

    step = _judged("Timestamp", check, facts)
    return step if step.holds or structure.timestamp is None else _dated(step, structure, at)


def _age(created: datetime, at: datetime) -> str:
    """What is seen is an age. A clock is seen to be wrong only where the message comes before it is made."""
    seconds = (at - created).total_seconds()
    if seconds >= 0:
        return f"the message was {seconds:.0f} s old then"
    return f"Created lies {-seconds:.0f} s ahead of then: the sender's clock is fast, or ours slow"


def _dated(step: Step, structure: MessageStructure, at: datetime) -> Step:
    """An old message is not a wrong clock: it may have lain somewhere."""
    created = _created(structure)
    if created is None or created >= at or not any("WSS-061" in fact for fact in step.facts):
        return step
    change = (
        "An old message: sign a new one, with a new Timestamp, just before it is sent. "
        "Where new ones come old, too, the sender's clock is slow (NTP)."
    )
    return replace(step, change=change)


def _described(certificate: x509.Certificate) -> tuple[str, ...]:
    return (
        f"subject: {subject_text(certificate.subject)}",
        f"issuer: {subject_text(certificate.issuer)}",
        f"valid: {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} – "
        f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
        f"thumbprint: {thumbprint(certificate)}",
    )


def _described_text(encoded: str) -> tuple[str, ...]:
    try:
        return _described(load_der(base64.b64decode("".join(encoded.split()))))
    except (WssError, ValueError):
        return ("certificate: cannot be read",)


def _environment(issuer: str) -> str:
    """Which of Kombit's environments an issuer is of, by its name (reconstructed from published ones)."""
    try:
        host = urlsplit(issuer).hostname or ""
    except ValueError:  # no address at all
        host = ""
    if "eksterntest" in host:
        return " (Kombit's external test environment)"
    return " (Kombit's production environment)" if host.endswith("stoettesystemerne.dk") else ""


def _judged(name: str, check: Callable[[], None], facts: Sequence[str]) -> Step:
    try:
        with refusing():
            check()
    except WssError as error:
        return Step(name, False, (*facts, str(error)), error.remedy_english)
    return Step(name, True, tuple(facts))


def _failed(name: str, error: WssError) -> Step:
    return Step(name, False, (str(error),), error.remedy_english)
