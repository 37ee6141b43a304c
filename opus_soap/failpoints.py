"""Named points of the way of a file, at which a test lets the process die as in a power cut.

Nothing happens at them unless OPUS_SOAP_TEST_FAILPOINT names one: `NAME`, or `NAME:n` for its n-th pass.
`tests/faults` dies at each of them, and sees that nothing is lost and nothing is there twice.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "OPUS_SOAP_TEST_FAILPOINT"
# in the order in which a file comes by
NAMES = (
    "folders.claiming",
    "folders.claimed",
    "files.written",
    "files.renamed",
    "files.synced",
    "postings_in.stored",
    "postings_in.surveyed",
    "postings_in.file_made",
    "postings_in.file_committed",
    "postings_in.batch_begun",
    "postings_in.vouchers_posted",
    "postings_in.batch_booked",
    "postings_in.position_saved",
    "postings_in.batch_committed",
    "postings_in.receipt_stored",
    "postings_in.finish_saved",
    "postings_in.finish_committed",
    "folders.refused",
    "folders.written",
    "folders.receipt_renamed",
    "folders.receipt_synced",
    "folders.moving",
    "folders.moved",
)
# in the order in which an extract comes by
EXTRACTS = (
    "extracts.ordered",
    "extracts.written",
    "extracts.renamed",
    "extracts.noted",
    "extracts.copied",
    "extracts.handed_over",
    "extracts.receipt_noted",
)
_chosen, _left = "", 0


def choose(text: str) -> None:
    """Die at `NAME` or `NAME:n` from now on; at nothing when it is empty."""
    global _chosen, _left
    name, _, passes = text.partition(":")
    assert not name or name in (*NAMES, *EXTRACTS), f"{VARIABLE}: there is no {name}"
    _chosen, _left = name, int(passes or 1)


def failpoint(name: str) -> None:
    """Die here, if a test says so."""
    if name == _chosen:
        _pass()


def _pass() -> None:
    global _left
    _left -= 1
    if not _left:
        os.kill(os.getpid(), signal.SIGKILL)  # nothing is tidied up: no `finally`, no buffer is written


choose(os.environ.get(VARIABLE, ""))
