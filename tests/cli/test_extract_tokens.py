"""`opus-soap extracts token`: made, listed, revoked; shown once."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from opus_soap.cli.main import main
from opus_soap.database import disconnect
from opus_soap.extracts import tokens
from tests.extracts.doors import Doors


@pytest.fixture
def run(database_url, database, company, clock, tmp_path, monkeypatch):
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")
    Doors(tmp_path, clock).subscribe()

    def invoke(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, ["extracts", "token", *arguments])
        assert result.exit_code == status, result.output
        said.append(result.stderr)
        return result.stdout if status == 0 else result.output

    invoke.said = said = []
    yield invoke
    disconnect()


def test_a_token_is_made_shown_once_listed_and_revoked(run):
    token = run("sub1", "--name", "Modtager A/S").strip()
    assert tokens.find(token).name == "Modtager A/S"
    number = str(tokens.find(token).id)
    assert run.said == [f"SUB1: token {number} (Modtager A/S); it is not shown again\n"]
    listed = run("SUB1")
    assert "Modtager A/S" in listed
    assert token not in listed
    assert run("SUB1", "--revoke", number) == f"SUB1: token {number} (Modtager A/S) revoked\n"
    assert tokens.find(token) is None
    assert "Modtager A/S" in run("SUB1")


def test_what_is_not_there_is_told(run):
    assert "EXT-001" in run("SUB9", status=1)
    assert "EXT-045" in run("SUB1", "--revoke", "77", status=1)
    run("SUB1", "--name", " ", status=2)
    run("SUB1", "--name", "x", "--revoke", "1", status=2)
