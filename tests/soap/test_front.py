"""What a message gets: an answer, or a signed fault with a stable code; and what is kept of it."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
import time
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog
from lxml import etree
from peewee import OperationalError
from structlog.testing import capture_logs

from opus_soap.clock import ManualClock
from opus_soap.database import proxy
from opus_soap.encoded import Base64
from opus_soap.errors import LedgerError
from opus_soap.soap import results
from opus_soap.soap.access_log import Unfailing, configure_logging
from opus_soap.soap.contracts import ROOT
from opus_soap.soap.faults import FAULT_NS
from opus_soap.soap.models import KOMBIT_NS, KONTEKST_NS
from opus_soap.store import archive, content
from opus_soap.store.files import FileStore
from opus_soap.store.models import ArchivedMessage, AuditEntry, Content, ReplayEntry
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.errors import CertificateUntrusted, MessageExpired, SignatureWrong
from opus_soap.wss.names import SOAP11, SOAP12, WSA
from opus_soap.wss.signing import Signer
from tests.soap.conftest import (
    ACTION,
    ENTITY_ID,
    NAME,
    PATH,
    House,
    Identity,
    Pki,
    accept,
    agreement,
    build_front,
    issue,
    ping,
    svar,
    unsigned,
)

SVAR = ACTION + "AfsendFakturaInformationSvar"


def archived() -> list[tuple[str, str, str | None]]:
    rows = ArchivedMessage.select().order_by(ArchivedMessage.id)
    return [(row.direction, row.outcome, row.municipality) for row in rows]


def test_an_answer_is_signed_valid_and_kept(any_house: House):
    message = svar()
    sent = any_house.sign(message)
    reply = any_house.post(sent, action=SVAR)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
    verified = any_house.verified(reply)
    assert verified.action == SVAR + "Response"
    assert verified.to == f"{WSA}/anonymous"
    answer = verified.body[0]
    assert answer.tag == f"{{{KOMBIT_NS}}}AfsendFakturaInformationSvar_O"
    assert answer.findtext(f".//{{{KONTEKST_NS}}}TransaktionsTid") == "2026-11-23T12:00:00.1234567+01:00"
    assert archived() == [("in", "ok", "751"), ("out", "ok", "751")]
    kept = [row.content.data for row in ArchivedMessage.select().order_by(ArchivedMessage.id)]
    assert [bytes(data) for data in kept] == [sent, reply.body]
    assert len({row.correlation_id for row in ArchivedMessage.select()}) == 1
    assert ReplayEntry.select().count() == 1


@pytest.mark.parametrize("action", ["", SVAR])
def test_an_empty_soapaction_dispatches_on_the_body(house: House, action: str):
    assert house.post(house.sign(svar()), action=action).status == 200


def test_no_soapaction_header_at_all_dispatches_on_the_body(house: House):
    data = house.sign(svar())
    assert house.post(data, HTTP_SOAPACTION="").status == 200


def test_ping_answers(house: House):
    reply = house.post(house.sign(ping(), action=ACTION + "Ping"), action=ACTION + "Ping")
    assert house.verified(reply).body[0].tag == f"{{{KOMBIT_NS}}}Ping_O"


def test_the_basic_profile_needs_no_addressing(house: House, pki: Pki):
    basic = Identity(pki.stranger.key, pki.stranger.certificate)
    agreement(basic, "php", [NAME], profile="basic")
    data = house.sign(svar(), basic, action=None, to=None, message_id=None, profile="basic")  # type: ignore[arg-type]
    reply = house.post(data)
    assert reply.status == 200
    assert house.post(data).code == "STO-020"  # by the hash of its SignedInfo


def test_to_may_be_the_address_or_the_entity_id(house: House):
    assert house.post(house.sign(svar(), to=f"https://exttest.serviceplatformen.dk{PATH}")).status == 200
    assert house.post(house.sign(svar(), to=None)).status == 200


def tampered(data: bytes) -> bytes:
    changed = data.replace(b"Varen er ikke modtaget", b"Varen er nu modtaget!!")
    assert changed != data
    return changed


def refused(house: House, data: bytes, **how: Any) -> tuple[str, int]:
    """The code and status of a refusal whose fault is signed, related and complete."""
    before = ReplayEntry.select().count()
    reply = house.post(data, **how)
    relates_to = house.last_message_id if house.last_message_id.encode() in data else f"{WSA}/unspecified"
    verified = house.verified(reply, relates_to or f"{WSA}/unspecified")
    assert verified.action == f"{WSA}/fault"
    fault = verified.body[0]
    assert fault.tag == f"{{{SOAP11}}}Fault"
    prefix, _ = fault.findtext("faultcode", "").split(":")
    assert reply.root.find(f".//{{{SOAP11}}}Fault").nsmap[prefix]
    ours = fault.find(f"detail/{{{FAULT_NS}}}OpusSoapFejl")
    assert ours is not None
    etree.XMLSchema(file=str(ROOT / "common/fejl/OpusSoapFejl.xsd")).assertValid(ours)
    assert {node.get("sprog") for node in ours.iter(f"{{{FAULT_NS}}}Tekst")} == {"da", "en"}
    assert b"Traceback" not in reply.body
    assert b".py" not in reply.body
    assert ReplayEntry.select().count() == before, "a refused message may be sent again"
    return reply.code, reply.status


def test_unsigned(house: House):
    """In the words that Serviceplatformen has for it."""
    reply = house.post(unsigned(svar()))
    assert (reply.code, reply.status) == ("SOA-020", 500)
    assert "[KombitToken, X509, AuthorityContext]" in reply.text("faultstring")


def test_tampered(house: House):
    assert refused(house, tampered(house.sign(svar()))) == (SignatureWrong.code, 500)


def test_expired(house: House):
    data = house.sign(svar())
    house.clock.advance(timedelta(minutes=11))
    assert refused(house, data) == (MessageExpired.code, 500)


def test_replayed(any_house: House):
    data = any_house.sign(svar())
    assert any_house.post(data).status == 200
    assert refused(any_house, data) == ("STO-020", 500)


def test_replayed_to_another_worker_and_after_a_restart(any_house: House, pki: Pki, clock: ManualClock):
    data = any_house.sign(svar())
    assert any_house.post(data).status == 200
    any_house.front, _ = build_front(pki, clock)
    assert refused(any_house, data) == ("STO-020", 500)


def test_a_refused_message_may_be_sent_again(any_house: House):
    def fail(ctx: Any, besked: Any) -> Any:
        raise RuntimeError("the database went away")

    data = any_house.sign(svar())
    any_house.set_behaviour(fail)
    assert refused(any_house, data) == ("SOA-016", 500)
    any_house.set_behaviour(accept)
    assert any_house.post(data).status == 200


def test_unknown_certificate(house: House, pki: Pki):
    assert refused(house, house.sign(svar(), pki.stranger)) == ("STO-010", 500)


def test_known_certificate_without_right_to_the_service(any_house: House, pki: Pki):
    assert refused(any_house, any_house.sign(svar(), pki.limited)) == ("STO-014", 500)
    assert archived() == [("in", "STO-014", "751"), ("out", "STO-014", "751")]


def test_certificate_of_another_ca(house: House):
    data = house.sign(svar(), issue("evil", issue("Other CA")))
    assert refused(house, data) == (CertificateUntrusted.code, 500)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<soap:Envelope", "WSS-001"),
        (b"not xml at all", "WSS-001"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "WSS-003"),
        (b"<a><!-- hidden --></a>", "WSS-003"),
        (b'<?xml version="1.0" encoding="utf-16"?><a/>', "WSS-004"),
        ("<a>ø</a>".encode("latin-1"), "WSS-001"),
        (b"<a/>", "WSS-010"),
    ],
)
def test_malformed_and_forbidden_xml(house: House, data: bytes, code: str):
    assert refused(house, data) == (code, 500)


def test_wrong_schema_names_the_element_and_never_the_value(house: House):
    message = svar()
    node = message.find(f".//{{{KOMBIT_NS}}}FakturaInformationBehandlingResultat")
    assert node is not None
    node.text = "0101701234"
    data = house.sign(message)
    assert refused(house, data) == ("SOA-012", 500)
    reply = house.post(data)
    assert reply.text(f"{{{FAULT_NS}}}Element") == (
        "FakturaInformationBehandling/FakturaInformationBehandlingResultat"
    )
    assert b"0101701234" not in reply.body


@pytest.mark.parametrize("xsi", ['xsi:nil="true"', 'xsi:type="k:KontaktType"'])
def test_xsi_attributes_do_not_get_through(house: House, xsi: str):
    text = etree.tostring(svar(), encoding="unicode")
    text = text.replace(
        "<k:FakturaInformationBehandling>",
        f'<k:FakturaInformationBehandling xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" {xsi}>',
    )
    assert refused(house, house.sign(etree.fromstring(text))) == ("SOA-012", 500)


def test_an_unknown_operation_is_named(house: House):
    body = etree.Element(f"{{{KOMBIT_NS}}}SletAlt_I")
    assert refused(house, house.sign(body, action="x")) == ("SOA-011", 500)


def test_a_cpr_number_as_an_element_name_is_masked(house: House):
    body = etree.Element(f"{{{KOMBIT_NS}}}cpr-010170-1234")
    reply = house.post(house.sign(body, action="x"))
    assert reply.code == "SOA-011"
    assert b"010170-1234" not in reply.body


def test_soapaction_and_wsa_action_must_name_the_body(house: House):
    assert refused(house, house.sign(svar()), action=ACTION + "Ping") == ("SOA-010", 500)
    assert refused(house, house.sign(svar(), action=ACTION + "Ping")) == ("SOA-010", 500)


def test_a_message_to_another_service_is_refused(house: House):
    data = house.sign(svar(), to="http://oir.serviceplatformen.dk/service/noget/1")
    assert refused(house, data) == ("SOA-013", 500)


@pytest.mark.parametrize("to", ["http://[oops", "http://[::1", "//[", "http://[v9.x]]/"])
def test_an_addressee_that_is_no_address_is_refused(house: House, to: str):
    assert refused(house, house.sign(svar(), to=to)) == ("SOA-013", 500)


def test_an_endless_message_id_is_refused(house: House):
    data = house.sign(svar(), message_id="urn:x:" + "9" * 300)
    house.last_message_id = ""
    assert house.post(data).code == "SOA-019"


def test_soap_12_is_refused(house: House):
    addressing = Addressing(action=SVAR, message_id=f"urn:uuid:{uuid4()}", to=None, relates_to=None)
    data = house.pki.caller.signer.sign(svar(), addressing, now=house.clock.now(), soap_namespace=SOAP12)
    house.last_message_id = str(addressing.message_id)
    assert house.post(data).code == "SOA-018"


def test_a_value_that_no_calendar_knows(house: House):
    """A year of five digits is a legal xs:dateTime."""
    message = svar()
    node = message.find(f".//{{{KOMBIT_NS}}}FakturaInformationBehandlingDatoTid")
    assert node is not None
    node.text = "12026-11-23T12:00:00Z"
    assert refused(house, house.sign(message)) == ("SOA-014", 500)


@pytest.mark.parametrize(
    ("how", "code", "status"),
    [
        ({"CONTENT_TYPE": "application/json"}, "SOA-003", 415),
        ({"CONTENT_TYPE": 'multipart/related; boundary="x"; type="text/xml"'}, "SOA-003", 415),
        ({"CONTENT_TYPE": "text/xml; charset=utf-16"}, "SOA-003", 415),
        ({"CONTENT_TYPE": ""}, "SOA-003", 415),
        ({"HTTP_CONTENT_ENCODING": "gzip"}, "SOA-004", 415),
        ({"CONTENT_LENGTH": "200001"}, "SOA-005", 413),
        ({"CONTENT_LENGTH": "9" * 30}, "SOA-005", 413),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, "SOA-006", 400),
        ({"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "gzip, chunked"}, "SOA-006", 400),
        ({"CONTENT_LENGTH": "5, 5"}, "SOA-006", 400),
        ({"CONTENT_LENGTH": "-1"}, "SOA-006", 400),
        ({"CONTENT_LENGTH": "٥"}, "SOA-006", 400),
        ({"CONTENT_LENGTH": "100000"}, "SOA-006", 400),
        ({"CONTENT_LENGTH": "0"}, "SOA-009", 400),
        ({"CONTENT_LENGTH": ""}, "SOA-009", 400),
        ({"REQUEST_METHOD": "PUT"}, "SOA-001", 405),
        ({"REQUEST_METHOD": "DELETE"}, "SOA-001", 405),
        ({"path": "/service/OIR/Andet/1"}, "SOA-002", 404),
        ({"path": PATH + "/"}, "SOA-002", 404),
    ],
)
def test_what_is_wrong_with_the_request_itself(house: House, how: dict[str, Any], code: str, status: int):
    assert refused(house, unsigned(ping()), **how) == (code, status)


@pytest.mark.parametrize(
    ("how", "code", "status"),
    [
        ({"CONTENT_TYPE": "application/json"}, "SOA-003", 415),
        ({"CONTENT_LENGTH": "200001"}, "SOA-005", 413),
        ({"CONTENT_LENGTH": "5, 5"}, "SOA-006", 400),
        ({"CONTENT_LENGTH": "100000"}, "SOA-006", 400),
    ],
)
def test_what_is_refused_by_its_headers_is_archived_without_a_body(
    any_house: House, how: dict[str, Any], code: str, status: int
):
    reply = any_house.post(unsigned(ping()), **how)
    assert archived() == [("in", code, None), ("out", code, None)]
    came, went = ArchivedMessage.select().order_by(ArchivedMessage.id)
    assert (came.content.size, came.http_status, came.endpoint) == (0, status, PATH)
    assert bytes(went.content.data) == reply.body


@pytest.mark.parametrize("how", [{"path": "/x"}, {"REQUEST_METHOD": "PUT"}])
def test_what_reaches_no_service_is_not_archived(house: House, how: dict[str, Any]):
    house.post(unsigned(ping()), **how)
    assert archived() == []


def test_without_a_length_the_body_is_read_to_its_end_and_no_further(house: House):
    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    assert house.post(house.sign(svar()), **chunked).status == 200
    assert refused(house, b"x" * 200_001, **chunked) == ("SOA-005", 413)


def test_an_unexpected_exception_says_nothing_but_a_correlation_id(any_house: House):
    def fail(ctx: Any, besked: Any) -> Any:
        AuditEntry.create(at=any_house.clock.now(), actor="x", event="effect", subject="x")
        raise ZeroDivisionError("secret 010170-1234")

    any_house.set_behaviour(fail)
    with capture_logs() as logs:
        reply = any_house.post(any_house.sign(svar()))
    assert reply.code == "SOA-016"
    assert b"secret" not in reply.body
    assert b"ZeroDivisionError" not in reply.body
    (entry,) = (log for log in logs if log["event"] == "unexpected")
    assert entry["correlation_id"] == reply.text(f"{{{FAULT_NS}}}KorrelationsId")
    assert AuditEntry.select().count() == 0, "the effect was rolled back"
    assert archived() == [("in", "SOA-016", "751"), ("out", "SOA-016", "751")]


def test_an_error_of_the_house_becomes_its_fault(house: House):
    class Refusal(LedgerError):
        code = "LED-999"
        danish = "Perioden er lukket: {value}"
        english = "The period is closed: {value}"
        remedy_danish = "Vent"
        remedy_english = "Wait"

    def fail(ctx: Any, besked: Any) -> Any:
        raise Refusal(value="010170-1234")

    house.set_behaviour(fail)
    try:
        reply = house.post(house.sign(svar()))
        assert reply.code == "LED-999"
        assert b"010170" not in reply.body
    finally:
        Refusal.code = ""


def test_an_answer_against_the_contract_is_not_sent(house: House):
    def wrong(ctx: Any, besked: Any) -> Any:
        answer = accept(ctx, besked)
        answer.AfvisningStruktur = results.AfvisningStruktur()
        return answer

    house.set_behaviour(wrong)
    assert refused(house, house.sign(svar())) == ("SOA-015", 500)


def test_the_service_knows_who_calls(house: House):
    seen: list[Any] = []

    def look(ctx: Any, besked: Any) -> Any:
        seen.append(ctx.udc)
        return accept(ctx, besked)

    house.set_behaviour(look)
    reply = house.post(house.sign(svar()))
    assert reply.status == 200
    (context,) = seen
    assert (context.municipality, context.system.name) == ("751", "sagssystem")
    assert context.message_id == house.last_message_id
    assert context.now == house.clock.now()
    assert context.correlation_id == ArchivedMessage.select().first().correlation_id


def test_only_what_is_signed_reaches_the_service(house: House):
    """An unsigned header that nobody must understand is dropped before Spyne."""
    seen: list[bytes] = []

    def look(ctx: Any, besked: Any) -> Any:
        seen.append(etree.tostring(ctx.in_document))
        return accept(ctx, besked)

    house.set_behaviour(look)
    data = house.sign(svar())
    wrapped = data.replace(b"<soap:Header>", b'<soap:Header><evil id="x">0</evil>', 1)
    assert wrapped != data
    assert house.post(wrapped).status == 200
    assert b"evil" not in seen[0]


def test_a_nul_is_refused_as_any_other_text_would_be(any_house: House):
    """PostgreSQL takes none: what is refused is still archived."""
    message = any_house.sign(svar())
    for change, code in (
        ({"action": "\0"}, "SOA-010"),
        ({"path": f"{PATH}\0"}, "SOA-002"),
        ({"CONTENT_TYPE": "text/xml; charset=\0"}, "SOA-003"),
    ):
        assert any_house.post(message, **change).code == code
    assert any_house.post(message.replace(b"urn:uuid:", b"urn:\0uid:")).code == "WSS-001"
    assert any_house.post(message, HTTP_USER_AGENT="\0", QUERY_STRING="\0").status == 200


def test_busy_is_a_fault_with_a_hint(sqlite: None, pki: Pki, clock: ManualClock):
    agreement(pki.caller, "sagssystem", [NAME])
    front, choose = build_front(pki, clock, max_pending_requests=1)
    house = House(front, pki, clock, choose)
    inner: list[Any] = []

    def call_again(ctx: Any, besked: Any) -> Any:
        inner.append(house.post(b"<a/>"))
        return accept(ctx, besked)

    choose(call_again)
    assert house.post(house.sign(svar())).status == 200
    assert (inner[0].status, inner[0].code, inner[0].headers["Retry-After"]) == (503, "SOA-008", "5")
    choose(accept)
    assert house.post(house.sign(svar())).status == 200, "the slot is free again"


def test_whoever_gets_no_turn_in_time_is_told_so(sqlite: None, pki: Pki, clock: ManualClock):
    agreement(pki.caller, "sagssystem", [NAME])
    front, choose = build_front(pki, clock, working=1, read_timeout_seconds=1)
    house = House(front, pki, clock, choose)
    inner: list[Any] = []

    def call_again(ctx: Any, besked: Any) -> Any:
        inner.append(house.post(b"<a/>"))
        return accept(ctx, besked)

    choose(call_again)
    assert house.post(house.sign(svar())).status == 200
    assert (inner[0].status, inner[0].code) == (503, "SOA-008")
    choose(accept)
    assert house.post(house.sign(svar())).status == 200, "the turn is free again"


def test_every_request_is_one_log_line_without_personal_data(house: House):
    with capture_logs() as logs:
        house.post(house.sign(svar()), action=SVAR)
        house.post(b"<a>010170-1234</a>")
        house.get("/010170-1234", "cpr=010170-1234")
    assert [(log["endpoint"], log["status"], log["outcome"]) for log in logs] == [
        (PATH, 200, "ok"),
        (PATH, 500, "WSS-010"),
        ("?", 404, "SOA-002"),
    ]
    assert set(logs[0]["ms"]) >= {"read", "verify", "validate", "dispatch", "sign", "commit"}
    assert all(value >= 0 for value in logs[0]["ms"].values())
    assert "010170" not in json.dumps(logs, default=str)


def test_when_the_archive_fails_the_fault_is_still_sent(any_house: House, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("opus_soap.store.archive.record", broken)
    assert refused(any_house, any_house.sign(svar())) == ("SOA-016", 500)
    assert Content.select().count() == 0


def test_nothing_of_a_message_is_held_while_its_fault_is_signed(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    """An exception holds the frames that it came through, and those what was read: many times the message."""
    held = []
    sign = Signer.sign

    def noting(*given: Any, **named: Any) -> bytes:
        held.append(sys.exc_info()[1])
        return sign(*given, **named)

    monkeypatch.setattr(Signer, "sign", noting)
    data = house.sign(svar())
    held.clear()
    assert house.post(data.replace(b"Framework", b"Framewerk")).status == 500
    assert held == [None]


def test_when_nothing_can_be_signed_the_fault_is_sent_unsigned(house: House, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("key")

    data = house.sign(svar())
    monkeypatch.setattr("opus_soap.wss.signing.Signer.sign", broken)
    reply = house.post(data)
    assert (reply.status, reply.code) == (500, "SOA-016")


def test_the_root_lists_the_services(house: House):
    reply = house.get("/")
    assert reply.status == 200
    assert f"https://opus.example.dk{PATH}?wsdl" in reply.body.decode()


def test_health(any_house: House):
    assert any_house.get("/health").status == 200
    assert json.loads(any_house.get("/health").body) == {"status": "ok"}


def test_health_without_a_database(any_house: House, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: Any) -> None:
        raise OSError("gone")

    monkeypatch.setattr("opus_soap.database.proxy.obj.execute_sql", broken)
    reply = any_house.get("/health")
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")


def test_health_asks_whether_a_message_could_be_kept(any_house: House, monkeypatch: pytest.MonkeyPatch):
    def full(*_: Any, **__: Any) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr("opus_soap.store.models.ReplayEntry.insert", full)
    assert any_house.get("/health").status == 503


def test_health_is_asked_of_the_database_now_and_then_alone(house: House, monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    monkeypatch.setattr("opus_soap.store.replay.note_health", lambda now: asked.append(1))
    assert [house.get("/health").status for _ in range(50)] == [200] * 50
    assert len(asked) == 1


def test_a_database_that_is_locked_means_come_again(sqlite_url: str, house: House, monkeypatch):
    """Nothing is kept, so the same message is taken once the lock is gone."""
    data = house.sign(svar())
    monkeypatch.setattr(proxy.obj, "_timeout", 0.2)
    proxy.obj.close()
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        started = time.monotonic()
        with capture_logs():  # the default renderer takes its time for a traceback
            reply = house.post(data)
        assert time.monotonic() - started < 5
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert (reply.status, reply.code, reply.headers["Retry-After"]) == (503, "DBA-005", "5")
    assert b"locked" not in reply.body
    assert house.post(data).status == 200


@pytest.mark.parametrize(
    ("to", "status"),
    [
        (f"https://opus.example.dk{PATH}", 200),
        (f"https://opus.example.dk:443{PATH}/", 200),
        (ENTITY_ID, 200),
        (f"https://test.example.dk{PATH}", 500),
        (f"https://opus.example.dk:8443{PATH}", 500),
        (PATH, 500),
    ],
)
def test_a_message_to_another_house_is_refused_where_the_own_address_is_known(
    sqlite: None, pki: Pki, clock: ManualClock, to: str, status: int
):
    """What was signed for the test system is nothing that production takes."""
    agreement(pki.caller, "sagssystem", [NAME])
    front, choose = build_front(pki, clock, public_url="https://opus.example.dk")
    house = House(front, pki, clock, choose)
    assert house.post(house.sign(svar(), to=to)).status == status


def test_where_files_fail_a_large_message_is_archived_by_its_hash(
    any_house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Its bytes have no place, and nothing of it may be lost but them."""
    (tmp_path / "contents").write_text("in the way")
    monkeypatch.setattr("opus_soap.store.content.folder_of_files", lambda: FileStore(tmp_path / "contents"))
    monkeypatch.setattr(content, "LARGE", 30_000)
    body = svar()
    large = str(Base64(b"xxx" * 20_000))
    body.find("{*}FakturaInformationSvarIdentifikation").text = large
    data = any_house.sign(body)
    assert refused(any_house, data)[0] == "SOA-012"
    assert archived() == [("in", "SOA-012", "751"), ("out", "SOA-012", "751")]
    message, fault = ArchivedMessage.select().order_by(ArchivedMessage.id)
    assert (message.content.sha256, message.content.size) == (content.digest_of(data), len(data))
    assert message.content.purged_at is not None
    assert content.get(fault.content_id)


def test_a_message_that_was_ended_in_favour_of_another_is_dealt_with_once_more(
    any_house: House, monkeypatch: pytest.MonkeyPatch
):
    """Two that hold what the other waits for: PostgreSQL ends one of them, which has had no effect."""
    record, attempts = archive.record, count(1)

    class Collided(Exception):
        sqlstate = "40P01"

    def ended(**given: Any) -> None:
        record(**given)
        if next(attempts) == 2:  # both messages are there
            try:
                raise Collided
            except Collided:
                raise OperationalError("deadlock detected")  # noqa: B904  as the library does

    monkeypatch.setattr(archive, "record", ended)
    reply = any_house.post(any_house.sign(svar()))
    assert reply.status == 200
    assert next(attempts) == 5
    assert archived() == [("in", "ok", "751"), ("out", "ok", "751")]
    assert ReplayEntry.select().count() == 1
    any_house.verified(reply)


def test_strangers_do_not_fill_the_archive(house: House):
    """A large message that nobody we know has signed leaves its hash and size, and no more."""
    garbage = b"<a>" + b"x" * 100_000 + b"</a>"
    house.post(garbage)
    row = ArchivedMessage.get(ArchivedMessage.direction == "in")
    assert row.content.size == len(garbage)
    assert row.content.data is None
    house.post(b"<a/>")
    (_, small) = (
        ArchivedMessage.select().where(ArchivedMessage.direction == "in").order_by(ArchivedMessage.id)
    )
    assert bytes(small.content.data) == b"<a/>"


def test_a_message_that_grows_old_on_its_way_is_too_old(house: House):
    """The clock is looked at when the whole message is there."""

    class Slow(io.BytesIO):
        def read(self, *size: int) -> bytes:
            house.clock.advance(timedelta(minutes=20))
            return super().read(*size)

    message = house.sign(ping(), action=ACTION + "Ping")
    reply = house.post(message, **{"wsgi.input": Slow(message)})
    assert reply.code == MessageExpired.code


def test_a_log_that_cannot_be_written_does_not_lose_the_answer(house: House, tmp_path):
    stream = (tmp_path / "log").open("w")
    configure_logging("INFO")
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(Unfailing(stream)), cache_logger_on_first_use=False
    )
    try:
        stream.close()
        assert house.post(house.sign(ping(), action=ACTION + "Ping")).status == 200
    finally:
        structlog.reset_defaults()
