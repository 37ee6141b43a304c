"""Our key and trust from the settings' files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import structlog
from cryptography.hazmat.primitives.serialization import Encoding

from opus_soap import keys, reloading
from opus_soap.app import signer, sts_client, verifier
from opus_soap.errors import SettingsInvalid, SigningKeyUnusable
from opus_soap.keys import load_own, load_trust, trust_files
from opus_soap.settings import Settings, load
from opus_soap.wss import pki
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import load_pem
from opus_soap.wss.errors import CertificateRevoked, CertificateUntrusted
from opus_soap.wss.errors_revocation import RevocationUnknown
from tests.conftest import NOON
from tests.soap.conftest import svar
from tests.wss.revoking import Answer, responding


@pytest.fixture(autouse=True)
def _logs(monkeypatch):
    """Logs of their own: another test may have set the process's up, for an output that is gone."""
    structlog.reset_defaults()
    monkeypatch.setattr(keys, "log", structlog.get_logger("opus_soap.keys"))
    monkeypatch.setattr(reloading, "log", structlog.get_logger("opus_soap.reloading"))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> pki.Pki:
    return pki.create(pki.example(), tmp_path_factory.mktemp("pki"), now=NOON)


@pytest.fixture
def folder(made: pki.Pki, tmp_path: Path) -> Path:
    """The example's files, to change."""
    return Path(shutil.copytree(made.files[0].parent, tmp_path / "keys"))


def settings(folder: Path, **more) -> Settings:
    return load(
        signing_key_file=folder / "opus.key.pem",
        signing_certificate_file=folder / "opus.crt.pem",
        trusted_ca_file=folder / "ca.pem",
        revocation_lists=folder,
        **more,
    )


def of(made: pki.Pki, name: str):
    return made.certificates[name].certificate


def test_a_signing_key_that_everybody_can_read_is_refused(folder: Path):
    chosen = settings(folder)
    assert load_own(chosen)
    chosen.signing_key_file.chmod(0o644)
    with pytest.raises(SigningKeyUnusable, match="everybody"):
        load_own(chosen)


def test_revocation_is_off_until_it_is_chosen(made: pki.Pki, folder: Path):
    load_trust(settings(folder)).check(of(made, "revoked"), NOON)
    assert trust_files(settings(folder)) == (folder / "ca.pem",)


def test_lists(made: pki.Pki, folder: Path):
    chosen = settings(folder, revocation="crl")
    assert [path.name for path in trust_files(chosen)] == [
        "ca.pem", "impostor.crl.pem", "issuing.crl.pem", "root.crl.pem",
    ]  # fmt: skip
    trust = load_trust(chosen)
    trust.check(of(made, "case-system"), NOON)
    with pytest.raises(CertificateRevoked):
        trust.check(of(made, "revoked"), NOON)
    (folder / "issuing.crl.pem").unlink()
    with pytest.raises(RevocationUnknown):
        load_trust(chosen).check(of(made, "case-system"), NOON)


def test_a_certificate_taken_without_an_answer_is_logged(made: pki.Pki, folder: Path, capsys):
    (folder / "issuing.crl.pem").unlink()
    trust = load_trust(settings(folder, revocation="crl", revocation_unknown="accept"))
    trust.check(of(made, "case-system"), NOON)
    said = capsys.readouterr().out
    assert "without knowing" in said
    assert "CVR:44444449" in said


def test_a_list_that_is_none_is_named(folder: Path):
    (folder / "issuing.crl.pem").write_text("nothing")
    with pytest.raises(SigningKeyUnusable, match=r"issuing\.crl\.pem"):
        load_trust(settings(folder, revocation="crl"))
    with pytest.raises(SigningKeyUnusable, match="not there"):
        trust_files(settings(folder / "none", revocation="crl"))


def test_ocsp_and_then_the_list(made: pki.Pki, folder: Path):
    ours = made.authorities["issuing"]
    answer = Answer(issuer=ours.certificate, responder=ours.certificate, key=ours.key)
    answer.about = of(made, "case-system")
    with responding(answer.to) as responder:
        trust = load_trust(settings(folder, revocation="ocsp", ocsp_urls=responder.url))
        trust.check(of(made, "case-system"), NOON)
        with pytest.raises(RevocationUnknown, match="another certificate"):
            trust.check(of(made, "revoked"), NOON)
        both = load_trust(settings(folder, revocation="ocsp-then-crl", ocsp_urls=responder.url))
        with pytest.raises(CertificateRevoked):
            both.check(of(made, "revoked"), NOON)


@pytest.mark.parametrize(
    "wrong",
    [
        {"revocation": "ocsp"},
        {"revocation": "ocsp-then-crl", "ocsp_urls": " "},
        {"ocsp_urls": "ocsp.example.dk"},
        {"revocation": "maybe"},
        {"revocation_unknown": "ignore"},
    ],
)
def test_settings_that_do_not_fit_together(wrong: dict[str, str]):
    with pytest.raises(SettingsInvalid, match=r"OCSP_URLS|REVOCATION"):
        load(**wrong)
    assert load(revocation="ocsp", ocsp_urls_of_certificates=True)


# --- reload


@pytest.fixture
def at_once(monkeypatch):
    """Files are looked at for every message."""
    monkeypatch.setattr("opus_soap.reloading.time.monotonic", iter(range(0, 10**6, 1000)).__next__)


def replace_key(folder: Path, name: str) -> None:
    for kind in ("key", "crt"):
        shutil.copy(folder / f"{name}.{kind}.pem", folder / f"opus.{kind}.pem")


def test_a_new_key_signs_the_next_message(folder: Path, made: pki.Pki, at_once, capsys):
    ours = signer(settings(folder))
    assert ours.certificate == of(made, "opus")
    shutil.copy(folder / "case-system.key.pem", folder / "opus.key.pem")
    assert ours.certificate == of(made, "opus"), "half of it is there"
    assert "does not belong" in capsys.readouterr().out
    replace_key(folder, "case-system")
    assert ours.certificate == of(made, "case-system")
    addressing = Addressing("urn:a", "urn:uuid:1", None, None, None)
    assert b"Signature" in ours.sign(svar(), addressing, now=NOON)


def test_trust_follows_its_files(folder: Path, made: pki.Pki, at_once):
    caller = made.certificates["case-system"]
    chosen = settings(folder, revocation="crl")
    message = signer(
        chosen.model_copy(
            update={
                "signing_key_file": folder / "case-system.key.pem",
                "signing_certificate_file": folder / "case-system.crt.pem",
            }
        )
    ).sign(svar(), Addressing("urn:a", "urn:uuid:1", None, None, None), now=NOON)
    ours = verifier(chosen)

    def verify():
        return ours.verify(message, now=NOON, profile=lambda _: "kombit")

    assert verify().certificate == caller.certificate
    [root] = load_pem(folder / "root.crt.pem")
    (folder / "ca.pem").write_bytes(root.public_bytes(Encoding.PEM))
    with pytest.raises(CertificateUntrusted):
        verify()
    shutil.copy(folder / "issuing.crt.pem", folder / "ca.pem")
    assert verify()
    (folder / "issuing.crl.pem").unlink()
    with pytest.raises(RevocationUnknown):
        verify()


def test_the_certificates_of_the_sts_follow_their_file(folder: Path, made: pki.Pki, at_once, clock):
    chosen = settings(folder, sts_url="http://x/", sts_certificate_file=folder / "sts.crt.pem")
    client = sts_client(chosen, clock, signer(chosen))
    assert list(client._pinned) == [of(made, "sts")]
    shutil.copy(folder / "opus.crt.pem", folder / "sts.crt.pem")
    assert list(client._pinned) == [of(made, "opus")]
