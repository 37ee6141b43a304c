"""One message, sent 64 times at once to two servers of two workers each over one database: it counts once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from uuid import uuid4

import requests
from lxml import etree

from opus_soap.errors import MessageReplayed
from opus_soap.soap.faults import FAULT_NS
from opus_soap.store.models import ReplayEntry
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.issuing import Claims, issue
from tests.soap.conftest import ACTION, CVR, ENTITY_ID, NAME, PATH, STS, Pki, agreement, ping
from tests.soap.test_over_http import serving, write_keys

AT_ONCE, SERVERS = 64, 2


def code_of(response: requests.Response) -> str:
    return etree.fromstring(response.content).findtext(f".//{{{FAULT_NS}}}Kode", "")


def post(port: int, data: bytes) -> tuple[int, str]:
    """Status and code of the answer."""
    for _ in range(20):  # a server that has its hands full says so; that is no answer
        response = requests.post(
            f"http://127.0.0.1:{port}{PATH}",
            data=data,
            headers={"Content-Type": "text/xml; charset=utf-8"},
            timeout=120,
        )
        if response.status_code != 503:
            break
    return response.status_code, code_of(response)


def messages(pki: Pki) -> dict[str, bytes]:
    """With a MessageID; known by what is signed; with a token. And the agreements of their callers."""
    agreement(pki.caller, "sagssystem", [NAME])
    agreement(pki.limited, "php", [NAME], profile="basic")
    agreement(pki.holder, "tokensystem", [NAME], model="token")
    now = datetime.now(UTC)

    def addressed() -> Addressing:
        return Addressing(action=f"{ACTION}Ping", message_id=f"urn:uuid:{uuid4()}", to=ENTITY_ID)

    claims = Claims(audience=ENTITY_ID, cvr=CVR, holder=pki.holder.certificate)
    token = issue(claims, issuer=STS, key=pki.sts.key, certificate=pki.sts.certificate, now=now)
    return {
        "kombit": pki.caller.signer.sign(ping(), addressed(), now=now),
        "basic": pki.limited.signer.sign(ping(), Addressing(), now=now, profile="basic"),
        "token": pki.holder.signer.sign(ping(), addressed(), now=now, token=token),
    }


def test_of_many_at_once_exactly_one_is_accepted(database_url: str, database, pki: Pki, tmp_path):
    """By any worker of any server, and by none after a restart."""
    write_keys(tmp_path, pki)
    sent, refused = messages(pki), (500, MessageReplayed.code)
    how = {"seconds": 100, "sts_entity_id": STS}
    with ExitStack() as running, ThreadPoolExecutor(AT_ONCE) as pool:
        ports = [running.enter_context(serving(database_url, tmp_path, **how)) for _ in range(SERVERS)]
        for name, data in sent.items():
            asked = [pool.submit(post, ports[number % SERVERS], data) for number in range(AT_ONCE)]
            answers = Counter(answer.result() for answer in asked)
            assert answers == {(200, ""): 1, refused: AT_ONCE - 1}, name
    with serving(database_url, tmp_path, **how) as port:
        assert {name: post(port, data) for name, data in sent.items()} == dict.fromkeys(sent, refused)
    assert ReplayEntry.select().count() == len(sent)
