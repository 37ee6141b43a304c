"""Settings: every error at once, environment before file."""

from __future__ import annotations

import pytest

from opus_soap.errors import SettingsInvalid
from opus_soap.settings import load, shown


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


def refused() -> str:
    with pytest.raises(SettingsInvalid) as invalid:
        load()
    return invalid.value.text_english


@pytest.mark.parametrize("content", [None, b"send_batch = = 7", b'log_level = "\xff"', "folder"])
def test_a_file_that_cannot_be_read_is_an_error(monkeypatch, tmp_path, content):
    file = tmp_path / "opus-soap.toml"
    if content == "folder":
        file.mkdir()
    elif content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("OPUS_SOAP_CONFIG", str(file))
    said = refused()
    assert "OPUS_SOAP_CONFIG" in said
    assert "opus-soap.toml" in said


def test_an_unknown_variable_is_an_error_among_the_others(monkeypatch):
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URI", "sqlite:///x")
    monkeypatch.setenv("OPUS_SOAP_SEND_BACH", "1")
    monkeypatch.setenv("OPUS_SOAP_SEND_BATCH", "0")
    said = refused()
    for name in ("OPUS_SOAP_DATABASE_URI", "OPUS_SOAP_SEND_BACH:", "OPUS_SOAP_SEND_BATCH:"):
        assert name in said


def test_variables_of_the_tests_and_of_the_command_line_are_known(monkeypatch):
    from opus_soap.cli import main  # noqa: F401  as in every process of ours

    monkeypatch.setenv("OPUS_SOAP_TEST_ANYTHING", "1")
    monkeypatch.setenv("OPUS_SOAP_CONFIG", "")
    monkeypatch.setenv("OPUS_SOAP_SERVE_BIND", "127.0.0.1:1")
    monkeypatch.setenv("OPUS_SOAP_SYSTEMS_ROUTE_ADD_FROM_AMOUNT", "1.00")
    assert load()
    monkeypatch.setenv("OPUS_SOAP_SERVE_BINDING", "127.0.0.1:1")
    assert "OPUS_SOAP_SERVE_BINDING" in refused()


def test_a_secret_is_a_file_named_like_its_setting(monkeypatch, tmp_path):
    (tmp_path / "database_url").write_text("postgresql://u:secret@h/d\n")
    (tmp_path / "somebody-elses").write_text("x")
    toml = tmp_path / "opus-soap.toml"
    toml.write_text('database_url = "sqlite:///toml"\n')
    monkeypatch.setenv("OPUS_SOAP_CONFIG", str(toml))
    monkeypatch.setenv("OPUS_SOAP_SECRETS_DIR", str(tmp_path))
    assert load().database_url == "postgresql://u:secret@h/d"
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", "sqlite:///environment")
    assert load().database_url == "sqlite:///environment"


def test_a_folder_of_secrets_that_is_not_there_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("OPUS_SOAP_SECRETS_DIR", str(tmp_path / "nowhere"))
    assert "OPUS_SOAP_SECRETS_DIR" in refused()


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("postgresql://u:secret@h:5432/d", "postgresql://u:•••@h:5432/d"),
        ("postgresql://u:se/cr@et@h/d", "postgresql://u:•••@h/d"),
        (
            "postgresql://u@h/d?password=secret&sslmode=require",
            "postgresql://u@h/d?password=•••&sslmode=require",
        ),
        ("redis://:secret@h:6379/0", "redis://:•••@h:6379/0"),
        ("sqlite:///var/x.sqlite3", "sqlite:///var/x.sqlite3"),
        ("INFO", "INFO"),
    ],
)
def test_passwords_are_not_shown(url, text):
    assert shown(url) == text


@pytest.mark.parametrize("name", ["DATABASE_URL", "QUEUE_URL"])
@pytest.mark.parametrize("rest", ["u:s3cret@[oops/d", "u:s3c/ret@h/d", "u:s3cr%zz@h/d", "u:s3cret@h:99999/d"])
def test_a_url_that_cannot_be_read_is_an_error_that_does_not_repeat_it(monkeypatch, name, rest):
    monkeypatch.setenv(f"OPUS_SOAP_{name}", f"postgresql://{rest}")
    said = refused()
    assert f"OPUS_SOAP_{name}" in said
    assert "s3c" not in said


def test_a_path_may_hold_what_a_password_may_not(monkeypatch, tmp_path):
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", f"sqlite:///{tmp_path}/50%/x@y.sqlite3")
    assert "50%" in load().database_url
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", "postgresql://u:s%40%2F@h:5432/d")
    assert load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "opus.example.dk"),
        ("PUBLIC_URL", "ftp://opus.example.dk"),
        ("QUEUE_URL", "http://localhost:6379"),
        ("ANSWER_DUE_DAYS", "999999999"),
        ("CONTENT_RETENTION_DAYS", "999999999"),
        ("SEND_LEASE_SECONDS", "999999999999"),
        ("SECURITY_MODELS", ""),
        ("SECURITY_MODELS", "x509 x509"),
        ("SECURITY_MODELS", "tls"),
        ("SECURITY_MODELS_OF_SERVICES", "DimensionHent"),
        ("SECURITY_MODELS_OF_SERVICES", "DimensionHent=x509,,token"),
        ("SECURITY_MODELS_OF_SERVICES", "DimensionHent=x509 DimensionHent=token"),
        ("CLIENT_CERTIFICATE_PROXIES", "10.0.0.1"),
        ("CLIENT_CERTIFICATE_HEADER", "Content-Type"),
        ("SEND_BACKOFF_MAX_SECONDS", "999999999999"),
    ],
)
def test_a_value_that_no_calendar_or_client_could_use_is_an_error(monkeypatch, name, value):
    monkeypatch.setenv(f"OPUS_SOAP_{name}", value)
    assert f"OPUS_SOAP_{name}" in refused()


def test_a_header_for_certificates_needs_proxies_that_may_set_it(monkeypatch):
    monkeypatch.setenv("OPUS_SOAP_CLIENT_CERTIFICATE_HEADER", "X-Client-Cert")
    assert "client_certificate_header" in refused()
    monkeypatch.setenv("OPUS_SOAP_CLIENT_CERTIFICATE_PROXIES", "10.0.0.0/33")
    assert "10.0.0.0/33" in refused()
    monkeypatch.setenv("OPUS_SOAP_CLIENT_CERTIFICATE_PROXIES", "10.0.0.0/24 ::1")
    assert load().client_certificate_proxies == "10.0.0.0/24 ::1"


def test_files_that_are_not_set(monkeypatch):
    monkeypatch.setenv("OPUS_SOAP_TLS_TRUSTED_CA_FILE", "")
    assert load().tls_trusted_ca_file is None
    for name in ("CERTIFICATE", "KEY"):
        monkeypatch.setenv(f"OPUS_SOAP_TLS_{name}_FILE", "a.pem")
        assert "set together" in refused()
        monkeypatch.delenv(f"OPUS_SOAP_TLS_{name}_FILE")
