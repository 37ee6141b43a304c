"""A message explained: each step tells what stands there, and the one that fails what to change."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.crl import RevocationLists
from opus_soap.wss.explaining import Explainer, Step
from opus_soap.wss.revocation import Revocation
from opus_soap.wss.saml import TokenTrust
from opus_soap.wss.verification import VerificationPolicy
from tests.attacks.recipes import ATTACKS
from tests.attacks.token_recipes import TOKEN_ATTACKS
from tests.wss.forge import AUDIENCE, CVR, NOW, STS, Forge, token_model, world

WHOLE = "The signature as a whole, as the server verifies it"
TOKENS = TokenTrust({STS: [world().certificates["sts"].certificate]})
LISTS = Revocation((RevocationLists(tuple(world().revocation_lists.values())),))
TRUST = TrustStore(issuers=world().trusted, revocation=LISTS)
EXPLAINER = Explainer(TRUST, TOKENS, VerificationPolicy(), audience=AUDIENCE)


def explained(data: bytes, **change: object) -> list[Step]:
    return EXPLAINER.explain(data, change.pop("at", NOW))


def failing(data: bytes, **change: object) -> dict[str, str]:
    return {step.name: "\n".join(step.facts) for step in explained(data, **change) if step.holds is False}


def test_a_good_message_holds_at_every_step():
    steps = explained(Forge()())
    assert all(step.holds for step in steps)
    assert [step.name for step in steps] == [
        "XML", "Envelope",
        *(f"Reference #{name}" for name in Forge().ids),
        "Certificate", "Timestamp", WHOLE,
    ]  # fmt: skip
    assert steps[-1].facts[0].startswith("signed: Framework, Action")


def test_a_good_message_with_a_token_too():
    with token_model():
        steps = explained(Forge()())
    assert all(step.holds for step in steps)
    facts = next(step.facts for step in steps if step.name == "Token")
    assert facts[:3] == (
        f"issuer: {STS}",
        f"expected issuer: {STS}",
        f"audience: {AUDIENCE}; this service: {AUDIENCE}",
    )


def test_what_was_changed_is_the_reference_whose_digest_is_another():
    found = failing(Forge()().replace(b"<k:Amount>100<", b"<k:Amount>999<"))
    assert list(found) == ["Reference #body", WHOLE]
    said, seen = found["Reference #body"].splitlines()[1:]
    assert said.split()[-1] != seen.split()[-1]


def test_an_untrusted_certificate_is_named_with_whom_is_trusted():
    found = failing(Forge(signer="self-signed")())
    assert "trusted issuers: CN=Opus SOAP Example Issuing CA" in found["Certificate"]
    assert "subject: " in found["Certificate"]


def test_an_old_message_is_called_old_and_not_a_clock():
    found = failing(Forge()(), at=NOW + timedelta(minutes=20))
    assert "the message was 1200 s old then" in found["Timestamp"]
    assert "clock is" not in found["Timestamp"]
    steps = explained(Forge()(), at=NOW + timedelta(minutes=20))
    change = next(step.change for step in steps if step.name == "Timestamp")
    assert change.startswith("An old message: sign a new one")


def test_a_message_from_ahead_is_called_a_clock():
    found = failing(Forge()(), at=NOW - timedelta(minutes=20))
    assert "Created lies 1200 s ahead of then: the sender's clock is fast, or ours slow" in found["Timestamp"]


def test_what_a_message_claims_is_told_unverified():
    data = Forge()().replace(b"<k:Amount>100<", b"<k:Amount>999<")
    claimed = EXPLAINER.claimed(data)
    assert (claimed.model, claimed.cvr, claimed.created) == ("x509", None, NOW)
    assert claimed.certificate == world().certificates["case-system"].certificate
    assert claimed.content.tag == "{urn:test}Send"
    with token_model():
        claimed = EXPLAINER.claimed(Forge()())
    assert (claimed.model, claimed.cvr) == ("token", CVR)
    assert claimed.certificate == world().certificates["case-system"].certificate
    assert EXPLAINER.claimed(UNSIGNED % b"").model == "context"
    assert EXPLAINER.claimed(b"<x/>") is None
    unknown = Forge(token="AAAA")()
    assert EXPLAINER.claimed(unknown).certificate is None


PRODUCTION = "https://saml.adgangsstyring.stoettesystemerne.dk/runtime"


def test_another_environments_sts_is_named_as_such():
    with token_model():
        data = Forge(issuer=PRODUCTION)()
    found = failing(data)
    assert f"issuer: {PRODUCTION} (Kombit's production environment)" in found["Token"]
    assert f"expected issuer: {STS}" in found["Token"]
    change = next(step.change for step in explained(data) if step.name == "Token")
    assert "production token is no good in test" in change


@pytest.mark.parametrize("data", [b"", b"<x/>", b"<!DOCTYPE x><x/>"])
def test_what_is_no_message_is_told_at_once(data):
    assert [step.holds for step in explained(data)][-1] is False


@pytest.mark.parametrize("attack", [*ATTACKS, *TOKEN_ATTACKS], ids=lambda attack: attack.name)
def test_no_attack_is_explained_as_good_or_breaks_it(attack):
    if attack in TOKEN_ATTACKS:
        with token_model():
            data = attack.make()
    else:
        data = attack.make()
    steps = explained(data)
    assert any(step.holds is False for step in steps)
    assert all(step.change for step in steps if step.holds is False)


UNSIGNED = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x>%s</x></e:Body></e:Envelope>'
)


def test_a_message_that_tls_alone_vouches_for():
    [_, step] = explained(UNSIGNED % b"<MunicipalityCVR>29189846</MunicipalityCVR>")
    assert step.holds is None
    assert step.facts[1] == "AuthorityContext: 29189846"


def test_nor_signed_nor_for_any_authority():
    [_, step] = explained(UNSIGNED % b"")
    assert step.holds is False
    assert "AuthorityContext/MunicipalityCVR" in step.change
    assert failing(UNSIGNED.replace(b"</e:Body>", b"</e:Body><e:Body/>") % b"").keys() == {"Envelope"}


def test_an_issuer_that_is_no_address():
    with token_model():
        data = Forge(issuer="https://[")()
    assert "https://[" in failing(data)["Token"]
