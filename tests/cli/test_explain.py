"""`opus-soap explain`, of a file and of what is in the archive."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from opus_soap.cli.main import main
from opus_soap.wss import pki
from tests.wss.forge import NOW, Forge, to_bytes, world


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    path = tmp_path / "ca.pem"
    from cryptography.hazmat.primitives.serialization import Encoding

    path.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in world().trusted))
    monkeypatch.setenv("OPUS_SOAP_TRUSTED_CA_FILE", str(path))
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", f"sqlite:///{tmp_path}/none/x.sqlite3")
    return tmp_path


def run(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, ["explain", *arguments])
    assert result.exit_code == status, result.output
    return result.output


def test_a_file(trusted):
    path = trusted / "message.xml"
    path.write_bytes(Forge()())
    said = run(str(path), "--at", NOW.isoformat())
    assert "holds  The whole, as the server verifies it" in said
    later = run(str(path), "--at", "2026-11-23T12:00:00Z", status=1)
    assert "FAILS  Timestamp" in later
    assert "→  Set the clock" in later


def test_a_time_needs_a_zone(trusted):
    path = trusted / "message.xml"
    path.write_bytes(to_bytes(Forge().tree()))
    assert "has no zone" in run(str(path), "--at", "2026-11-23T12:00:00", status=2)
    assert pki
