"""Tokens from an STS: asked for when they are needed, kept until shortly before they expire.

Works by itself: `pip install opus-soap`, a key, the certificate of the STS. See docs/tokens.md.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from lxml import etree

from opus_soap.languages import Both
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.errors import WssError
from opus_soap.wss.errors_revocation import ResponderUnreachable
from opus_soap.wss.errors_tokens import ActionWrong, ReplyMissing, StsRefused, TokenForAnother, TokenOutOfDate
from opus_soap.wss.fetching import HttpFetch
from opus_soap.wss.names import ANONYMOUS, SOAP12
from opus_soap.wss.parsing import ParseLimits, parse
from opus_soap.wss.replies import verify_reply
from opus_soap.wss.signing import Signing
from opus_soap.wss.timestamps import write_instant
from opus_soap.wss.trust import (
    ANSWER_ACTION,
    ISSUE_ACTION,
    IssuedToken,
    TokenRequest,
    read_answer,
    write_request,
)
from opus_soap.wss.verification import VerificationPolicy

MOST_BYTES = 256 * 1024
"""Of one answer; real ones are 15 kilobytes."""
_MOST_KEPT = 1000  # tokens
_FAULT = f"{{{SOAP12}}}Fault"
_CONTENT_TYPE = f'application/soap+xml; charset=utf-8; action="{ISSUE_ACTION}"'
_STATUSES = (200, 400, 500)  # SOAP 1.2 faults come with the latter two

# url and request → answer; raises a `WssError`
Fetch = Callable[[str, bytes], bytes]


def now_utc() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)


@dataclass
class _Place:
    """Of one token: whoever holds the lock asks for it, the others wait for the answer."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: IssuedToken | None = None


class StsClient:
    """Gets holder-of-key tokens for one key; threads share it.

    `pinned` are the certificates that the STS signs its answers with, gone through anew for each answer;
    `ca_file` the CAs of its TLS (None: the machine's). A token is asked for again `renew_before` it expires.
    """

    def __init__(
        self,
        url: str,
        signer: Signing,
        pinned: Iterable[x509.Certificate],
        *,
        renew_before: timedelta = timedelta(minutes=5),
        fetch: Fetch | None = None,
        ca_file: Path | None = None,
        now: Callable[[], datetime] = now_utc,
    ) -> None:
        self._url = url
        self._signer = signer
        self._pinned = pinned
        self._renew_before = renew_before
        self._fetch = fetch or HttpFetch(
            seconds=15,
            most_bytes=MOST_BYTES,
            content_type=_CONTENT_TYPE,
            statuses=_STATUSES,
            ca_file=ca_file,
        )
        self._now = now
        self._places: dict[tuple[str, str, x509.Certificate], _Place] = {}
        self._lock = threading.Lock()

    def token(self, applies_to: str, cvr: str) -> etree._Element:
        """The assertion for a service (its EntityId) and the authority that is acted for (its CVR number).

        Raises `StsRefused` with what the STS says, `ReplyMissing` when it says nothing, another `WssError`
        when its answer cannot be believed.
        """
        holder = self._signer.certificate  # another one once the files of the key have changed
        place = self._place((applies_to, cvr, holder))
        with place.lock:
            if place.token is None or self._now() >= place.token.expires - self._renew_before:
                place.token = self._asked(TokenRequest(applies_to, cvr, holder))
            return place.token.assertion

    def _place(self, key: tuple[str, str, x509.Certificate]) -> _Place:
        with self._lock:
            if key not in self._places and len(self._places) >= _MOST_KEPT:
                self._places.clear()
            return self._places.setdefault(key, _Place())

    def forget(self, applies_to: str, cvr: str) -> None:
        """Ask for a token anew: the service refused the one that is kept."""
        with self._lock:
            for key in [key for key in self._places if key[:2] == (applies_to, cvr)]:
                del self._places[key]

    def _asked(self, request: TokenRequest) -> IssuedToken:
        now, message_id = self._now(), f"urn:uuid:{uuid4()}"
        addressing = Addressing(action=ISSUE_ACTION, message_id=message_id, to=self._url, reply_to=ANONYMOUS)
        data = self._signer.sign(
            write_request(request), addressing, now=now, profile="sts", soap_namespace=SOAP12
        )
        body = self._believed(self._answered(data), message_id, now)
        token = read_answer(body)
        if token.expires <= now:
            raise TokenOutOfDate(
                element="Expires", value=write_instant(token.expires), expected=write_instant(now)
            )
        if token.applies_to != request.applies_to:
            raise TokenForAnother(element="AppliesTo", value=token.applies_to, expected=request.applies_to)
        return token

    def _answered(self, request: bytes) -> bytes:
        try:
            return self._fetch(self._url, request)
        except ResponderUnreachable as error:
            raise ReplyMissing(element=f"STS {self._url}", value=error.value) from None

    def _believed(self, answer: bytes, message_id: str, now: datetime) -> etree._Element:
        """The signed Body of the answer; a fault is told signed or not, for it gives nothing."""
        policy = VerificationPolicy(carries_token=True, limits=ParseLimits(max_bytes=MOST_BYTES))
        _raise_fault(answer, policy.limits)
        reply = verify_reply(
            answer,
            request_message_id=message_id,
            pinned=self._pinned,
            now=now,
            profile="sts",
            policy=policy,
        )
        if reply.action != ANSWER_ACTION:
            raise ActionWrong(value=reply.action, expected=ANSWER_ACTION)
        return reply.body


def _raise_fault(answer: bytes, limits: ParseLimits) -> None:
    try:
        fault = next(parse(answer, limits).iter(_FAULT), None)
    except WssError as error:
        raise StsRefused(
            element="-", value=Both(f"ikke SOAP: {error.text_danish}", f"no SOAP: {error.text_english}")
        ) from None
    if fault is None:
        return
    code = fault.findtext(f"{{{SOAP12}}}Code/{{{SOAP12}}}Subcode/{{{SOAP12}}}Value", "-")
    text = fault.findtext(f"{{{SOAP12}}}Reason/{{{SOAP12}}}Text", "-")
    raise StsRefused(element=code.strip(), value=text.strip())
