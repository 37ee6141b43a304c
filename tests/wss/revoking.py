"""Revocation lists and OCSP answers made by hand, good ones by default; a responder that serves them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.wss.forge import NOW, world

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ISSUING = world().authorities["issuing"]
IMPOSTOR = world().authorities["impostor"]
CASE_SYSTEM = world().certificates["case-system"].certificate
OTHER = world().certificates["other-case-system"].certificate
REVOKED = world().certificates["revoked"].certificate


def make_crl(
    *revoked: x509.Certificate,
    issuer=ISSUING,
    key=None,
    since: datetime = NOW - HOUR,
    until: datetime = NOW + DAY,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    digest: hashes.HashAlgorithm | None = None,
) -> x509.CertificateRevocationList:
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    builder = builder.last_update(since).next_update(until)
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(NOW - HOUR).build())
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key or issuer.key, digest or hashes.SHA256())


def make_certificate(
    issuer=ISSUING, *extensions: x509.ExtensionType, key=None, days: int = 1
) -> tuple[rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Made for the test")])
    builder = (
        x509.CertificateBuilder(issuer.certificate.subject, name, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 2 * DAY)
        .not_valid_after(NOW - 2 * DAY + (days + 1) * DAY)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return key, builder.sign(issuer.key, hashes.SHA256())


OCSP_SIGNING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])


@dataclass
class Answer:
    """How a responder answers; every field has the value of a good answer."""

    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD
    about: x509.Certificate | None = None  # None: the one that was asked about
    issuer: x509.Certificate = ISSUING.certificate
    responder: x509.Certificate = ISSUING.certificate
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = ISSUING.key
    carried: tuple[x509.Certificate, ...] = ()
    since: datetime = NOW - HOUR
    until: datetime | None = NOW + DAY
    nonce: bytes | None = None
    digest: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    echo: bool = False

    def to(self, data: bytes) -> bytes:
        request = ocsp.load_der_ocsp_request(data)
        known = (CASE_SYSTEM, OTHER, REVOKED)
        asked = next((one for one in known if one.serial_number == request.serial_number), CASE_SYSTEM)
        revoked = self.status is ocsp.OCSPCertStatus.REVOKED
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=self.about or asked,
                issuer=self.issuer,
                algorithm=hashes.SHA1(),
                cert_status=self.status,
                this_update=self.since,
                next_update=self.until,
                revocation_time=NOW - HOUR if revoked else None,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self.responder)
        )
        if self.carried:
            builder = builder.certificates(self.carried)
        nonce = request.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
        if self.echo or self.nonce:
            builder = builder.add_extension(x509.OCSPNonce(self.nonce or nonce), critical=False)
        return builder.sign(self.key, self.digest).public_bytes(Encoding.DER)


@dataclass
class Responder:
    """A responder on the loopback; `answer` makes the bytes of an answer to a request's."""

    url: str
    answer: Callable[[bytes], bytes]
    http_status: int = 200
    asked: list[bytes] = field(default_factory=list)


@contextmanager
def responding(answer: Callable[[bytes], bytes] | None = None) -> Iterator[Responder]:
    """A real HTTP server while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/ocsp-request"
            request = self.rfile.read(int(self.headers["Content-Length"]))
            responder.asked.append(request)
            body = responder.answer(request)
            self.send_response(responder.http_status)
            self.send_header("Content-Type", "application/ocsp-response")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        responder = Responder(f"http://127.0.0.1:{server.server_port}/ocsp", answer or Answer().to)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield responder
        finally:
            server.shutdown()
            thread.join()
