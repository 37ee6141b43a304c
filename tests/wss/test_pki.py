"""The declared certificate world."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from opus_soap.wss import pki
from opus_soap.wss.errors import PkiDefinitionInvalid
from tests.wss.forge import NOW, world

SMALL = """
pkcs12_password = "x"
[[authorities]]
name = "ca"
common_name = "CA"
trusted = true
[[certificates]]
name = "one"
common_name = "One"
organization = "Org"
cvr = "12345678"
"""


def test_files(tmp_path: Path):
    out = tmp_path / "pki"
    made = pki.create(pki.read_definition(tomllib.loads(SMALL)), out, now=NOW)
    names = sorted(path.name for path in out.iterdir())
    of_one = ["one.chain.pem", "one.crt.pem", "one.key.pem", "one.p12"]
    assert names == ["ca.crl.pem", "ca.crt.pem", "ca.pem", *of_one]
    assert x509.load_pem_x509_certificates((out / "one.chain.pem").read_bytes()) == [
        made.certificates["one"].certificate,
        *made.trusted,
    ]
    assert sorted(made.files) == sorted(out.iterdir())
    assert {path.name for path in out.iterdir() if path.stat().st_mode & 0o077 == 0} == {
        "one.key.pem",
        "one.p12",
    }
    certificate = x509.load_pem_x509_certificate((out / "one.crt.pem").read_bytes())
    key = load_pem_private_key((out / "one.key.pem").read_bytes(), None)
    bundle = pkcs12.load_pkcs12((out / "one.p12").read_bytes(), b"x")
    assert key.public_key() == certificate.public_key() == bundle.key.public_key()
    assert [one.certificate for one in bundle.additional_certs] == list(made.trusted)
    certificate.verify_directly_issued_by(made.trusted[0])
    again = pki.create(pki.read_definition(tomllib.loads(SMALL)), out, now=NOW)
    assert again.certificates["one"].certificate != certificate
    assert sorted(path.name for path in out.iterdir()) == names


def test_the_cvr_stands_where_oces_has_it():
    subject = world().certificates["opus"].certificate.subject
    [serial] = subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER)
    [organization] = subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    assert str(serial.value).startswith("CVR:55555558-FID:")
    assert str(organization.value).endswith("// CVR:55555558")


def test_the_chain_of_the_example():
    opus = world().certificates["opus"]
    assert opus.chain == (world().authorities["issuing"].certificate, world().authorities["root"].certificate)
    assert world().certificates["self-signed"].chain == ()
    assert world().trusted == (world().authorities["issuing"].certificate,)


def test_revocation_lists(tmp_path: Path):
    made = pki.create(pki.example(), tmp_path, now=NOW)
    for name, authority in made.authorities.items():
        crl = x509.load_pem_x509_crl((tmp_path / f"{name}.crl.pem").read_bytes())
        assert crl == made.revocation_lists[name]
        assert crl.is_signature_valid(authority.key.public_key())
        assert crl.issuer == authority.certificate.subject
        assert crl.last_update_utc < NOW < crl.next_update_utc
    revoked = made.certificates["revoked"].certificate.serial_number
    assert [entry.serial_number for entry in made.revocation_lists["issuing"]] == [revoked]
    assert not made.revocation_lists["issuing"].is_signature_valid(
        made.authorities["impostor"].key.public_key()
    )
    assert len(made.revocation_lists["impostor"]) == 0


def test_the_example_in_the_package_is_the_one_in_certs_example():
    repository = Path(__file__).parents[2] / "certs-example" / "pki.toml"
    assert pki.load_definition(repository) == pki.example()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('cvr = "12345678"', 'cvr = "1234"', "8 digits"),
        ('name = "one"', 'name = "../one"', "a-z"),
        ('name = "one"', 'name = "ca"', "unique"),
        ('organization = "Org"', 'organization = "Org"\nissued_by = "nobody"', "no issuer"),
        ('organization = "Org"', 'organization = "Org"\nkey_usage = ["fly"]', "key_usage"),
        ('organization = "Org"', 'organization = "Org"\ncolour = "red"', "colour"),
        (
            'organization = "Org"',
            'organization = "Org"\nissued_by = "one"\nrevoked = true',
            "needs an issuer",
        ),
        ("trusted = true", "trusted = true\ncrl_days = 0", "crl_days"),
        ("trusted = true", "", "none is trusted"),
        ('pkcs12_password = "x"', "", "pkcs12_password"),
        ('pkcs12_password = "x"', 'pkcs12_password = "x"\nsurprise = 1', "surprise"),
        ("[[authorities]]", "[[others]]", "others"),
        ("[[authorities]]", "[[authorities", "TOML|Expected"),
    ],
)
def test_definitions_that_cannot_be_made(old: str, new: str, reason: str, tmp_path: Path):
    file = tmp_path / "pki.toml"
    file.write_text(SMALL.replace(old, new, 1), "utf-8")
    with pytest.raises(PkiDefinitionInvalid, match=reason):
        pki.load_definition(file)


def test_two_certificates_of_one_name():
    tables = tomllib.loads(SMALL)
    tables["certificates"] = tables["certificates"] * 2
    with pytest.raises(PkiDefinitionInvalid, match=r"twice|unique"):
        pki.read_definition(tables)


def test_a_definition_that_is_not_there(tmp_path: Path):
    with pytest.raises(PkiDefinitionInvalid, match=r"none\.toml"):
        pki.load_definition(tmp_path / "none.toml")
