"""Every recipe is refused with its own reason; the naive verifier proves that they are attacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import cache

import pytest
from lxml import etree

from opus_soap.wss import engine
from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.crl import RevocationLists
from opus_soap.wss.errors import ReplyAddressRefused, WssError
from opus_soap.wss.parsing import ParseLimits
from opus_soap.wss.revocation import Revocation
from opus_soap.wss.saml import TokenTrust
from opus_soap.wss.unsigned import read_unsigned
from opus_soap.wss.verification import VerificationPolicy, VerifiedMessage, Verifier
from tests.attacks.context_recipes import CONTEXT_ATTACKS, HARMLESS_IN_CONTEXT, VALID
from tests.attacks.faults import CPR, FAULTS, check_fault
from tests.attacks.naive import naive_read, naive_verify, naive_verify_token
from tests.attacks.recipes import ATTACKS, HARMLESS, IN_TOKEN_MODEL, NOT_IN_TOKEN_MODEL, Attack, Harmless
from tests.attacks.token_recipes import HARMLESS_OF_TOKENS, TOKEN_ATTACKS
from tests.wss.forge import (
    AUDIENCE,
    CVR,
    LIFT_FROM,
    LONG,
    NOW,
    STS,
    Forge,
    OwnSignature,
    attached,
    token_model,
    world,
)


@cache
def _verifier(lift_from: int) -> Verifier:
    tokens = TokenTrust({STS: [world().certificates["sts"].certificate]})
    revocation = Revocation((RevocationLists(tuple(world().revocation_lists.values())),))
    trust = TrustStore(issuers=world().trusted, revocation=revocation)
    return Verifier(trust, VerificationPolicy(lift_from=lift_from), tokens=tokens)


@pytest.fixture(params=["direct", "stock", "lifted"], autouse=True)
def way(request, monkeypatch) -> Iterator[str]:
    """signxml as it is, without its copies, and with a text lifted: each attack gets the same refusal."""
    monkeypatch.setattr(engine, "DIRECT", request.param != "stock")
    with attached() if request.param == "lifted" else nullcontext():
        yield request.param


@pytest.fixture
def verifier(way: str) -> Verifier:
    return _verifier(LIFT_FROM if way == "lifted" else 0)


def test_a_text_is_lifted_where_one_is_to_be(way: str, verifier: Verifier):
    lifted = verifier.verify(Forge()(), now=NOW, profile=lambda _: "kombit").lifted
    assert [*map(str, lifted.values())] == ([LONG] if way == "lifted" else [])


def test_the_message_that_all_attacks_start_from_is_valid(verifier: Verifier):
    message = verifier.verify(Forge()(), now=NOW, profile=lambda _: "kombit")
    assert message.body.findtext(".//{urn:test}Amount") == "100"
    assert naive_verify(Forge()()).findtext(".//{urn:test}Amount") == "100"


def test_so_is_the_one_of_the_token_model(verifier: Verifier):
    with token_model():
        data = Forge()()
    message = verifier.verify(data, now=NOW, profile=lambda _: "kombit", audience=AUDIENCE)
    assert (message.model, message.body.findtext(".//{urn:test}Amount")) == ("token", "100")
    assert naive_verify_token(data)[0].findtext(".//{urn:test}Amount") == "100"


@pytest.mark.parametrize("how", [{"own": OwnSignature()}, {"within": lambda assertion: None}])
def test_so_is_one_whose_token_is_signed_again(how, verifier: Verifier):
    """By hand, or by the signer under test: what the recipes change is all that is wrong."""
    with token_model():
        data = Forge(**how)()
    assert verifier.verify(data, now=NOW, profile=lambda _: "kombit", audience=AUDIENCE).token is not None
    naive_verify_token(data)


@pytest.mark.parametrize(
    "attack",
    [attack for attack in ATTACKS if attack.name not in NOT_IN_TOKEN_MODEL],
    ids=lambda attack: attack.name,
)
def test_refused_in_the_token_model(attack: Attack, verifier: Verifier):
    with token_model():
        data = attack.make()
    with pytest.raises(WssError) as refusal:
        verifier.verify(data, now=NOW, profile=lambda _: "kombit", audience=AUDIENCE)
    check_fault(refusal.value, IN_TOKEN_MODEL.get(attack.name, attack.refused_as))


@pytest.mark.parametrize("attack", TOKEN_ATTACKS, ids=lambda attack: attack.name)
def test_attacks_on_tokens_are_refused(attack: Attack, verifier: Verifier):
    with token_model():
        data = attack.make()
    with pytest.raises(WssError) as refusal:
        verifier.verify(data, now=NOW, profile=lambda _: "kombit", audience=AUDIENCE)
    check_fault(refusal.value, attack.refused_as)


@pytest.mark.parametrize(
    "attack", [attack for attack in TOKEN_ATTACKS if attack.naive], ids=lambda attack: attack.name
)
def test_canary_the_naive_verifier_of_tokens_is_fooled(attack: Attack):
    with token_model():
        data = attack.make()
    naive_verify_token(data)


def test_canary_at_least_ten_attacks_on_tokens_fool_the_naive_verifier():
    assert sum(attack.naive for attack in TOKEN_ATTACKS) >= 10


def test_the_message_that_attacks_on_the_context_model_start_from_is_valid():
    assert read_unsigned(VALID, ParseLimits()).body.findtext(".//{urn:test}Amount") == "100"


@pytest.mark.parametrize("attack", CONTEXT_ATTACKS, ids=lambda attack: attack.name)
def test_attacks_on_the_context_model_are_refused(attack: Attack):
    with pytest.raises(WssError) as refusal:
        read_unsigned(attack.make(), ParseLimits())
    check_fault(refusal.value, attack.refused_as)


@pytest.mark.parametrize(
    "attack", [attack for attack in CONTEXT_ATTACKS if attack.naive], ids=lambda attack: attack.name
)
def test_canary_the_naive_reader_is_fooled(attack: Attack):
    naive_read(attack.make())


def test_canary_at_least_ten_attacks_on_the_context_model_fool_the_naive_reader():
    assert sum(attack.naive for attack in CONTEXT_ATTACKS) >= 10


def meaning(message: VerifiedMessage) -> tuple[object, ...]:
    """Everything that is acted on, in either model."""
    token = message.token and replace(message.token, identifier="")  # another one each time
    return etree.tostring(message.envelope, method="c14n"), message.addressing, message.thumbprint, token


@pytest.mark.parametrize("change", HARMLESS, ids=lambda change: change.name)
def test_what_no_digest_sees_means_nothing(change: Harmless, verifier: Verifier):
    start = change.start()
    data = change.change(start)
    assert data != start
    before, after = (verifier.verify(some, now=NOW, profile=lambda _: "kombit") for some in (start, data))
    assert meaning(after) == meaning(before)


@pytest.mark.parametrize("change", [*HARMLESS, *HARMLESS_OF_TOKENS], ids=lambda change: change.name)
def test_nor_in_the_token_model(change: Harmless, verifier: Verifier):
    with token_model():
        start = change.start()
    data = change.change(start)
    assert data != start
    before, after = (
        verifier.verify(some, now=NOW, profile=lambda _: "kombit", audience=AUDIENCE)
        for some in (start, data)
    )
    assert meaning(after) == meaning(before)
    assert after.token.cvr == CVR


@pytest.mark.parametrize("change", HARMLESS_IN_CONTEXT, ids=lambda change: change.name)
def test_nor_in_the_context_model(change: Harmless):
    data = change.change(change.start())
    assert data != change.start()
    before, after = (read_unsigned(some, ParseLimits()) for some in (change.start(), data))
    assert etree.tostring(after.body[0], method="c14n") == etree.tostring(before.body[0], method="c14n")
    assert after.addressing == before.addressing
    assert not after.envelope.attrib


def test_every_message_that_is_attacked_holds_what_no_fault_may_tell():
    assert all(CPR.encode() in data for data in (Forge()(), VALID))


def test_every_fault_of_the_table_is_of_some_recipe():
    kinds = {attack.refused_as for attack in (*ATTACKS, *TOKEN_ATTACKS, *CONTEXT_ATTACKS)}
    assert kinds | set(IN_TOKEN_MODEL.values()) == set(FAULTS)


@pytest.mark.parametrize(
    "told", [f"http://{CPR}/", "A" * 60, 'File "x.py"', "Traceback (most recent call last)"]
)
def test_canary_a_fault_that_tells_is_caught(told: str, monkeypatch):
    monkeypatch.setattr(ReplyAddressRefused, "danish", told)
    monkeypatch.setattr("opus_soap.soap.faults.mask_cpr", lambda text: text)
    with pytest.raises(AssertionError):
        check_fault(ReplyAddressRefused(element="ReplyTo"), ReplyAddressRefused)


def test_recipes_have_names_of_their_own():
    names = [attack.name for attack in ATTACKS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_refused(attack: Attack, verifier: Verifier):
    with pytest.raises(WssError) as refusal:
        verifier.verify(attack.make(), now=NOW, profile=lambda _: "kombit")
    check_fault(refusal.value, attack.refused_as)


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
