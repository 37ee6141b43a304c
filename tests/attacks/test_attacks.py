"""Every recipe is refused with its own reason; the naive verifier proves that they are attacks."""

from __future__ import annotations

import pytest
from lxml import etree

from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.errors import WssError
from opus_soap.wss.verification import Verifier
from tests.attacks.naive import naive_verify
from tests.attacks.recipes import ATTACKS, Attack
from tests.wss.forge import NOW, Forge, world


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    return Verifier(TrustStore(issuers=world().trusted))


def test_the_message_that_all_attacks_start_from_is_valid(verifier: Verifier):
    message = verifier.verify(Forge()(), now=NOW, profile=lambda _: "kombit")
    assert message.body.findtext(".//{urn:test}Amount") == "100"
    assert naive_verify(Forge()()).findtext(".//{urn:test}Amount") == "100"


def test_recipes_have_names_of_their_own():
    names = [attack.name for attack in ATTACKS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_refused(attack: Attack, verifier: Verifier):
    with pytest.raises(WssError) as refusal:
        verifier.verify(attack.make(), now=NOW, profile=lambda _: "kombit")
    assert type(refusal.value) is attack.refused_as, refusal.value


@pytest.mark.parametrize(
    "attack", [attack for attack in ATTACKS if attack.naive], ids=lambda attack: attack.name
)
def test_canary_the_naive_verifier_is_fooled(attack: Attack):
    naive_verify(attack.make())


def test_canary_some_attacks_hand_the_naive_verifier_an_evil_body():
    wrapped = [attack for attack in ATTACKS if attack.naive and "signed Body moved" in attack.name]
    bodies = [etree.tostring(naive_verify(attack.make())) for attack in wrapped]
    assert len(bodies) >= 10
    assert all(b"999999" in body for body in bodies)
