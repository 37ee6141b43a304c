"""What references cost: a large message signed with eight of them, beside the same with two."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from time import perf_counter
from typing import Any

from lxml import etree

from bench.bodies import BENCH, attachment_heavy
from opus_soap.wss import pki
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.engine import create_signature
from opus_soap.wss.names import ANONYMOUS, KEY_INFO, SECURITY, SIGNATURE, SOAP11, TIMESTAMP, WSU_ID
from opus_soap.wss.parsing import ParseLimits, hardened_parser
from opus_soap.wss.signing import Signer
from opus_soap.wss.verification import VerificationPolicy, Verifier

BODY_BYTES = 10_000_000
FEW, MANY = 2, 8
GOAL = 1.5
_LIMITS = ParseLimits(max_bytes=64 * 1024 * 1024)


def measure(*, short: bool) -> dict[str, Any]:
    """Milliseconds to verify each, medians of calls in turns, and how they compare."""
    now = datetime.now(UTC)
    made = pki.build(pki.example(), now=now)
    opus = made.certificates["opus"]
    signer = Signer(opus.key, opus.certificate)
    verifier = Verifier(TrustStore(issuers=made.trusted), VerificationPolicy(limits=_LIMITS))
    messages = {
        FEW: ("basic", _with_two(signer, opus.key, now)),
        MANY: ("kombit", signer.sign(attachment_heavy(BODY_BYTES), _all_headers(), now=now)),
    }

    def verify(references: int) -> None:
        profile, message = messages[references]
        verified = verifier.verify(message, now=now, profile=lambda _: profile)
        assert len(verified.signed_parts) == references, verified.signed_parts

    few, many = _in_turns(lambda: verify(FEW), lambda: verify(MANY), calls=3 if short else 25)
    ratio = round(many / few, 2)
    return {
        "bytes": len(messages[MANY][1]),
        "ms": {str(FEW): round(few, 2), str(MANY): round(many, 2)},
        "ratio": ratio,
        "goal": GOAL,
        "held": ratio <= GOAL,
    }


def _all_headers() -> Addressing:
    """With Framework, token, Timestamp and Body they make eight parts."""
    return Addressing(action=f"{BENCH}#Svar", message_id="urn:uuid:bench", to=ANONYMOUS, reply_to=ANONYMOUS)


def _with_two(signer: Signer, key: Any, now: datetime) -> bytes:
    """The message with a signature over Timestamp and Body alone, in place of the signer's own."""
    data = signer.sign(attachment_heavy(BODY_BYTES), Addressing(), now=now, profile="basic")
    envelope = etree.fromstring(data, hardened_parser())
    security = next(envelope.iter(SECURITY))
    old = next(security.iter(SIGNATURE))
    parts = (next(envelope.iter(tag)) for tag in (TIMESTAMP, f"{{{SOAP11}}}Body"))
    targets = {str(part.get(WSU_ID)): part for part in parts}
    key_info = next(old.iter(KEY_INFO))
    security.remove(old)
    security.append(create_signature(envelope, targets=targets, key=key, key_info=key_info))
    return etree.tostring(envelope, encoding="UTF-8", xml_declaration=True)


def _in_turns(*works: Callable[[], None], calls: int) -> list[float]:
    """The median milliseconds of each, called one after another so often, after one call that warms."""
    times: list[list[float]] = [[] for _ in works]
    for number in range(calls + 1):
        for work, taken in zip(works, times, strict=True):
            start = perf_counter()
            work()
            if number:
                taken.append(1000 * (perf_counter() - start))
    return [median(taken) for taken in times]
