"""What became of a file's vouchers, counted and told, on each engine."""

from __future__ import annotations

import pytest

from opus_soap.interfaces.postings_in.outcomes import Outcome, outcome_of, outcomes, told
from opus_soap.ledger.models import ParkedVoucher
from opus_soap.ledger.parking import dismiss, set_right
from opus_soap.store.models import PostingFile
from tests.interfaces.postings_in.conftest import DEBIT, document, request


@pytest.fixture
def file(deliver, sender, clock) -> PostingFile:
    """Of four vouchers one is booked, one waits, one was dismissed, one refused."""
    sender.release_above = {"KR": 0}
    sender.save()
    file = deliver(
        request(
            document(),
            document(RECEIV_DOC="2", DOC_TYPE="KR"),
            document(RECEIV_DOC="3", DOC_TYPE="KR"),
            document(RECEIV_DOC="4", lines=[DEBIT]),
        )
    )
    parked = ParkedVoucher.get(ParkedVoucher.reference == "3")
    set_right("999", "anna", "", limit_ore=100_000, actor="test", clock=clock)
    dismiss(parked.uuid, user="anna", actor="test", reason="dobbelt", clock=clock)
    return file


def test_counted(file):
    outcome = outcome_of(file)
    assert outcome == Outcome(received=4, booked=1, parked=1, dismissed=1, refused=1)
    assert outcome.danish == "4 bilag, 1 bogført, 1 parkeret, 1 forkastet, 1 afvist"
    assert outcome.state(file) == "waits"
    assert outcomes([]) == {}


def test_told(file):
    said = {number: [sentence.code for sentence in sentences] for number, sentences in told(file)}
    assert said["10000000"] == ["305", ""]
    assert said["2"] == ["305", "306", ""]
    assert said["3"] == ["305", ""]
    assert "PIN-441" in said["4"]
    assert [number for number, _ in told(file, refused_only=True)] == ["4"]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome(2, booked=2), "booked"),
        (Outcome(2, refused=2), "refused"),
        (Outcome(2, booked=1, refused=1), "partly booked"),
        (Outcome(2, dismissed=2), "dismissed"),
        (Outcome(2, dismissed=1, refused=1), "refused"),
        (Outcome(2, parked=1, refused=1), "waits"),
    ],
)
def test_states(outcome, state):
    assert outcome.state(PostingFile(state=PostingFile.BOOKED)) == state
    assert outcome.state(PostingFile(state=PostingFile.UNDER_WAY)) == "under way"
