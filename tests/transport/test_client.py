"""The client against a receiver that answers as a test says, over a real socket."""

from __future__ import annotations

import gzip
import re
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from opus_soap import errors
from opus_soap.database import transaction
from opus_soap.settings import load
from opus_soap.soap.faults import fault_element, fault_for
from opus_soap.soap.models import KOMBIT_NS
from opus_soap.store import agreements
from opus_soap.store.models import ArchivedMessage
from opus_soap.transport.client import Caller
from opus_soap.wss import pki
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.client import KombitTransport
from opus_soap.wss.errors import TokenUnsupported
from opus_soap.wss.issuing import Claims, issue
from opus_soap.wss.names import SOAP11, SOAP12, WSA
from opus_soap.wss.signing import Signer
from tests.conftest import NOON

CONTRACT = "FakturaInformationAfsend"
ACTION = f"{KOMBIT_NS}{CONTRACT}Service_1#PingResponse"
KONTEKST = "http://kombit.dk/xml/schemas/kontekst/2017/01/01/"
MADE = pki.build(pki.example(), now=NOON)


def signer(name: str) -> Signer:
    return Signer(MADE.certificates[name].key, MADE.certificates[name].certificate)


def pong() -> etree._Element:
    body = etree.Element(f"{{{KOMBIT_NS}}}Ping_O")
    header = etree.SubElement(body, f"{{{KONTEKST}}}HovedOplysningerSvar")
    etree.SubElement(header, f"{{{KONTEKST}}}TransaktionsId").text = str(UUID(int=1))
    etree.SubElement(header, f"{{{KONTEKST}}}TransaktionsTid").text = "2026-11-23T12:00:00+01:00"
    return body


def http(status: int, body: bytes, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Receiver:
    """Takes one request a connection and writes the pieces that `answer` makes of it."""

    url: str = ""
    answer: Callable[[bytes], Iterator[bytes] | list[bytes]] = lambda request: []
    requests: list[bytes] = field(default_factory=list)

    def signs(self, body: etree._Element, status: int = 200, **change: object) -> None:
        """Answer with a signed body; `change` says what differs from a right answer."""
        who, profile = signer(str(change.pop("who", "case-system"))), str(change.pop("profile", "kombit"))
        soap = str(change.pop("soap_namespace", SOAP11))

        def answer(request: bytes) -> list[bytes]:
            message_id = etree.fromstring(request).findtext(f".//{{{WSA}}}MessageID")
            facts = {"action": ACTION, "message_id": f"urn:uuid:{uuid4()}", "relates_to": message_id}
            addressing = Addressing(**{**facts, **change})  # type: ignore[arg-type]
            data = who.sign(body, addressing, now=NOON, profile=profile, soap_namespace=soap)
            return [http(status, data)]

        self.answer = answer


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]
        length = 0
        while (line := self.rfile.readline()).strip():
            if found := re.match(rb"content-length: (\d+)", line, re.IGNORECASE):
                length = int(found[1])
        request = self.rfile.read(length)
        receiver.requests.append(request)
        try:
            for piece in receiver.answer(request):
                self.wfile.write(piece)
                self.wfile.flush()
        except OSError:
            return  # the client had enough


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    with Server(("127.0.0.1", 0), Handler) as server:
        server.receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}/")  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.receiver  # type: ignore[attr-defined]
        server.shutdown()


@pytest.fixture
def system(database, receiver):
    """The agreement with that receiver; it signs with the certificate of the case system."""
    made = agreements.register_system(
        uuid=UUID(int=9),
        municipality="999",
        name="Modtager",
        cvr="44444449",
        services=[],
        endpoint_url=receiver.url,
    )
    agreements.add_certificate(made, MADE.certificates["case-system"].certificate.public_bytes(Encoding.PEM))
    return made


@pytest.fixture
def ping(system, clock):
    """Call Ping at the receiver."""
    settings = load(send_timeout_seconds=1, max_reply_bytes=20_000)
    caller = Caller(signer("opus"), settings, clock)
    header = {"TransaktionsId": str(UUID(int=1)), "TransaktionsTid": NOON}

    def call(message=None):
        return caller.call(
            CONTRACT, "Ping", agreements.find_system("Modtager"), message or {"HovedOplysninger": header}
        )

    return call


def outcomes() -> list[tuple[str, str]]:
    return [(row.direction, row.outcome) for row in ArchivedMessage.select().order_by(ArchivedMessage.id)]


def test_a_signed_answer_is_given(ping, receiver):
    receiver.signs(pong())
    assert ping().HovedOplysningerSvar.TransaktionsId == str(UUID(int=1))
    assert outcomes() == [("out", "sent"), ("in", "ok")]


def test_the_same_thread_calls_again(ping, receiver):
    receiver.signs(pong())
    ping()
    ping()
    first, second = receiver.requests
    assert first != second


def test_an_answer_to_another_transaction_is_no_answer(ping, receiver):
    body = pong()
    body[0][0].text = str(UUID(int=2))
    receiver.signs(body)
    with pytest.raises(errors.ReplyUnusable, match="TransaktionsId"):
        ping()


def test_a_plain_peer_is_sent_no_message_id_and_relates_to_nothing(ping, receiver, system):
    type(system).update(profile="basic").execute()
    receiver.signs(pong(), profile="basic", action=None, message_id=None, relates_to=None)
    assert ping()
    assert b"MessageID" not in receiver.requests[0]
    receiver.signs(pong(), profile="basic", action=None, message_id=None, relates_to="urn:uuid:x")
    with pytest.raises(errors.ReplyUnusable):
        ping()


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"who": "stranger"}, "WSS"),
        ({"relates_to": f"urn:uuid:{UUID(int=3)}"}, "WSS"),
        ({"relates_to": None}, "WSS"),
    ],
)
def test_an_answer_that_is_not_the_receivers_to_this_request_is_no_answer(ping, receiver, change, outcome):
    receiver.signs(pong(), **change)
    with pytest.raises(errors.ReplyUnusable) as caught:
        ping()
    assert caught.value.retryable
    assert outcomes()[1][1].startswith(outcome)


def test_an_answer_outside_the_contract_is_no_answer(ping, receiver):
    body = pong()
    etree.SubElement(body, f"{{{KOMBIT_NS}}}Mere")
    receiver.signs(body)
    with pytest.raises(errors.ReplyUnusable):
        ping()


def test_the_answer_of_another_operation_is_no_answer(ping, receiver):
    receiver.signs(etree.fromstring(etree.tostring(pong()).replace(b"Ping_O", b"Ping_I")))
    with pytest.raises(errors.ReplyUnusable):
        ping()


def test_an_answer_with_an_error_status_is_no_answer(ping, receiver):
    receiver.signs(pong(), status=404)
    with pytest.raises(errors.ReplyUnusable, match="404"):
        ping()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no HTTP at all\r\n\r\n",
        http(200, b""),
        http(200, b"<html/>"),
        http(404, b"<html>not here</html>"),
        http(302, b"", Location="/elsewhere"),
        http(200, b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
        http(200, etree.tostring(pong())),
    ],
    ids=["nothing", "noise", "empty", "html", "404", "redirect", "doctype", "unsigned"],
)
def test_anything_else_is_tried_again(ping, receiver, answer):
    receiver.answer = lambda request: [answer]
    with pytest.raises(errors.TransportError) as caught:
        ping()
    assert caught.value.retryable
    assert len(receiver.requests) == 1


def test_a_signed_fault_that_blames_us_is_final(ping, receiver):
    fault = fault_element(fault_for(errors.SystemUnknown(value="010190-1234")), UUID(int=5))
    receiver.signs(fault, status=500)
    with pytest.raises(errors.MessageRefused, match="STO") as caught:
        ping()
    assert not caught.value.retryable
    assert "010190-1234" not in str(caught.value)


def test_a_signed_fault_that_blames_the_receiver_is_tried_again(ping, receiver):
    fault = fault_element(fault_for(errors.ServerBusy()), UUID(int=5))
    receiver.signs(fault, status=500)
    with pytest.raises(errors.ReceiverFailed) as caught:
        ping()
    assert caught.value.retryable


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("17", 17),
        ("Mon, 23 Nov 2026 11:01:00 GMT", 60),
        ("Mon, 23 Nov 2026 10:00:00 GMT", 0),
        ("Mon, 23 Nov 2026 11:01:00 -0000", None),
        ("Mon, 23 Nov 2026 11:01:00 +9999999999999999", None),
        ("soon", None),
        ("-5", None),
        ("9" * 400, None),
    ],
)
def test_a_busy_receiver_says_how_long(ping, receiver, status, after, seconds):
    receiver.answer = lambda request: [http(status, b"busy", Retry_After=after)]
    with pytest.raises(errors.ReceiverBusy) as caught:
        ping()
    assert caught.value.wait_seconds == seconds


def test_a_receiver_that_is_not_there(ping, system):
    type(system).update(endpoint_url="http://127.0.0.1:9/").execute()
    with pytest.raises(errors.ReceiverUnreachable):
        ping()
    assert outcomes() == [("out", "sent"), ("in", "TRA-001")]


def test_silence_ends(ping, receiver):
    def answer(request: bytes) -> Iterator[bytes]:
        time.sleep(3)
        yield b""

    receiver.answer = answer
    with pytest.raises(errors.ReceiverUnreachable):
        ping()


def test_a_trickle_ends(ping, receiver):
    def answer(request: bytes) -> Iterator[bytes]:
        yield http(200, b"x" * 15_000)[:-15_000]
        for _ in range(100):
            time.sleep(0.1)
            yield b"x"

    receiver.answer = answer
    started = time.monotonic()
    with pytest.raises(errors.ReceiverUnreachable, match="slowly"):
        ping()
    assert time.monotonic() - started < 8  # the trickle itself would last ten seconds


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX-A: ", b""])
def test_a_trickling_header_ends(ping, receiver, start):
    def answer(request: bytes) -> Iterator[bytes]:
        yield start
        for _ in range(100):
            time.sleep(0.1)
            yield b"x" if start else b"HTTP/1.1 100 Continue\r\n\r\n"

    receiver.answer = answer
    started = time.monotonic()
    with pytest.raises(errors.ReceiverUnreachable, match="slowly"):
        ping()
    assert time.monotonic() - started < 8


def test_a_flood_ends(ping, receiver):
    taken = []

    def answer(request: bytes) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n"
        while len(taken) < 100_000:
            taken.append(1)
            yield b"x" * 10_000

    receiver.answer = answer
    with pytest.raises(errors.ReplyUnusable, match="too large"):
        ping()
    assert outcomes() == [("out", "sent"), ("in", "TRA-003")]
    assert len(taken) < 100_000


def test_a_packed_answer_is_not_unpacked(ping, receiver):
    bomb = gzip.compress(b"x" * 10_000_000)
    receiver.answer = lambda request: [http(200, bomb, Content_Encoding="gzip")]
    with pytest.raises(errors.ReplyUnusable):
        ping()


def test_a_message_outside_the_contract_is_never_sent(ping, receiver):
    with pytest.raises(errors.MessageInvalid) as caught:
        ping(
            {
                "HovedOplysninger": {
                    "TransaktionsId": "x",
                    "TransaktionsTid": NOON,
                    "AuthorityContext": {"MunicipalityCVR": "010190-1234"},
                }
            }
        )
    assert "010190" not in str(caught.value)
    with pytest.raises(errors.MessageInvalid):
        ping({"HovedOplysninger": {"TransaktionsTid": NOON}})
    with pytest.raises(errors.MessageInvalid, match="XML"):
        ping({"HovedOplysninger": {"TransaktionsId": "a\x07b", "TransaktionsTid": NOON}})
    assert receiver.requests == []


def test_a_stopped_agreement_is_sent_nothing(ping, receiver, system):
    agreements.set_active(system, False)
    with pytest.raises(errors.ReceiverInactive):
        ping()
    agreements.set_active(system, True)
    receiver.signs(pong())
    assert ping()


def test_a_system_without_an_endpoint(ping, system):
    type(system).update(endpoint_url=None).execute()
    with pytest.raises(errors.EndpointMissing):
        ping()


def test_no_call_inside_a_transaction(ping):
    with pytest.raises(AssertionError), transaction():
        ping()


@dataclass
class Sts:
    """Gives the same token, and is told to forget it."""

    forgotten: int = 0

    def token(self, applies_to: str, cvr: str) -> etree._Element:
        own, sts = MADE.certificates["opus"], MADE.certificates["sts"]
        claims = Claims(audience=applies_to, cvr=cvr, holder=own.certificate)
        return issue(claims, issuer="urn:sts", key=sts.key, certificate=sts.certificate, now=NOON)

    def forget(self, applies_to: str, cvr: str) -> None:
        self.forgotten += 1


REFUSALS = [(TokenUnsupported(value="SAML"), 1), (errors.OperationUnknown(element="x", expected="y"), 0)]


@pytest.mark.parametrize(("refusal", "forgotten"), REFUSALS, ids=["security", "something else"])
def test_a_token_that_was_refused_is_not_sent_again(system, receiver, clock, refusal, forgotten):
    agreements.change_system(system, security_model="token")
    receiver.signs(fault_element(fault_for(refusal), uuid4()), 500)
    sts = Sts()
    caller = Caller(signer("opus"), load(send_timeout_seconds=1), clock, sts)
    message = {"HovedOplysninger": {"TransaktionsId": str(UUID(int=1)), "TransaktionsTid": NOON}}
    with pytest.raises(errors.MessageRefused):
        caller.call(CONTRACT, "Ping", agreements.find_system("Modtager"), message)
    assert b"Assertion" in receiver.requests[0]
    assert sts.forgotten == forgotten


@pytest.mark.parametrize(("refusal", "forgotten"), REFUSALS, ids=["security", "something else"])
@pytest.mark.parametrize("soap", [SOAP11, SOAP12])
def test_nor_by_the_client_that_works_by_itself(receiver, soap, refusal, forgotten):
    receiver.signs(fault_element(fault_for(refusal), uuid4(), soap), 500, soap_namespace=soap)
    sts = Sts()
    pinned = [MADE.certificates["case-system"].certificate]
    transport = KombitTransport(signer("opus"), pinned, sts=sts, audience="urn:a", now=lambda: NOON)
    envelope = etree.Element(f"{{{soap}}}Envelope")
    etree.SubElement(etree.SubElement(envelope, f"{{{soap}}}Body"), "{urn:x}Send")
    transport.post_xml(receiver.url, envelope, {"SOAPAction": '"urn:b"'})
    assert sts.forgotten == forgotten


def test_the_body_of_a_redirect_has_its_limit_too(ping, receiver):
    """requests reads it whole, and unpacked, though it is not to follow it."""
    written = []

    def endless(request: bytes) -> Iterator[bytes]:
        yield b"HTTP/1.1 302 Found\r\nLocation: /else\r\nConnection: close\r\n\r\n"
        for _ in range(2000):
            written.append(1)
            yield bytes(10_000)

    receiver.answer = endless
    with pytest.raises(errors.ReplyUnusable, match="too large"):
        ping()
    assert len(written) < 2000
    assert len(receiver.requests) == 1
