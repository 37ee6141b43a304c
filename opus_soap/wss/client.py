"""Call a service from zeep as Kombit's clients do: signed, with a token when asked for, replies verified.

A transport and no plugin: what is signed are bytes, and zeep's plugins see a tree that is written again after
them. Works without the rest of the package; docs/tokens.md shows it in ten lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
import zeep
from cryptography import x509
from lxml import etree

from opus_soap.languages import Both
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.deadlines import WatchedSession, watching
from opus_soap.wss.errors_tokens import ReplyMissing
from opus_soap.wss.names import ANONYMOUS, SOAP12
from opus_soap.wss.parsing import ParseLimits
from opus_soap.wss.replies import refuses_security, verify_reply
from opus_soap.wss.signing import Signing
from opus_soap.wss.sts import StsClient, now_utc
from opus_soap.wss.verification import VerificationPolicy

MOST_BYTES = 32 * 1024 * 1024
_STEP = 65536
_TOO_SLOW = Both("svaret kommer for langsomt", "the reply comes too slowly")
# faults come with other statuses than 200
_STATUSES = (200, 400, 500)


class KombitTransport(zeep.Transport):
    """zeep's way to one service. Threads may not share it.

    `pinned` are the certificates that the service signs with. With `sts`, every request carries a token for
    `audience` (the service's EntityId) and `cvr` (the authority that is acted for): the Token model; without,
    the certificate itself (X.509). Raises a `WssError` when no token is given or the reply cannot be
    believed; a signed fault becomes zeep's `Fault`. A call has `seconds` for all of it. `ca_file` are the CAs
    of the service's TLS (None: those that everybody trusts).
    """

    def __init__(
        self,
        signer: Signing,
        pinned: Iterable[x509.Certificate],
        *,
        sts: StsClient | None = None,
        audience: str = "",
        cvr: str = "",
        profile: str = "kombit",
        seconds: float = 60,
        ca_file: Path | None = None,
        now: Callable[[], datetime] = now_utc,
    ) -> None:
        session = WatchedSession()
        if ca_file is not None:
            session.verify = str(ca_file)
        super().__init__(session=session)  # type: ignore[no-untyped-call]
        self._signer = signer
        self._pinned = tuple(pinned)
        self._sts, self._audience, self._cvr = sts, audience, cvr
        self._profile = profile
        self._seconds = seconds
        self._now = now

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> Any:
        """Sign and send zeep's envelope; the response that zeep reads holds only what was signed."""
        soap = str(etree.QName(envelope).namespace)
        body = envelope.find(f"{{{soap}}}Body")
        assert body is not None
        message_id = f"urn:uuid:{uuid4()}" if self._profile == "kombit" else None
        action = _action_of(headers)
        addressing = Addressing(
            action=action,
            message_id=message_id,
            to=self._audience or address,
            reply_to=ANONYMOUS if message_id else None,
        )
        token = None if self._sts is None else self._sts.token(self._audience, self._cvr)
        data = self._signer.sign(
            body[0],
            addressing,
            now=self._now(),
            profile=self._profile,
            soap_namespace=soap,
            token=token,
        )
        status, answer = self._sent(address, data, _headers(soap, action))
        reply = verify_reply(
            answer,
            request_message_id=message_id,
            pinned=self._pinned,
            now=self._now(),
            profile=self._profile,
            policy=VerificationPolicy(limits=ParseLimits(max_bytes=MOST_BYTES)),
        )
        if self._sts is not None and refuses_security(reply.body):
            self._sts.forget(
                self._audience, self._cvr
            )  # or the next call would send the token that was refused
        response = requests.Response()
        response.status_code = status
        response.headers["Content-Type"] = _media_type(soap)
        response._content = etree.tostring(reply.envelope, encoding="UTF-8")
        return response

    def _sent(self, address: str, data: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of the answer, all of it within `seconds`."""
        with watching(self._seconds) as deadline:
            try:
                with self.session.post(
                    address,
                    data=data,
                    headers=headers,
                    timeout=self._seconds,
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    answer = _read(response, address)
            except requests.RequestException as error:
                what = _TOO_SLOW if deadline.passed else type(error).__name__
                raise ReplyMissing(element=address, value=what) from None
        if deadline.passed:  # cut off, which a reply without a length does not show
            raise ReplyMissing(element=address, value=_TOO_SLOW)
        if response.status_code not in _STATUSES:
            raise ReplyMissing(element=address, value=f"HTTP {response.status_code}")
        return response.status_code, answer


def _read(response: requests.Response, address: str) -> bytes:
    answer = bytearray()
    for piece in response.iter_content(_STEP):
        answer += piece
        if len(answer) > MOST_BYTES:
            raise ReplyMissing(
                element=address, value=Both(f"mere end {MOST_BYTES} byte", f"more than {MOST_BYTES} bytes")
            )
    return bytes(answer)


def _action_of(headers: Mapping[str, str]) -> str:
    """zeep gives it as SOAPAction, or as a parameter of SOAP 1.2's Content-Type."""
    action = headers.get("SOAPAction", "")
    if not action:
        _, _, action = headers.get("Content-Type", "").partition("action=")
    return action.strip('"')


def _media_type(soap: str) -> str:
    return f"{'application/soap+xml' if soap == SOAP12 else 'text/xml'}; charset=utf-8"


def _headers(soap: str, action: str) -> dict[str, str]:
    common = {"Accept-Encoding": "identity"}  # what is signed is what is counted
    if soap == SOAP12:
        return {**common, "Content-Type": f'{_media_type(soap)}; action="{action}"'}
    return {**common, "Content-Type": _media_type(soap), "SOAPAction": f'"{action}"'}
