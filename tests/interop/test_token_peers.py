"""Other people's stacks call with tokens, and take replies and faults; not a changed one.

The clients are those of the X.509 model, given a token; a running STS has made it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.interop.liar import LIES, changed, honest
from tests.interop.peers import TOKEN_PEERS

TEXT = "Blåbærgrød på Ærø"


@dataclass(frozen=True)
class Message:
    """What is sent with which token, how the client ends and what it says."""

    arguments: tuple[str, ...]
    token: str
    status: int
    said: str
    changed: bool = False

    @property
    def outcome(self) -> str:
        """For the table."""
        if self.status:
            return f"{self.said.removeprefix('fault ')}; fault verified"
        return f"{'booked' if 'post' in self.arguments else 'answered'}; reply verified"


PING, POST = ("ping",), ("post", "100.00")
MESSAGES = {
    "ping": Message(PING, "good", 0, "TransaktionsId "),
    "post": Message(POST, "good", 0, "PosteringskvitteringResultat Modtaget"),
    "expired": Message(POST, "expired", 3, "fault WSS-045"),
    "another-sts": Message(POST, "another-sts", 3, "fault WSS-044"),
    "another-service": Message(POST, "another-service", 3, "fault WSS-046"),
    "changed": Message(POST, "good", 3, "fault WSS-034", changed=True),
}


@pytest.fixture
def calling(client, peer, token_opus, token_files, token_liar):
    """The peer's client, given a message."""
    made = client(peer, token_opus)

    def call(message):
        token_liar.lie_to_us = changed if message.changed else honest
        return made(token_opus, *message.arguments, token_files[message.token], url=token_liar.url)

    call.note = lambda column, outcome: made.note("token", "", column, outcome)
    return call


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("peer", TOKEN_PEERS, ids=lambda peer: peer.folder)
def test_a_peer_calls_with_a_token_and_verifies_the_reply(peer, name, calling, token_opus):
    message = MESSAGES[name]
    before = token_opus.vouchers()
    done = calling(message)
    said = done.stdout + done.stderr
    assert done.returncode == message.status, said
    assert message.said in done.stdout, said
    assert token_opus.vouchers()[len(before) :] == ([TEXT] if name == "post" else [])
    calling.note(name, message.outcome)


# the wrapped ones of an answer and of a fault: each takes a stack seconds, and all faults are made alike
LIED = [(name, lie) for name in MESSAGES for lie in LIES if lie is changed or name in ("ping", "expired")]


@pytest.mark.parametrize(
    ("name", "lie"), [pytest.param(*one, id=f"{one[0]}-{one[1].__name__}") for one in LIED]
)
@pytest.mark.parametrize("peer", TOKEN_PEERS, ids=lambda peer: peer.folder)
def test_a_peer_does_not_take_a_changed_reply_to_a_token(peer, name, lie, calling, token_liar):
    before = token_liar.told
    token_liar.lie = lie
    done = calling(MESSAGES[name])
    assert token_liar.told == before + 1
    assert done.returncode not in (0, 3), done.stdout + done.stderr
    calling.note("lies", "not taken")
