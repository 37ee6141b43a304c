"""The WSGI application: limits, contracts, health, and every refusal as a signed fault.

This is the one place in the server where any exception is caught: what the house did not foresee
becomes a fault that says nothing but a correlation id, and a log entry that says the rest.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

import structlog

from opus_soap.clock import Clock
from opus_soap.database import Unavailable, connected, transaction
from opus_soap.errors import (
    ContractFileUnknown,
    DatabaseFailed,
    FileStoreFailed,
    InternalFailure,
    MethodNotAllowed,
    OpusSoapError,
    PathUnknown,
    ServerBusy,
)
from opus_soap.keys import MessageVerifier
from opus_soap.settings import Settings
from opus_soap.soap import limits
from opus_soap.soap.access_log import ASKED, access
from opus_soap.soap.answers import Answer, FileBody
from opus_soap.soap.callers import Callers
from opus_soap.soap.client_certificates import ClientCertificates, networks
from opus_soap.soap.exchange import Exchange
from opus_soap.soap.faults import Fault, fault_element, fault_for, http_status
from opus_soap.soap.guard import FAULT_ACTION, Guard, claimed_message_id
from opus_soap.soap.security_models import security_models
from opus_soap.soap.service import SoapService
from opus_soap.store import content, replay
from opus_soap.wss.errors import WssError
from opus_soap.wss.names import SOAP12
from opus_soap.wss.signing import Signing
from opus_soap.wss.unsigned import write_unsigned

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

log = structlog.get_logger("opus_soap.soap")

RETRY_AFTER_SECONDS = 5
HEALTH_SECONDS = 2
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
_REASONS = {
    200: "OK",
    206: "Partial Content",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
AtWork = Callable[[], AbstractContextManager[None]]


class Resource(Protocol):
    """What an interface offers over HTTP beside its SOAP services."""

    @property
    def prefix(self) -> str:
        """What its paths begin with."""

    @property
    def methods(self) -> Sequence[str]:
        """What it answers."""

    def answer(self, environ: dict[str, Any], path: str, method: str, at_work: AtWork) -> Answer:
        """Answer a request; `at_work` is a turn at the processor, with a database connection.

        With the first turn ends its place among the requests: what then waits for its caller, to read or to
        write, is bounded by the resource. Raises what `fault_for` knows.
        """


class SoapFront:
    """The server's WSGI application over the services that the interfaces bring.

    At most `max_pending_requests` are listened to at a time, whoever comes then gets a Busy fault; of
    them at most `working` are verified and answered at a time, the others wait for their turn.

    Raises `SettingsInvalid` when a service would take no security model.
    """

    def __init__(
        self,
        services: Sequence[SoapService],
        settings: Settings,
        clock: Clock,
        verifier: MessageVerifier,
        signer: Signing,
        *,
        resources: Sequence[Resource] = (),
        working: int | None = None,
    ) -> None:
        self._resources = resources
        self._services = {service.path: service for service in services}
        self._settings = settings
        self._clock = clock
        self._certificates = ClientCertificates(
            settings.client_certificate_header, networks(settings.client_certificate_proxies)
        )
        models = security_models(settings, [service.name for service in services])
        callers = Callers(verifier, models, limits.of_messages(settings))
        self._guard = Guard(clock, callers, signer, settings.max_unknown_sender_bytes, settings.public_url)
        self._health_lock, self._health_until, self._healthy = threading.Lock(), 0.0, False
        self._slots = threading.BoundedSemaphore(settings.max_pending_requests)
        self._turns = threading.BoundedSemaphore(working or settings.max_pending_requests)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one HTTP request; never raises."""
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        exchange = Exchange(endpoint=path if path in self._services else "", now=self._clock.now())
        resource = next((some for some in self._resources if path.startswith(some.prefix)), None)
        if resource is not None:
            exchange.endpoint = resource.prefix
            status, media_type, body = self._ask(resource, environ, exchange, path, method)
            if isinstance(body, FileBody):
                body.about = {"correlation_id": str(exchange.correlation_id), **environ.get(ASKED, {})}
        elif method in ("GET", "HEAD"):
            status, media_type, body = self._get(environ, exchange, path)
        else:
            status, media_type, body = self._post(environ, exchange, path, method)
        exchange.status = status
        access.info(
            "request",
            method=method if method.isalpha() else "?",
            endpoint=exchange.endpoint or ("/health" if path == "/health" else "?"),
            status=status,
            outcome=exchange.outcome,
            correlation_id=str(exchange.correlation_id),
            system=str(exchange.system.uuid) if exchange.system else None,
            bytes_in=len(exchange.request or b""),
            bytes_out=len(body),
            ms=exchange.timings.parts,
            **environ.get(ASKED, {}),
        )
        headers = [("Content-Type", media_type), ("Content-Length", str(len(body)))]
        if isinstance(body, FileBody):
            headers += body.headers
        if status == 503:
            headers.append(("Retry-After", str(RETRY_AFTER_SECONDS)))
        if status == 401:
            headers.append(("WWW-Authenticate", "Bearer"))
        if status in (400, 401, 403, 404, 405, 408, 413, 415, 503):
            headers.append(("Connection", "close"))  # the body may not have been read to its end
            if method not in ("GET", "HEAD"):
                limits.discard_body(environ)
        if status == 405:
            headers.append(("Allow", ", ".join(resource.methods if resource else ("GET", "POST"))))
        start_response(f"{status} {_REASONS[status]}", headers)
        if method == "HEAD" and isinstance(body, FileBody):
            body.close()
        if method == "HEAD":
            return []
        return body if isinstance(body, FileBody) else [body]

    # --- what is not SOAP

    def _ask(
        self, resource: Resource, environ: dict[str, Any], exchange: Exchange, path: str, method: str
    ) -> Answer:
        place = ExitStack()
        try:
            if not self._slots.acquire(blocking=False):
                raise ServerBusy
            place.callback(self._slots.release)
            if method not in resource.methods:
                raise MethodNotAllowed(value=method[:20], expected=", ".join(resource.methods))
            return resource.answer(environ, path, method, partial(self._at_work, exchange, place))
        except OpusSoapError as error:
            return self._tell(exchange, fault_for(error))
        except Unavailable:
            log.exception("database", correlation_id=str(exchange.correlation_id))
            return self._tell(exchange, fault_for(DatabaseFailed()))
        except Exception:
            log.exception("unexpected", correlation_id=str(exchange.correlation_id))
            return self._tell(exchange, fault_for(InternalFailure()))
        finally:
            place.close()

    @contextmanager
    def _at_work(self, exchange: Exchange, place: ExitStack) -> Iterator[None]:
        with place, self._turn(exchange), connected():
            yield

    def _tell(self, exchange: Exchange, fault: Fault) -> Answer:
        exchange.outcome = fault.code
        lines = (f"{fault.code}  {fault.danish}", fault.english, fault.remedy_danish, fault.remedy_english)
        text = "\n".join([*lines, f"id: {exchange.correlation_id}", ""])
        return fault.over_http or fault.status, "text/plain; charset=utf-8", text.encode()

    # --- GET

    def _get(self, environ: dict[str, Any], exchange: Exchange, path: str) -> Answer:
        if path == "/health":
            return self._health()
        if path == "/":
            return 200, "text/plain; charset=utf-8", self._index(environ)
        try:
            return 200, limits.MEDIA_TYPE, self._contract_file(environ, path)
        except OpusSoapError as error:
            return self._tell(exchange, fault_for(error))

    def _index(self, environ: dict[str, Any]) -> bytes:
        """What is here, for people who look with a browser."""
        lines = [
            f"{service.name}\n  {self._address(environ, service.path)}?wsdl"
            for service in self._services.values()
        ]
        lines += [
            f"{', '.join(resource.methods)}\n  {self._address(environ, resource.prefix)}"
            for resource in self._resources
        ]
        return "\n".join(["opus-soap", "", *lines, "", "/health", ""]).encode()

    def _contract_file(self, environ: dict[str, Any], path: str) -> bytes:
        service = self._services.get(path)
        if service is None:
            raise PathUnknown
        kind, _, name = environ.get("QUERY_STRING", "").partition("=")
        if kind.lower() not in ("wsdl", "xsd"):
            raise ContractFileUnknown(element=service.name)
        return service.contract.serve(unquote(name), self._address(environ, service.path))

    def _address(self, environ: dict[str, Any], path: str) -> str:
        """Where the caller finds what is at a path: the public URL, or what the request was sent to."""
        base = self._settings.public_url.rstrip("/")
        if not base:
            host = environ.get("HTTP_HOST", "")
            if not _HOST.fullmatch(host):
                host = f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
            base = f"{environ['wsgi.url_scheme']}://{host}"
        return f"{base}{path}"

    def _health(self) -> Answer:
        """Whether the database takes a write; asked at most once in `HEALTH_SECONDS`, by whoever comes."""
        with self._health_lock:
            if time.monotonic() >= self._health_until:
                self._healthy = self._takes_a_write()
                self._health_until = time.monotonic() + HEALTH_SECONDS
        if not self._healthy:
            return 503, "application/json", json.dumps({"status": "database unavailable"}).encode()
        return 200, "application/json", json.dumps({"status": "ok"}).encode()

    def _takes_a_write(self) -> bool:
        try:
            with connected():
                replay.note_health(self._clock.now())
        except Exception:
            log.exception("health")
            return False
        return True

    # --- POST

    def _post(self, environ: dict[str, Any], exchange: Exchange, path: str, method: str) -> Answer:
        taken = self._slots.acquire(blocking=False)
        try:
            answer = self._answer(environ, exchange, path, method, busy=not taken)
            return self._refuse(exchange, answer) if isinstance(answer, Fault) else answer
        finally:
            if taken:
                self._slots.release()

    def _answer(
        self, environ: dict[str, Any], exchange: Exchange, path: str, method: str, *, busy: bool
    ) -> Answer | Fault:
        """The answer, or why there is none: then what was made of the message is let go of when this ends."""
        try:
            if busy:
                raise ServerBusy
            if method != "POST":
                raise MethodNotAllowed(value=method[:20], expected="POST")
            service = self._services.get(path)
            if service is None:
                raise PathUnknown
            exchange.request = b""  # what is refused by its headers is archived too, with no body
            with exchange.timings.part("read"):
                if limits.is_soap_12(environ):
                    exchange.soap_namespace = SOAP12
                limits.check_headers(environ, self._settings.max_request_bytes, limits.SOAP_TYPES)
                data = exchange.request = limits.read_body(
                    environ, self._settings.max_request_bytes, self._settings.read_timeout_seconds
                )
            exchange.now = self._clock.now()  # a body may take its time, in which a message grows old
            soap_action = limits.soap_action(environ)
            with self._turn(exchange), connected():
                shown = partial(self._certificates.of, environ)
                reply = self._guard.answer(exchange, service, data, soap_action, shown)
            return 200, limits.answer_type(exchange.soap_namespace), reply
        except (OpusSoapError, WssError) as error:
            return fault_for(error)
        except Unavailable:
            log.exception("database", correlation_id=str(exchange.correlation_id))
            return fault_for(DatabaseFailed())
        except Exception:
            log.exception("unexpected", correlation_id=str(exchange.correlation_id))
            return fault_for(InternalFailure())

    @contextmanager
    def _turn(self, exchange: Exchange) -> Iterator[None]:
        """A turn at the processor and the database; `ServerBusy` when none comes in time."""
        with exchange.timings.part("wait"):
            taken = self._turns.acquire(timeout=self._settings.read_timeout_seconds)
        if not taken:
            raise ServerBusy
        try:
            yield
        finally:
            self._turns.release()

    def _refuse(self, exchange: Exchange, fault: Fault) -> Answer:
        """The signed fault; the message and the fault go into the archive in a transaction of their own.

        Not when it is the database that failed, or the caller would wait for it twice.
        """
        soap = exchange.soap_namespace
        exchange.outcome, exchange.status = fault.code, http_status(fault, soap)
        element = fault_element(fault, exchange.correlation_id, soap)
        try:
            if exchange.request is not None and not exchange.message_id:
                exchange.message_id = claimed_message_id(exchange.request)
            with exchange.timings.part("sign"):
                reply = self._guard.reply(element, FAULT_ACTION, exchange)
        except Exception:
            log.exception("fault not signed", correlation_id=str(exchange.correlation_id))
            reply = write_unsigned(element, soap_namespace=soap)
        try:
            if fault.code != DatabaseFailed.code and exchange.request is not None:
                self._archive(exchange, reply)
        except Exception:
            log.exception("refusal not archived", correlation_id=str(exchange.correlation_id))
        return exchange.status, limits.answer_type(soap), reply

    def _archive(self, exchange: Exchange, reply: bytes) -> None:
        try:
            with connected(), transaction():
                self._guard.record(exchange, reply)
        except FileStoreFailed as failed:  # then what needs no file: of a large message its hash
            log.error(
                "refused message not kept", correlation_id=str(exchange.correlation_id), reason=str(failed)
            )
            with connected(), transaction():
                self._guard.record(exchange, reply, most_bytes=content.LARGE)
