"""Extracts over HTTP: a receiver lists, fetches, goes on after a cut, and confirms; others see nothing."""

from __future__ import annotations

import hashlib
import json
from io import BytesIO

import pytest

from opus_soap.errors import FileEndedEarly, TokenUnknown
from opus_soap.extracts import tokens
from opus_soap.extracts.downloading import Downloads
from opus_soap.settings import Settings
from opus_soap.soap import answers
from opus_soap.soap.access_log import access
from opus_soap.soap.answers import FileBody
from opus_soap.soap.front import SoapFront
from opus_soap.store.extract_models import Extract, ExtractDelivery, ExtractToken
from opus_soap.store.models import AuditEntry
from tests.extracts.doors import Doors
from tests.soap.bodies import Slow

OF_ONE = 2  # downloads at a time of one subscription


class Client:
    """Asks the server without a network between."""

    def __init__(self, doors: Doors) -> None:
        settings = Settings(
            max_pending_requests=1,
            max_pending_downloads=3,
            max_downloads_of_subscription=OF_ONE,
            read_timeout_seconds=5,
        )
        self.downloads = Downloads(doors.deliverer, settings)
        self.front = SoapFront([], settings, doors.clock, None, None, resources=[self.downloads])
        self.token = ""

    def started(self, path: str, method: str = "GET", body: bytes = b"", **headers: str):
        """Status, headers, and the body that has not been read."""
        given = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "CONTENT_TYPE": "text/plain" if body else "",
            "CONTENT_LENGTH": str(len(body)) if body else "",
            "HTTP_AUTHORIZATION": f"Bearer {self.token}",
            "wsgi.input": BytesIO(body),
            "wsgi.url_scheme": "http",
            **headers,
        }
        seen = []
        answer = self.front(given, lambda status, headers: seen.append((status, dict(headers))))
        (status, told) = seen[0]
        return int(status[:3]), told, answer

    def ask(self, path: str, method: str = "GET", body: bytes = b"", **headers: str):
        """Status, headers, body."""
        status, told, answer = self.started(path, method, body, **headers)
        try:
            return status, told, b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()


@pytest.fixture
def doors(company, clock, tmp_path):
    return Doors(tmp_path, clock)


@pytest.fixture
def subscription(doors):
    return doors.subscribe()


@pytest.fixture
def client(doors, subscription, clock):
    made = Client(doors)
    made.token = tokens.issue(subscription, "Modtager A/S", actor="t", clock=clock).token
    return made


@pytest.fixture
def extract(doors, subscription):
    return doors.produced(subscription)


def place(extract: Extract, file: str = "") -> str:
    return f"/udtraek/SUB1/{extract.name}/{file or extract.name + '.txt'}"


def test_what_there_is_is_listed_with_its_manifest(client, doors, extract, subscription):
    doors.ordered(subscription)
    status, headers, answer = client.ask("/udtraek/SUB1/")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    told = json.loads(answer)
    assert (told["subscription"], told["receiver"]) == ("SUB1", "Receiver of SUB1")
    first, second = told["extracts"]
    assert (first["extract"], first["state"]) == (extract.name, "produced")
    assert first["manifest"] == f"{extract.name}.manifest.json"
    assert (second["state"], second["manifest"]) == ("ordered", None)
    assert extract.manifest_sha256 not in answer.decode()  # a receipt is of what was fetched
    assert client.ask("/udtraek/SUB1") == (status, headers, answer)


def test_each_file_comes_whole_with_its_hash(client, doors, extract):
    files = doors.files(extract)
    assert len(files) == 2
    for name, data in files.items():
        status, headers, answer = client.ask(place(extract, name))
        assert (status, answer) == (200, data)
        assert headers["Content-Length"] == str(len(data))
        assert headers["ETag"] == f'"{hashlib.sha256(data).hexdigest()}"'
        assert headers["Accept-Ranges"] == "bytes"
        assert client.ask(place(extract, name), "HEAD") == (200, headers, b"")


SIZE = 700_000


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=600000-", 600_000, SIZE - 1),
        ("bytes=100-299999", 100, 299_999),
        ("bytes=699999-9999999", SIZE - 1, SIZE - 1),
        ("bytes=-10", SIZE - 10, SIZE - 1),
        ("bytes=-9999999", 0, SIZE - 1),
    ],
)
def test_a_cut_download_goes_on(client, doors, extract, asked, first, last):
    data = next(iter(doors.files(extract).values()))
    status, headers, answer = client.ask(place(extract), HTTP_RANGE=asked)
    assert (status, answer) == (206, data[first : last + 1])
    assert headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert headers["Content-Length"] == str(len(answer))
    for etag, wanted in ((headers["ETag"], 206), ('"another"', 200)):
        assert client.ask(place(extract), HTTP_RANGE=asked, HTTP_IF_RANGE=etag)[0] == wanted


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=9-8", "bytes=-0"])
def test_a_range_that_is_not_there_is_told(client, extract, asked):
    status, headers, answer = client.ask(place(extract), HTTP_RANGE=asked)
    assert (status, answer) == (416, b"")
    assert headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,3-4", "bytes=-", "lines=1-2", "bytes=x-1", "bytes=1", "bytes=٣-"]
)
def test_what_is_no_range_gets_the_whole_file(client, extract, asked):
    status, _, answer = client.ask(place(extract), HTTP_RANGE=asked)
    assert (status, len(answer)) == (200, SIZE)


@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Bearer opus_nothing", "Basic S1kwMTp4", "Bearer \udcff", "Bearer \0"]
)
def test_without_a_token_nothing_is_told(client, extract, shown):
    for path in (place(extract), "/udtraek/SUB1/", "/udtraek/NOBODY/"):
        status, headers, said = client.ask(path, HTTP_AUTHORIZATION=shown)
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        assert said.startswith(b"EXT-021")
        assert extract.name.encode() not in said


def test_a_token_is_shown_as_one(client, extract):
    assert client.ask(place(extract), HTTP_AUTHORIZATION=f"bearer  {client.token}")[0] == 200
    assert client.ask(place(extract), HTTP_AUTHORIZATION=f"Basic {client.token}")[0] == 401


def test_a_receipt_for_files_that_are_gone_is_not_taken(client, doors, extract):
    (doors.producer.place(extract) / f"{extract.name}.txt").unlink()
    receipt = place(extract, "kvittering")
    assert client.ask(receipt, "POST", extract.manifest_sha256.encode())[0] == 503
    assert Extract.get().state == Extract.PRODUCED


def test_a_token_is_revoked_for_its_own_subscription(client, doors, clock):
    with pytest.raises(TokenUnknown):
        tokens.revoke(doors.subscribe("SUB2"), ExtractToken.get().id, actor="t", clock=clock)


def test_a_revoked_token_is_nobodys(client, subscription, extract, clock):
    number = ExtractToken.get().id
    tokens.revoke(subscription, number, actor="t", clock=clock)
    tokens.revoke(subscription, number, actor="t", clock=clock)  # the second time changes nothing
    assert client.ask(place(extract))[0] == 401
    with pytest.raises(TokenUnknown):
        tokens.revoke(subscription, number + 1, actor="t", clock=clock)
    events = [row.event for row in AuditEntry.select() if row.event.startswith("extract_token")]
    assert events == ["extract_token.added", "extract_token.revoked"]


def test_a_token_is_kept_as_a_hash_alone(client):
    row = ExtractToken.get()
    assert row.value == hashlib.sha256(client.token.encode()).hexdigest()
    assert client.token not in "".join(str(entry.detail) for entry in AuditEntry.select())


def test_what_is_anothers_looks_as_if_it_were_not_there(client, doors, extract, clock):
    other = doors.subscribe("SUB2")
    theirs = doors.produced(other)
    file = f"{theirs.name}.txt"
    for there, missing in [
        (f"/udtraek/SUB2/{theirs.name}/{file}", f"/udtraek/SUB3/{theirs.name}/{file}"),
        ("/udtraek/SUB2/", "/udtraek/SUB3/"),
        (f"/udtraek/SUB1/{theirs.name}/{file}", f"/udtraek/SUB1/{theirs.name[:-1]}9/{file}"),
        (f"/udtraek/SUB1/{extract.name}/{file}", f"/udtraek/SUB1/{extract.name}/{file[:-5]}9.txt"),
    ]:
        answers = [client.ask(path) for path in (there, missing)]
        assert [answer[0] for answer in answers] == [404, 404]
        assert [answer[2].split()[0] for answer in answers] == [b"EXT-040", b"EXT-040"]


@pytest.mark.parametrize("name", ["../seal.key.pem", "..", "", ".x", "a\0b", "a/b", "kvittering"])
def test_what_the_manifest_does_not_name_is_not_given(client, doors, extract, name):
    (doors.producer.place(extract) / ".x").write_text("kept aside")
    status, _, said = client.ask(f"/udtraek/SUB1/{extract.name}/{name}")
    assert (status, said[:7]) == (404, b"EXT-040")


@pytest.mark.parametrize("path", ["SUB1/a\0b/c", "SUB1/\0", "SUB1/\0/kvittering"])
def test_no_name_has_a_nul(client, path):
    for method, body in (("GET", b""), ("POST", b"0" * 64)):
        status, _, said = client.ask(f"/udtraek/{path}", method, body)
        assert status == 404 if path.endswith("kvittering") or method == "GET" else status in (404, 405)
        assert said[:7] != b"SOA-016"


def test_an_extract_that_is_not_produced_is_not_there_yet(client, doors, subscription):
    extract = doors.ordered(subscription)
    assert client.ask(place(extract))[0] == 404
    assert client.ask(place(extract, "kvittering"), "POST", b"0" * 64)[0] == 404


def test_who_has_fetched_all_confirms_it_once(client, doors, extract):
    receipt = place(extract, "kvittering")
    for _ in range(2):
        status, _, answer = client.ask(receipt, "POST", f"{extract.manifest_sha256}\n".encode())
        assert (status, json.loads(answer)["state"]) == (200, "delivered")
    assert Extract.get().state == Extract.DELIVERED
    (row,) = ExtractDelivery.select()
    assert (row.door, row.outcome, row.files) == ("http:Modtager A/S", "delivered", 2)
    assert row.bytes == sum(map(len, doors.files(extract).values()))
    assert client.ask(place(extract))[0] == 200  # it can be fetched again


def test_a_receipt_that_is_being_written_takes_no_place_from_other_requests(client, extract):
    """The server listens to one at a time."""
    data = extract.manifest_sha256.encode()
    body = Slow(data, lambda: client.ask("/udtraek/SUB1/")[0])
    given = {"wsgi.input": body}
    assert client.ask(place(extract, "kvittering"), "POST", data, **given)[0] == 200
    assert body.seen == [200]
    assert client.ask("/udtraek/SUB1/")[0] == 200  # the place was given back once


@pytest.mark.parametrize("said", [b"0" * 64, b"x", b"\xff", b"\0"])
def test_a_receipt_for_something_else_is_refused(client, extract, said):
    status, _, text = client.ask(place(extract, "kvittering"), "POST", said)
    assert (status, text[:7]) == (422, b"EXT-041")
    assert Extract.get().state == Extract.PRODUCED


def test_receipts_come_in_the_order_of_the_extracts(client, doors, subscription, extract):
    following = doors.produced(subscription)
    sha256 = {row.name: row.manifest_sha256.encode() for row in (extract, following)}
    status, _, text = client.ask(place(following, "kvittering"), "POST", sha256[following.name])
    assert (status, text[:7]) == (422, b"EXT-042")
    assert extract.name.encode() in text
    for row in (extract, following):
        assert client.ask(place(row, "kvittering"), "POST", sha256[row.name])[0] == 200


def test_what_is_put_elsewhere_is_not_confirmed_here(client, doors, extract, tmp_path):
    doors.subscribe(folder=str(tmp_path))
    status, _, text = client.ask(place(extract, "kvittering"), "POST", extract.manifest_sha256.encode())
    assert (status, text[:7]) == (422, b"EXT-043")
    assert Extract.get().state == Extract.PRODUCED


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (405, {"path": "/udtraek/SUB1/"}),
        (405, {"path": "file"}),
        (405, {"method": "PUT"}),
        (413, {"body": b"0" * 1025}),
        (415, {"CONTENT_TYPE": "application/json"}),
        (400, {"body": b""}),
    ],
)
def test_a_receipt_is_small_and_plain(client, extract, status, change):
    asked = {"method": "POST", "body": b"0" * 64, "CONTENT_TYPE": "text/plain", **change}
    path = asked.pop("path", place(extract, "kvittering"))
    path = place(extract) if path == "file" else path
    assert client.ask(path, asked.pop("method"), asked.pop("body"), **asked)[0] == status
    assert Extract.get().state == Extract.PRODUCED


@pytest.mark.parametrize(
    ("hurt", "status", "code"),
    [
        (lambda folder, name: (folder / f"{name}.txt").unlink(), 503, b"EXT-015"),
        (lambda folder, name: (folder / f"{name}.txt").write_bytes(b"short"), 500, b"EXT-013"),
        (lambda folder, name: (folder / f"{name}.manifest.json").write_bytes(b"{}"), 500, b"EXT-013"),
        (lambda folder, name: (folder / f"{name}.manifest.json").unlink(), 503, b"EXT-015"),
    ],
)
def test_files_that_are_hurt_are_not_given(client, doors, extract, hurt, status, code):
    folder = doors.producer.place(extract)
    hurt(folder, extract.name)
    found, _, said = client.ask(place(extract))
    assert (found, said[:7]) == (status, code)
    assert str(doors.folder).encode() not in said


def test_a_file_that_ends_early_cuts_the_connection(client, doors, extract):
    status, _, answer = client.started(place(extract))
    (doors.producer.place(extract) / f"{extract.name}.txt").write_bytes(b"x" * 300_000)
    assert status == 200
    with pytest.raises(FileEndedEarly):
        list(answer)
    answer.close()


@pytest.fixture
def logged(monkeypatch):
    """What the server writes to its log, event by event."""
    events = []
    for log in (access, answers.log):
        monkeypatch.setattr(log, "info", lambda event, **told: events.append((event, told)))
    return events


def test_a_download_has_its_place_until_it_is_over(client, doors, extract, clock):
    other = doors.subscribe("SUB2")
    theirs = doors.produced(other)
    path = f"/udtraek/SUB2/{theirs.name}/{theirs.name}.txt"
    known = {"HTTP_AUTHORIZATION": f"Bearer {tokens.issue(other, 'B', actor='t', clock=clock).token}"}
    mine = [client.started(place(extract))[2] for _ in range(OF_ONE)]
    assert all(isinstance(answer, FileBody) for answer in mine)
    status, headers, said = client.ask(place(extract))
    assert (status, said[:7]) == (503, b"EXT-048")
    assert "Retry-After" in headers
    assert "2 hentninger i gang for abonnementet SUB1" in said.decode()
    assert client.ask(place(extract), "HEAD")[0] == 503
    receipt = place(extract, "kvittering"), "POST", extract.manifest_sha256.encode()
    assert client.ask(*receipt)[0] == 503  # whoever writes it slowly has a place too
    # nobody else is kept out by them
    assert client.ask("/udtraek/SUB1/")[0] == 200
    _, _, another = client.started(path, **known)
    status, _, said = client.ask(path, **known)  # there are three in all
    assert (status, said[:7]) == (503, b"EXT-048")
    assert "3 hentninger i gang i alt" in said.decode()
    next(iter(mine[0]))
    assert client.ask(place(extract))[0] == 503
    for answer in (*mine, another):
        answer.close()
        answer.close()  # its place is given back once
    assert client.ask(*receipt)[0] == 200
    for _ in range(2):
        mine = [client.started(place(extract))[2] for _ in range(OF_ONE)]
        assert client.ask(place(extract))[0] == 503
        for answer in mine:
            answer.close()


def test_what_is_refused_gives_its_place_back(client, doors, extract):
    name, folder = extract.name, doors.producer.place(extract)
    (folder / f"{name}.txt").rename(folder / "aside")
    for _ in range(OF_ONE + 1):
        assert client.ask(place(extract))[0] == 503
        assert client.ask(place(extract, "no such file"))[0] == 404
        assert client.ask(place(extract, "kvittering"), "POST", b"0" * 64)[0] == 422
    (folder / "aside").rename(folder / f"{name}.txt")
    for _ in range(OF_ONE + 1):
        assert client.ask(place(extract), HTTP_RANGE=f"bytes={SIZE}-")[0] == 416
        assert client.ask(place(extract), "HEAD")[0] == 200
    assert client.ask(place(extract))[0] == 200


def test_the_log_tells_who_fetched_what(client, extract, logged):
    client.ask(place(extract))
    told = {"subscription": "SUB1", "token": ExtractToken.get().id, "extract": extract.name}
    [(event, line)] = logged
    assert event == "request"
    assert line.items() >= {**told, "file": f"{extract.name}.txt", "status": 200, "bytes_out": SIZE}.items()
    logged.clear()
    client.ask(place(extract, "\u202ename of theirs"))  # what there is not is not repeated
    [(_, line)] = logged
    assert line.items() >= {**told, "outcome": "EXT-040"}.items()
    assert "file" not in line
    logged.clear()
    client.ask(place(extract), HTTP_AUTHORIZATION="Bearer opus_nothing")
    assert "subscription" not in logged[0][1]


def test_the_log_tells_of_a_download_that_is_cut(client, extract, logged):
    _, _, answer = client.started(place(extract))
    pieces = iter(answer)
    first = next(pieces)
    next(pieces)  # the connection has taken the one before
    answer.close()
    answer.close()
    (_, line), (event, told) = logged
    assert event == "download cut"
    assert told == {
        "correlation_id": line["correlation_id"],
        "subscription": "SUB1",
        "token": ExtractToken.get().id,
        "extract": extract.name,
        "file": f"{extract.name}.txt",
        "sent": len(first),
        "length": SIZE,
    }
