"""A voucher of many postings: in pieces it is what it is at once, and memory does not grow with it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from opus_soap.extracts import books, manifest, ordering
from opus_soap.ledger.posting import PostingLine, post
from opus_soap.store.extract_models import Extract

MANY = 40_000  # postings
OPTIONS = {
    "posteringer-ud": {},
    "revisorudtraek": {"year": 2026},
}


@pytest.fixture
def long(desk):
    """Post a voucher of so many postings."""

    def make(count: int) -> None:
        lines = [
            PostingLine("52000200", 100 + place, cost_center="1101", text=f"Ydelse {place} & æ")
            for place in range(count - 1)
        ]
        lines.append(PostingLine("90540100", -sum(line.amount_ore for line in lines)))
        post(desk.draft(lines=tuple(lines), reference=str(count)), desk.clock)

    return make


@pytest.mark.parametrize(
    ("conditions", "postings"),
    [([], 15), (["GL_ACCOUNT=90540100"], 3), (["GL_ACCOUNT=90540100", "DOC_TYPE=KR"], 0)],
)
def test_in_pieces_postings_are_what_they_are_at_once(desk, long, monkeypatch, conditions, postings):
    for count in (2, 8, 5):
        long(count)
    extract = desk.run(desk.subscribe(options={"conditions": conditions}))
    told = manifest.read(desk.producer.manifest_of(extract), "m")["totals"]
    assert told["postings"] == postings
    assert told["vouchers"] + told["vouchers_left_out"] == 3
    for piece in (1, 3):
        monkeypatch.setattr(books, "PIECE", piece)
        desk.producer.produce(extract, actor="test")  # compared, byte for byte


@pytest.mark.parametrize("kind", OPTIONS)
def test_memory_does_not_grow_with_a_voucher(desk, database_url, tmp_path, long, kind):
    long(MANY)
    ordered = desk.order(desk.subscribe(kind=kind, options=OPTIONS[kind], delta=False))
    if ordered.state == Extract.REQUESTED:
        ordering.approve(ordered, actor="somebody else", clock=desk.clock)
    command = [sys.executable, "-m", "tests.extracts.peak", database_url, str(tmp_path), ordered.name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    told = manifest.read(desk.producer.manifest_of(Extract.get_by_id(ordered.id)), "m")["totals"]
    assert told["postings"] == MANY
    assert int(done.stdout) < 28 * 1024
