"""One message, sent 64 times at once to two servers of two workers each over one database: it counts once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import requests
from lxml import etree

from opus_soap.errors import MessageReplayed
from opus_soap.soap.faults import FAULT_NS
from opus_soap.store.models import ReplayEntry
from opus_soap.wss.addressing import Addressing
from tests.soap.conftest import ACTION, ENTITY_ID, NAME, PATH, Pki, agreement, ping
from tests.soap.test_over_http import serving, write_keys

AT_ONCE, SERVERS = 64, 2


def code_of(response: requests.Response) -> str:
    return etree.fromstring(response.content).findtext(f".//{{{FAULT_NS}}}Kode", "")


@pytest.mark.parametrize("profile", ["kombit", "basic"])
def test_of_many_at_once_exactly_one_is_accepted(
    database_url: str, database, pki: Pki, tmp_path, profile: str
):
    """With a MessageID, and by what is signed without one."""
    agreement(pki.caller, "sagssystem", [NAME], profile=profile)
    write_keys(tmp_path, pki)
    with_id = profile == "kombit"
    addressing = Addressing(
        action=f"{ACTION}Ping" if with_id else None,
        message_id=f"urn:uuid:{uuid4()}" if with_id else None,
        to=ENTITY_ID if with_id else None,
    )
    data = pki.caller.signer.sign(ping(), addressing, now=datetime.now(UTC), profile=profile)
    with ExitStack() as running:
        ports = [running.enter_context(serving(database_url, tmp_path, seconds=100)) for _ in range(SERVERS)]

        def send(number: int) -> tuple[int, str]:
            for _ in range(20):  # a server that has its hands full says so; that is no answer
                response = requests.post(
                    f"http://127.0.0.1:{ports[number % SERVERS]}{PATH}",
                    data=data,
                    headers={"Content-Type": "text/xml; charset=utf-8"},
                    timeout=120,
                )
                if response.status_code != 503:
                    break
            return response.status_code, code_of(response)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = Counter(pool.map(send, range(AT_ONCE)))
    refused = next(code for status, code in answers if status == 500)
    assert answers == {(200, ""): 1, (500, refused): AT_ONCE - 1}
    assert refused == MessageReplayed.code
    assert ReplayEntry.select().count() == 1
