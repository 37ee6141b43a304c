"""A file of postings in a watched folder, and the process that deals with it killed again and again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from lxml import etree

from opus_soap.ledger.models import Voucher
from opus_soap.ledger.verification import verify
from opus_soap.store.models import PostingDocument, PostingFile, PostingSender
from tests.interfaces.postings_in.conftest import NAME, document, request

VOUCHERS, KILLS, EARLY_KILLS = 6000, 10, 3  # the early ones come before anything is booked, or not
LONGEST_SECONDS = 60


def position() -> int:
    """How far the file has come."""
    file = PostingFile.get_or_none()
    return file.position if file is not None else 0


def wait_for_progress(process: subprocess.Popen[bytes], before: int) -> None:
    """Until another batch is in the books, or the process has ended."""
    until = time.monotonic() + LONGEST_SECONDS
    while position() <= before and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.slow
def test_whenever_it_is_killed_each_voucher_is_booked_once(database, database_url, sender, tmp_path):
    root = tmp_path / "senders"
    environment = {
        **os.environ,
        "OPUS_SOAP_DATABASE_URL": database_url,
        "OPUS_SOAP_POSTINGS_FOLDER": str(root),
        "OPUS_SOAP_FILES_FOLDER": str(tmp_path / "files"),
        "OPUS_SOAP_POSTINGS_SETTLE_SECONDS": "0",
    }
    command = [sys.executable, "-m", "opus_soap", "postings", "watch", "--once"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    data = request(*[document(RECEIV_DOC=str(number)) for number in range(VOUCHERS)])
    (root / "KY01/request" / NAME).write_bytes(data)
    os.utime(root / "KY01/request" / NAME, (1, 1))
    chance, positions = random.Random(7), set[int]()
    for kill in range(KILLS):
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if kill >= EARLY_KILLS:
            wait_for_progress(process, position())
        time.sleep(chance.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        positions.add(position())
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert positions - {0, VOUCHERS}, "killed on the way, not only before and after"
    assert (Voucher.select().count(), PostingDocument.select().count()) == (VOUCHERS, VOUCHERS)
    receipt = etree.parse(root / "KY01/response" / NAME)
    numbers = [node.text for node in receipt.iter("MESSAGE_NUM")]
    assert numbers == ["200", "201", "202", "204", "002", *["305"] * VOUCHERS]
    assert [path.name for path in (root / "KY01/archive").iterdir()] == [NAME]
    assert list((root / "KY01/request").iterdir()) == []
    assert verify().ok


@pytest.fixture
def sender(company):
    """KY01, who may post anything."""
    return PostingSender.create(municipality="999", sender_id="KY01", short="KY01", name="Kommunernes Ydelse")
