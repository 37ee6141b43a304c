"""What a message shows, step by step, and where it fails: for people who look for the one thing to change.

Each step looks for itself, so that one that fails does not hide the next. Nothing here decides anything:
whether a message is taken is `Verifier`'s business alone, and its word is the last step.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509
from lxml import etree

from opus_soap.wss.certificates import TrustStore, load_der, subject_text, thumbprint
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
from opus_soap.wss.saml import TokenTrust, verify_assertion
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

    def explain(self, data: bytes, at: datetime) -> list[Step]:
        """Every step, for a message that came at an instant."""
        steps: list[Step] = []
        try:
            root = parse(data, self.policy.limits)
        except WssError as error:
            return [_failed("XML", error)]
        steps.append(Step("XML", True, (f"{len(data)} bytes, root {root.tag!s}",)))
        try:
            structure = read_structure(root, carries_token=self.policy.carries_token)
        except SecurityMissing:
            return [*steps, _unsigned(root)]
        except WssError as error:
            return [*steps, _failed("Envelope", error)]
        steps.append(_headers(structure))
        steps += _references(structure)
        steps += self._token(structure, at)
        steps.append(_timestamp(structure, self.policy, at))
        steps.append(self._verdict(data, at))
        return steps

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
        held = assertion.find(f"{saml('Subject')}//{X509_CERTIFICATE}")
        if held is not None:
            facts += [f"holder {line}" for line in _described_text(held.text or "")]

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
                data, now=at, profile=lambda _: self.profile, audience=self.audience, known=self.known
            )
            facts.append(f"signed: {', '.join(message.signed_parts)}; model: {message.model}")

        return _judged("The whole, as the server verifies it", check, facts)


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
        ahead = (freshness.created - at).total_seconds()
        facts.append(f"looked at: {at.isoformat()}; the sender's clock is {ahead:+.0f} s from then")
        facts.append(f"allowed: {policy.skew.total_seconds():.0f} s either way")
        check_freshness(freshness, now=at, skew=policy.skew, max_lifetime=policy.max_lifetime)

    return _judged("Timestamp", check, facts)


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
    host = urlsplit(issuer).hostname or ""
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
