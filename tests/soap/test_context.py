"""The Context model: who calls is told by the TLS client certificate, and nothing is signed."""

from __future__ import annotations

import base64
import ssl
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from lxml import etree

from opus_soap.clock import ManualClock
from opus_soap.errors import SettingsInvalid
from opus_soap.soap.client_certificates import ClientCertificates, networks
from opus_soap.soap.models import KONTEKST_NS
from opus_soap.store.models import ArchivedMessage, System
from opus_soap.wss.names import SECURITY, SOAP11, SOAP12, WSA
from tests.soap.conftest import (
    ACTION,
    CVR,
    HEADER,
    NAME,
    PROXY,
    House,
    Identity,
    Pki,
    Reply,
    agreement,
    build_front,
    issue,
    svar,
    unsigned,
)  # fmt: skip

KEY = "HTTP_X_CLIENT_CERT"
SERVICEPLATFORM = "http://serviceplatformen.dk/xml/schemas/{}/1/"


def escaped(identity: Identity) -> str:
    """As nginx tells it: `$ssl_client_escaped_cert`."""
    return quote(identity.pem)


def der(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)


def through_proxy(identity: Identity, address: str = PROXY) -> dict[str, Any]:
    return {"REMOTE_ADDR": address, KEY: escaped(identity)}


def for_authority(body: etree._Element, cvr: str = CVR) -> etree._Element:
    header = body[0]
    context = etree.SubElement(header, f"{{{KONTEKST_NS}}}AuthorityContext")
    etree.SubElement(context, f"{{{KONTEKST_NS}}}MunicipalityCVR").text = cvr
    return body


def older(name: str, **values: str) -> etree._Element:
    namespace = SERVICEPLATFORM.format(name)
    element = etree.Element(f"{{{namespace}}}{name}", nsmap={None: namespace})
    for key, value in values.items():
        etree.SubElement(element, f"{{{namespace}}}{key}").text = value
    return element


def invocation(system: System, **change: str) -> etree._Element:
    values = {
        "ServiceAgreementUUID": str(uuid4()),
        "UserSystemUUID": str(system.uuid),
        "UserUUID": str(uuid4()),
        "ServiceUUID": str(uuid4()),
    }
    return older("InvocationContext", **{**values, **change})


def good(reply: Reply) -> etree._Element:
    """The answer, which is not signed: nobody in this model looks for it."""
    assert reply.status == 200, reply.body
    root = reply.root
    assert root.find(f".//{SECURITY}") is None
    return root


def refused(reply: Reply) -> str:
    assert reply.status == 500
    assert reply.root.find(f".//{SECURITY}") is None, "an unsigned fault, as the model has it"
    assert b"Traceback" not in reply.body
    return reply.code


@pytest.fixture
def system(house: House) -> System:
    return System.get(System.name == "contextsystem")


@pytest.mark.parametrize(
    "told",
    [
        escaped,
        lambda identity: base64.b64encode(der(identity)).decode(),
        lambda identity: f":{base64.b64encode(der(identity)).decode()}:",
        lambda identity: identity.pem.replace("\n", " "),
    ],
    ids=["nginx", "haproxy", "rfc9440", "apache"],
)
def test_the_named_proxy_tells_who_calls(house: House, pki: Pki, told):
    reply = house.post(unsigned(for_authority(svar())), REMOTE_ADDR=PROXY, **{KEY: told(pki.connected)})
    root = good(reply)
    assert root.find(f"{{{SOAP11}}}Header") is None, "no wsa headers for a caller that has none"
    kept = ArchivedMessage.select().where(ArchivedMessage.outcome == "ok")
    assert {row.system.name for row in kept} == {"contextsystem"}


def test_wsa_headers_are_answered(house: House, pki: Pki):
    envelope = etree.fromstring(unsigned(for_authority(svar())))
    header = etree.Element(f"{{{SOAP11}}}Header")
    envelope.insert(0, header)
    etree.SubElement(header, f"{{{WSA}}}MessageID").text = "urn:uuid:1"
    root = good(house.post(etree.tostring(envelope, encoding="UTF-8"), **through_proxy(pki.connected)))
    assert root.findtext(f"{{{SOAP11}}}Header/{{{WSA}}}RelatesTo") == "urn:uuid:1"


def test_soap_12(house: House, pki: Pki):
    data = unsigned(for_authority(svar())).replace(SOAP11.encode(), SOAP12.encode())
    content_type = "application/soap+xml; charset=utf-8"
    reply = house.post(data, CONTENT_TYPE=content_type, **through_proxy(pki.connected))
    assert good(reply).tag == f"{{{SOAP12}}}Envelope"


@pytest.mark.parametrize(
    ("envelope", "said", "media_type"),
    [(SOAP12, SOAP11, "text/xml"), (SOAP11, SOAP12, "application/soap+xml")],
)
def test_envelope_and_content_type_agree(house: House, pki: Pki, envelope: str, said: str, media_type: str):
    data = unsigned(for_authority(svar())).replace(SOAP11.encode(), envelope.encode())
    told = {"CONTENT_TYPE": f"{media_type}; charset=utf-8", **through_proxy(pki.connected)}
    reply = house.post(data, **told)
    assert (reply.code, reply.root.tag) == ("SOA-018", f"{{{said}}}Envelope")


def test_the_same_message_again_is_no_replay(house: House, pki: Pki):
    """TLS keeps others from repeating it; the caller may, when the answer was lost."""
    data = unsigned(for_authority(svar()))
    for _ in range(2):
        good(house.post(data, **through_proxy(pki.connected)))


# --- for whom


def test_without_an_authority_there_is_no_security_model(house: House, pki: Pki):
    reply = house.post(unsigned(svar()), **through_proxy(pki.connected))
    assert refused(reply) == "SOA-024"
    assert "[KombitToken, X509, AuthorityContext]" in reply.text("faultstring")


def test_another_authority(house: House, pki: Pki):
    reply = house.post(unsigned(for_authority(svar(), "11111118")), **through_proxy(pki.connected))
    assert refused(reply) == "SOA-025"


@pytest.mark.parametrize("who", ["caller", "holder"])
def test_another_authority_in_a_signed_message(house: House, pki: Pki, who: str):
    """What the sender says of it is not passed over because the agreement knows better."""
    identity = getattr(pki, who)
    token = house.token() if who == "holder" else None
    reply = house.post(house.sign(for_authority(svar(), "11111118"), identity, token=token))
    assert reply.code == "SOA-025"
    house.verified(reply)
    assert house.post(house.sign(for_authority(svar()), identity, token=token)).status == 200


def test_the_older_contexts(house: House, pki: Pki, system: System):
    body = svar()
    body.insert(0, older("AuthorityContext", MunicipalityCVR=CVR))
    body.insert(0, older("CallContext", OnBehalfOfUser="somebody"))
    body.insert(0, invocation(system, AccountingInfo="1"))
    good(house.post(unsigned(body), **through_proxy(pki.connected)))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda body, system: body.insert(0, invocation(system, UserSystemUUID=str(uuid4()))), "SOA-026"),
        (lambda body, system: body.insert(0, invocation(system, UserUUID="somebody")), "SOA-026"),
        (lambda body, system: [body.insert(0, invocation(system)) for _ in range(2)], "SOA-026"),
        (lambda body, system: body.insert(0, older("InvocationContext")), "SOA-026"),
        (lambda body, system: body.insert(0, older("CallContext", Unknown="1")), "SOA-026"),
        (
            lambda body, system: body.insert(0, older("AuthorityContext", MunicipalityCVR="11111118")),
            "SOA-025",
        ),
        (lambda body, system: body.insert(0, older("AuthorityContext", MunicipalityCVR="1")), "SOA-026"),
        (lambda body, system: body[0].append(older("AuthorityContext", MunicipalityCVR=CVR)), "SOA-012"),
    ],
    ids=["system", "form", "twice", "empty", "unknown", "two authorities", "no cvr", "elsewhere"],
)
def test_contexts_that_do_not_hold(house: House, pki: Pki, system: System, spoil, code: str):
    body = for_authority(svar())
    spoil(body, system)
    assert refused(house.post(unsigned(body), **through_proxy(pki.connected))) == code


def test_the_older_contexts_belong_to_this_model_alone(house: House, pki: Pki):
    body = svar()
    body.insert(0, older("AuthorityContext", MunicipalityCVR=CVR))
    assert house.post(house.sign(body)).code == "SOA-012"


# --- who


@pytest.mark.parametrize("address", ["10.0.0.8", "", "::1", "no address"])
def test_the_header_of_anybody_else_is_refused(house: House, pki: Pki, address: str):
    reply = house.post(unsigned(for_authority(svar())), **through_proxy(pki.connected, address))
    assert reply.code == "SOA-027"


def test_a_proxy_by_its_mapped_address(house: House, pki: Pki):
    good(house.post(unsigned(for_authority(svar())), **through_proxy(pki.connected, f"::ffff:{PROXY}")))


@pytest.mark.parametrize(
    "value",
    ["x", "%00", ":", "::", "-----BEGIN CERTIFICATE-----", "TUlJ", "%ff%fe"],
)
def test_what_is_no_certificate(house: House, value: str):
    reply = house.post(unsigned(for_authority(svar())), REMOTE_ADDR=PROXY, **{KEY: value})
    assert reply.code == "SOA-028"


@pytest.mark.parametrize("joint", [",", " ", ""], ids=["comma", "space", "nothing"])
def test_two_certificates_are_none(house: House, pki: Pki, joint: str):
    """A second header of the name is joined to the first."""
    value = joint.join((escaped(pki.stranger), escaped(pki.connected)))
    reply = house.post(unsigned(for_authority(svar())), REMOTE_ADDR=PROXY, **{KEY: value})
    assert reply.code == "SOA-028"


@pytest.mark.parametrize("told", [{}, {KEY: ""}, {KEY: "(null)"}])
def test_a_proxy_whose_caller_showed_none(house: House, told: dict[str, str]):
    reply = house.post(unsigned(for_authority(svar())), REMOTE_ADDR=PROXY, **told)
    assert reply.code == "SOA-020"


def test_a_certificate_without_an_agreement(house: House, pki: Pki):
    assert refused(house.post(unsigned(for_authority(svar())), **through_proxy(pki.stranger))) == "STO-010"


def test_a_certificate_of_nobody_we_trust(house: House, pki: Pki):
    impostor = issue("Test CA")  # the name of ours
    false = issue("contextsystem", impostor)
    agreement(false, "falsk", [NAME], model="context")
    assert refused(house.post(unsigned(for_authority(svar())), **through_proxy(false))) == "WSS-050"


def test_a_certificate_that_is_over(house: House, pki: Pki):
    house.clock.advance(datetime(2040, 1, 1, tzinfo=UTC) - house.clock.now())
    assert refused(house.post(unsigned(for_authority(svar())), **through_proxy(pki.connected))) == "WSS-051"


@pytest.mark.parametrize(
    ("usages", "code"),
    [
        ([ExtendedKeyUsageOID.SERVER_AUTH], "WSS-056"),
        ([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH], ""),
        ([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE], ""),
    ],
)
def test_what_the_certificate_is_for(house: House, pki: Pki, usages, code: str):
    made = remade(pki, usage(), x509.ExtendedKeyUsage(usages))
    agreement(made, "brug", [NAME], model="context")
    reply = house.post(unsigned(for_authority(svar())), **through_proxy(made))
    if code:
        assert refused(reply) == code
    else:
        good(reply)


def remade(
    pki: Pki, *extensions: x509.ExtensionType, issuer: Identity | None = None, since: datetime | None = None
) -> Identity:
    """The connected system's certificate anew: of the same key, with these extensions and no others."""
    before = pki.connected.certificate
    issuer = issuer or pki.ca
    builder = (
        x509.CertificateBuilder()
        .subject_name(before.subject)
        .issuer_name(issuer.certificate.subject)
        .public_key(before.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since or before.not_valid_before_utc)
        .not_valid_after(before.not_valid_after_utc)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.KeyUsage))
    return Identity(pki.connected.key, builder.sign(issuer.key, hashes.SHA256()))


def usage(name: str = "digital_signature") -> x509.KeyUsage:
    """A key usage of one kind."""
    kinds = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{kind: kind == name for kind in kinds})


BAD_CERTIFICATES = {
    "self-signed": (lambda pki: remade(pki, usage(), issuer=pki.connected), "WSS-050"),
    "not yet valid": (lambda pki: remade(pki, usage(), since=datetime(2026, 12, 1, tzinfo=UTC)), "WSS-051"),
    "no key usage": (lambda pki: remade(pki), "WSS-052"),
    "for encryption only": (lambda pki: remade(pki, usage("key_encipherment")), "WSS-052"),
    "for signing certificates only": (lambda pki: remade(pki, usage("key_cert_sign")), "WSS-052"),
}


@pytest.mark.parametrize("what", BAD_CERTIFICATES)
def test_a_certificate_that_an_agreement_names_and_nobody_may_use(house: House, pki: Pki, what: str):
    """An allow-list is no reason to believe a certificate; one of the kind that is good is taken."""
    make, code = BAD_CERTIFICATES[what]
    for made, expected in ((make(pki), code), (remade(pki, usage()), "")):
        agreement(made, f"{what} {expected}", [NAME], model="context")
        reply = house.post(unsigned(for_authority(svar())), **through_proxy(made))
        if expected:
            assert refused(reply) == expected
        else:
            good(reply)


def test_a_certificate_that_is_revoked(house: House, pki: Pki):
    data = unsigned(for_authority(svar()))
    good(house.post(data, **through_proxy(pki.connected)))
    house.revoke(pki.connected)
    assert refused(house.post(data, **through_proxy(pki.connected))) == "WSS-054"


@pytest.mark.parametrize("told", ["{}", ":{}:"], ids=["base64", "rfc9440"])
def test_bytes_after_the_certificate(house: House, pki: Pki, told: str):
    """Or one certificate would have many thumbprints."""
    value = told.format(base64.b64encode(der(pki.connected) + b"\x00").decode())
    reply = house.post(unsigned(for_authority(svar())), REMOTE_ADDR=PROXY, **{KEY: value})
    assert reply.code == "SOA-028"


def test_another_operation_in_the_http_header_than_in_the_body(house: House, pki: Pki):
    data = unsigned(for_authority(svar()))
    spoofed = f"{ACTION}Ping"
    assert refused(house.post(data, action=spoofed, **through_proxy(pki.connected))) == "SOA-010"
    twelve = data.replace(SOAP11.encode(), SOAP12.encode())
    content_type = f'application/soap+xml; charset=utf-8; action="{spoofed}"'
    reply = house.post(twelve, CONTENT_TYPE=content_type, **through_proxy(pki.connected))
    assert (reply.code, reply.status) == ("SOA-010", 400)


# --- the models and each other


@pytest.mark.parametrize("who", ["caller", "holder"])
def test_the_certificate_of_another_models_agreement(house: House, pki: Pki, who: str):
    """Its holder left the signature out: told signed, as that caller expects it."""
    reply = house.post(unsigned(for_authority(svar())), **through_proxy(getattr(pki, who)))
    assert reply.code == "SOA-021"
    house.verified(reply, f"{WSA}/unspecified")


def test_a_signed_message_of_this_models_agreement(house: House, pki: Pki):
    """Told signed: whoever signs looks for a signature, whatever the agreement says."""
    reply = house.post(house.sign(for_authority(svar()), pki.connected), **through_proxy(pki.connected))
    assert reply.code == "SOA-021"
    house.verified(reply)


def test_a_signed_message_is_not_taken_by_the_certificate_beside_it(house: House, pki: Pki):
    """Whose signature fails is refused, whatever TLS says; no other model is tried."""
    data = house.sign(for_authority(svar())).replace(b"Varen er ikke modtaget", b"Varen er nu modtaget!!")
    assert house.post(data, **through_proxy(pki.connected)).code == "WSS-034"


def test_a_good_signature_needs_no_certificate_beside_it(house: House, pki: Pki):
    """Not even a readable one: the header says nothing about a message that proves itself."""
    assert house.post(house.sign(svar()), REMOTE_ADDR="10.0.0.8", **{KEY: "x"}).status == 200


@pytest.mark.parametrize("place", ["Body", "Header", "Envelope"])
def test_security_elsewhere(house: House, pki: Pki, place: str):
    """What looks signed and is not gets no answer in any model."""
    root = etree.fromstring(unsigned(for_authority(svar())))
    if place == "Header":
        header = etree.Element(f"{{{SOAP11}}}Header")
        root.insert(0, header)
        etree.SubElement(etree.SubElement(header, "{urn:x}Outer"), SECURITY)
    elif place == "Body":
        etree.SubElement(root[0][0], SECURITY)
    else:
        etree.SubElement(root, SECURITY)
    assert (
        house.post(etree.tostring(root, encoding="UTF-8"), **through_proxy(pki.connected)).code == "WSS-010"
    )


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda data: b"<!DOCTYPE x>" + data, "WSS-003"),
        (lambda data: data.replace(b"</soap:Envelope>", b""), "WSS-001"),
        (lambda data: data.replace(b"<soap:Body>", b"<soap:Body/><soap:Body>"), "WSS-010"),
        (lambda data: data.replace(b"Envelope", b"Convolute"), "WSS-010"),
        (
            lambda data: data.replace(
                b"<soap:Body>", b'<soap:Header><x xmlns="" soap:mustUnderstand="1"/></soap:Header><soap:Body>'
            ),
            "WSS-012",
        ),
        (
            lambda data: data.replace(
                b"<soap:Body>",
                b'<soap:Header><a:ReplyTo xmlns:a="http://www.w3.org/2005/08/addressing">'
                b"<a:Address>http://evil.example/</a:Address></a:ReplyTo></soap:Header><soap:Body>",
            ),
            "WSS-071",
        ),
        (
            lambda data: data.replace(
                b"<soap:Body>",
                b'<soap:Header><a:Action xmlns:a="http://www.w3.org/2005/08/addressing">urn:else</a:Action>'
                b"</soap:Header><soap:Body>",
            ),
            "SOA-010",
        ),
        (lambda data: data.replace(b"<soap:Body>", b"<soap:Body>text"), ""),
    ],
    ids=["doctype", "cut", "two bodies", "no envelope", "must understand", "reply to", "action", "text"],
)
def test_attacks_on_the_envelope(house: House, pki: Pki, spoil, code: str):
    data = unsigned(for_authority(svar()))
    changed = spoil(data)
    assert changed != data
    good(house.post(data, **through_proxy(pki.connected)))
    reply = house.post(changed, **through_proxy(pki.connected))
    if code:  # what cannot be read may be anybody's: then the fault is signed
        assert (reply.code, reply.status) == (code, 500)
    else:
        good(reply)  # text around the request is no part of it


# --- which models a service takes


@pytest.mark.parametrize(
    ("settings", "listed"),
    [
        ({"security_models": "x509"}, "[X509]"),
        ({"security_models": "x509 token"}, "[X509, KombitToken]"),
        ({"sts_entity_id": ""}, "[X509, AuthorityContext]"),
        ({"client_certificate_header": "", "client_certificate_proxies": ""}, "[KombitToken, X509]"),
        ({"security_models_of_services": "FakturaInformationSvarAfsend=context"}, "[AuthorityContext]"),
        ({"security_models_of_services": "DimensionHent=context"}, "[KombitToken, X509, AuthorityContext]"),
    ],
)
def test_the_fault_names_what_is_taken(house: House, pki: Pki, clock: ManualClock, settings, listed: str):
    house.front, _ = build_front(pki, clock, **settings)
    reply = house.post(unsigned(for_authority(svar())))
    assert reply.code == "SOA-020"
    assert listed in reply.text("faultstring")


def test_a_model_that_the_service_does_not_take(house: House, pki: Pki, clock: ManualClock):
    house.front, _ = build_front(pki, clock, security_models="token context")
    reply = house.post(house.sign(svar()))
    assert reply.code == "SOA-023"
    house.verified(reply)
    house.front, _ = build_front(pki, clock, security_models="token x509")
    assert house.post(unsigned(for_authority(svar())), **through_proxy(pki.connected)).code == "SOA-020"


@pytest.mark.parametrize(
    "settings",
    [
        {"security_models": "token", "sts_entity_id": ""},
        {"security_models_of_services": "FakturaInformationSvar=x509"},
        {"security_models_of_services": "FakturaInformationSvarAfsend=token,x509", "sts_entity_id": ""},
    ],
)
def test_nobody_could_call(pki: Pki, clock: ManualClock, settings):
    with pytest.raises(SettingsInvalid):
        build_front(pki, clock, **settings)


# --- the connection itself


class Shown(ssl.SSLSocket):
    """A TLS connection whose client has shown a certificate, or none."""

    def __new__(cls, der: bytes | None):
        made = ssl.SSLSocket.__new__(cls)
        made.der = der
        return made

    def __init__(self, der: bytes | None) -> None: ...

    def getpeercert(self, binary_form=False):
        assert binary_form
        return self.der

    def __del__(self) -> None: ...


def test_the_connections_own_certificate(pki: Pki):
    none = ClientCertificates()
    assert none.of({"gunicorn.socket": Shown(der(pki.connected))}) == pki.connected.certificate
    assert none.of({"gunicorn.socket": Shown(None)}) is None
    assert none.of({}) is None


def test_the_proxys_own_certificate_never_counts(pki: Pki):
    """It stands for every caller whom the proxy did not ask for one."""
    found = ClientCertificates(HEADER, networks("10.0.0.0/24"))
    environ = {"gunicorn.socket": Shown(der(pki.connected)), "REMOTE_ADDR": "10.0.0.200"}
    assert found.of(environ) is None
