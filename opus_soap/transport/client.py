"""Call another system by its static contract: zeep for the shapes, our own hands for the bytes.

zeep builds the body and reads the answer. Between the two stands `SecuredTransport`: it signs, sends,
archives both directions, verifies the reply, and gives zeep nothing but the rebuilt envelope. In the
Context model nothing is signed: TLS shows our certificate, and vouches for the reply.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import requests
import urllib3
import zeep
from lxml import etree
from zeep.exceptions import Fault, ValidationError

from opus_soap.clock import Clock
from opus_soap.database import proxy
from opus_soap.errors import (
    BodyInvalid,
    Both,
    ConnectionNotSecure,
    EndpointMissing,
    MessageInvalid,
    MessageRefused,
    ReceiverBusy,
    ReceiverFailed,
    ReceiverInactive,
    ReceiverNotTrusted,
    ReceiverUnreachable,
    ReplyUnusable,
    TokenMissing,
    TransportError,
    mask_cpr,
)
from opus_soap.ledger.master_data import authority_cvr
from opus_soap.settings import Settings
from opus_soap.soap.contracts import ROOT, Contract, entity_id, load_contract
from opus_soap.store import agreements, archive
from opus_soap.store.models import System
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.deadlines import Deadline, WatchedSession, watching
from opus_soap.wss.errors import WssError
from opus_soap.wss.errors_tokens import ReplyMissing
from opus_soap.wss.names import ANONYMOUS, SOAP11
from opus_soap.wss.parsing import ParseLimits
from opus_soap.wss.replies import refuses_security, verify_reply
from opus_soap.wss.signing import Signing
from opus_soap.wss.sts import StsClient
from opus_soap.wss.unsigned import UnsignedMessage, read_unsigned, write_unsigned
from opus_soap.wss.verification import VerificationPolicy, VerifiedMessage

_BUSY = (429, 503)
_STEP = 65536  # bytes
_SLOW = Both("svaret kommer for langsomt", "the reply comes too slowly")
_NO_STS = Both("der er ingen STS (OPUS_SOAP_STS_URL)", "no STS is set (OPUS_SOAP_STS_URL)")


@dataclass(frozen=True)
class Caller:
    """Who sends: the key, the clock, the limits. One for a process; threads share it."""

    signer: Signing
    settings: Settings
    clock: Clock
    sts: StsClient | None = None
    _local: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    def call(
        self,
        contract: str,
        operation: str,
        system: System,
        message: Mapping[str, Any],
        *,
        address: str | None = None,
    ) -> Any:
        """Call an operation of a contract at the system's endpoint; returns zeep's answer object.

        `address` replaces the endpoint, for a system that offers several services.

        Raises a `TransportError` that says whether another attempt may help. Not to be called inside
        a transaction: it would be held open for as long as the receiver takes.
        """
        assert proxy.obj.is_closed() or not proxy.obj.in_transaction()
        address = address or system.endpoint_url
        if not address:
            raise EndpointMissing(element=system.name)
        if not system.active:
            raise ReceiverInactive(element=system.name)
        transport = self._transport()
        transport.begin(system, _contract(contract))
        try:
            answer = getattr(self._service(contract, address, transport), operation)(**message)
        except ValidationError as error:  # zeep's: an element is missing, or its value has no such form
            path = ".".join(str(step) for step in error.path) or operation
            raise MessageInvalid(
                element=system.name, value=path, expected=Both("kontraktens form", "the contract's form")
            ) from None
        except ValueError:  # lxml's: a character that XML cannot have; the text is not shown
            raise MessageInvalid(
                element=system.name, value=operation, expected=Both("tegn i XML 1.0", "characters of XML 1.0")
            ) from None
        except Fault as fault:
            text = mask_cpr(f"{fault.code}: {fault.message}")[:500]
            blames_sender = not str(fault.code).endswith("Server")
            raise (MessageRefused if blames_sender else ReceiverFailed)(
                element=system.name, value=text
            ) from None
        return _answer_to(message, answer, system)

    def _transport(self) -> SecuredTransport:
        transport: SecuredTransport | None = getattr(self._local, "transport", None)
        if transport is None:
            transport = self._local.transport = SecuredTransport(self)
        return transport

    def _service(self, contract: str, address: str, transport: SecuredTransport) -> Any:
        """zeep's proxy, one per thread, contract and address: reading a WSDL takes long."""
        cache = self._local.__dict__.setdefault("services", {})
        if (contract, address) not in cache:
            wsdl = ROOT / contract / "wsdl" / f"{contract}Service.wsdl"
            client: Any = zeep.Client(str(wsdl), transport=transport)
            (binding,) = client.wsdl.bindings
            cache[contract, address] = client.create_service(binding, address)
        return cache[contract, address]


def _reason(error: requests.exceptions.SSLError) -> str:
    """OpenSSL's own words, which the libraries wrap several times."""
    found = re.search(r"\[SSL: ?\w*\] ([^(]+)", str(error))
    return found[1].strip() if found else repr(error)


def _answer_to(message: Mapping[str, Any], answer: Any, system: System) -> Any:
    """The answer, whose header repeats the TransaktionsId of our message; or it answers another one."""
    asked = str(message["HovedOplysninger"]["TransaktionsId"])
    told = str(answer["HovedOplysningerSvar"]["TransaktionsId"])
    if told != asked:
        raise ReplyUnusable(element=system.name, value=f"TransaktionsId {told}", expected=asked)
    return answer


@cache
def _contract(name: str) -> Contract:
    return load_contract(name)


class SecuredTransport(zeep.Transport):
    """zeep's way out: one request, one reply, secured as the agreement says, both in the archive.

    Both bodies are held against the contract, as the server does with what it takes and gives.
    """

    def __init__(self, caller: Caller) -> None:
        super().__init__(session=WatchedSession())  # type: ignore[no-untyped-call]
        self._caller = caller
        self._system: System
        self._contract: Contract

    def begin(self, system: System, contract: Contract) -> None:
        """The next call goes to this system, under this contract."""
        self._system, self._contract = system, contract

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> Any:
        """Secure and send zeep's envelope; returns a response whose content is only what was vouched for."""
        correlation = uuid4()
        message = self._message(envelope)
        action = headers.get("SOAPAction", "").strip('"')
        request, message_id = self._secured(message, action, address)
        known = (correlation, address, action, message_id or "")
        self._record("out", request, *known, archive.SENT, None)  # kept before it goes
        try:
            status, content, wait = self._send(address, request, action)
        except TransportError as error:
            self._record("in", b"", *known, error.code, None)
            raise
        try:
            reply = self._believed(content, message_id)
            self._check_reply(str(message.tag), reply.body, status)
        except (WssError, BodyInvalid) as error:
            self._record("in", content, *known, error.code, status)
            raise self._unusable(status, error, wait) from None
        self._record("in", content, *known, "ok", status)
        if status in _BUSY:
            raise self._busy(status, wait)
        if self._system.security_model == "token" and self._caller.sts and refuses_security(reply.body):
            # or the next attempt would send the token that was refused
            self._caller.sts.forget(*self._token_for(self._system))
        response = requests.Response()
        response.status_code = status
        response.headers["Content-Type"] = "text/xml; charset=utf-8"
        response._content = etree.tostring(reply.envelope, encoding="UTF-8")
        return response

    def _secured(self, message: etree._Element, action: str, address: str) -> tuple[bytes, str | None]:
        """The request as the agreement's security model has it, and its wsa:MessageID."""
        caller, system = self._caller, self._system
        if system.security_model == "context":
            if not address.startswith("https://"):
                raise ConnectionNotSecure(element=system.name, value=address, expected="https://")
            return write_unsigned(message), None
        # without a MessageID nobody expects RelatesTo of plain WS-Security peers, who know neither
        message_id = f"urn:uuid:{uuid4()}" if system.profile == "kombit" else None
        addressing = Addressing(
            action=action, message_id=message_id, to=address, reply_to=ANONYMOUS if message_id else None
        )
        request = caller.signer.sign(
            message,
            addressing,
            now=caller.clock.now(),
            profile=system.profile,
            token=self._token(system),
        )
        return request, message_id

    def _token(self, system: System) -> etree._Element | None:
        """What the Token model asks for; raises a `TransportError` when no STS gives one."""
        if system.security_model != "token":
            return None
        sts = self._caller.sts
        if sts is None:
            raise TokenMissing(element=system.name, value=_NO_STS)
        try:
            return sts.token(*self._token_for(system))
        except ReplyMissing as error:
            raise ReceiverUnreachable(
                element=Both(f"STS for {system.name}", f"the STS for {system.name}"), value=error.value
            ) from None
        except WssError as error:
            raise TokenMissing(element=system.name, value=str(error)) from None

    def _token_for(self, system: System) -> tuple[str, str]:
        """The service (EntityId) and the authority (CVR number) that a token is for."""
        return entity_id(self._contract.name), authority_cvr(system.municipality) or system.cvr

    def _message(self, envelope: etree._Element) -> etree._Element:
        """The one child of the body; raises `MessageInvalid` when it does not keep to the contract."""
        message = envelope.find(f"{{{SOAP11}}}Body")[0]  # type: ignore[index]  # zeep makes both
        try:
            self._contract.validate(message)
        except BodyInvalid as error:
            raise MessageInvalid(
                element=self._system.name, value=error.element, expected=error.expected
            ) from None
        return message

    def _check_reply(self, request: str, body: etree._Element, status: int) -> None:
        """A signed reply is a fault, or with HTTP 200 the answer that the contract says."""
        if len(body) == 1 and body[0].tag == f"{{{SOAP11}}}Fault":
            return
        expected = self._contract.operations[request].response
        if len(body) != 1 or body[0].tag != expected or status != 200:
            raise BodyInvalid(element=f"HTTP {status} Body", expected=expected)
        self._contract.validate(body[0])

    def _unusable(self, status: int, error: Exception, wait: int | None) -> TransportError:
        if status in _BUSY:  # a proxy's own page: nobody signs that
            return self._busy(status, wait)
        return ReplyUnusable(element=self._system.name, value=f"HTTP {status}, {error}")

    def _busy(self, status: int, wait: int | None) -> ReceiverBusy:
        busy = ReceiverBusy(element=self._system.name, value=status)
        busy.wait_seconds = wait
        return busy

    def _send(self, address: str, request: bytes, action: str) -> tuple[int, bytes, int | None]:
        """HTTP status, reply bytes, and Retry-After in seconds."""
        settings, name = self._caller.settings, self._system.name
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{action}"',
            "Accept-Encoding": "identity",  # what is signed is what is counted
        }
        with watching(settings.send_timeout_seconds) as deadline:
            try:
                with self.session.post(
                    address,
                    data=request,
                    headers=headers,
                    cert=self._shown_certificate(),
                    verify=str(settings.tls_trusted_ca_file) if settings.tls_trusted_ca_file else True,
                    timeout=settings.send_timeout_seconds,
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    content = self._read(response, deadline)
                    after = response.headers.get("Retry-After", "")
                    return response.status_code, content, self._wait_seconds(after)
            except requests.exceptions.SSLError as error:
                raise ReceiverNotTrusted(element=name, value=_reason(error)) from None
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                what: str | Both = _SLOW if deadline.passed else type(error).__name__
                raise ReceiverUnreachable(element=name, value=what) from None

    def _read(self, response: requests.Response, deadline: Deadline) -> bytes:
        """The reply, within its size."""
        settings, name = self._caller.settings, self._system.name
        content = bytearray()
        while piece := response.raw.read1(_STEP):
            content += piece
            if len(content) > settings.max_reply_bytes:
                raise ReplyUnusable(
                    element=name, value=Both("for stort", "too large"), expected=settings.max_reply_bytes
                )
        if deadline.passed:  # cut off, which a reply without a length does not show
            raise ReceiverUnreachable(element=name, value=_SLOW)
        return bytes(content)

    def _wait_seconds(self, after: str) -> int | None:
        """Retry-After, as a number of seconds or as a date; anything else says nothing."""
        if re.fullmatch("[0-9]{1,9}", after):
            return int(after)
        try:
            moment = parsedate_to_datetime(after)
            if moment.tzinfo is None:
                return None
            return max(0, round((moment - self._caller.clock.now()).total_seconds()))
        except (ValueError, OverflowError):
            return None

    def _shown_certificate(self) -> tuple[str, str] | None:
        """What TLS shows of us: in the Context model, the certificate that we sign with elsewhere."""
        if self._system.security_model != "context":
            return None
        settings = self._caller.settings
        return str(settings.signing_certificate_file), str(settings.signing_key_file)

    def _believed(self, content: bytes, message_id: str | None) -> VerifiedMessage | UnsignedMessage:
        now, settings = self._caller.clock.now(), self._caller.settings
        limits = ParseLimits(max_bytes=settings.max_reply_bytes)
        if self._system.security_model == "context":
            return read_unsigned(content, limits)
        return verify_reply(
            content,
            request_message_id=message_id,
            pinned=agreements.valid_certificates(self._system, now),
            now=now,
            profile=self._system.profile,
            policy=VerificationPolicy(skew=timedelta(seconds=settings.clock_skew_seconds), limits=limits),
        )

    def _record(
        self,
        direction: str,
        content: bytes,
        correlation: UUID,
        address: str,
        action: str,
        message_id: str,
        outcome: str,
        status: int | None,
    ) -> None:
        archive.record(
            direction=direction,
            content=content,
            correlation_id=correlation,
            at=self._caller.clock.now(),
            endpoint=address,
            action=action,
            message_id=message_id,
            municipality=self._system.municipality,
            system=self._system,
            http_status=status,
            outcome=outcome,
        )
