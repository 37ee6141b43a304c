"""The security models, each as its agreement says; SOAP 1.1 and 1.2."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.names import SOAP11, SOAP12, THUMBPRINT_SHA1
from opus_soap.wss.privileges import PrivilegeGroup
from tests.soap.conftest import ACTION, CVR, NAME, House, Identity, agreement, svar
from tests.wss.forge import WSSE, Forge, find, world

TYPES = {SOAP11: "text/xml; charset=utf-8", SOAP12: "application/soap+xml; charset=utf-8"}


def sent(house: House, soap: str = SOAP11, **how: object):
    data = house.sign(svar(), soap=soap, **how)
    return house.post(data, CONTENT_TYPE=TYPES[soap])


@pytest.mark.parametrize("soap", [SOAP11, SOAP12])
def test_a_token_is_believed_and_the_answer_is_signed(house: House, soap: str):
    reply = sent(house, soap, identity=house.pki.holder, token=house.token())
    assert (reply.status, reply.headers["Content-Type"]) == (200, TYPES[soap])
    assert house.verified(reply).soap_namespace == soap


def test_the_same_token_signs_many_messages_and_each_message_counts_once(house: House):
    token = house.token()
    first = house.sign(svar(), house.pki.holder, token=token)
    assert [house.post(first).status for _ in range(2)] == [200, 500]
    assert sent(house, identity=house.pki.holder, token=token).status == 200


REFUSED = {
    "for another service": ({"audience": "http://another"}, "WSS-046"),
    "for another authority": ({"cvr": "11111111"}, "SOA-022"),
    "too weak": ({"assurance_level": 2}, "WSS-043"),
    "for too long": ({"lifetime": timedelta(hours=25)}, "WSS-043"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_token_that_is_not_meant_for_this(house: House, what: str):
    change, code = REFUSED[what]
    reply = sent(house, identity=house.pki.holder, token=house.token(**change))
    assert reply.code == code


SEND, READ = "http://example.dk/roles/send/1", "http://example.dk/roles/read/1"


@pytest.mark.parametrize(
    ("names", "cvr", "code"),
    [
        ((SEND, READ), CVR, None),
        ((READ, SEND, "http://example.dk/roles/more/1"), CVR, None),
        ((SEND,), CVR, "WSS-075"),
        ((), CVR, "WSS-075"),
        ((SEND, READ), "11111111", "WSS-075"),  # granted on behalf of another authority
    ],
)
def test_privileges_that_a_token_must_bring(house: House, names, cvr: str, code: str | None):
    verifier = house.front._guard.callers.verifier
    verifier.tokens = replace(verifier.tokens, required_privileges=(SEND, READ))
    token = house.token(privileges=(PrivilegeGroup(cvr, names, {}),))
    reply = sent(house, identity=house.pki.holder, token=token)
    assert (reply.code if reply.status == 500 else None) == code


def test_another_holders_token(house: House):
    token = house.token(house.pki.caller)
    assert sent(house, identity=house.pki.holder, token=token).code == "WSS-047"


def test_an_agreement_has_one_model(house: House):
    assert sent(house, identity=house.pki.holder).code == "SOA-021"
    assert sent(house, identity=house.pki.caller, token=house.token(house.pki.caller)).code == "SOA-021"


def test_an_expired_token(house: House):
    token = house.token()
    house.clock.advance(timedelta(hours=8, minutes=6))
    assert sent(house, identity=house.pki.holder, token=token).code == "WSS-045"


def test_faults_are_of_the_version_of_the_request(house: House):
    reply = sent(house, SOAP12, identity=house.pki.stranger)
    assert reply.status == 400
    code = reply.root.find(f".//{{{SOAP12}}}Fault/{{{SOAP12}}}Code")
    assert code.findtext(f"{{{SOAP12}}}Value") == "soap:Sender"
    assert reply.code
    assert house.verified(reply).soap_namespace == SOAP12


@pytest.mark.parametrize(("envelope", "said"), [(SOAP11, SOAP12), (SOAP12, SOAP11)])
def test_envelope_and_content_type_agree(house: House, envelope: str, said: str):
    reply = house.post(house.sign(svar(), soap=envelope), CONTENT_TYPE=TYPES[said])
    assert reply.code == "SOA-018"


def test_the_action_of_soap_12_is_in_the_content_type(house: House):
    data = house.sign(svar(), soap=SOAP12)
    wrong = f'{TYPES[SOAP12]}; action="urn:another"'
    assert house.post(data, CONTENT_TYPE=wrong).code == "SOA-010"


# --- who may not, with a token in order


def test_a_token_of_the_right_authority_but_on_no_allow_list(house: House):
    """Issued by our STS to a certificate of our CA, and no agreement names it."""
    reply = sent(house, identity=house.pki.stranger, token=house.token(house.pki.stranger))
    assert reply.code == "STO-010"


def test_a_token_whose_holder_is_revoked(house: House):
    holder = house.pki.holder
    assert sent(house, identity=holder, token=house.token()).status == 200
    house.revoke(holder)
    assert sent(house, identity=holder, token=house.token()).code == "WSS-054"


@pytest.mark.parametrize("soap", [SOAP11, SOAP12])
def test_another_operation_in_the_http_header_than_in_the_body(house: House, soap: str):
    spoofed = f"{ACTION}Ping"
    data = house.sign(svar(), house.pki.holder, token=house.token(), soap=soap)
    told = {SOAP11: {"action": spoofed}, SOAP12: {"CONTENT_TYPE": f'{TYPES[SOAP12]}; action="{spoofed}"'}}
    how = {"CONTENT_TYPE": TYPES[soap], **told[soap]}
    assert house.post(data, **how).code == "SOA-010"
    assert house.post(data, CONTENT_TYPE=TYPES[soap]).status == 200, "nothing of it was kept"


def test_another_operation_in_the_signed_action_than_in_the_body(house: House):
    assert (
        sent(house, identity=house.pki.holder, token=house.token(), action=f"{ACTION}Ping").code == "SOA-010"
    )


def named_only(certificate: x509.Certificate) -> bytes:
    """A message that names its key by thumbprint and does not carry it."""

    def without_token(root):
        find(root, "//wsse:Security").remove(find(root, "//wsse:BinarySecurityToken"))

    encoded = base64.b64encode(certificate.fingerprint(hashes.SHA1())).decode()
    pointer = f'<wsse:KeyIdentifier ValueType="{THUMBPRINT_SHA1}">{encoded}</wsse:KeyIdentifier>'
    reference = f'<wsse:SecurityTokenReference xmlns:wsse="{WSSE}">{pointer}</wsse:SecurityTokenReference>'
    ids = tuple(name for name in Forge().ids if name != "bst")
    return Forge(key_info=reference, before=without_token, ids=ids)()


def test_a_key_that_is_only_named_is_looked_up_in_the_agreements(house: House):
    own = world().certificates["case-system"]
    system = agreement(Identity(own.key, own.certificate), "navngivet", [NAME], profile="basic")
    house.front._guard.callers.verifier.trust = TrustStore(issuers=world().trusted)
    data = named_only(own.certificate)
    assert house.post(data).code == "SOA-011"  # the signer is known; what is in the Body is no operation
    system.active = False
    system.save()
    assert house.post(data).code == "WSS-040"
