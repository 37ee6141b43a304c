"""The client in the Context model: TLS shows our certificate and vouches for the reply; nothing is signed."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from opus_soap import errors
from opus_soap.settings import load
from opus_soap.soap.faults import fault_element, fault_for
from opus_soap.soap.models import KOMBIT_NS
from opus_soap.store import agreements
from opus_soap.store.models import System
from opus_soap.transport.client import Caller
from opus_soap.wss import pki
from opus_soap.wss.names import SECURITY, SOAP11
from opus_soap.wss.parsing import ParseLimits
from opus_soap.wss.unsigned import read_unsigned, write_unsigned
from tests.conftest import NOON
from tests.transport.test_client import (
    CONTRACT,
    MADE,
    Handler,
    Receiver,
    Server,
    http,
    outcomes,
    pong,
    signer,
)


class TlsServer(Server):
    """Asks for a client certificate, and keeps the one it was shown."""

    def __init__(self, keys: Path, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=keys / "ca.pem")
        self._tls.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        self._tls.verify_mode = ssl.CERT_REQUIRED
        self._tls.load_cert_chain(keys / f"{name}.chain.pem", keys / f"{name}.key.pem")
        self.receiver = Receiver(f"https://127.0.0.1:{self.server_address[1]}/")
        self.shown: list[bytes | None] = []

    def get_request(self):
        connection, address = super().get_request()
        wrapped = self._tls.wrap_socket(connection, server_side=True)
        self.shown.append(wrapped.getpeercert(binary_form=True))
        return wrapped, address

    def handle_error(self, request, client_address) -> None:
        """A client that did not trust us is no failure of the test."""


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    pki.create(pki.example(), tmp_path, now=NOON)
    return tmp_path


@pytest.fixture
def server(request: pytest.FixtureRequest, keys: Path) -> Iterator[TlsServer]:
    with TlsServer(keys, getattr(request, "param", "case-system")) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def system(database, server: TlsServer) -> System:
    return agreements.register_system(
        uuid=UUID(int=9),
        municipality="999",
        name="Modtager",
        cvr="44444449",
        services=[],
        endpoint_url=server.receiver.url,
        security_model="context",
    )


@pytest.fixture
def ping(system: System, keys: Path, clock):
    settings = load(
        send_timeout_seconds=2,
        signing_key_file=keys / "opus.key.pem",
        signing_certificate_file=keys / "opus.crt.pem",
        tls_trusted_ca_file=keys / "root.crt.pem",
    )
    caller = Caller(signer("opus"), settings, clock)
    header = {"TransaktionsId": str(UUID(int=1)), "TransaktionsTid": NOON}

    def call(address=None):
        system = agreements.find_system("Modtager")
        return caller.call(CONTRACT, "Ping", system, {"HovedOplysninger": header}, address=address)

    return call


def test_our_certificate_is_shown_and_nothing_is_signed(ping, server: TlsServer, keys: Path):
    server.receiver.answer = lambda request: [http(200, write_unsigned(pong()))]
    assert ping()["HovedOplysningerSvar"]["TransaktionsId"] == str(UUID(int=1))
    [shown] = server.shown
    assert ssl.DER_cert_to_PEM_cert(shown) == (keys / "opus.crt.pem").read_text()
    [request] = server.receiver.requests
    sent = etree.fromstring(request)
    assert sent.find(f".//{SECURITY}") is None
    assert sent.find(f"{{{SOAP11}}}Header") is None
    assert read_unsigned(request, ParseLimits()).body[0].tag == f"{{{KOMBIT_NS}}}Ping_I"
    assert outcomes() == [("out", "sent"), ("in", "ok")]


def test_a_fault_needs_no_signature(ping, server: TlsServer):
    fault = fault_element(fault_for(errors.OperationUnknown(element="x", expected="y")), UUID(int=2))
    server.receiver.answer = lambda request: [http(500, write_unsigned(fault))]
    with pytest.raises(errors.MessageRefused, match="SOA-011"):
        ping()


@pytest.mark.parametrize(
    "reply",
    [
        lambda: signer("case-system").sign(pong(), _addressing(), now=NOON),
        lambda: write_unsigned(etree.Element("{urn:x}Other")),
        lambda: b"<html/>",
        lambda: write_unsigned(pong()).replace(b"TransaktionsTid>", b"Tid>"),
    ],
    ids=["signed", "another answer", "no soap", "not by contract"],
)
def test_what_is_no_answer_of_this_model(ping, server: TlsServer, reply):
    server.receiver.answer = lambda request: [http(200, reply())]
    with pytest.raises(errors.ReplyUnusable):
        ping()
    assert [direction for direction, _ in outcomes()] == ["out", "in"]


def _addressing():
    from opus_soap.wss.addressing import Addressing

    return Addressing(action="urn:x", message_id="urn:uuid:1")


@pytest.mark.parametrize("server", ["unknown-ca", "stranger"], indirect=True)
def test_a_server_that_tls_does_not_trust(ping, server: TlsServer):
    """Of a foreign CA, or with another name than the one that was called."""
    server.receiver.answer = lambda request: [http(200, write_unsigned(pong()))]
    with pytest.raises(errors.ReceiverNotTrusted, match="certificate verify failed: "):
        ping()
    assert server.receiver.requests == []


def test_nothing_leaves_without_tls(ping, server: TlsServer):
    with pytest.raises(errors.ConnectionNotSecure) as refusal:
        ping("http://127.0.0.1:1/")
    assert not refusal.value.retryable
    assert outcomes() == []


def test_an_agreement_must_have_a_secure_address(database):
    with pytest.raises(errors.AgreementInvalid, match="https"):
        agreements.register_system(
            uuid=UUID(int=8),
            municipality="999",
            name="Andet",
            cvr="44444449",
            services=[],
            endpoint_url="http://x/",
            security_model="context",
        )


def test_other_models_show_no_certificate(ping, server: TlsServer, system: System):
    """A server that must see one is then not reached."""
    agreements.add_certificate(
        system, MADE.certificates["case-system"].certificate.public_bytes(Encoding.PEM)
    )
    agreements.change_system(system, security_model="x509")
    with pytest.raises((errors.ReceiverNotTrusted, errors.ReceiverUnreachable)):
        ping()
