"""The floor under a signed message: what no verifier or signer on this machine can do without.

Parsing, canonicalising the body once, hashing it, and one RSA operation. Everything above it is ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from time import perf_counter

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree


def median_seconds(work: Callable[[], object], *, budget_seconds: float, at_least: int = 5) -> float:
    """The median time of one call, in seconds, over as many calls as fit the budget."""
    work()  # warm
    times: list[float] = []
    until = perf_counter() + budget_seconds
    while len(times) < at_least or perf_counter() < until:
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    times.sort()
    return times[len(times) // 2]


def parse_and_hash(data: bytes) -> bytes:
    """Parse, exclusive canonicalisation of the whole, SHA-256."""
    root = etree.fromstring(data, etree.XMLParser(huge_tree=True, resolve_entities=False))
    return hashlib.sha256(etree.tostring(root, method="c14n", exclusive=True)).digest()


def rsa_sign(key: rsa.RSAPrivateKey) -> Callable[[], bytes]:
    """One RSA-SHA256 signature over 1 kB."""
    return lambda: key.sign(b"x" * 1000, padding.PKCS1v15(), hashes.SHA256())


def rsa_verify(key: rsa.RSAPrivateKey) -> Callable[[], None]:
    """One verification of such a signature."""
    public, signature = key.public_key(), rsa_sign(key)()
    return lambda: public.verify(signature, b"x" * 1000, padding.PKCS1v15(), hashes.SHA256())
