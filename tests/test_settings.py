"""Settings: every error at once, environment before file."""

from __future__ import annotations

import pytest

from opus_soap.errors import SettingsInvalid
from opus_soap.settings import load


def test_every_error_is_listed_at_once(monkeypatch):
    monkeypatch.setenv("OPUS_SOAP_MAX_XML_DEPTH", "3")
    monkeypatch.setenv("OPUS_SOAP_LOG_LEVEL", "LOUD")
    with pytest.raises(SettingsInvalid) as invalid:
        load()
    assert "OPUS_SOAP_MAX_XML_DEPTH" in invalid.value.text_english
    assert "OPUS_SOAP_LOG_LEVEL" in invalid.value.text_english


def test_the_environment_wins_over_the_file(monkeypatch, tmp_path):
    file = tmp_path / "opus-soap.toml"
    file.write_text('send_batch = 7\nworker_threads = 3\nlog_level = "DEBUG"\n')
    monkeypatch.setenv("OPUS_SOAP_CONFIG", str(file))
    monkeypatch.setenv("OPUS_SOAP_SEND_BATCH", "9")
    settings = load()
    assert (settings.send_batch, settings.worker_threads) == (9, 3)


def test_an_unknown_key_in_the_file_is_an_error(monkeypatch, tmp_path):
    file = tmp_path / "opus-soap.toml"
    file.write_text("send_bach = 7\n")
    monkeypatch.setenv("OPUS_SOAP_CONFIG", str(file))
    with pytest.raises(SettingsInvalid, match="SEND_BACH"):
        load()
