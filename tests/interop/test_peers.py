"""Other people's stacks call the running server, signed, and take its replies and faults; not a changed one.

Each client ends with 0 for an answer and 3 for a fault, and with neither when the reply's signature is not
opus-soap's, over this Body, in its place.
"""

from __future__ import annotations

import pytest

from tests.interop.conftest import ALL_FORMS
from tests.interop.liar import LIES, changed
from tests.interop.peers import PEERS

TEXT = "Blåbærgrød på Ærø"
MESSAGES = {"ping": (["ping"], 0), "post": (["post", "100.00"], 0), "refused": (["post", "100.001"], 3)}
SAID = {
    "ping": "TransaktionsId ",
    "post": "PosteringskvitteringResultat Modtaget",
    "refused": "fault SOA-012",
}


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize(("peer", "form"), ALL_FORMS)
def test_a_peer_calls_and_verifies_the_reply(peer, form, message, client, opus):
    calling = client(peer, opus)
    arguments, status = MESSAGES[message]
    before = opus.vouchers()
    done = calling(opus, *arguments, form)
    said = done.stdout + done.stderr
    assert done.returncode == status, said
    assert SAID[message] in done.stdout, said
    assert opus.vouchers()[len(before) :] == ([TEXT] if message == "post" else [])
    outcome = {"ping": "answered; reply verified", "post": "booked; reply verified"}
    calling.note("x509", form, message, outcome.get(message, "SOA-012; fault verified"))


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.folder)
def test_a_peer_does_not_take_a_changed_reply(peer, message, lie, client, opus, liar):
    calling = client(peer, opus)
    arguments, status = MESSAGES[message]
    if lie is changed:  # what is refused below is the lie and not the proxy
        honest = calling(opus, *arguments, url=liar.url)
        assert honest.returncode == status, honest.stdout + honest.stderr
    before = liar.told
    liar.lie = lie
    done = calling(opus, *arguments, url=liar.url)
    assert liar.told == before + 1
    assert done.returncode not in (0, 3), done.stdout + done.stderr
    for form in peer.forms:
        calling.note("x509", form, "lies", "not taken")
