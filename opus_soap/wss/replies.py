"""Verify a reply as strictly as the .NET client of KOMBIT does.

Body, MessageID, RelatesTo, Timestamp and Action stand and are signed at their exact positions, by a
pinned certificate, and RelatesTo is the MessageID of our request. A reply is never matched by
anything that is not signed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from lxml import etree

from opus_soap.wss.certificates import PinnedOnly
from opus_soap.wss.errors import PartNotSigned, RelationWrong
from opus_soap.wss.names import SOAP11, SOAP12, UNSPECIFIED
from opus_soap.wss.verification import VerificationPolicy, VerifiedMessage, Verifier

# WS-Security 1.1, chapter 12
_SECURITY_CODES = frozenset(
    {
        "UnsupportedSecurityToken",
        "UnsupportedAlgorithm",
        "InvalidSecurity",
        "InvalidSecurityToken",
        "FailedAuthentication",
        "FailedCheck",
        "SecurityTokenUnavailable",
        "MessageExpired",
    }
)
_CODES = (
    f"{{{SOAP11}}}Fault/faultcode",
    "/".join(f"{{{SOAP12}}}{name}" for name in ("Fault", "Code", "Subcode", "Value")),
)


def refuses_security(body: etree._Element) -> bool:
    """Whether a Body is a fault about the security of its request: a kept token may be the reason."""
    codes = (body.findtext(path) or "" for path in _CODES)
    return any(code.strip().rpartition(":")[2] in _SECURITY_CODES for code in codes)


def verify_reply(
    data: bytes,
    *,
    request_message_id: str | None,
    pinned: Iterable[x509.Certificate],
    now: datetime,
    profile: str = "kombit",
    policy: VerificationPolicy | None = None,
) -> VerifiedMessage:
    """The verified reply (or fault); raises a `WssError` for anything else.

    `request_message_id` is None when the request had no MessageID (profile `basic` only): then the
    reply may relate to nothing. With one, RelatesTo must be there, be signed and be equal.
    """
    verifier = Verifier(PinnedOnly(pinned=tuple(pinned)), policy)
    reply = verifier.verify(data, now=now, profile=lambda _: f"{profile} reply")
    if request_message_id is not None and reply.relates_to is None:
        raise PartNotSigned(element="RelatesTo")
    if request_message_id is None and reply.relates_to in (None, UNSPECIFIED):
        return reply
    if reply.relates_to != request_message_id:
        raise RelationWrong(value=reply.relates_to, expected=request_message_id)
    return reply
