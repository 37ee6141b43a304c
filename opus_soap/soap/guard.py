"""One message through the house: verified, authorised, held against the contract, answered, signed.

Everything that a message causes is one transaction: the replay entry, the effect, the archive of the
message and of its answer. Nothing here reads what neither the signature nor TLS vouches for.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from lxml import etree

from opus_soap.clock import Clock
from opus_soap.database import retried, transaction
from opus_soap.errors import (
    ActionMismatch,
    AddresseeWrong,
    EnvelopeVersionRefused,
    MessageIdTooLong,
    OperationUnknown,
)
from opus_soap.soap.callers import Call, Callers, Shown
from opus_soap.soap.contracts import Operation
from opus_soap.soap.exchange import Exchange
from opus_soap.soap.service import CallContext, SoapService
from opus_soap.store import archive, replay
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.lifting import Lifted
from opus_soap.wss.names import UNSPECIFIED, WSA
from opus_soap.wss.signing import Signing
from opus_soap.wss.unsigned import write_unsigned

_CLAIMED = re.compile(
    rb"<(?:[\w.-]{1,50}:)?MessageID\b[^<>]{0,500}>\s{0,100}"
    rb"(urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\s{0,100}</"
)
_HEADERS = 64 * 1024  # bytes in which headers stand
_LONGEST_MESSAGE_ID = 255  # characters: the archive's column
FAULT_ACTION = f"{WSA}/fault"


@dataclass(frozen=True)
class Guard:
    """What turns bytes into a call and an answer into bytes."""

    clock: Clock
    callers: Callers
    signer: Signing
    most_bytes_of_strangers: int
    public_url: str = ""  # when it is known, a message to another house is not ours, whatever its path

    def answer(
        self, exchange: Exchange, service: SoapService, data: bytes, soap_action: str, shown: Shown
    ) -> bytes:
        """The answer to a message; raises an `OpusSoapError` or a `WssError` to refuse it.

        When it raises, nothing of the message has been kept.
        """
        with exchange.timings.part("verify"):
            call = self.callers.identify(exchange, service, data, shown)
        if call.soap_namespace != exchange.soap_namespace:
            raise EnvelopeVersionRefused(value=call.soap_namespace, expected=exchange.soap_namespace)
        message_id = call.addressing.message_id or ""
        if len(message_id) > _LONGEST_MESSAGE_ID:
            raise MessageIdTooLong(value=len(message_id), expected=_LONGEST_MESSAGE_ID)
        exchange.message_id = message_id
        exchange.system, exchange.request_pieces = call.system, call.pieces
        self.callers.authorize(call, service)
        with exchange.timings.part("validate"):
            operation = self._operation(service, call, soap_action)
            exchange.action = operation.soap_action
            content = call.content  # dealing with it takes it out of the message
            lifted = service.contract.accept(content, call.lifted)
        with exchange.timings.part("commit"):
            reply = self._within(exchange, service, call, content, operation, lifted)
        # what the transaction took apart from the parts inside it
        parts = exchange.timings.parts
        parts["commit"] = round(parts["commit"] - parts["dispatch"] - parts["sign"], 3)
        return reply

    @retried
    def _within(
        self,
        exchange: Exchange,
        service: SoapService,
        call: Call,
        content: etree._Element,
        operation: Operation,
        lifted: Lifted,
    ) -> bytes:
        """Everything in one transaction; once more when that was ended in favour of another message's."""
        with transaction():
            message_id = call.addressing.message_id
            if call.replay is not None:
                key, until = call.replay
                replay.remember(key, until)
                message_id = message_id or key
            context = CallContext(
                system=call.system,
                municipality=call.system.municipality,
                message_id=message_id or str(exchange.correlation_id),
                correlation_id=exchange.correlation_id,
                now=exchange.now,
                lifted=lifted,
            )
            with exchange.timings.part("dispatch"):
                answer = service.dispatch(content, context)
            with exchange.timings.part("sign"):
                reply = self.reply(answer, f"{operation.soap_action}Response", exchange)
            exchange.outcome, exchange.status = "ok", 200
            self.record(exchange, reply)
            return reply

    def reply(self, body: etree._Element, action: str, exchange: Exchange) -> bytes:
        """A message of ours in answer to the exchange's; not signed for a caller of the Context model."""
        addressing = Addressing(
            action=action,
            message_id=f"urn:uuid:{uuid.uuid4()}",
            to=f"{WSA}/anonymous",
            relates_to=exchange.message_id or UNSPECIFIED,
            reply_to=None,
        )
        if exchange.unsigned:
            asked = addressing if exchange.message_id else None  # headers for whom they say something
            return write_unsigned(body, asked, soap_namespace=exchange.soap_namespace)
        profile = exchange.system.profile if exchange.system else "kombit"
        return self.signer.sign(
            body,
            addressing,
            now=self.clock.now(),
            profile=profile,
            soap_namespace=exchange.soap_namespace,
        )

    def record(self, exchange: Exchange, reply: bytes, *, most_bytes: int | None = None) -> None:
        """Both messages into the archive, in the caller's transaction; larger ones by hash and size alone."""
        if exchange.system is None:  # or whoever reaches the port fills the disk
            most_bytes = min(self.most_bytes_of_strangers, most_bytes or self.most_bytes_of_strangers)
        for direction, content, pieces in (
            ("in", exchange.request, exchange.request_pieces),
            ("out", reply, ()),
        ):
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
                    pieces=pieces,
                    http_status=exchange.status,
                    outcome=exchange.outcome,
                    most_bytes=most_bytes,
                )

    def _operation(self, service: SoapService, call: Call, soap_action: str) -> Operation:
        """The operation that the body names; SOAPAction, wsa:Action and wsa:To may not say otherwise."""
        operations = service.contract.operations
        name = str(call.content.tag)
        if name not in operations:
            raise OperationUnknown(element=name, expected=", ".join(sorted(operations)))
        operation = operations[name]
        for header, value in (("SOAPAction", soap_action), ("wsa:Action", call.addressing.action)):
            if value and value != operation.soap_action:
                raise ActionMismatch(element=header, expected=operation.soap_action)
        to = call.addressing.to
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


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def claimed_message_id(data: bytes) -> str:
    """The MessageID that a refused message claims, when it has the one shape that is safe to repeat.

    Only for RelatesTo of a fault, so that the caller sees which call was refused: nobody has vouched
    for it, and nothing is decided by it; so it is looked for in the first bytes, and not parsed again.
    """
    found = _CLAIMED.search(data[:_HEADERS])
    return found[1].decode("ascii") if found else ""
