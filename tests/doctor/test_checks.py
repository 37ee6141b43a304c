"""Every check of the doctor, well and ill."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from opus_soap.clock import ManualClock
from opus_soap.database import connect, connected, disconnect
from opus_soap.doctor.checks import findings
from opus_soap.doctor.finding import BAD, GOOD, WARNING, Finding
from opus_soap.store import agreements, content
from tests.conftest import NOON

DAY = timedelta(days=1)


@pytest.fixture
def examine(settings, sqlite_url):
    """The findings that are not good."""

    def run(now=NOON, **more) -> list[Finding]:
        found = list(findings(settings(**{"database_url": sqlite_url, **more}), ManualClock(now)))
        assert all(bool(one.remedy) == (one.state != GOOD) for one in found)
        return [one for one in found if one.state != GOOD]

    yield run
    disconnect()


def one_of(found: list[Finding], state: str, check: str) -> Finding:
    [finding] = [one for one in found if (one.state, one.check) == (state, check)]
    return finding


def test_all_is_well(examine):
    assert examine(revocation="crl") == []


def test_revocation_that_is_off_is_said(examine):
    [finding] = examine()
    assert (finding.state, finding.check) == (WARNING, "revocation")


def test_a_database_that_is_not_there_or_not_migrated(examine, tmp_path: Path):
    assert "DBA-004" in one_of(examine(database_url="sqlite:////no/where"), BAD, "database").text
    empty = one_of(examine(database_url=f"sqlite:///{tmp_path}/empty"), BAD, "database")
    assert "DBA-003" in empty.text
    assert "database migrate" in empty.remedy


def test_the_folder_of_contents_is_another(examine, sqlite_url, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(content, "LARGE", 10)
    connect(sqlite_url, files=tmp_path / "files")
    with connected():
        content.put(b"a large one", "text/plain", at=NOON)
    assert "contents" not in [one.check for one in examine()]
    (tmp_path / "files").rename(tmp_path / "not mounted")
    assert "is not there" in one_of(examine(), BAD, "contents").text


def test_a_key_that_does_not_belong(examine, keys: Path):
    shutil.copy(keys / "stranger.key.pem", keys / "opus.key.pem")
    assert "does not belong" in one_of(examine(), BAD, "signing key").text


def test_our_own_certificate_revoked(examine, keys: Path):
    for kind in ("key", "crt"):
        shutil.copy(keys / f"revoked.{kind}.pem", keys / f"opus.{kind}.pem")
    assert "REVOKED" in one_of(examine(revocation="crl"), BAD, "signing key").text


def test_our_own_certificate_of_another_issuer_is_for_the_others_to_judge(examine, keys: Path):
    for kind in ("key", "crt"):
        shutil.copy(keys / f"self-signed.{kind}.pem", keys / f"opus.{kind}.pem")
    assert "none of the trusted" in one_of(examine(), WARNING, "signing key").text


def test_a_missing_ca_file(examine, keys: Path):
    (keys / "ca.pem").unlink()
    assert "ca.pem" in one_of(examine(), BAD, "trust").text


def test_an_issuer_without_a_list_or_with_a_foreign_one(examine, keys: Path):
    (keys / "issuing.crl.pem").unlink()
    assert "not signed by it" in one_of(examine(revocation="crl"), BAD, "revocation").text
    (keys / "impostor.crl.pem").unlink()
    assert "no revocation list of CN=Opus" in one_of(examine(revocation="crl"), BAD, "revocation").text


def test_revocation_lists_that_are_not_there_are_named_as_such(examine, tmp_path: Path):
    found = examine(revocation="crl", revocation_lists=tmp_path / "nolists")
    assert [(one.state, one.check) for one in found] == [(BAD, "revocation")]
    assert found[0].text.startswith(f"the revocation lists cannot be used: {tmp_path}/nolists")
    assert "OPUS_SOAP_REVOCATION_LISTS" in found[0].remedy


# --- connections and security models


def tls(keys: Path, certificate: str = "opus", key: str = "opus") -> dict[str, object]:
    return {"tls_certificate_file": keys / f"{certificate}.crt.pem", "tls_key_file": keys / f"{key}.key.pem"}


def test_files_of_tls_that_do_not_go_together(examine, keys: Path):
    assert examine(revocation="crl", **tls(keys)) == []
    wrong = one_of(examine(**tls(keys, key="stranger")), BAD, "TLS")
    assert "the key does not belong to the certificate" in wrong.text
    assert "none.key.pem" in one_of(examine(**tls(keys, key="none")), BAD, "TLS").text


def test_an_sts_whose_certificates_cannot_be_read(examine, keys: Path):
    sts = {"sts_entity_id": "https://sts.example.dk", "sts_certificate_file": keys / "sts.crt.pem"}
    assert examine(revocation="crl", **sts) == []
    (keys / "sts.crt.pem").unlink()
    assert "sts.crt.pem" in one_of(examine(**sts), BAD, "STS").text


def test_cas_of_receivers_that_cannot_be_read(examine, keys: Path, tmp_path: Path):
    assert examine(revocation="crl", tls_trusted_ca_file=keys / "ca.pem") == []
    for path in (tmp_path / "none.pem", keys / "opus.key.pem"):
        finding = one_of(examine(tls_trusted_ca_file=path), BAD, "TLS of receivers")
        assert f"CFG-017: The CAs of the TLS servers that we call cannot be used: {path}" in finding.text


@pytest.mark.parametrize("named", ["0.0.0.0/0", "10.0.0.1 ::/0", "0.0.0.0/1 128.0.0.0/1"])
def test_proxies_that_are_everybody_are_warned_about(examine, named):
    found = examine(client_certificate_header="X-Client-Cert", client_certificate_proxies=named)
    assert "everybody is believed who sets X-Client-Cert" in one_of(found, WARNING, "proxies").text


def test_a_proxy_on_this_machine_is_noted(settings, sqlite_url):
    def notes(named: str) -> list[str]:
        chosen = {"client_certificate_header": "X-Client-Cert", "client_certificate_proxies": named}
        made = settings(database_url=sqlite_url, **chosen)
        return [one.text for one in findings(made, ManualClock(NOON)) if one.check == "proxies"]

    assert notes("10.0.0.1 ::1")[1] == "::1/128: every process of this machine can say who calls"
    assert len(notes("10.0.0.1")) == 1
    disconnect()


@pytest.fixture
def agreed(sqlite_url: str):
    """Make an agreement in a security model."""

    def make(model: str, **more) -> None:
        connect(sqlite_url).connect(reuse_if_open=True)
        facts = {"services": ("DimensionHent", "FinansbilagModtag"), **more}
        agreements.register_system(
            uuid=uuid4(), municipality="999", name="Sag", cvr="44444449", security_model=model, **facts
        )
        disconnect()

    return make


def model_of(found: list[Finding]) -> Finding:
    return one_of(found, BAD, "agreement: 999 Sag")


def test_an_agreement_on_tokens_without_an_sts(examine, agreed, keys: Path):
    agreed("token")
    finding = model_of(examine())
    assert "DimensionHent, FinansbilagModtag in its model KombitToken: no STS is believed" in finding.text
    assert "OPUS_SOAP_STS_ENTITY_ID" in finding.remedy
    sts = {"sts_entity_id": "https://sts.example.dk", "sts_certificate_file": keys / "sts.crt.pem"}
    assert examine(revocation="crl", **sts) == []


def test_an_agreement_that_is_sent_to_with_tokens_without_an_sts_to_ask(examine, agreed, keys: Path):
    agreed("token", services=(), endpoint_url="https://sag.example.dk/")
    assert "OPUS_SOAP_STS_URL" in model_of(examine()).remedy


def test_an_agreement_on_contexts_where_no_certificate_is_seen(examine, agreed, keys: Path):
    agreed("context")
    assert "client certificates are not seen" in model_of(examine()).text
    assert examine(revocation="crl", **tls(keys)) == []


def test_an_agreement_in_a_model_that_is_not_taken(examine, agreed):
    agreed("x509")
    taken = {"client_certificate_header": "X", "client_certificate_proxies": "10.0.0.1"}
    finding = model_of(examine(security_models="context", **taken))
    assert "X509: x509 is not taken there" in finding.text
    one = examine(security_models_of_services="FinansbilagModtag=context", **taken)
    assert "may not call FinansbilagModtag in" in model_of(one).text


def test_dates(examine, made, keys: Path, sqlite_url: str):
    connect(sqlite_url).connect(reuse_if_open=True)
    row = agreements.register_system(
        uuid=uuid4(), municipality="999", name="Sag", cvr="44444449", services=()
    )
    agreements.add_certificate(row, (keys / "case-system.crt.pem").read_bytes())
    disconnect()
    ends = made.certificates["opus"].certificate.not_valid_after_utc

    def dated(now, kind):
        return next(one for one in examine(now) if one.check.startswith(kind))

    for kind in ("own:", "agreement: 999 Sag"):
        assert dated(ends - 59 * DAY, kind).text == "59 days left"
        assert "urgent" in dated(ends - 5 * DAY, kind).text
        assert dated(ends - 5 * DAY, kind).state == WARNING
        assert dated(ends + DAY, kind).state == BAD
    assert "not valid before" in dated(NOON - 3 * DAY, "own:").text


def test_a_stale_list(examine):
    found = examine(NOON + 366 * DAY, revocation="crl")
    assert any(one.state == BAD and one.check.startswith("revocation list") for one in found)


def test_a_key_that_others_can_read_or_replace(examine, keys: Path):
    (keys / "seal.key.pem").write_text("x")
    (keys / "seal.key.pem").chmod(0o644)
    assert "chmod 600" in one_of(examine(), BAD, "permissions").remedy
    (keys / "seal.key.pem").chmod(0o600)
    keys.chmod(0o777)
    found = [one for one in examine() if one.check == "permissions"]
    assert [one.state for one in found] == [BAD, BAD]
    assert "another key" in found[0].text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere: run the tests as another user")
def test_a_folder_that_cannot_be_written(examine, tmp_path: Path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert "closed" in one_of(examine(files_folder=closed / "deep" / "er"), BAD, "folder").text


def test_a_folder_that_cannot_be_made(examine, monkeypatch):
    monkeypatch.setattr("opus_soap.doctor.checks.os.access", lambda path, mode: False)
    assert [one.check for one in examine(revocation="crl")] == ["folder"] * 4
