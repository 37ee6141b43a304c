"""What the server said of an archived message, and what the agreements say of any: each rule by itself.

Nothing here decides anything. The rules are those that `Callers.authorize` asks, but none hides the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from opus_soap.clock import isoformat
from opus_soap.errors import ContentMissing, OpusSoapError, SecurityModelMissing
from opus_soap.soap.callers import AGREEMENT_RULES, authority_of
from opus_soap.soap.faults import FAULT_NS
from opus_soap.soap.security_models import NAMES, SecurityModels, named
from opus_soap.soap.service import SoapService
from opus_soap.store import agreements, archive, content
from opus_soap.store.models import ArchivedMessage, System
from opus_soap.wss.certificates import thumbprint
from opus_soap.wss.errors import WssError
from opus_soap.wss.explaining import Claimed, Step


@dataclass(frozen=True)
class Archived:
    """A message from the archive, and what was answered to it."""

    message: ArchivedMessage
    answer: ArchivedMessage | None

    @property
    def by_us(self) -> bool:
        """Whether the exchange was begun by us: then what came in is a reply."""
        return "://" in self.message.endpoint

    @property
    def service_path(self) -> str:
        """The path that was called; empty when we called."""
        return "" if self.by_us else self.message.endpoint


def find(identifier: str) -> Archived:
    """The newest message with this number, MessageID or correlation id, as it came in.

    The number of an answer of ours leads to what it answers; that of a call of ours to the call itself, as
    everything does when no reply came. Raises `ArchivedMessageUnknown`.
    """
    exact = archive.find(identifier)[-1]
    exchange = archive.find(str(exact.correlation_id))
    came, went = (next((row for row in exchange if row.direction == way), None) for way in ("in", "out"))
    if came is None or went is None:
        return Archived(exact, None)
    call_itself = identifier == str(went.id) or not came.content.size
    return Archived(went, came) if "://" in went.endpoint and call_itself else Archived(came, went)


def word(found: Archived) -> Step:
    """What the server, or for a call of ours the sender, said of it then; a refusal in its own words."""
    row, answer = found.message, found.answer
    came = row.direction == "in"
    refused = None if row.outcome in ("ok", archive.SENT) else row
    if found.by_us and not came and answer is not None and answer.outcome != "ok":
        refused = answer  # what we said of the reply, or of there being none
    facts = [
        f"No. {row.id}, {'came' if came else 'sent'} {isoformat(row.at)}, {row.endpoint or '-'}",
        f"system: {described(row.system) if row.system else 'not known by then'}",
        f"outcome: {(refused or row).outcome}{f', HTTP {row.http_status}' if row.http_status else ''}",
    ]
    texts, remedy = _refusal(found) if refused else ([], "")
    return Step(_said(found, good=refused is None), refused is None, (*facts, *texts), remedy)


def _said(found: Archived, *, good: bool) -> str:
    if not found.by_us:
        return "The server took it" if good else "The server refused it"
    if found.message.direction == "in":
        return "We believed the reply" if good else "We did not believe the reply"
    if found.answer is None:
        return "We sent it; of a reply nothing is known"
    return "We sent it and were answered" if good else "We sent it, and no reply came that can be used"


def _refusal(found: Archived) -> tuple[list[str], str]:
    """Texts and remedy of the fault that we answered; nothing when there is none, or it was purged."""
    answer = None if found.by_us else found.answer
    try:
        data = content.get(answer.content.sha256) if answer is not None else b""
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except (ContentMissing, etree.XMLSyntaxError):
        return [], ""
    texts = [found.text or "" for found in root.iter(f"{{{FAULT_NS}}}Tekst")]
    remedies = [found.text or "" for found in root.iter(f"{{{FAULT_NS}}}Udvej")]
    return texts, "\n         ".join(reversed(remedies))


def described(system: System) -> str:
    """An agreement in a line."""
    stopped = "" if system.active else ", stopped"
    return (
        f"{system.name} ({system.municipality}, {system.uuid}), profile {system.profile}, "
        f"model {NAMES[system.security_model]}{stopped}"
    )


@dataclass(frozen=True)
class _Asked:
    """A call as its message claims it."""

    system: System
    model: str
    token_cvr: str | None
    content: etree._Element


@dataclass(frozen=True)
class AgreementExplainer:
    """Holds what messages claim against the agreements, as of an instant."""

    models: SecurityModels
    at: datetime

    def explain(
        self, claimed: Claimed, service: SoapService | None, system: System | None, *, taken: bool = False
    ) -> Iterator[Step]:
        """Every step for one message; `system` as the archive knows it, `taken` when it had its effect."""
        yield self._caller(claimed, system, taken=taken)
        if service is None:
            change = "Send a request of one of the services (?wsdl), one element in the Body."
            yield Step("Service", False, ("the Body holds no request of a service here",), change)
            return
        models = self.models.taken_by(service.name)
        if system is None:
            yield self._without_agreement(claimed, service, models)
            return
        content = claimed.content
        assert content is not None  # by it the service was found
        asked = _Asked(system, claimed.model, claimed.cvr, content)
        facts = (
            (f"{service.name}; granted: {', '.join(system.services) or '-'}",),
            (f"{NAMES[claimed.model]}; {service.name} takes: {named(models)}",),
            (f"{NAMES[claimed.model]}; agreed: {NAMES[system.security_model]}",),
            (f"{_authority_claimed(claimed)}; the agreement is for CVR {authority_of(system)}",),
        )
        for (name, rule), told in zip(AGREEMENT_RULES.items(), facts, strict=True):
            yield judged(name, lambda rule=rule: rule(asked, service.name, models), told)  # type: ignore[misc]

    def _caller(self, claimed: Claimed, system: System | None, *, taken: bool) -> Step:
        if claimed.model == "context":
            if system is None:
                facts = ("by TLS alone; which certificate it was shown does not stand in the message",)
                return Step("Caller", None, facts)
            how = "taken from" if taken else "known by its TLS client certificate as"
            return Step("Caller", None, (f"{how}: {described(system)}",))
        if claimed.certificate is None:
            facts = ("no certificate can be told from the message",)
            change = "See what is said of the certificate above."
            return Step("Certificate in an agreement", False, facts, change)
        mark = thumbprint(claimed.certificate)
        facts = (f"agreement: {described(system)}" if system else "agreement: none",)
        return judged(
            "Certificate in an agreement", lambda: agreements.system_by_thumbprint(mark, self.at), facts
        )

    def _without_agreement(self, claimed: Claimed, service: SoapService, models: Sequence[str]) -> Step:
        """All that can be said when nobody's agreement is known."""
        facts = (f"{NAMES[claimed.model]}; {service.name} takes: {named(models)}",)
        if claimed.model in models:
            return Step("Security model, for the service", True, facts)
        error = SecurityModelMissing(expected=named(models))
        return Step("Security model, for the service", False, (*facts, str(error)), error.remedy_english)


def _authority_claimed(claimed: Claimed) -> str:
    if claimed.model == "token":
        return f"the token is for CVR {claimed.cvr or '-'}"
    if claimed.model == "x509":
        return "the certificate's agreement says for whom; an AuthorityContext must say the same"
    return "the AuthorityContext says for whom"


def judged(name: str, check: Callable[[], object], facts: Sequence[str]) -> Step:
    """A step that holds unless the check raises an error of ours."""
    try:
        check()
    except (OpusSoapError, WssError) as error:
        return Step(name, False, (*facts, str(error)), error.remedy_english)
    return Step(name, True, tuple(facts))
