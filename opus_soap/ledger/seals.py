"""Seals: signed, chained proofs over batches of vouchers.

A seal's root is SHA-256 over the previous root and the hashes of its vouchers, in order of entry. The
signature (Ed25519) covers the seal's own fields in canonical JSON. Keys rotate: public keys stay in
`seal_key`. What a seal cannot see by itself, and what to keep elsewhere, is in docs/ledger.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from peewee import DoesNotExist

from opus_soap.clock import Clock, isoformat
from opus_soap.database import is_postgresql, transaction
from opus_soap.errors import Both, SealKeyUnusable, TrustedKeysUnreadable
from opus_soap.ledger.models import CompanyCode, Seal, SealKey, Voucher

FORM = "opus-soap-seal-1"
NO_ROOT = bytes(32)
BATCH = 1000  # rows read at a time
_OTHERS = 0o077
_PUBLIC_KEY = re.compile(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)
_KEY_ID = re.compile(r"[0-9a-f]{64}")


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
            raise SealKeyUnusable(
                element=str(path),
                value=Both(f"{path.name}: andre kan læse den", f"{path.name}: others can read it"),
            )
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise SealKeyUnusable(element=str(path), value=f"{path.name}: {type(error).__name__}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SealKeyUnusable(
            element=str(path), value=Both(f"{path.name}: ikke Ed25519", f"{path.name}: not Ed25519")
        )
    return key


def key_id(public: Ed25519PublicKey) -> str:
    """SHA-256 of the raw public key, hex."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()


def read_trusted_keys(path: Path) -> frozenset[str]:
    """The key ids that a file names: by public keys (PEM) or by ids, one on a line, `#` a comment.

    Raises `TrustedKeysUnreadable`, also for a file that names none: nobody's seals would be trusted.
    """
    try:
        text = path.read_text("ascii")
        trusted = {_public_key_id(pem) for pem in _PUBLIC_KEY.findall(text)}
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise TrustedKeysUnreadable(element=str(path), value=type(error).__name__) from None
    for line in _PUBLIC_KEY.sub("", text).splitlines():
        word = line.partition("#")[0].strip().lower()
        if word and not _KEY_ID.fullmatch(word):
            raise TrustedKeysUnreadable(element=str(path), value=word[:80])
        trusted |= {word} - {""}
    if not trusted:
        raise TrustedKeysUnreadable(element=str(path), value=Both("ingen nøgle", "no key"))
    return frozenset(trusted)


def _public_key_id(pem: str) -> str:
    key = load_pem_public_key(pem.encode("ascii"))
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not Ed25519")  # noqa: TRY004  caught by the one caller
    return key_id(key)


def seal_all(municipality: str, key_file: Path, *, clock: Clock) -> None:
    """Seal what is new in every company code of a municipality; nothing where there is no key yet.

    Raises `SealKeyUnusable`.
    """
    if key_file.exists():
        key = load_seal_key(key_file)
        for company in CompanyCode.select().where(CompanyCode.municipality == municipality):
            seal(company, key, clock=clock)


def seal(company: CompanyCode, key: Ed25519PrivateKey, *, clock: Clock) -> Seal | None:
    """Seal every voucher since the last seal; None when there is none."""
    with transaction():
        locked = CompanyCode.select().where(CompanyCode.id == company.id)
        (locked.for_update() if is_postgresql() else locked).get()  # one sealer at a time
        last = last_seal(company)
        previous = bytes(last.root) if last else NO_ROOT
        batch = digest_after(company, last.last_voucher_id if last else 0, previous)
        if not batch.count:
            return None
        public = key.public_key()
        SealKey.insert(
            key_id=key_id(public), public_key=public.public_bytes_raw(), first_used_at=clock.now()
        ).on_conflict_ignore().execute()
        fresh = Seal(
            company_code=company,
            sequence=last.sequence + 1 if last else 1,
            first_voucher=batch.first,
            last_voucher=batch.last,
            voucher_count=batch.count,
            previous=previous,
            root=batch.root,
            key_id=key_id(public),
            sealed_at=clock.now(),
        )
        fresh.signature = key.sign(signed_form(fresh))
        fresh.save(force_insert=True)
        return fresh


def last_seal(company: CompanyCode) -> Seal | None:
    """The newest seal of a company code."""
    newest: Seal | None = (
        Seal.select().where(Seal.company_code == company).order_by(Seal.sequence.desc()).first()
    )
    return newest


@dataclass(frozen=True)
class BatchDigest:
    """What a seal says of its vouchers: ids of the first and the last, their number, and the root."""

    first: int
    last: int
    count: int
    root: bytes


def digest_after(company: CompanyCode, after: int, previous: bytes, until: int | None = None) -> BatchDigest:
    """SHA-256 over the previous root and the hashes of the vouchers after an id, in order of entry.

    `until` is the id of the last one; all of them when left out. Memory does not grow with them.
    """
    digest, first, last, count = hashlib.sha256(previous), 0, after, 0
    while True:
        query = Voucher.select(Voucher.id, Voucher.hash).where(
            Voucher.company_code == company, Voucher.id > last
        )
        if until is not None:
            query = query.where(Voucher.id <= until)
        rows: list[tuple[int, bytes]] = list(query.order_by(Voucher.id).limit(BATCH).tuples())  # type: ignore[arg-type]
        if not rows:
            return BatchDigest(first, last, count, digest.digest())
        for _, voucher_hash in rows:
            digest.update(bytes(voucher_hash))
        first, last, count = first or rows[0][0], rows[-1][0], count + len(rows)


def signed_form(row: Seal) -> bytes:
    """What the signature covers: canonical JSON of the seal's fields."""
    fields = [
        FORM,
        row.company_code.municipality.code,
        row.company_code.code,
        row.sequence,
        _uuid_of(row.first_voucher_id),
        _uuid_of(row.last_voucher_id),
        row.voucher_count,
        bytes(row.previous).hex(),
        bytes(row.root).hex(),
        row.key_id,
        isoformat(row.sealed_at),
    ]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _uuid_of(voucher: int) -> str:
    """Nothing but the UUID is read: what somebody made of the other columns is for others to tell.

    Raises `Voucher.DoesNotExist`, ValueError for one that is none.
    """
    return str(Voucher.select(Voucher.uuid).where(Voucher.id == voucher).get().uuid)


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
    except (InvalidSignature, DoesNotExist, ValueError):  # ValueError: a UUID or a time that is none any more
        return False
    return True
