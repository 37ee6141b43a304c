"""Every check of the doctor, well and ill."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from opus_soap.clock import ManualClock
from opus_soap.database import connect, disconnect
from opus_soap.doctor.checks import BAD, GOOD, WARNING, Finding, findings
from opus_soap.store import agreements
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
    assert [one.check for one in examine(revocation="crl")] == ["folder"] * 3
