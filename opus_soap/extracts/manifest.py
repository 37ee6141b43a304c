"""Følgeseddel: what an extract is, what it follows on, its files, its totals, and the seals that prove it.

JSON in one form only (UTF-8, keys sorted, two spaces), signed with the key that seals the ledger: a byte
that is another is seen. The signature is Ed25519 over FORM, a line feed, and the same JSON without
`signature`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from opus_soap.errors import Both, ExtractUntrue, ManifestUnreadable
from opus_soap.ledger.seals import key_id

FORM = "opus-soap-extract-1"
ENDING = ".manifest.json"
_OF_THE_KEY = ("key_id", "public_key", "signature")
MOST_BYTES = 16 * 1024 * 1024  # some 25,000 seals: a seal a day is 250 a year
_SIGNATURE, _OF_ITS_KEY = Both("underskriften", "signature"), Both("dens egen nøgles", "of its own key")

Manifest = dict[str, Any]


def signed(facts: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """The manifest's bytes."""
    public = key.public_key()
    whole = {**facts, "form": FORM, "key_id": key_id(public), "public_key": public.public_bytes_raw().hex()}
    return _text({**whole, "signature": key.sign(_signed_bytes(whole)).hex()})


def read(data: bytes, name: str) -> Manifest:
    """A manifest whose signature holds; raises `ManifestUnreadable`, `ExtractUntrue`.

    Whose key it is must be known from elsewhere: `key_id`.
    """
    try:
        found = json.loads(data.decode("utf-8"))
        same = isinstance(found, dict) and found.get("form") == FORM and _text(found) == data
    except (ValueError, RecursionError) as error:
        raise ManifestUnreadable(element=name, value=type(error).__name__) from None
    if not same:
        raise ManifestUnreadable(
            element=name, value=Both(f"ikke {FORM}, som det blev skrevet", f"not {FORM} as it was written")
        )
    told: Manifest = found
    unsigned = {key: value for key, value in found.items() if key != "signature"}
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(found["public_key"]))
        public.verify(bytes.fromhex(found["signature"]), _signed_bytes(unsigned))
    except (InvalidSignature, KeyError, TypeError, ValueError):
        raise ExtractUntrue(element=name, value=_SIGNATURE, expected=_OF_ITS_KEY) from None
    if key_id(public) != found.get("key_id"):
        raise ExtractUntrue(element=f"{name} key_id", value=found.get("key_id"), expected=key_id(public))
    return told


def facts(data: bytes) -> Manifest:
    """What a manifest of ours says, whoever has signed it."""
    found: Manifest = json.loads(data)
    return {name: value for name, value in found.items() if name not in _OF_THE_KEY}


def _signed_bytes(whole: Mapping[str, Any]) -> bytes:
    return f"{FORM}\n".encode() + _text(whole)


def _text(whole: Mapping[str, Any]) -> bytes:
    return (json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
