"""Agreements: certificates, two at a time, and what a system may call."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from opus_soap import errors
from opus_soap.store import agreements
from opus_soap.store.models import SystemCertificate
from opus_soap.wss import pki
from opus_soap.wss.certificates import thumbprint
from tests.conftest import NOON

MADE = pki.build(pki.example(), now=NOON)


def pem(name: str) -> bytes:
    return MADE.certificates[name].certificate.public_bytes(Encoding.PEM)


def print_of(name: str) -> str:
    return thumbprint(MADE.certificates[name].certificate)


@pytest.fixture
def system(database):
    return agreements.register_system(
        uuid=UUID(int=9), municipality="999", name="S", cvr="44444449", services=["DimensionHent"]
    )


def test_a_certificate_leads_to_its_system(system, clock):
    agreements.add_certificate(system, pem("case-system"))
    agreements.add_certificate(system, pem("case-system"))
    assert agreements.system_by_thumbprint(print_of("case-system"), clock.now()) == system
    assert len(agreements.valid_certificates(system, clock.now())) == 1


def test_two_are_valid_at_a_time_and_revoking_makes_room(system, clock):
    agreements.add_certificate(system, pem("case-system"))
    agreements.add_certificate(system, pem("case-system-next"))
    with pytest.raises(errors.TooManyCertificates):
        agreements.add_certificate(system, pem("stranger"))
    agreements.revoke_certificate(print_of("case-system"), at=clock.now())
    agreements.add_certificate(system, pem("stranger"))
    with pytest.raises(errors.CertificateRevoked):
        agreements.system_by_thumbprint(print_of("case-system"), clock.now())


def test_what_does_not_lead_to_a_system(system, clock):
    with pytest.raises(errors.CertificateUnknown):
        agreements.system_by_thumbprint("00", clock.now())
    agreements.add_certificate(system, pem("case-system"))
    with pytest.raises(errors.CertificateOutOfDate):
        agreements.system_by_thumbprint(print_of("case-system"), clock.now() + timedelta(days=9999))
    type(system).update(active=False).execute()
    with pytest.raises(errors.SystemInactive):
        agreements.system_by_thumbprint(print_of("case-system"), clock.now())


def test_a_certificate_belongs_to_one_system(system):
    other = agreements.register_system(
        uuid=UUID(int=10), municipality="999", name="T", cvr="33333335", services=[]
    )
    agreements.add_certificate(system, pem("case-system"))
    with pytest.raises(errors.CertificateUnreadable, match="belongs to S"):
        agreements.add_certificate(other, pem("case-system"))
    with pytest.raises(errors.CertificateUnreadable, match="PEM"):
        agreements.add_certificate(other, b"nonsense")


def test_services_are_granted_by_name(system):
    agreements.authorize(system, "DimensionHent")
    with pytest.raises(errors.ServiceNotGranted):
        agreements.authorize(system, "FakturaInformationSvarAfsend")


def test_registering_again_updates(system):
    again = agreements.register_system(
        uuid=UUID(int=9), municipality="999", name="S2", cvr="44444449", services=[]
    )
    assert (again.id, again.name) == (system.id, "S2")
    assert agreements.find_system("S2") == agreements.find_system(str(again.uuid))
    with pytest.raises(errors.SystemUnknown):
        agreements.find_system("S")


@pytest.mark.parametrize(
    ("facts", "element"),
    [
        ({"municipality": "99"}, "municipality"),
        ({"municipality": "९९९"}, "municipality"),
        ({"cvr": "4444444"}, "CVR"),
        ({"endpoint_url": "ftp://x/"}, "endpoint URL"),
        ({"endpoint_url": "http://user@x/"}, "endpoint URL"),
        ({"name": "S"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "Sag\u202e"}, "name"),
        ({"endpoint_url": "http://x:99999/"}, "endpoint URL"),
        ({"endpoint_url": "http://x:0/"}, "endpoint URL"),
        ({"endpoint_url": "http://x:y/"}, "endpoint URL"),
    ],
)
def test_facts_of_the_wrong_shape(system, facts, element):
    good = {"municipality": "999", "name": "T", "cvr": "33333335", "services": []}
    with pytest.raises(errors.AgreementInvalid) as caught:
        agreements.register_system(uuid=UUID(int=11), **{**good, **facts})
    assert caught.value.element == element


def test_a_name_in_two_municipalities_is_ambiguous(system):
    agreements.register_system(uuid=UUID(int=11), municipality="998", name="S", cvr="33333335", services=[])
    with pytest.raises(errors.SystemAmbiguous, match=str(UUID(int=11))):
        agreements.find_system("S")
    assert agreements.find_system(str(UUID(int=9))) == system


def test_two_whose_times_do_not_meet_leave_room(system, clock):
    """Two that follow each other count as one beside a third that spans both."""
    agreements.add_certificate(system, pem("case-system"))
    (row,) = SystemCertificate.select()
    middle = row.valid_from + (row.valid_to - row.valid_from) / 2
    facts = {"system": system, "subject": "x", "pem": ""}
    SystemCertificate.create(thumbprint_sha256="1", valid_from=row.valid_from, valid_to=middle, **facts)
    later = middle + timedelta(seconds=1)
    row.delete_instance()
    SystemCertificate.create(thumbprint_sha256="2", valid_from=later, valid_to=row.valid_to, **facts)
    agreements.add_certificate(system, pem("case-system"))
    with pytest.raises(errors.TooManyCertificates):
        agreements.add_certificate(system, pem("case-system-next"))


def test_what_came_before_its_certificate_was_revoked_and_waited_is_refused(system, clock):
    agreements.add_certificate(system, pem("case-system"))
    came = clock.now()
    clock.advance(timedelta(seconds=1))
    agreements.revoke_certificate(print_of("case-system"), at=clock.now())
    with pytest.raises(errors.CertificateRevoked):
        agreements.system_by_thumbprint(print_of("case-system"), came)


def test_a_revoked_certificate_does_not_come_back(system, clock):
    agreements.add_certificate(system, pem("case-system"))
    agreements.revoke_certificate(print_of("case-system"), at=clock.now())
    with pytest.raises(errors.CertificateRevoked):
        agreements.add_certificate(system, pem("case-system"))


def test_no_two_agreements_share_a_key(system):
    """A signature does not say which of the certificates was meant."""
    own = MADE.certificates["case-system"]
    issuer = MADE.authorities["issuing"]
    again = (
        x509.CertificateBuilder()
        .subject_name(own.certificate.subject)
        .issuer_name(own.certificate.issuer)
        .public_key(own.certificate.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(own.certificate.not_valid_before_utc)
        .not_valid_after(own.certificate.not_valid_after_utc)
        .sign(issuer.key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    agreements.add_certificate(system, pem("case-system"))
    other = agreements.register_system(
        uuid=UUID(int=12), municipality="999", name="Andet", cvr="33333335", services=[]
    )
    with pytest.raises(errors.CertificateUnreadable, match="same key"):
        agreements.add_certificate(other, again)
    agreements.add_certificate(system, again)  # renewed without a new key
