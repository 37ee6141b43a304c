"""What signing and verifying cost by size of body, beside the floor of parse + c14n + SHA-256 + RSA."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from bench.bodies import BENCH, attachment_heavy, element_heavy
from bench.limits import median_seconds, parse_and_hash, rsa_sign, rsa_verify
from opus_soap.wss import pki
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.parsing import ParseLimits, parse
from opus_soap.wss.signing import Signer
from opus_soap.wss.verification import VerificationPolicy, Verifier

LIMITS = ParseLimits(max_bytes=64 * 1024 * 1024, max_elements=1_000_000)
SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
SHAPES: dict[str, Callable[[int], Any]] = {"attachment": attachment_heavy, "elements": element_heavy}


@dataclass(frozen=True)
class Cost:
    """Milliseconds for one message."""

    shape: str
    body_bytes: int
    parse_ms: float
    verify_ms: float
    sign_ms: float
    floor_verify_ms: float
    floor_sign_ms: float

    @property
    def verify_ratio(self) -> float:
        """How many times the floor a verification costs."""
        return self.verify_ms / self.floor_verify_ms


def measure(*, short: bool) -> Iterator[dict[str, Any]]:
    """One row per shape and size."""
    now = datetime.now(UTC)
    made = pki.build(pki.example(), now=now)
    opus = made.certificates["opus"]
    signer = Signer(opus.key, opus.certificate)
    verifier = Verifier(TrustStore(issuers=made.trusted), VerificationPolicy(limits=LIMITS))
    budget = 0.2 if short else 1.5
    for shape, build in SHAPES.items():
        for size in SIZES[: 3 if short else None]:
            if shape == "elements" and size > 1_000_000:
                continue  # more elements than any message here may have
            cost = _cost(shape, build(size), size, signer, verifier, opus.key, now, budget)
            yield {**asdict(cost), "verify_ratio": round(cost.verify_ratio, 2)}


def _cost(
    shape: str,
    body: Any,
    size: int,
    signer: Signer,
    verifier: Verifier,
    key: Any,
    now: datetime,
    budget: float,
) -> Cost:
    addressing = Addressing(action=f"{BENCH}#Svar", message_id="urn:uuid:bench")
    message = signer.sign(body, addressing, now=now)
    assert isinstance(key, rsa.RSAPrivateKey)

    def ms(work: Callable[[], object]) -> float:
        return round(1000 * median_seconds(work, budget_seconds=budget), 3)

    floor = ms(lambda: parse_and_hash(message))
    return Cost(
        shape=shape,
        body_bytes=size,
        parse_ms=ms(lambda: parse(message, LIMITS)),
        verify_ms=ms(lambda: verifier.verify(message, now=now, profile=lambda _: "kombit")),
        sign_ms=ms(lambda: signer.sign(body, addressing, now=now)),
        floor_verify_ms=round(floor + ms(rsa_verify(key)), 3),
        floor_sign_ms=round(floor + ms(rsa_sign(key)), 3),
    )
