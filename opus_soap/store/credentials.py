"""What a sender of postings shows at a door: SSH keys, a password, tokens. Secrets are kept as hashes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

from opus_soap.clock import Clock
from opus_soap.database import transaction
from opus_soap.errors import Both, CredentialUnknown, PostingAgreementInvalid, PrivateKeyGiven
from opus_soap.store import audit
from opus_soap.store.models import PostingCredential, PostingSender

TOKEN_PREFIX = "opus_"  # noqa: S105  what a token begins with: found when one lies about
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200  # characters
_LEAST_RSA_BITS = 3072
_SSH_KEY = Both("SSH-nøglen", "SSH key")
_KINDS = ("ssh-ed25519 ", "ecdsa-sha2-nistp", "ssh-rsa ")
_COST, _BLOCK, _PARALLEL = 2**14, 8, 1  # scrypt: 16 MB and some 50 ms for each attempt
_NOBODY = f"{_COST}${_BLOCK}${_PARALLEL}${'00' * 16}${'00' * 32}"


def add_key(sender: PostingSender, line: str, name: str, *, actor: str, clock: Clock) -> PostingCredential:
    """Let a sender in with an SSH key; `line` as in `id_ed25519.pub`. Raises `PostingAgreementInvalid`."""
    return _add(sender, PostingCredential.SSH_KEY, name, _public_key(line), actor, clock)


def set_password(
    sender: PostingSender, password: str, name: str, *, actor: str, clock: Clock
) -> PostingCredential:
    """Let a sender in with a password, not with the one before. Raises `PostingAgreementInvalid`."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        size, limits = len(password), f"{SHORTEST_PASSWORD}–{LONGEST_PASSWORD}"
        raise PostingAgreementInvalid(
            element=Both("adgangskoden", "password"),
            value=Both(f"{size} tegn", f"{size} characters"),
            expected=limits,
        )
    salt = secrets.token_bytes(16)
    hashed = _scrypt(password, salt, _COST, _BLOCK, _PARALLEL)
    value = f"{_COST}${_BLOCK}${_PARALLEL}${salt.hex()}${hashed.hex()}"
    with transaction():
        for earlier in of_sender(sender, PostingCredential.PASSWORD):
            revoke(earlier, actor=actor, clock=clock)
        return _add(sender, PostingCredential.PASSWORD, name, value, actor, clock)


def issue_token(sender: PostingSender, name: str, *, actor: str, clock: Clock) -> str:
    """A token for HTTP, which nobody can be told again."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    _add(sender, PostingCredential.TOKEN, name, _token_hash(token), actor, clock)
    return token


def revoke(credential: PostingCredential, *, actor: str, clock: Clock) -> None:
    """Let nobody in with it any more."""
    with transaction():
        if credential.revoked_at is None:
            credential.revoked_at = clock.now()
            credential.save(only=[PostingCredential.revoked_at])
            _note("revoked", credential, actor, clock)


def find(sender: PostingSender, number: int) -> PostingCredential:
    """A sender's credential by its number; raises `CredentialUnknown`."""
    found: PostingCredential | None = PostingCredential.get_or_none(
        PostingCredential.id == number, PostingCredential.sender == sender
    )
    if found is None:
        raise CredentialUnknown(value=number, expected=sender.sender_id)
    return found


def of_sender(sender: PostingSender, *kinds: str) -> Sequence[PostingCredential]:
    """What a sender is let in with now."""
    query = PostingCredential.select().where(
        PostingCredential.sender == sender, PostingCredential.revoked_at.is_null()
    )
    if kinds:
        query = query.where(PostingCredential.kind.in_(kinds))
    return list(query.order_by(PostingCredential.id))


def key_holds(sender: PostingSender | None, line: str) -> bool:
    """Whether a sender (None: nobody) is let in with an SSH key; who has shown that he holds it."""
    if sender is None:
        return False
    try:
        shown = _public_key(line)
    except PostingAgreementInvalid:
        return False
    return any(known.value == shown for known in of_sender(sender, PostingCredential.SSH_KEY))


def password_holds(sender: PostingSender | None, password: str) -> bool:
    """Whether a sender is let in with a password; takes as long for a sender (None) that there is not."""
    known = of_sender(sender, PostingCredential.PASSWORD) if sender is not None else ()
    stored = known[0].value if known else _NOBODY
    cost, block, parallel, salt, hashed = stored.split("$")
    shown = _scrypt(password[:LONGEST_PASSWORD], bytes.fromhex(salt), int(cost), int(block), int(parallel))
    return secrets.compare_digest(shown, bytes.fromhex(hashed)) and bool(known)


def sender_of_token(token: str) -> PostingSender | None:
    """Whose token it is; None when it was revoked, or its sender is stopped."""
    found: PostingSender | None = (
        PostingSender.select()
        .join(PostingCredential)
        .where(
            PostingSender.active,
            PostingCredential.kind == PostingCredential.TOKEN,
            PostingCredential.value == _token_hash(token),
            PostingCredential.revoked_at.is_null(),
        )
        .first()
    )
    return found


def _add(
    sender: PostingSender, kind: str, name: str, value: str, actor: str, clock: Clock
) -> PostingCredential:
    with transaction():
        credential = PostingCredential.create(
            sender=sender, kind=kind, name=name[:80], value=value, created_at=clock.now()
        )
        _note("added", credential, actor, clock)
        return credential


def _note(event: str, credential: PostingCredential, actor: str, clock: Clock) -> None:
    sender = credential.sender
    audit.record(
        f"posting_credential.{event}",
        f"{sender.sender_id}/{credential.id}",
        actor=actor,
        at=clock.now(),
        municipality=sender.municipality,
        kind=credential.kind,
        name=credential.name,
    )


def _public_key(line: str) -> str:
    """`ssh-ed25519 AAAA…`, without its comment; raises `PostingAgreementInvalid`."""
    expected = f"ssh-ed25519, ecdsa-sha2-nistp*, ssh-rsa ≥ {_LEAST_RSA_BITS} bit"
    if "PRIVATE KEY-----" in line or line.startswith("PuTTY-User-Key-File"):
        raise PrivateKeyGiven(element=_SSH_KEY)
    if not line.startswith(_KINDS):
        raise PostingAgreementInvalid(element=_SSH_KEY, value=line[:20], expected=expected)
    try:
        key = load_ssh_public_key(line.strip().encode())
    except (ValueError, UnsupportedAlgorithm, UnicodeEncodeError):
        raise PostingAgreementInvalid(element=_SSH_KEY, value=line[:20], expected=expected) from None
    good = isinstance(key, (Ed25519PublicKey, EllipticCurvePublicKey))
    if not good and not (isinstance(key, RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS):
        raise PostingAgreementInvalid(element=_SSH_KEY, value=line[:20], expected=expected)
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=cost, r=block, p=parallel)


def _token_hash(token: str) -> str:
    """Not slow: a token has 256 bits that nobody can guess."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
