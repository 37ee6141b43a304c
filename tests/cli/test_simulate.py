"""`opus-soap simulate case-system` keeps to itself: its own database, its own key."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from opus_soap.cli.main import main
from opus_soap.database import connect, disconnect
from opus_soap.demo.scene import free_port
from opus_soap.settings import load, load_as
from opus_soap.simulate.settings import CaseSystemSettings
from opus_soap.store.models import System
from opus_soap.wss import pki
from tests.conftest import NOON


@pytest.mark.parametrize("how", ["variable", "option"])
def test_it_refuses_the_finance_systems_database(sqlite_url, tmp_path, monkeypatch, how):
    pki.create(pki.example(), tmp_path / "keys", now=NOON)
    options = ["--database-url", sqlite_url] if how == "option" else []
    if how == "variable":
        monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", sqlite_url)
    certificate = str(tmp_path / "keys/opus.crt.pem")
    served: list[object] = []
    monkeypatch.setattr("opus_soap.soap.serving.WsgiServer.run", served.append)
    result = CliRunner().invoke(
        main,
        [
            *options,
            "simulate",
            "case-system",
            "--opus-certificate",
            certificate,
            "--bind",
            f"127.0.0.1:{free_port(8081)}",
        ],
    )
    assert result.exit_code == 1, result.output
    assert "SIM-004" in result.output
    assert not served
    connect(sqlite_url)
    assert System.select().count() == 0
    disconnect()


def test_its_defaults_are_its_own():
    ours, its = load(), load_as(CaseSystemSettings)
    assert its.database_url == "sqlite:///var/case-system.sqlite3"
    assert its.signing_key_file == Path("var/secrets/case-system.key.pem")
    assert its.signing_certificate_file == Path("var/secrets/case-system.crt.pem")
    assert its.trusted_ca_file == ours.trusted_ca_file
    assert {name for name in type(its).model_fields if getattr(its, name) != getattr(ours, name)} == {
        "database_url",
        "signing_key_file",
        "signing_certificate_file",
    }


def test_its_settings_are_named_as_ours(monkeypatch):
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", "sqlite:///elsewhere")
    assert load_as(CaseSystemSettings).database_url == "sqlite:///elsewhere"
    assert load_as(CaseSystemSettings, database_url="sqlite:///x").database_url == "sqlite:///x"


def test_our_address_is_not_its_own(monkeypatch):
    monkeypatch.setenv("OPUS_SOAP_PUBLIC_URL", "https://opus.example.dk")
    assert load_as(CaseSystemSettings).public_url == ""


def test_nothing_of_it_works_before_the_fork(tmp_path, monkeypatch):
    """A thread of the master would hold the database while its children are made."""
    pki.create(pki.example(), tmp_path / "keys", now=NOON)
    alive: list[str] = []

    def run(_server: object) -> None:
        alive.extend(thread.name for thread in threading.enumerate())

    monkeypatch.setattr("opus_soap.soap.serving.WsgiServer.run", run)
    files = {
        "SIGNING_KEY_FILE": "case-system.key.pem",
        "SIGNING_CERTIFICATE_FILE": "case-system.crt.pem",
        "TRUSTED_CA_FILE": "ca.pem",
    }
    for name, file in files.items():
        monkeypatch.setenv(f"OPUS_SOAP_{name}", str(tmp_path / "keys" / file))
    bind = f"127.0.0.1:{free_port(8081)}"
    options = ["--opus-certificate", str(tmp_path / "keys/opus.crt.pem"), "--bind", bind]
    database = f"sqlite:///{tmp_path}/case.sqlite3"
    result = CliRunner().invoke(main, ["--database-url", database, "simulate", "case-system", *options])
    disconnect()
    assert result.exit_code == 0, result.output
    assert alive
    assert "answers" not in alive


def test_a_key_that_is_missing_is_told_before_it_serves(tmp_path, monkeypatch):
    pki.create(pki.example(), tmp_path / "keys", now=NOON)
    served: list[object] = []
    monkeypatch.setattr("opus_soap.soap.serving.WsgiServer.run", served.append)
    monkeypatch.chdir(tmp_path)
    bind = f"127.0.0.1:{free_port(8081)}"
    options = ["--opus-certificate", str(tmp_path / "keys/opus.crt.pem"), "--bind", bind]
    database = f"sqlite:///{tmp_path}/case.sqlite3"
    result = CliRunner().invoke(main, ["--database-url", database, "simulate", "case-system", *options])
    disconnect()
    assert (result.exit_code, served) == (1, [])
    assert "CFG-002" in result.output
