"""Call another system by its static contract: zeep for the shapes, our own hands for the bytes.

zeep builds the body and reads the answer. Between the two stands `SignedTransport`: it signs, sends,
archives both directions, verifies the reply, and gives zeep nothing but the rebuilt envelope.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import requests
import zeep
from lxml import etree
from zeep.exceptions import Fault

from opus_soap.clock import Clock
from opus_soap.errors import (
    EndpointMissing,
    MessageRefused,
    ReceiverBusy,
    ReceiverFailed,
    ReceiverUnreachable,
    ReplyUnusable,
    mask_cpr,
)
from opus_soap.settings import Settings
from opus_soap.soap.contracts import ROOT
from opus_soap.store import agreements, archive
from opus_soap.store.models import System
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.errors import WssError
from opus_soap.wss.names import ANONYMOUS, SOAP11
from opus_soap.wss.replies import verify_reply
from opus_soap.wss.signing import Signer

_BUSY = (429, 503)


@dataclass(frozen=True)
class Caller:
    """Who sends: the key, the clock, the limits. One for a process; threads share it."""

    signer: Signer
    settings: Settings
    clock: Clock
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

        Raises a `TransportError` that says whether another attempt may help.
        """
        address = address or system.endpoint_url
        if not address:
            raise EndpointMissing(element=system.name)
        transport = self._transport()
        transport.begin(system)
        try:
            return getattr(self._service(contract, address, transport), operation)(**message)
        except Fault as fault:
            text = mask_cpr(f"{fault.code}: {fault.message}")[:500]
            blames_sender = not str(fault.code).endswith("Server")
            raise (MessageRefused if blames_sender else ReceiverFailed)(
                element=system.name, value=text
            ) from None

    def _transport(self) -> SignedTransport:
        transport: SignedTransport | None = getattr(self._local, "transport", None)
        if transport is None:
            transport = self._local.transport = SignedTransport(self)
        return transport

    def _service(self, contract: str, address: str, transport: SignedTransport) -> Any:
        """zeep's proxy, one per thread, contract and address: reading a WSDL takes long."""
        cache = self._local.__dict__.setdefault("services", {})
        if (contract, address) not in cache:
            wsdl = ROOT / contract / "wsdl" / f"{contract}Service.wsdl"
            client: Any = zeep.Client(str(wsdl), transport=transport)
            (binding,) = client.wsdl.bindings
            cache[contract, address] = client.create_service(binding, address)
        return cache[contract, address]


class SignedTransport(zeep.Transport):
    """zeep's way out: one signed request, one verified reply, both in the archive."""

    def __init__(self, caller: Caller) -> None:
        session = requests.Session()
        session.trust_env = False  # no proxy and no credentials from the environment
        super().__init__(session=session)  # type: ignore[no-untyped-call]
        self._caller = caller
        self._system: System

    def begin(self, system: System) -> None:
        """The next call goes to this system."""
        self._system = system

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> Any:
        """Sign and send zeep's envelope; returns a response whose content is only what was signed."""
        caller, system, correlation = self._caller, self._system, uuid4()
        body = envelope.find(f"{{{SOAP11}}}Body")
        if body is None or len(body) != 1:
            raise ReplyUnusable(element=system.name, value="the request has no body")
        action = headers.get("SOAPAction", "").strip('"')
        message_id = f"urn:uuid:{uuid4()}"
        addressing = Addressing(action=action, message_id=message_id, to=address, reply_to=ANONYMOUS)
        request = caller.signer.sign(body[0], addressing, now=caller.clock.now(), profile=system.profile)
        self._record("out", request, correlation, address, action, message_id, "ok", None)
        status, content, wait = self._send(address, request, action)
        try:
            envelope_back = self._verified(content, message_id)
        except WssError as error:
            self._record("in", content, correlation, address, action, message_id, error.code, status)
            if status in _BUSY:
                busy = ReceiverBusy(element=system.name, value=status)
                busy.wait_seconds = wait
                raise busy from None
            raise ReplyUnusable(element=system.name, value=f"HTTP {status}, {error}") from None
        self._record("in", content, correlation, address, action, message_id, "ok", status)
        response = requests.Response()
        response.status_code = status
        response.headers["Content-Type"] = "text/xml; charset=utf-8"
        response._content = etree.tostring(envelope_back, encoding="UTF-8")
        return response

    def _send(self, address: str, request: bytes, action: str) -> tuple[int, bytes, int | None]:
        """HTTP status, reply bytes (at most the limit), and Retry-After in seconds."""
        settings, name = self._caller.settings, self._system.name
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
        try:
            with self.session.post(
                address,
                data=request,
                headers=headers,
                timeout=settings.send_timeout_seconds,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = bytearray()
                for piece in response.iter_content(65536):
                    content += piece
                    if len(content) > settings.max_reply_bytes:
                        raise ReplyUnusable(
                            element=name, value="too large", expected=settings.max_reply_bytes
                        )
                after = response.headers.get("Retry-After", "")
                return response.status_code, bytes(content), int(after) if after.isdigit() else None
        except requests.RequestException as error:
            raise ReceiverUnreachable(element=name, value=type(error).__name__) from None

    def _verified(self, content: bytes, message_id: str) -> etree._Element:
        now = self._caller.clock.now()
        return verify_reply(
            content,
            request_message_id=message_id,
            pinned=agreements.valid_certificates(self._system, now),
            now=now,
            profile=self._system.profile,
            policy=None,
        ).envelope

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
