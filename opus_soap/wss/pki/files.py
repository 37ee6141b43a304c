"""The files of a declared certificate world: PEM, PKCS#12, revocation lists."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from opus_soap.wss.pki.definition import PkiDefinition
from opus_soap.wss.pki.issuing import Issued, Pki, build

_EVERYBODY, _OURS = 0o644, 0o600
_Content = tuple[str, bytes, int]  # file name, content, mode


def create(definition: PkiDefinition, out: Path, *, now: datetime) -> Pki:
    """Make everything and write it under `out` (created, mode 0700); existing files are replaced.

    NAME.crt.pem, NAME.chain.pem, NAME.key.pem (0600), NAME.p12 (0600) for each system, for each CA its
    certificate without its key and its revocation list NAME.crl.pem, and ca.pem with the trusted ones.
    """
    pki = build(definition, now=now)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    contents = (*_authorities(pki), *_systems(pki, definition.pkcs12_password.encode()))
    written = [write_file(out / name, content, mode) for name, content, mode in contents]
    return replace(pki, files=tuple(written))


def _authorities(pki: Pki) -> Iterator[_Content]:
    yield "ca.pem", b"".join(map(_pem, pki.trusted)), _EVERYBODY
    for name, issued in pki.authorities.items():
        yield f"{name}.crt.pem", _pem(issued.certificate), _EVERYBODY
        yield f"{name}.crl.pem", pki.revocation_lists[name].public_bytes(Encoding.PEM), _EVERYBODY


def _systems(pki: Pki, password: bytes) -> Iterator[_Content]:
    for name, issued in pki.certificates.items():
        key = issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        yield f"{name}.crt.pem", _pem(issued.certificate), _EVERYBODY
        if issued.chain:
            chain = (issued.certificate, *issued.chain)
            yield f"{name}.chain.pem", b"".join(map(_pem, chain)), _EVERYBODY
        yield f"{name}.key.pem", key, _OURS
        yield f"{name}.p12", _bundle(issued, password), _OURS


def _bundle(issued: Issued, password: bytes) -> bytes:
    return pkcs12.serialize_key_and_certificates(
        issued.name.encode(),
        issued.key,
        issued.certificate,
        issued.chain,
        BestAvailableEncryption(password),
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def write_file(path: Path, content: bytes, mode: int) -> Path:
    """Write with the mode set from the first byte on; a key is never readable by others."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    return path
