"""What a sender shows at a door: who holds it is let in, until it is revoked."""

import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from opus_soap.errors import AgreementInvalid, CredentialUnknown
from opus_soap.store import credentials
from opus_soap.store.models import AuditEntry, PostingCredential, PostingSender

SECRET = "correct horse battery"


@pytest.fixture
def sender(company):
    return PostingSender.create(municipality="999", sender_id="KY01", short="KY01", name="Ydelser")


@pytest.fixture
def other(company):
    return PostingSender.create(municipality="999", sender_id="XX01", short="XX01", name="Andre")


def public(key):
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def test_a_password_lets_its_sender_in_and_nobody_else(sender, other, clock):
    credentials.set_password(sender, SECRET, "drift", actor="t", clock=clock)
    assert credentials.password_holds(sender, SECRET)
    assert not credentials.password_holds(sender, SECRET + "x")
    assert not credentials.password_holds(other, SECRET)
    assert not credentials.password_holds(None, SECRET)
    assert SECRET not in PostingCredential.get().value


def test_a_new_password_ends_the_one_before(sender, clock):
    credentials.set_password(sender, SECRET, "", actor="t", clock=clock)
    credentials.set_password(sender, SECRET[::-1], "", actor="t", clock=clock)
    assert not credentials.password_holds(sender, SECRET)
    assert credentials.password_holds(sender, SECRET[::-1])


@pytest.mark.parametrize("secret", ["short", "x" * 201, ""])
def test_a_password_is_long_enough_and_not_too_long(sender, clock, secret):
    with pytest.raises(AgreementInvalid) as raised:
        credentials.set_password(sender, secret, "", actor="t", clock=clock)
    assert secret not in str(raised.value) or not secret


def test_a_token_is_its_senders_until_it_is_revoked(sender, clock):
    token = credentials.issue_token(sender, "sagssystem", actor="t", clock=clock)
    assert credentials.sender_of_token(token) == sender
    assert credentials.sender_of_token(token + "x") is None
    assert token not in PostingCredential.get().value
    credentials.revoke(credentials.of_sender(sender)[0], actor="t", clock=clock)
    assert credentials.sender_of_token(token) is None
    assert credentials.of_sender(sender) == []


def test_a_stopped_senders_token_lets_nobody_in(sender, clock):
    token = credentials.issue_token(sender, "", actor="t", clock=clock)
    PostingSender.update(active=False).execute()
    assert credentials.sender_of_token(token) is None


@pytest.mark.parametrize(
    "key",
    [
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(65537, 3072),
    ],
    ids=["ed25519", "ecdsa", "rsa"],
)
def test_a_key_lets_its_holder_in_whatever_its_comment(sender, other, clock, key):
    line = public(key)
    credentials.add_key(sender, f"{line} anna@kommune\n", "anna", actor="t", clock=clock)
    assert credentials.key_holds(sender, line)
    assert credentials.key_holds(sender, f"{line} another comment")
    assert not credentials.key_holds(other, line)
    assert not credentials.key_holds(None, line)
    assert not credentials.key_holds(sender, public(ed25519.Ed25519PrivateKey.generate()))
    assert not credentials.key_holds(sender, "no key")


@pytest.mark.parametrize(
    "line",
    [
        public(rsa.generate_private_key(65537, 2048)),
        "ssh-ed25519 AAAA",
        "",
        "-----BEGIN PRIVATE KEY-----",
        "nøgle",
        "ssh-dss AAAAB3NzaC1kc3MAAACBAP",
    ],
    ids=["short", "broken", "empty", "private", "no ascii", "dsa"],
)
def test_a_key_is_a_good_public_key(sender, clock, line):
    with pytest.raises(AgreementInvalid):
        credentials.add_key(sender, line, "", actor="t", clock=clock)
    assert PostingCredential.select().count() == 0


def test_the_key_of_openssh_is_one(sender, clock, tmp_path):
    try:
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"],
            check=True,
        )
    except FileNotFoundError:
        pytest.skip("ssh-keygen is not installed (openssh-client)")
    credentials.add_key(sender, (tmp_path / "key.pub").read_text(), "", actor="t", clock=clock)


def test_every_change_is_in_the_trail_and_no_secret(sender, clock):
    token = credentials.issue_token(sender, "sagssystem", actor="anna", clock=clock)
    (given,) = credentials.of_sender(sender)
    credentials.revoke(given, actor="bent", clock=clock)
    credentials.revoke(given, actor="bent", clock=clock)  # once is enough
    trail = [(entry.event, entry.actor, entry.detail["name"]) for entry in AuditEntry.select()]
    assert trail == [
        ("posting_credential.added", "anna", "sagssystem"),
        ("posting_credential.revoked", "bent", "sagssystem"),
    ]
    assert token not in str([entry.detail for entry in AuditEntry.select()])


def test_anothers_credential_is_not_found(sender, other, clock):
    credentials.issue_token(sender, "", actor="t", clock=clock)
    (given,) = credentials.of_sender(sender)
    assert credentials.find(sender, given.id) == given
    with pytest.raises(CredentialUnknown):
        credentials.find(other, given.id)
