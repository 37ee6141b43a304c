"""The front behind gunicorn's own TLS: whose certificate is shown, and that nobody keeps a thread."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from opus_soap.database import connect, proxy
from opus_soap.errors import SigningKeyUnusable, TlsFileInvalid
from opus_soap.keys import load_tls
from opus_soap.settings import Settings
from tests.soap.conftest import NAME, Identity, Pki, agreement, issue, svar, unsigned
from tests.soap.test_context import escaped, for_authority
from tests.soap.test_over_http import head, serving, talk, write_identity, write_keys

HEADER_SECONDS = 1  # of the test server


@dataclass
class Tls:
    """A running server, and what its callers need."""

    port: int
    folder: Path

    def context(self, who: str = "") -> ssl.SSLContext:
        trusted = ssl.create_default_context(cafile=self.folder / "ca.crt.pem")
        trusted.check_hostname = False
        if who:
            trusted.load_cert_chain(self.folder / f"{who}.crt.pem", self.folder / f"{who}.key.pem")
        return trusted

    def exchange(self, *pieces: bytes, who: str = "", pause: float = 0) -> bytes:
        """Write to a connection, read till the server closes."""
        with (
            socket.create_connection(("127.0.0.1", self.port), 10) as plain,
            self.context(who).wrap_socket(plain) as connection,
        ):
            return talk(connection, *pieces, pause=pause)

    def post(self, body: bytes, *lines: str, who: str = "") -> bytes:
        return self.exchange(head(f"Content-Length: {len(body)}", *lines), body, who=who)


@pytest.fixture
def tls(sqlite_url: str, pki: Pki, tmp_path: Path) -> Iterator[Tls]:
    bound = connect(sqlite_url)
    bound.connect(reuse_if_open=True)
    agreement(pki.connected, "contextsystem", [NAME], model="context")
    write_keys(tmp_path, pki)
    for name, identity in {
        "connected": pki.connected,
        "stranger": pki.stranger,
        "impostor": issue("contextsystem", issue("Test CA")),
    }.items():
        write_identity(tmp_path, name, identity)
    (tmp_path / "server.key.pem").chmod(0o600)
    settings = {
        "tls_certificate_file": str(tmp_path / "server.crt.pem"),
        "tls_key_file": str(tmp_path / "server.key.pem"),
        "trusted_ca_file": str(tmp_path / "ca.crt.pem"),
    }
    with serving(sqlite_url, tmp_path, **settings) as port:
        yield Tls(port, tmp_path)
    bound.close()
    proxy.initialize(None)


def test_the_connection_tells_who_calls(tls: Tls, pki: Pki):
    """A trusted certificate, none, one without an agreement, one of nobody we trust; slow callers."""
    request = unsigned(for_authority(svar()))
    answer = tls.post(request, who="connected")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"AcceptStruktur" in answer
    assert b"SOA-020" in tls.post(request)
    assert b"STO-010" in tls.post(request, who="stranger")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        tls.post(request, who="impostor")

    # no header says it, whatever it is called, when no proxy is named
    for name in ("X-Client-Cert", "X_Client_Cert", "SSL_CLIENT_CERT"):
        assert b"SOA-020" in tls.post(request, f"{name}: {escaped(pki.connected)}")

    # a body that comes too slowly: TLS ends, and nothing follows in the clear (WRONG_VERSION_NUMBER)
    with pytest.raises(ssl.SSLError, match="ALERT"):
        tls.exchange(head("Content-Length: 100"), b"x", b"x", who="connected", pause=0.2)

    # callers who never finish the handshake, more than there are threads
    callers = [socket.create_connection(("127.0.0.1", tls.port), 10) for _ in range(16)]
    for caller in callers:
        caller.sendall(b"\x16\x03\x01")  # the first bytes of a ClientHello
    start = time.monotonic()
    assert tls.post(request, who="connected").startswith(b"HTTP/1.1 200")
    assert time.monotonic() - start < 5 * HEADER_SECONDS
    for caller in callers:
        caller.close()


def test_the_underscored_name_of_the_proxys_header_is_dropped(sqlite_url: str, pki: Pki, tmp_path: Path):
    """Or a caller would write what WSGI cannot tell from the proxy's own."""
    bound = connect(sqlite_url)
    bound.connect(reuse_if_open=True)
    agreement(pki.connected, "contextsystem", [NAME], model="context")
    write_keys(tmp_path, pki)
    request = unsigned(for_authority(svar()))
    proxied = {"client_certificate_header": "X-Client-Cert", "client_certificate_proxies": "127.0.0.1"}
    with serving(sqlite_url, tmp_path, **proxied) as port:

        def post(name: str, identity: Identity) -> bytes:
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                named = f"{name}: {escaped(identity)}"
                return talk(connection, head(f"Content-Length: {len(request)}", named) + request)

        assert post("X-Client-Cert", pki.connected).startswith(b"HTTP/1.1 200")
        assert b"SOA-020" in post("X_Client_Cert", pki.connected)
    bound.close()
    proxy.initialize(None)


def test_tls_is_of_today(pki: Pki, tmp_path: Path):
    """1.2 at least, whatever OpenSSL's own configuration lets in."""
    write_keys(tmp_path, pki)
    (tmp_path / "server.key.pem").chmod(0o600)
    context = load_tls(
        Settings(
            tls_certificate_file=tmp_path / "server.crt.pem",
            tls_key_file=tmp_path / "server.key.pem",
            trusted_ca_file=tmp_path / "ca.crt.pem",
        )
    )
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_OPTIONAL


def test_files_that_do_not_go_together(pki: Pki, tmp_path: Path):
    write_keys(tmp_path, pki)
    write_identity(tmp_path, "other", pki.caller)
    for key in tmp_path.glob("*.key.pem"):
        key.chmod(0o600)

    def settings(certificate: str, key: str, ca: str = "ca.crt.pem") -> Settings:
        return Settings(
            tls_certificate_file=tmp_path / certificate,
            tls_key_file=tmp_path / key,
            trusted_ca_file=tmp_path / ca,
        )

    load_tls(settings("server.crt.pem", "server.key.pem"))
    for wrong in (
        settings("server.crt.pem", "other.key.pem"),
        settings("none.pem", "server.key.pem"),
        settings("server.crt.pem", "none.pem"),
        settings("server.crt.pem", "server.key.pem", "none.pem"),
        settings("server.key.pem", "server.key.pem"),
    ):
        with pytest.raises(TlsFileInvalid):
            load_tls(wrong)
    with pytest.raises(TlsFileInvalid, match=r"other\.key\.pem: the key does not belong to the certificate"):
        load_tls(settings("server.crt.pem", "other.key.pem"))
    with pytest.raises(TlsFileInvalid, match=r"with \S+none\.pem: No such file"):
        load_tls(settings("server.crt.pem", "none.pem"))
    (tmp_path / "server.key.pem").chmod(0o644)
    with pytest.raises(SigningKeyUnusable):
        load_tls(settings("server.crt.pem", "server.key.pem"))
