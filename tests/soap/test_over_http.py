"""The front in a real gunicorn: zeep given only the URL of the WSDL, and what only a socket can show."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zeep
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from lxml import etree
from requests import Response, Session
from zeep.transports import Transport

from opus_soap.clock import SystemClock
from opus_soap.database import connect, proxy
from opus_soap.soap.faults import FAULT_NS
from opus_soap.store.models import ArchivedMessage
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.replies import verify_reply
from tests.soap.conftest import ENTITY_ID, NAME, PATH, Identity, Pki, agreement, svar

LENDING_PATH = "/service/OIR/FakturaInformationAfsend/1"
SERVER = Path(__file__).parent / "serving.py"


@dataclass
class Running:
    port: int
    database_url: str
    pki: Pki

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def write_identity(folder: Path, name: str, identity: Identity) -> None:
    key = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.key.pem").write_bytes(key)
    (folder / f"{name}.crt.pem").write_text(identity.pem)


@contextmanager
def serving(url: str, folder: Path, seconds: int = 5, **settings: Any) -> Iterator[int]:
    """Two gunicorn workers over a database, on a free port of the loopback; the keys lie in the folder.

    A request may take so many seconds, waiting for its turn a fifth of them.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / f"server-{port}.log").open("w") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-W", "ignore", str(SERVER), url, str(folder), str(port)),
                *(str(seconds), json.dumps(settings)),
            ],
            stdout=log,
            stderr=log,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([".", os.environ.get("PYTHONPATH", "")])},
        )
        try:
            _wait(port, process)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def write_keys(folder: Path, pki: Pki) -> None:
    """What `serving` needs."""
    write_identity(folder, "server", pki.server)
    write_identity(folder, "ca", pki.ca)
    write_identity(folder, "sts", pki.sts)


@pytest.fixture
def running(sqlite_url: str, pki: Pki, tmp_path: Path) -> Iterator[Running]:
    """A server, and this process bound to its database."""
    bound = connect(sqlite_url)
    bound.connect(reuse_if_open=True)
    agreement(pki.caller, "sagssystem", [NAME, "FakturaInformationAfsend"])
    write_keys(tmp_path, pki)
    with serving(sqlite_url, tmp_path) as port:
        yield Running(port, sqlite_url, pki)
    bound.close()
    proxy.initialize(None)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(150):
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            assert process.poll() is None, "the server did not start"
            time.sleep(0.1)
    raise AssertionError("the server does not listen")


class Signing(Transport):
    """zeep's transport, which signs what zeep wrote and gives it the verified answer."""

    def __init__(self, identity: Identity, server: Identity) -> None:
        session = Session()
        session.trust_env = False
        super().__init__(session=session)
        self.identity, self.server = identity, server

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> Response:
        body = etree.fromstring(message).find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
        assert body is not None
        message_id = f"urn:uuid:{uuid.uuid4()}"
        action = headers["SOAPAction"].strip('"')
        addressing = Addressing(action=action, message_id=message_id, to=address)
        signed = self.identity.signer.sign(body[0], addressing, now=datetime.now(UTC))
        response: Response = super().post(address, signed, headers)
        reply = verify_reply(
            response.content,
            request_message_id=message_id,
            pinned=[self.server.certificate],
            now=datetime.now(UTC),
        )
        response._content = etree.tostring(reply.envelope, encoding="UTF-8")
        return response


def hoved() -> dict[str, Any]:
    return {"TransaktionsId": "t-1", "TransaktionsTid": datetime(2026, 11, 23, 12, tzinfo=UTC)}


def test_zeep_calls_every_operation_given_only_the_wsdl(running: Running):
    transport = Signing(running.pki.caller, running.pki.server)
    svar_client = zeep.Client(f"{running.url}{PATH}?wsdl", transport=transport)
    answer = svar_client.service.AfsendFakturaInformationSvar(
        HovedOplysninger=hoved(),
        FakturaInformationSvarIdentifikation=str(uuid.uuid4()),
        FakturaInformationIdentifikation=str(uuid.uuid4()),
        FakturaInformationBehandling={
            "FakturaInformationBehandlingDatoTid": datetime(2026, 11, 23, 12, tzinfo=UTC),
            "FakturaInformationBehandlingResultat": "Afvist",
        },
        AfvisningStruktur={"ResultatÅrsagStruktur": [{"ÅrsagIdentifikation": str(uuid.uuid4())}]},
    )
    assert answer.AcceptStruktur["AccepteretUdenBemærkninger"] is True
    assert svar_client.service.Ping(HovedOplysninger=hoved()).HovedOplysningerSvar.TransaktionsId == "t-1"

    lending_client = zeep.Client(f"{running.url}{LENDING_PATH}?wsdl", transport=transport)
    receipt = lending_client.service.AfsendFakturaInformation(
        HovedOplysninger=hoved(),
        FakturaInformationIdentifikation=str(uuid.uuid4()),
        FakturaInformation={
            "FakturaInformationDokumenttype": "Faktura",
            "FakturaInformationNummer": "F-1",
            "FakturaInformationLeverandørNavn": "Blomster & Søn",
            "FakturaInformationFakturaDato": "2026-11-01",
            "FakturaInformationBeløb": "1250.00",
            "FakturaInformationValutaKode": "DKK",
            "FakturaInformationFilNavn": "f-1.xml",
            "FakturaInformationFilMedietype": "application/xml",
        },
        FakturaSvarPåkrævetMarkering=True,
        OirBase64Container=[
            {"FilNavn": "f-1.xml", "Medietype": "application/xml", "Rolle": "ORIGINAL", "Indhold": b"<x/>"}
        ],
    )
    assert receipt.AcceptStruktur["AccepteretUdenBemærkninger"] is True
    assert lending_client.service.Ping(HovedOplysninger=hoved()).HovedOplysningerSvar.TransaktionsId == "t-1"
    outcomes = [row.outcome for row in ArchivedMessage.select()]
    assert outcomes == ["ok"] * 8


def exchange(port: int, *pieces: bytes, pause: float = 0) -> bytes:
    """Write to a socket, read till the server closes."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        return talk(connection, *pieces, pause=pause)


def talk(connection: socket.socket, *pieces: bytes, pause: float = 0) -> bytes:
    """The same over a connection that is there."""
    for piece in pieces:
        connection.sendall(piece)
        time.sleep(pause)
    return b"".join(iter(lambda: connection.recv(65536), b""))


def head(*lines: str) -> bytes:
    fields = ["Host: 127.0.0.1", "Content-Type: text/xml", "Connection: close", *lines]
    return "\r\n".join([f"POST {PATH} HTTP/1.1", *fields, "", ""]).encode()


def test_sockets(running: Running):
    """Chunked, slow, ambiguous and oversize bodies, replays at once; one server, to save its start."""
    addressing = Addressing(
        action=f"http://www.kombit.dk/2017/01/01/{NAME}Service_1#AfsendFakturaInformationSvar",
        message_id=f"urn:uuid:{uuid.uuid4()}",
        to=ENTITY_ID,
    )
    data = running.pki.caller.signer.sign(svar(), addressing, now=SystemClock().now())
    half = len(data) // 2
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (data[:half], data[half:], b""))
    answered = exchange(running.port, head("Transfer-Encoding: chunked"), chunks)
    assert answered.startswith(b"HTTP/1.1 200 OK")

    again = running.pki.caller.signer.sign(
        svar(), replace(addressing, message_id=f"urn:uuid:{uuid.uuid4()}"), now=SystemClock().now()
    )
    length = head(f"Content-Length: {len(again)}")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: exchange(running.port, length, again), range(16)))
    assert sorted(answer[9:12] for answer in answers) == [b"200"] + [b"500"] * 15
    assert sum(b"STO-020" in answer for answer in answers) == 15

    both = exchange(running.port, head("Content-Length: 5", "Transfer-Encoding: chunked"), chunks)
    assert both.startswith(b"HTTP/1.1 400")

    oversize = exchange(running.port, head("Content-Length: 99999999"))
    assert oversize.startswith(b"HTTP/1.1 413")
    assert b"SOA-005" in oversize

    endless = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"  # no length announced, over the limit in its 16th chunk
    unannounced = exchange(running.port, head("Transfer-Encoding: chunked"), *[endless] * 16)
    assert unannounced.startswith(b"HTTP/1.1 413")
    assert b"SOA-005" in unannounced

    broken = exchange(running.port, head("Transfer-Encoding: chunked"), b"zz\r\nabc\r\n")
    assert broken.startswith(b"HTTP/1.1 400")
    assert b"SOA-006" in broken

    start = time.monotonic()
    slow = exchange(running.port, head("Content-Length: 100"), *[b"x"] * 2, pause=0.2)
    assert slow.startswith(b"HTTP/1.1 408")
    assert FAULT_NS.encode() in slow
    assert time.monotonic() - start < 8


def test_nobody_keeps_a_thread(running: Running):
    """Callers who never end their header, and callers who never read their answers, more than threads."""
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nX-A: ")
            while not stop.wait(0.2):
                connection.sendall(b"a")

    def never_read(connection: socket.socket) -> None:
        request = f"GET {PATH}?wsdl HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        with suppress(OSError):
            while not stop.is_set():
                connection.sendall(request)

    for behave in (drip, never_read):
        callers = [socket.create_connection(("127.0.0.1", running.port), 10) for _ in range(16)]
        threads = [threading.Thread(target=behave, args=(caller,)) for caller in callers]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        asked = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        assert exchange(running.port, asked).startswith(b"HTTP/1.1 200")
        stop.set()
        for caller in callers:
            caller.close()
        for thread in threads:
            thread.join()
        stop.clear()


def test_nobody_stops_the_server_by_keeping_connections_open(running: Running):
    """gunicorn would wait two seconds for each in the thread that accepts: 64 of them are two minutes."""
    callers = [socket.create_connection(("127.0.0.1", running.port), 10) for _ in range(64)]
    for caller in callers:
        caller.sendall(b"GET /health HTTP/1.0\r\n\r\n")
    for caller in callers:
        assert caller.recv(65536).startswith(b"HTTP/1.0 200")
    start = time.monotonic()
    asked = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert exchange(running.port, asked).startswith(b"HTTP/1.1 200")
    assert time.monotonic() - start < 5
    for caller in callers:
        caller.close()
