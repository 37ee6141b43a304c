"""Seals: signed, chained proofs over batches of vouchers.

A seal's root is SHA-256 over the previous root and the hashes of its vouchers, in order of entry. The
signature (Ed25519) covers the seal's own fields in canonical JSON. What a seal cannot see: vouchers
after the last seal, and a tail that was cut off together with its seals; keep the last root somewhere
else (print it, mail it, publish it) to see that too. Keys rotate: public keys stay in `seal_key`.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from peewee import DoesNotExist

from opus_soap.clock import Clock, isoformat
from opus_soap.database import is_postgresql, transaction
from opus_soap.errors import SealKeyUnusable
from opus_soap.ledger.models import CompanyCode, Seal, SealKey, Voucher

FORM = "opus-soap-seal-1"
NO_ROOT = bytes(32)
_OTHERS = 0o077


def create_seal_key(path: Path) -> None:
    """Make a key and write it, readable by its owner only; raises `SealKeyUnusable` if there is one."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    except OSError as error:
        raise SealKeyUnusable(element=str(path), value=error.strerror or "?") from None


def load_seal_key(path: Path) -> Ed25519PrivateKey:
    """The key in a PEM file; raises `SealKeyUnusable`, also when others than its owner can read it."""
    try:
        if path.stat().st_mode & _OTHERS:
            raise SealKeyUnusable(element=str(path), value=f"{path.name}: others can read it")
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise SealKeyUnusable(element=str(path), value=f"{path.name}: {type(error).__name__}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SealKeyUnusable(element=str(path), value=f"{path.name}: not Ed25519")
    return key


def key_id(public: Ed25519PublicKey) -> str:
    """SHA-256 of the raw public key, hex."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()


def seal(company: CompanyCode, key: Ed25519PrivateKey, *, clock: Clock) -> Seal | None:
    """Seal every voucher since the last seal; None when there is none."""
    with transaction():
        locked = CompanyCode.select().where(CompanyCode.id == company.id)
        (locked.for_update() if is_postgresql() else locked).get()  # one sealer at a time
        last = last_seal(company)
        vouchers = unsealed(company, last)
        if not vouchers:
            return None
        public = key.public_key()
        SealKey.insert(
            key_id=key_id(public), public_key=public.public_bytes_raw(), first_used_at=clock.now()
        ).on_conflict_ignore().execute()
        fresh = Seal(
            company_code=company,
            sequence=last.sequence + 1 if last else 1,
            first_voucher=vouchers[0],
            last_voucher=vouchers[-1],
            voucher_count=len(vouchers),
            previous=bytes(last.root) if last else NO_ROOT,
            key_id=key_id(public),
            sealed_at=clock.now(),
        )
        fresh.root = root_of(bytes(fresh.previous), [bytes(voucher.hash) for voucher in vouchers])
        fresh.signature = key.sign(signed_form(fresh))
        fresh.save(force_insert=True)
        return fresh


def last_seal(company: CompanyCode) -> Seal | None:
    """The newest seal of a company code."""
    newest: Seal | None = (
        Seal.select().where(Seal.company_code == company).order_by(Seal.sequence.desc()).first()
    )
    return newest


def unsealed(company: CompanyCode, last: Seal | None) -> list[Voucher]:
    """The vouchers after a seal, in order of entry."""
    query = Voucher.select().where(Voucher.company_code == company)
    if last is not None:
        query = query.where(Voucher.id > last.last_voucher.id)
    return list(query.order_by(Voucher.id))


def root_of(previous: bytes, hashes: list[bytes]) -> bytes:
    """SHA-256 over the previous root and the vouchers' hashes."""
    return hashlib.sha256(previous + b"".join(hashes)).digest()


def signed_form(row: Seal) -> bytes:
    """What the signature covers: canonical JSON of the seal's fields."""
    fields = [
        FORM,
        row.company_code.municipality.code,
        row.company_code.code,
        row.sequence,
        str(row.first_voucher.uuid),
        str(row.last_voucher.uuid),
        row.voucher_count,
        bytes(row.previous).hex(),
        bytes(row.root).hex(),
        row.key_id,
        isoformat(row.sealed_at),
    ]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def signature_holds(row: Seal) -> bool:
    """Whether a seal's signature is that of the key it names; False too when its vouchers are gone."""
    known = SealKey.get_or_none(SealKey.key_id == row.key_id)
    if known is None:
        return False
    public = Ed25519PublicKey.from_public_bytes(bytes(known.public_key))
    if key_id(public) != row.key_id:
        return False
    try:
        public.verify(bytes(row.signature), signed_form(row))
    except (InvalidSignature, DoesNotExist):
        return False
    return True
