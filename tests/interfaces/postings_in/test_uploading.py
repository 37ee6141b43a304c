"""Files over HTTP: the receipt is the answer, and nobody reaches what is another's."""

from __future__ import annotations

import hashlib
from io import BytesIO

import pytest

from opus_soap.database import proxy
from opus_soap.interfaces.postings_in import booked
from opus_soap.interfaces.postings_in.uploading import PostingUploads
from opus_soap.ledger.models import Voucher
from opus_soap.ledger.seals import create_seal_key, load_seal_key, seal
from opus_soap.settings import Settings
from opus_soap.soap.front import SoapFront
from opus_soap.store import credentials
from opus_soap.store.models import PostingFile, PostingRefusal, PostingSender
from tests.interfaces.postings_in.conftest import NAME, document, request
from tests.soap.bodies import Slow

GOOD = request(document(), document(RECEIV_DOC="2", DOC_TYPE="XX"))
FOREIGN = GOOD.replace(b"KY01</SENDERID", b"XX01</SENDERID")
OF_ONE = 2  # uploads at a time of one sender
PATH = f"/posteringer-ind/KY01/{NAME}"


class Client:
    """Asks the server without a network between."""

    def __init__(self, front: SoapFront, token: str) -> None:
        self.front, self.token = front, token

    def ask(self, method: str, path: str = PATH, body: bytes = b"", **environ: object):
        """Status, headers, body."""
        given = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "CONTENT_TYPE": "application/xml",
            "CONTENT_LENGTH": str(len(body)) if body else "",
            "HTTP_AUTHORIZATION": f"Bearer {self.token}",
            "wsgi.input": BytesIO(body),
            "wsgi.url_scheme": "http",
            **environ,
        }
        seen = []
        answer = b"".join(self.front(given, lambda status, headers: seen.append((status, dict(headers)))))
        (status, headers) = seen[0]
        return int(status[:3]), headers, answer


@pytest.fixture
def client(sender, clock, tmp_path):
    settings = Settings(
        files_folder=tmp_path / "files",
        seal_key_file=tmp_path / "seal.key.pem",
        max_posting_upload_bytes=100_000,
        max_pending_requests=1,
        max_uploads_of_sender=OF_ONE,
        upload_timeout_seconds=1,
    )
    token = credentials.issue_token(sender, "t", actor="t", clock=clock)
    uploads = PostingUploads(settings, clock)
    front = SoapFront([], settings, clock, None, None, resources=[uploads])
    made = Client(front, token)
    made.uploads = uploads
    made.seal_key = settings.seal_key_file
    return made


def test_a_file_is_answered_with_its_receipt_once_and_again(client):
    status, headers, receipt = client.ask("PUT", body=GOOD)
    assert (status, headers["Content-Type"]) == (200, "application/xml")
    assert b"FinancePostingResponse" in receipt
    assert receipt.count(b"<MESSAGE_NUM>305") == 1
    assert client.ask("PUT", body=GOOD)[2] == receipt
    assert client.ask("GET") == (200, headers, receipt)
    assert client.ask("GET", PATH.upper().replace("/POSTERINGER-IND", "/posteringer-ind"))[2] == receipt
    assert (Voucher.select().count(), PostingFile.select().count()) == (1, 1)


def test_a_file_of_unknown_length_is_read_to_its_end(client):
    status, _, _ = client.ask("PUT", body=GOOD, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    assert status == 200


@pytest.mark.parametrize(
    "body", [b"<a/>", b"no xml", GOOD[:-40], GOOD.replace(b"KY01</SENDERID", b"XX01</SENDERID")]
)
def test_a_file_that_is_refused_gets_the_receipt_that_says_so(client, body):
    status, headers, receipt = client.ask("PUT", body=body)
    assert (status, headers["Content-Type"]) == (422, "application/xml")
    assert b"FinancePostingResponse" in receipt
    assert Voucher.select().count() == 0
    assert client.ask("GET")[0] == 404


TOO_MUCH = b" " * 100_001


@pytest.mark.parametrize(
    ("status", "code", "change"),
    [
        (401, "PIN-460", {"HTTP_AUTHORIZATION": ""}),
        (401, "PIN-460", {"HTTP_AUTHORIZATION": "Bearer opus_nothing"}),
        (401, "PIN-460", {"HTTP_AUTHORIZATION": "Basic S1kwMTp4"}),
        (403, "PIN-461", {"path": f"/posteringer-ind/XX01/{NAME}"}),
        (403, "PIN-461", {"path": f"/posteringer-ind/../KY01/{NAME}"}),
        (404, "SOA-002", {"path": "/posteringer-ind/KY01/"}),
        (404, "SOA-002", {"path": f"/posteringer-ind/KY01/x/{NAME}"}),
        (405, "", {"method": "DELETE"}),
        (405, "", {"method": "POST"}),
        (413, "", {"body": TOO_MUCH}),
        (413, "", {"body": TOO_MUCH, "CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}),
        (415, "", {"CONTENT_TYPE": "text/plain"}),
        (415, "", {"CONTENT_TYPE": "application/xml; charset=iso-8859-1"}),
        (415, "", {"HTTP_CONTENT_ENCODING": "gzip"}),
        (400, "", {"body": b""}),
        (400, "", {"CONTENT_LENGTH": str(len(GOOD) + 1)}),
    ],
)
def test_what_is_wrong_has_no_effect_and_is_told(client, status, code, change):
    asked = {"method": "PUT", "body": GOOD, **change}
    found, headers, said = client.ask(asked.pop("method"), **asked)
    assert found == status
    if code:
        assert said.decode().startswith(code)
    assert (status == 401) == ("WWW-Authenticate" in headers)
    assert (status == 405) == (headers.get("Allow") == "GET, HEAD, PUT")
    assert b"Traceback" not in said
    assert client.token.encode() not in said
    assert PostingFile.select().count() == 0


def test_a_revoked_token_and_a_stopped_sender_are_strangers(client, sender, clock):
    credentials.revoke(credentials.of_sender(sender)[0], actor="t", clock=clock)
    assert client.ask("PUT", body=GOOD)[0] == 401
    client.token = credentials.issue_token(sender, "t", actor="t", clock=clock)
    assert client.ask("PUT", body=GOOD)[0] == 200
    PostingSender.update(active=False).execute()
    assert client.ask("GET")[0] == 401


def test_a_receipt_is_its_senders_alone(client, clock):
    assert client.ask("PUT", body=GOOD)[0] == 200
    other = PostingSender.create(municipality="999", sender_id="XX01", short="XX01", name="Andre")
    client.token = credentials.issue_token(other, "t", actor="t", clock=clock)
    assert client.ask("GET")[0] == 403
    assert client.ask("GET", PATH.replace("KY01/", "XX01/", 1))[0] == 404


def test_the_third_receipt_is_for_those_who_agreed_on_it(client, sender):
    place = f"/posteringer-ind/KY01/{booked.name_of(NAME)}"
    assert client.ask("GET", place)[0] == 404
    client.ask("PUT", body=GOOD)
    assert client.ask("GET", place)[0] == 404
    PostingSender.update(booked_receipts=True).execute()
    status, _, third = client.ask("GET", place)
    assert status == 200
    assert b"FinancePostingBooked" in third
    assert b"<STATUS>BOGFOERT</STATUS>" in third


def test_the_third_receipt_waits_for_the_seal_and_the_answer_names_it(
    client, sender, tmp_path, company, clock
):
    PostingSender.update(booked_receipts=True).execute()
    name = booked.name_of(NAME)
    create_seal_key(client.seal_key)
    client.ask("PUT", body=GOOD)
    for _ in range(2):
        status, _, said = client.ask("GET", f"/posteringer-ind/KY01/{name}")
        assert status == 404
        assert f"PIN-462  Der er ingen kvittering for {name}" in said.decode()
    seal(company, load_seal_key(client.seal_key), clock=clock)
    status, _, third = client.ask("GET", f"/posteringer-ind/KY01/{name}")
    assert (status, third.count(b"<SEAL_NO>1</SEAL_NO>")) == (200, 1)


def test_a_refused_file_leaves_a_trace(client):
    client.ask("PUT", body=b"<a/>")
    client.ask("PUT", body=b"<a/>")
    row = PostingRefusal.get()
    assert (row.door, row.name, row.times) == ("http:KY01", NAME, 2)
    assert row.sha256 == hashlib.sha256(b"<a/>").hexdigest()
    assert [code for code, _ in row.errors] == ["PIN-402"]


def test_the_receipt_of_a_refused_file_says_what_it_is_called(client):
    said = client.ask("PUT", body=b"<a/>")[2]
    assert f"<FILE_NAME>{NAME}</FILE_NAME><SEND_DATE>2026-11-23</SEND_DATE>".encode() in said


def test_a_file_that_is_being_sent_takes_no_place_from_other_requests(client):
    """The server listens to one at a time."""
    body = Slow(GOOD, lambda: client.ask("GET")[0])
    assert client.ask("PUT", body=GOOD, **{"wsgi.input": body})[0] == 200
    assert body.seen == [404]
    assert client.ask("GET")[0] == 200  # the place was given back once


def test_a_sender_sends_so_many_at_a_time(client):
    third = Slow(GOOD, lambda: client.ask("PUT", body=GOOD))
    second = Slow(GOOD, lambda: client.ask("PUT", body=GOOD, **{"wsgi.input": third})[0])
    assert client.ask("PUT", body=GOOD, **{"wsgi.input": second})[0] == 200
    assert second.seen == [200]
    ((status, headers, said),) = third.seen
    assert (status, headers["Retry-After"], said[:7]) == (503, "5", b"PIN-474")
    assert client.ask("PUT", body=GOOD)[0] == 200


def test_while_as_many_are_booked_as_may_be_others_have_their_turn(client):
    with client.uploads._turn_to_book():
        status, headers, said = client.ask("PUT", body=GOOD)
        assert (status, headers["Retry-After"], said[:7]) == (503, "5", b"PIN-474")
        assert client.ask("GET")[0] == 404
    assert client.ask("PUT", body=GOOD)[0] == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
@pytest.mark.parametrize(
    ("path", "status"),
    [("KY01/x\0.xml", 404), ("KY01/\0", 404), ("KY01/x\0_BOGFOERT.xml", 404), ("KY01\0/x", 403), ("\0", 403)],
)
def test_no_name_has_a_nul(client, sender, method, path, status):
    """PostgreSQL takes none, not even to look."""
    PostingSender.update(booked_receipts=True).execute()
    assert client.ask(method, f"/posteringer-ind/{path}", body=GOOD)[0] == status
    assert PostingFile.select().count() == 0


@pytest.mark.parametrize("given", [{"HTTP_AUTHORIZATION": "Bearer a\0b"}, {"HTTP_AUTHORIZATION": "\0"}])
def test_no_token_has_a_nul(client, given):
    assert client.ask("GET", **given)[0] == 401


def test_a_query_and_headers_with_a_nul_are_not_looked_at(client):
    given = {"QUERY_STRING": "a=%00&\0", "HTTP_USER_AGENT": "\0", "HTTP_X_REQUEST_ID": "\0"}
    assert client.ask("PUT", body=GOOD, **given)[0] == 200
    assert client.ask("PUT", body=GOOD, CONTENT_TYPE="application/xml; charset=\0")[0] == 415


def test_a_disk_that_is_full_is_told_and_tried_again(client, tmp_path):
    (tmp_path / "files").write_text("in the way")
    status, headers, said = client.ask("PUT", body=GOOD)
    assert (status, headers["Retry-After"]) == (503, "5")
    assert b"STO-042" in said
    (tmp_path / "files").unlink()
    assert client.ask("PUT", body=GOOD)[0] == 200


def test_a_database_that_is_away_is_told(client, monkeypatch):
    monkeypatch.setattr(proxy.obj, "execute_sql", _away)
    assert client.ask("PUT", body=GOOD)[0] == 503


def _away(*_: object, **__: object) -> None:
    from peewee import OperationalError

    raise OperationalError("away")


def test_the_root_names_the_door(client):
    status, _, answer = client.ask("GET", "/", HTTP_HOST="opus.example.dk")
    assert status == 200
    assert b"PUT\n" in answer
    assert b"http://opus.example.dk/posteringer-ind/\n" in answer
