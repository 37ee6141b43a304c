"""One message through the house: verified, authorised, held against the contract, answered, signed.

Everything that a message causes is one transaction: the replay entry, the effect, the archive of the
message and of its answer. Nothing here reads what the signature does not cover.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cryptography import x509
from lxml import etree

from opus_soap.clock import Clock
from opus_soap.database import transaction
from opus_soap.errors import (
    ActionMismatch,
    AddresseeWrong,
    EnvelopeVersionRefused,
    MessageIdTooLong,
    OperationUnknown,
    SecurityModelMissing,
    SecurityModelWrong,
    TokenAuthorityWrong,
)
from opus_soap.keys import MessageVerifier
from opus_soap.ledger.master_data import authority_cvr
from opus_soap.soap.access_log import Timings
from opus_soap.soap.contracts import Operation
from opus_soap.soap.service import CallContext, SoapService
from opus_soap.store import agreements, archive, replay
from opus_soap.store.models import System
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import thumbprint
from opus_soap.wss.errors import SecurityMissing, WssError
from opus_soap.wss.names import SOAP11, UNSPECIFIED, WSA
from opus_soap.wss.parsing import ParseLimits, parse
from opus_soap.wss.signing import Signing
from opus_soap.wss.verification import VerifiedMessage

_URN_UUID = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONGEST_MESSAGE_ID = 255  # characters: the archive's column
_NAMED = (b"KeyIdentifier", b"X509IssuerSerial")  # of messages that may name their key and not carry it
FAULT_ACTION = f"{WSA}/fault"
# the security models by the names that Serviceplatformen has for them
MODELS = {"token": "KombitToken", "x509": "X509", "context": "AuthorityContext"}


@dataclass
class Exchange:
    """What is known so far of one request; the access log and the archive read it."""

    endpoint: str
    now: datetime
    correlation_id: uuid.UUID = field(default_factory=uuid.uuid4)
    timings: Timings = field(default_factory=Timings)
    request: bytes | None = None
    system: System | None = None
    message_id: str = ""
    action: str = ""
    outcome: str = ""
    status: int = 200
    soap_namespace: str = SOAP11  # as the Content-Type says


@dataclass(frozen=True)
class Guard:
    """What turns bytes into a call and an answer into bytes."""

    clock: Clock
    verifier: MessageVerifier
    signer: Signing
    most_bytes_of_strangers: int
    public_url: str = ""  # when it is known, a message to another house is not ours, whatever its path

    def answer(self, exchange: Exchange, service: SoapService, data: bytes, soap_action: str) -> bytes:
        """The signed answer to a message; raises an `OpusSoapError` or a `WssError` to refuse it.

        When it raises, nothing of the message has been kept.
        """
        known: list[System] = []

        def profile(certificate: x509.Certificate) -> str:
            known.append(agreements.system_by_thumbprint(thumbprint(certificate), exchange.now))
            return str(known[0].profile)

        with exchange.timings.part("verify"):
            verified = self._verified(exchange, service, data, profile)
        if verified.soap_namespace != exchange.soap_namespace:
            raise EnvelopeVersionRefused(value=verified.soap_namespace, expected=exchange.soap_namespace)
        message_id = verified.message_id or ""
        if len(message_id) > _LONGEST_MESSAGE_ID:
            raise MessageIdTooLong(value=len(message_id), expected=_LONGEST_MESSAGE_ID)
        exchange.message_id = message_id
        system = exchange.system = known[0]
        agreements.authorize(system, service.name)
        _check_model(system, verified)
        with exchange.timings.part("validate"):
            operation = self._operation(service, verified, soap_action)
            exchange.action = operation.soap_action
            service.contract.validate(_content(verified))
        with exchange.timings.part("commit"), transaction():
            reply = self._within(exchange, service, system, verified, operation)
        # what the transaction took apart from the parts inside it
        parts = exchange.timings.parts
        parts["commit"] = round(parts["commit"] - parts["dispatch"] - parts["sign"], 3)
        return reply

    def _verified(
        self, exchange: Exchange, service: SoapService, data: bytes, profile: Callable[[Any], str]
    ) -> VerifiedMessage:
        # read before the message is looked at: a database that fails is no fault of the message
        known = agreements.all_certificates(exchange.now) if any(name in data for name in _NAMED) else ()
        try:
            return self.verifier.verify(
                data, now=exchange.now, profile=profile, audience=service.entity_id, known=known
            )
        except SecurityMissing:
            raise SecurityModelMissing(expected=", ".join(MODELS.values())) from None

    def _within(
        self,
        exchange: Exchange,
        service: SoapService,
        system: System,
        verified: VerifiedMessage,
        operation: Operation,
    ) -> bytes:
        """Everything that stands or falls together."""
        replay.remember(verified.replay_key, verified.replay_until)
        context = CallContext(
            system=system,
            municipality=system.municipality,
            message_id=verified.message_id or verified.replay_key,
            correlation_id=exchange.correlation_id,
            now=exchange.now,
        )
        with exchange.timings.part("dispatch"):
            answer = service.dispatch(_content(verified), context)
        with exchange.timings.part("sign"):
            reply = self.sign(answer, f"{operation.soap_action}Response", exchange)
        exchange.outcome, exchange.status = "ok", 200
        self.record(exchange, reply)
        return reply

    def sign(self, body: etree._Element, action: str, exchange: Exchange) -> bytes:
        """A message of ours in answer to the exchange's request."""
        addressing = Addressing(
            action=action,
            message_id=f"urn:uuid:{uuid.uuid4()}",
            to=f"{WSA}/anonymous",
            relates_to=exchange.message_id or UNSPECIFIED,
            reply_to=None,
        )
        profile = exchange.system.profile if exchange.system else "kombit"
        return self.signer.sign(
            body,
            addressing,
            now=self.clock.now(),
            profile=profile,
            soap_namespace=exchange.soap_namespace,
        )

    def record(self, exchange: Exchange, reply: bytes) -> None:
        """Both messages into the archive, in the caller's transaction."""
        for direction, content in (("in", exchange.request), ("out", reply)):
            if content is not None:
                archive.record(
                    correlation_id=exchange.correlation_id,
                    direction=direction,
                    at=exchange.now,
                    municipality=exchange.system.municipality if exchange.system else None,
                    system=exchange.system,
                    endpoint=exchange.endpoint,
                    action=exchange.action,
                    message_id=exchange.message_id,
                    content=content,
                    http_status=exchange.status,
                    outcome=exchange.outcome,
                    # or whoever reaches the port fills the disk
                    most_bytes=None if exchange.system else self.most_bytes_of_strangers,
                )

    def _operation(self, service: SoapService, verified: VerifiedMessage, soap_action: str) -> Operation:
        """The operation that the body names; SOAPAction, wsa:Action and wsa:To may not say otherwise."""
        operations = service.contract.operations
        name = str(_content(verified).tag)
        if name not in operations:
            raise OperationUnknown(element=name, expected=", ".join(sorted(operations)))
        operation = operations[name]
        for header, value in (("SOAPAction", soap_action), ("wsa:Action", verified.action)):
            if value and value != operation.soap_action:
                raise ActionMismatch(element=header, expected=operation.soap_action)
        to = verified.to
        if to and to != service.entity_id and not self._is_ours(to, service):
            raise AddresseeWrong(element="wsa:To", expected=service.entity_id)
        return operation

    def _is_ours(self, address: str, service: SoapService) -> bool:
        """Whether an address is the service's; its host counts when our own is known."""
        try:
            parts, ours = urlsplit(address), urlsplit(self.public_url)
            elsewhere = bool(ours.hostname) and (parts.hostname, _port(parts)) != (ours.hostname, _port(ours))
        except ValueError:  # brackets that hold no IPv6 address, a port that is none
            return False
        here = (service.path, ours.path.rstrip("/") + service.path)
        return not elsewhere and parts.path.rstrip("/") in here


def _check_model(system: System, verified: VerifiedMessage) -> None:
    """The message is secured as the agreement says, and its token is for the agreement's municipality."""
    if verified.model != system.security_model:
        raise SecurityModelWrong(
            element=system.name, value=MODELS[verified.model], expected=MODELS[system.security_model]
        )
    if verified.token is not None:
        authority = authority_cvr(system.municipality) or system.cvr
        if verified.token.cvr != authority:
            raise TokenAuthorityWrong(value=verified.token.cvr, expected=authority)


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def claimed_message_id(data: bytes) -> str:
    """The MessageID that a refused message claims, when it has the one shape that is safe to repeat.

    Only for RelatesTo of a fault, so that the caller sees which call was refused: nobody has vouched
    for it, and nothing is decided by it.
    """
    try:
        root = parse(data, ParseLimits())
    except WssError:
        return ""
    soap = etree.QName(root).namespace
    claimed = root.findtext(f"{{{soap}}}Header/{{{WSA}}}MessageID", "").strip()
    return claimed if _URN_UUID.fullmatch(claimed) else ""


def _content(verified: VerifiedMessage) -> etree._Element:
    """The one child of the signed soap:Body."""
    children = list(verified.body)
    if len(children) != 1:
        raise OperationUnknown(element=f"{{{SOAP11}}}Body", expected="one child")
    return children[0]
