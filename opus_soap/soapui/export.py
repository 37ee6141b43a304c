"""A folder to open in SoapUI: a project for each service, and the stores that they sign and check with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.serialization import pkcs12

from opus_soap.errors import Both, CertificateFileInvalid
from opus_soap.soap.service import SoapService
from opus_soap.soapui.project import project
from opus_soap.soapui.security import TRUST_STORE, Keys, trust_store
from opus_soap.wss.certificates import load_pem
from opus_soap.wss.errors import WssError
from opus_soap.wss.pki.files import write_file


def export(
    services: Sequence[SoapService],
    out: Path,
    *,
    url: str,
    keystore: Path,
    password: str,
    trusted: Sequence[Path],
    profile: str,
) -> list[Path]:
    """Write everything into `out` (created); returns the files, those that were there replaced.

    `url` is where the server listens, `keystore` the caller's PKCS#12 file, `trusted` PEM files of those
    whose signature on a reply is believed. Raises `CertificateFileInvalid`, `RequestExampleMissing`.
    """
    keys, bundle = _keys(keystore, password)
    try:
        certificates = [one for path in trusted for one in load_pem(path)]
    except WssError as error:
        raise CertificateFileInvalid(element=error.element, value=error.value) from None
    made = {
        f"{service.name}-soapui-project.xml": project(
            service, f"{url.rstrip('/')}{service.path}", keys, profile
        )
        for service in services
    }
    out.mkdir(parents=True, exist_ok=True)
    written = [write_file(out / name, content, 0o644) for name, content in made.items()]
    written.append(write_file(out / keys.file_name, bundle, 0o600))
    written.append(write_file(out / TRUST_STORE, trust_store(certificates, password), 0o644))
    return written


def _keys(keystore: Path, password: str) -> tuple[Keys, bytes]:
    """The keystore's bytes, and the alias in it; raises `CertificateFileInvalid`."""
    try:
        data = keystore.read_bytes()
        content = pkcs12.load_pkcs12(data, password.encode())
    except (OSError, ValueError) as error:
        raise CertificateFileInvalid(element=str(keystore), value=error) from None
    alias = content.cert.friendly_name if content.cert else None
    if content.key is None or not alias:
        raise CertificateFileInvalid(
            element=str(keystore), value=Both("har ingen nøgle med et navn", "holds no key with a name")
        )
    return Keys(alias.decode("utf-8", "replace"), password), data
