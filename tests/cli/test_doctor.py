"""`opus-soap doctor`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from opus_soap.cli.doctor import doctor
from opus_soap.cli.runtime import Runtime
from opus_soap.clock import ManualClock
from opus_soap.database import disconnect
from opus_soap.wss import pki
from tests.conftest import NOON


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str, monkeypatch) -> Path:
    """A folder in which all is as the defaults have it."""
    pki.create(pki.example(), tmp_path / "var" / "secrets", now=NOON)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", sqlite_url)
    yield tmp_path / "var" / "secrets"
    disconnect()


def run(*arguments: str, now=NOON):
    return CliRunner().invoke(doctor, list(arguments), obj=Runtime(clock=ManualClock(now)))


def test_a_line_for_each_check(house: Path):
    result = run()
    assert result.exit_code == 0, result.output
    for check in ("settings", "database", "signing key", "trust", "own", "issuer", "permissions", "folder"):
        assert f"ok       {check}:" in result.output
    assert "→  Set OPUS_SOAP_REVOCATION" in result.output


def test_quiet(house: Path, monkeypatch):
    monkeypatch.setenv("OPUS_SOAP_REVOCATION", "crl")
    assert run("--quiet").output == ""
    soon = run("--quiet", now=NOON + timedelta(days=1060))
    assert "warning  own:" in soon.output


def test_what_is_wrong_ends_with_status_1(house: Path):
    (house / "opus.key.pem").chmod(0o644)
    result = run("--quiet")
    assert result.exit_code == 1
    assert "FAILED   signing key: CFG-002" in result.output


def test_settings_that_cannot_be_read(house: Path, monkeypatch):
    monkeypatch.setenv("OPUS_SOAP_RELOAD_SECONDS", "0")
    result = run()
    assert result.exit_code == 1
    assert "CFG-001" in result.output
