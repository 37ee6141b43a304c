"""Other people's stacks call in the Context model: over the server's own TLS, and nothing is signed.

Each client ends with 0 for an answer, 3 for a fault, and with neither when there is no reply.
"""

from __future__ import annotations

import pytest

from tests.interop.peers import CONTEXT_PEERS

TEXT = "Blåbærgrød på Ærø"
PING, POST = ("ping",), ("post", "100.00")
# what is sent, how the client ends, what it says, and for the table
MESSAGES = {
    "ping": (PING, 0, "TransaktionsId ", "answered"),
    "post": (POST, 0, "PosteringskvitteringResultat Modtaget", "booked"),
    "refused": (("post", "100.001"), 3, "fault SOA-012", "SOA-012"),
    "nobody": ((*POST, "none"), 3, "fault SOA-020", "SOA-020"),
}
# what TLS says of such a certificate; these keep it to themselves, and tell that nothing comes
CUT = "broken pipe"
UNKNOWN_CA = {"php": "couldn't load from 'https", "gsoap": "end of file or no input"}


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("peer", CONTEXT_PEERS, ids=lambda peer: peer.folder)
def test_a_peer_calls_by_its_tls_certificate(peer, message, client, context_opus):
    calling = client(peer, context_opus)
    arguments, status, expected, outcome = MESSAGES[message]
    before = context_opus.vouchers()
    done = calling(context_opus, *arguments)
    said = done.stdout + done.stderr
    assert done.returncode == status, said
    assert expected in done.stdout, said
    assert context_opus.vouchers()[len(before) :] == ([TEXT] if message == "post" else [])
    calling.note("context", "", message, outcome)


@pytest.mark.parametrize("peer", CONTEXT_PEERS, ids=lambda peer: peer.folder)
def test_a_certificate_of_an_untrusted_ca_ends_in_tls(peer, client, context_opus):
    calling = client(peer, context_opus)
    before = context_opus.archived()
    done = calling(context_opus, *POST, "unknown-ca")
    said = done.stdout + done.stderr
    assert done.returncode not in (0, 3), said
    told = said.lower().replace("_", " ")
    # Java may still be writing when the server has ended it, and is told of the alert no more
    assert UNKNOWN_CA.get(peer.folder, "unknown ca") in told or (peer.folder == "java" and CUT in told), said
    assert context_opus.archived() == before
    calling.note("context", "", "untrusted", "TLS ends")
