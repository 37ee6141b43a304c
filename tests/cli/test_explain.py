"""`opus-soap explain`, of a file and of what is in the archive: it must agree with the server."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding

from opus_soap.cli.main import main
from opus_soap.store import archive
from opus_soap.store.models import ArchivedMessage, Content, System, SystemCertificate
from opus_soap.wss.addressing import Addressing
from tests.conftest import NOON
from tests.soap.conftest import (
    CVR,
    HEADER,
    NAME,
    PATH,
    PROXY,
    STS,
    agreement,
    house,
    pki,
    sqlite,
    svar,
    unsigned,
)
from tests.soap.test_context import for_authority, through_proxy
from tests.wss.forge import NOW, Forge, to_bytes, world

__all__ = ("house", "pki", "sqlite")  # fixtures


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    path = tmp_path / "ca.pem"
    path.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in world().trusted))
    monkeypatch.setenv("OPUS_SOAP_TRUSTED_CA_FILE", str(path))
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", f"sqlite:///{tmp_path}/none/x.sqlite3")
    return tmp_path


def run(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, ["explain", *arguments])
    assert result.exit_code == status, result.output
    return result.output


def test_a_file(trusted):
    path = trusted / "message.xml"
    path.write_bytes(Forge()())
    said = run(str(path), "--at", NOW.isoformat())
    assert "holds  The signature as a whole, as the server verifies it" in said
    assert "Agreement\n         not looked at: DBA-004" in said
    later = run(str(path), "--at", "2026-11-23T12:00:00Z", status=1)
    assert "FAILS  Timestamp" in later
    assert "→  An old message" in later


def test_without_anybodys_trust_all_else_is_looked_at(trusted, monkeypatch):
    """As in the folder of a client, which has no CA of a server's."""
    monkeypatch.setenv("OPUS_SOAP_TRUSTED_CA_FILE", str(trusted / "none.pem"))
    path = trusted / "message.xml"
    path.write_bytes(Forge()())
    said = run(str(path), "--at", NOW.isoformat())
    assert "Certificate\n" in said
    assert "trust not looked at: CFG-002" in said
    assert "holds  The signature as a whole, whoever made it" in said
    path.write_bytes(Forge()().replace(b"urn:uuid", b"urn:uvid"))
    assert "FAILS  Reference" in run(str(path), "--at", NOW.isoformat(), status=1)


def test_a_time_needs_a_zone(trusted):
    path = trusted / "message.xml"
    path.write_bytes(to_bytes(Forge().tree()))
    assert "has no zone" in run(str(path), "--at", "2026-11-23T12:00:00", status=2)
    assert "is not such as" in run(str(path), "--at", "yesterday", status=2)


@pytest.mark.parametrize("name", ["mesage.xml", "./mesage", "saved/3f0c"])
def test_a_file_that_is_not_there_is_told_as_such(trusted, name):
    assert f"{name} cannot be read or written: there is no such file" in run(name, status=1)
    assert "STO-040" not in run(name, status=1)


def test_a_saved_file_that_is_old_by_now_gets_a_hint(trusted):
    path = trusted / "message.xml"
    path.write_bytes(Forge()())
    said = run(str(path), status=1)
    assert "Only its time fails" in said
    assert f"opus-soap explain {path} --at 2026-11-23T11:00:00Z" in said
    path.write_bytes(Forge()().replace(b"<k:Amount>100<", b"<k:Amount>999<"))
    assert "Only its time fails" not in run(str(path), status=1)


# --- what the archive holds, against the server that answered it


@pytest.fixture
def served(house, pki, sqlite_url, tmp_path, monkeypatch):
    """The settings of the server of `house`."""
    for name, identity in (("ca", pki.ca), ("sts", pki.sts)):
        (tmp_path / f"{name}.pem").write_bytes(identity.certificate.public_bytes(Encoding.PEM))
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("OPUS_SOAP_TRUSTED_CA_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("OPUS_SOAP_STS_ENTITY_ID", STS)
    monkeypatch.setenv("OPUS_SOAP_STS_CERTIFICATE_FILE", str(tmp_path / "sts.pem"))
    monkeypatch.setenv("OPUS_SOAP_CLIENT_CERTIFICATE_HEADER", HEADER)
    monkeypatch.setenv("OPUS_SOAP_CLIENT_CERTIFICATE_PROXIES", PROXY)
    return house


def came() -> str:
    """The number of the message that came last."""
    newest = ArchivedMessage.select().where(ArchivedMessage.direction == "in")
    return str(newest.order_by(ArchivedMessage.id.desc()).first().id)


def failing(said: str) -> list[str]:
    return [line.removeprefix("FAILS  ") for line in said.splitlines() if line.startswith("FAILS")]


def test_what_the_server_took_holds(served):
    reply = served.post(served.sign(svar()))
    assert reply.status == 200
    said = run(came())
    assert said.startswith("holds  The server took it\n")
    assert "system: sagssystem (751" in said
    assert "outcome: ok, HTTP 200" in said
    assert PATH in said
    assert "holds  Certificate in an agreement" in said


def test_the_agreements_profile_is_used_unless_one_is_given(served, pki):
    System.update(profile="basic").where(System.name == "sagssystem").execute()
    assert served.post(served.sign(svar(), profile="basic", message_id=None, to=None)).status == 200
    assert "profile: basic" in run(came())
    assert "WSS-033" in run(came(), "--profile=kombit", status=1)


def test_of_a_refusal_the_servers_words_come_first(served):
    data = served.sign(svar())
    served.clock.advance(timedelta(hours=1))
    reply = served.post(data)
    assert reply.code == "WSS-061"
    said = run(came(), status=1)
    assert said.startswith("FAILS  The server refused it\n")
    assert "outcome: WSS-061, HTTP 500" in said
    assert "Meddelelsen er udløbet" in said
    assert "→  Set the clock, and send a new message" in said
    # the archive has no system, the certificate is in an agreement
    assert "system: not known by then" in said
    assert "agreement: sagssystem" in said


def test_what_only_the_archive_shows_ends_with_1(served):
    data = served.sign(svar())
    assert served.post(data).status == 200
    assert served.post(data).code == "STO-020"
    said = run(came(), status=1)
    assert failing(said) == ["The server refused it"]
    assert "STO-020" in said


def test_a_purged_message_still_has_the_servers_word(served):
    served.post(served.sign(svar()))
    Content.update(data=None, purged_at=served.clock.now() + timedelta(days=9)).execute()
    said = run(came(), status=1)
    assert "The server took it" in said
    assert "STO-001" in said


def test_what_was_too_large_to_be_kept_is_said_to_be(served):
    """And not that it was purged: a stranger's message leaves its hash."""
    served.post(b"<a>" + b"x" * 100_000 + b"</a>")
    said = run(came(), status=1)
    assert "STO-004" in said
    assert "100007 bytes" in said
    assert "OPUS_SOAP_MAX_UNKNOWN_SENDER_BYTES" in said
    assert "purged" not in said


def explained(served, data, code, **environ):
    """What is said of a message, which the server must have refused with a code."""
    assert served.post(data, **environ).code == code
    said = run(came(), status=1)
    assert failing(said)[0] == "The server refused it"
    assert code in said.partition("\nholds")[0]
    return said


def test_a_certificate_that_was_taken_out_of_its_agreement(served, pki):
    taken_out = SystemCertificate.update(revoked_at=served.clock.now())
    taken_out.where(SystemCertificate.subject == "sagssystem").execute()
    said = explained(served, served.sign(svar()), "STO-011")
    assert failing(said)[1:] == ["Certificate in an agreement"]


def test_a_certificate_of_no_agreement(served, pki):
    said = explained(served, served.sign(svar(), pki.stranger), "STO-010")
    assert failing(said)[1:] == ["Certificate in an agreement"]
    assert "agreement: none" in said


def test_a_service_that_is_not_granted(served, pki):
    said = explained(served, served.sign(svar(), pki.limited), "STO-014")
    assert failing(said)[1:] == ["Service granted by the agreement"]


def test_another_model_than_agreed(served, pki):
    said = explained(served, served.sign(svar(), pki.holder), "SOA-021")
    assert failing(said)[1:] == ["Security model, by the agreement"]
    assert "X509; agreed: KombitToken" in said


def test_a_token_for_another_authority(served, pki):
    data = served.sign(svar(), pki.holder, token=served.token(cvr="11111118"))
    said = explained(served, data, "SOA-022")
    assert failing(said)[1:] == ["Authority"]
    assert f"the token is for CVR 11111118; the agreement is for CVR {CVR}" in said


def test_a_model_that_the_service_does_not_take(served, pki, monkeypatch):
    assert served.post(served.sign(svar())).status == 200
    monkeypatch.setenv("OPUS_SOAP_SECURITY_MODELS", "token")
    said = run(came(), status=1)
    assert failing(said) == ["Security model, for the service"]
    assert f"X509; {NAME} takes: KombitToken" in said


def test_each_rule_is_judged_though_another_fails(served, pki):
    agreement(pki.stranger, "alt galt", [], model="context")
    said = explained(served, served.sign(svar(), pki.stranger), "STO-014")
    assert failing(said)[1:] == ["Service granted by the agreement", "Security model, by the agreement"]


def test_an_unsigned_message_tells_whom_it_was_taken_from(served, pki):
    shown = through_proxy(pki.connected)
    assert served.post(unsigned(for_authority(svar())), **shown).status == 200
    assert "taken from: contextsystem (751" in run(came())
    said = explained(served, unsigned(for_authority(svar(), "11111118")), "SOA-025", **shown)
    assert "known by its TLS client certificate as: contextsystem" in said
    assert failing(said)[1:] == ["Authority"]
    said = explained(served, unsigned(for_authority(svar())), "SOA-020")
    assert "by TLS alone" in said


def ours(system: System, direction: str, content: bytes, outcome: str, call: int = 7) -> str:
    """One side of a call of ours, in the archive; returns its number."""
    row = archive.record(
        direction=direction, content=content, correlation_id=UUID(int=call), at=NOON,
        endpoint="https://sag.example.dk/", outcome=outcome, system=system,
    )  # fmt: skip
    return str(row.id)


def test_a_call_of_ours_that_never_arrived(served):
    system = System.get(System.name == "sagssystem")
    went = ours(system, "out", served.sign(svar()), archive.SENT)
    assert "We sent it; of a reply nothing is known" in run(went)
    lost = ours(system, "in", b"", "TRA-001")
    for identifier in (went, lost, str(UUID(int=7))):
        said = run(identifier, status=1)
        assert said.startswith("FAILS  We sent it, and no reply came that can be used\n")
        assert "outcome: TRA-001" in said
        assert "Certificate in an agreement" not in said


def test_a_reply_is_held_against_the_certificates_of_its_sender(served, pki):
    system = System.get(System.name == "sagssystem")
    went = ours(system, "out", served.sign(svar()), archive.SENT)
    ids = {"message_id": "urn:uuid:1", "relates_to": "urn:uuid:2"}
    addressing = Addressing(action="urn:x", to=None, reply_to=None, **ids)
    sign = {"now": served.clock.now(), "profile": "kombit"}
    came_back = ours(system, "in", pki.caller.signer.sign(svar(), addressing, **sign), "ok")
    assert run(came_back).startswith("holds  We believed the reply")
    assert run(went).startswith("holds  We sent it and were answered")
    other = ours(system, "in", pki.stranger.signer.sign(svar(), addressing, **sign), "WSS-050", call=8)
    assert "Certificate" in failing(run(other, status=1))
    System.update(security_model="context").execute()
    assert "TLS vouched" in run(came_back)


def test_a_file_is_held_against_the_agreements_too(served, pki, tmp_path):
    path = tmp_path / "message.xml"
    path.write_bytes(served.sign(svar(), pki.limited))
    said = run(str(path), "--at", served.clock.now().isoformat(), status=1)
    assert failing(said) == ["Service granted by the agreement"]
    assert "Only its time fails" not in run(str(path), status=1)


def test_a_body_that_is_no_request_is_told(served, tmp_path):
    path = tmp_path / "message.xml"
    body = svar()
    body.tag = "{urn:other}Other"
    path.write_bytes(served.sign(body))
    assert "Service" in failing(run(str(path), "--at", served.clock.now().isoformat(), status=1))
