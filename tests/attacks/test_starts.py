"""Every recipe changes a message that is valid, and changes one thing: or it would prove nothing.

What is changed after signing: the signed message before it verifies. What is signed wrongly: one field of the
forge is not that of a good message, and with that field good the message verifies.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, replace

import pytest

from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.errors import WssError
from opus_soap.wss.saml import TokenTrust
from opus_soap.wss.verification import Verifier
from tests.attacks.recipes import ATTACKS, NOT_IN_TOKEN_MODEL, Attack
from tests.attacks.token_recipes import TOKEN_ATTACKS
from tests.wss.forge import AUDIENCE, NOW, STS, Forge, to_bytes, token_model, world

NOT_OF_A_MESSAGE = frozenset({"empty message", "not XML", "not an envelope"})
# what takes two: a whole window of time, an element and the reference to it, somebody else's token and key
OF_TWO_FIELDS: dict[str, set[str]] = {
    "a part of the Body signed instead of the Body": {"before", "ids"},
    "Timestamp: expired": {"created", "expires"},
    "Timestamp: not yet valid": {"created", "expires"},
    "FaultTo to somebody else, signed": {"before", "ids"},
    "ReplyTo unsigned, to somebody else": {"ids", "after"},
    "token signed by its ID, the reference to it not signed": {"within", "ids"},
    "self-issued, showing the issuer's certificate": {"sts", "before"},
    "assertion's own signature: of a part": {"within", "own"},
    "stolen token, signed with the thief's key": {"signer", "claims"},
}
VERIFIER = Verifier(
    TrustStore(issuers=world().trusted), tokens=TokenTrust({STS: [world().certificates["sts"].certificate]})
)


def changes(forge: Forge) -> set[str]:
    """The fields that are not those of a good message."""
    good = {
        field.name: field.default if field.default_factory is MISSING else field.default_factory()
        for field in fields(Forge)
    }
    return {name for name, value in good.items() if getattr(forge, name) != value}


@pytest.fixture
def forged(monkeypatch) -> list[tuple[Forge, bytes]]:
    """Every forge that made a message, and the message before `after` changed it."""
    made: list[tuple[Forge, bytes]] = []
    tree = Forge.tree

    def recording(forge: Forge):
        def after(root) -> None:
            made.append((forge, to_bytes(root)))
            forge.after(root)

        return tree(replace(forge, after=after))

    monkeypatch.setattr(Forge, "tree", recording)
    return made


def check_start(attack: Attack, forged: list[tuple[Forge, bytes]]) -> None:
    """The one message that an attack was made of is valid, or one thing was wrong when it was signed."""
    data = attack.make()
    if attack.name in NOT_OF_A_MESSAGE:
        assert not forged
        return
    [(forge, start)] = forged
    changed = changes(forge)
    if changed <= {"after"}:
        assert data != start
        VERIFIER.verify(start, now=NOW, profile=lambda _: "kombit", audience=AUDIENCE)
    else:
        assert len(changed) == 1 or changed == OF_TWO_FIELDS.get(attack.name), changed


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_of_a_valid_message(attack: Attack, forged):
    check_start(attack, forged)


@pytest.mark.parametrize(
    "attack",
    [*(attack for attack in ATTACKS if attack.name not in NOT_IN_TOKEN_MODEL), *TOKEN_ATTACKS],
    ids=lambda attack: attack.name,
)
def test_of_a_valid_message_with_a_token(attack: Attack, forged):
    with token_model():
        check_start(attack, forged)


@pytest.mark.parametrize(
    "how",
    [
        {"signer": "expired", "ids": ()},
        {"after": lambda root: None},
        {"signer": "expired", "after": lambda root: root.clear()},
    ],
    ids=["two at once", "nothing", "not valid before"],
)
def test_canary_what_shows_nothing_is_caught(how, forged):
    with pytest.raises(AssertionError):
        check_start(Attack("no recipe", Forge(**how), WssError), forged)
