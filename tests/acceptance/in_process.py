"""Both sides of the loop in one process: every message signed, sent, verified and answered, without a port.

Only the wire is replaced: an HTTP adapter hands the bytes to the other side's WSGI application, with
that side's database bound meanwhile. So a test can have a fresh ledger and still take the whole way.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import requests
from requests.adapters import BaseAdapter

from opus_soap.app import services, signer, verifier
from opus_soap.clock import ManualClock
from opus_soap.database import connect, transaction
from opus_soap.interfaces.invoice_approval import sending
from opus_soap.settings import Settings, load
from opus_soap.simulate.answering import Answering
from opus_soap.simulate.behaviours import Choice
from opus_soap.simulate.page import with_page
from opus_soap.simulate.receiving import PATH, Reception, invoice_service
from opus_soap.soap.front import SoapFront
from opus_soap.store import agreements
from opus_soap.store.models import OutboxEntry, RoutingRule, System
from opus_soap.transport.client import Caller
from opus_soap.transport.handlers import Delivery, Handlers
from opus_soap.transport.worker import Worker
from opus_soap.wss import pki
from tests.conftest import DEFINITION, NOON

OPUS_URL, CASE_URL = "http://opus.test", "http://case.test"
CASE_SYSTEM = UUID("c0ffee00-1590-4d00-8000-000000000002")
ANSWER_DELAY = timedelta(seconds=2)
MOST_ROUNDS = 60


@dataclass
class Side:
    """One system: its database, its server, its worker."""

    url: str
    application: Any
    worker: Worker
    database_url: str = ""

    @contextmanager
    def here(self) -> Iterator[None]:
        """This side's database bound."""
        connect(self.database_url)
        yield

    def is_idle(self) -> bool:
        """Whether nothing waits in the outbox."""
        waiting = OutboxEntry.state.in_([OutboxEntry.PENDING, OutboxEntry.LEASED])
        return not OutboxEntry.select().where(waiting).exists()


class Wire(BaseAdapter):
    """From the sender's session into the receiver's application, and back to the sender's database."""

    def __init__(self, sender: Side, receiver: Side) -> None:
        super().__init__()
        self._sender, self._receiver = sender, receiver

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        """One request; a connection that the receiver closes is a `ConnectionError`, as on a network."""
        near, far = socket.socketpair()
        try:
            with self._receiver.here():
                response = respond(self._receiver.application, request, far)
            near.setblocking(False)
            try:
                if near.recv(1) == b"":
                    raise requests.ConnectionError("closed by the receiver")
            except BlockingIOError:
                pass
            return response
        finally:
            near.close()
            far.close()
            connect(self._sender.database_url)

    def close(self) -> None:
        """Nothing is held open."""


def respond(application: Any, request: requests.PreparedRequest, sock: socket.socket) -> requests.Response:
    """What a WSGI application says to a request."""
    parts, body = urlsplit(str(request.url)), request.body or b""
    environ = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.netloc,
        "SERVER_PORT": "80",
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_SOAPACTION": request.headers.get("SOAPAction", ""),
        "wsgi.input": io.BytesIO(body if isinstance(body, bytes) else body.encode()),
        "wsgi.url_scheme": "http",
        "gunicorn.socket": sock,
    }
    response = requests.Response()

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        response.status_code = int(status.split()[0])
        response.headers.update(headers)

    response.raw = io.BytesIO(b"".join(application(environ, start_response)))
    return response


class Loop:
    """The finance system, a simulated case system, and the time that both live in."""

    def __init__(self, keys: Path) -> None:
        pki.create(pki.example(), keys, now=NOON)
        self.clock = ManualClock(NOON)
        self.keys = keys
        self.settings = {name: load(**self._files(name)) for name in ("opus", "case-system")}
        self.opus = self._side("opus", services(self.settings["opus"], self.clock), {})
        self.reception = Reception(Choice(), self.clock, ANSWER_DELAY.total_seconds(), slow_seconds=0.0)
        self.case_system = self._side("case-system", [invoice_service(self.reception)], {})
        self.case_system.application = with_page(self.case_system.application, self.reception)
        sending.register(self.opus.worker.handlers)
        self._joined(self.opus, self.case_system)
        self._joined(self.case_system, self.opus)

    def _files(self, name: str) -> Mapping[str, Any]:
        return {
            "signing_key_file": self.keys / f"{name}.key.pem",
            "signing_certificate_file": self.keys / f"{name}.crt.pem",
            "trusted_ca_file": self.keys / "ca.pem",
            "send_backoff_seconds": 1,
            "send_backoff_max_seconds": 2,
            "send_max_attempts": 3,
        }

    def _side(self, name: str, offered: Any, handlers: Handlers) -> Side:
        settings: Settings = self.settings[name]
        caller = Caller(signer(settings), settings, self.clock)
        return Side(
            OPUS_URL if name == "opus" else CASE_URL,
            SoapFront(offered, settings, self.clock, verifier(settings), signer(settings)),
            Worker(handlers, Delivery(caller, self.clock, settings)),
        )

    @staticmethod
    def _joined(sender: Side, receiver: Side) -> None:
        session = sender.worker.delivery.caller._transport().session
        session.mount(receiver.url, Wire(sender, receiver))

    def start(self, opus_database: str, case_database: str, choice: Choice) -> None:
        """Fresh databases, an agreement each way, every invoice to the case system; leaves ours bound."""
        self.opus.database_url, self.case_system.database_url = opus_database, case_database
        object.__setattr__(self.reception, "choice", choice)
        answering = Answering(OPUS_URL, next_step_seconds=ANSWER_DELAY.total_seconds())
        answering.register(self.case_system.worker.handlers)
        head = DEFINITION["municipality"]
        with self.case_system.here(), transaction():
            opus = agreements.register_system(
                uuid=self.settings["opus"].system_uuid,
                municipality=head["code"],
                name="Opus",
                cvr=head["cvr"],
                services=["FakturaInformationAfsend"],
                endpoint_url=OPUS_URL,
            )
            agreements.add_certificate(opus, (self.keys / "opus.crt.pem").read_bytes())
        with self.opus.here(), transaction():
            system: System = agreements.register_system(
                uuid=CASE_SYSTEM,
                municipality=head["code"],
                name="Sagssystem",
                cvr="44444449",
                services=["FakturaInformationSvarAfsend", "DimensionHent"],
                endpoint_url=f"{CASE_URL}{PATH}",
            )
            agreements.add_certificate(system, (self.keys / "case-system.crt.pem").read_bytes())
            RoutingRule.create(municipality=head["code"], priority=1, system=system)

    def run(self) -> None:
        """Let both workers work until neither has anything left; leaves our database bound."""
        for _ in range(MOST_ROUNDS):
            idle = []
            for side in (self.opus, self.case_system):
                with side.here():
                    side.worker.run_once()
                    idle.append(side.is_idle())
            self.clock.advance(timedelta(seconds=1))
            if all(idle):
                break
        else:
            raise AssertionError("the loop does not come to rest")
        connect(self.opus.database_url)
