"""`opus-soap certs`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from opus_soap.cli.certs import certs
from opus_soap.cli.runtime import Runtime
from opus_soap.clock import ManualClock
from opus_soap.wss.certificates import load_pem, thumbprint

SMALL = """
pkcs12_password = "x"
[[authorities]]
name = "ca"
common_name = "CA"
trusted = true
[[certificates]]
name = "one"
common_name = "One"
organization = "Org"
cvr = "12345678"
"""


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    file = tmp_path / "pki.toml"
    file.write_text(SMALL)
    return file


def run(clock: ManualClock, *arguments: object):
    return CliRunner().invoke(certs, [str(argument) for argument in arguments], obj=Runtime(clock=clock))


def test_create_and_show(definition: Path, tmp_path: Path, clock: ManualClock):
    out = tmp_path / "out"
    made = run(clock, "create", "--out", out, "--definition", definition)
    assert made.exit_code == 0, made.output
    assert "7 files" in made.output
    shown = run(clock, "show", out / "one.crt.pem")
    [certificate] = load_pem(out / "one.crt.pem")
    assert thumbprint(certificate) in shown.output
    assert "CVR         12345678" in shown.output
    assert "EXPIRED" not in shown.output
    later = ManualClock(certificate.not_valid_after_utc)
    assert "EXPIRED" in run(later, "show", out / "one.crt.pem").output
    assert "CVR         -" in run(clock, "show", out / "ca.pem").output


def test_nothing_is_replaced_unasked(definition: Path, tmp_path: Path, clock: ManualClock):
    arguments = ("create", "--out", tmp_path / "out", "--definition", definition)
    assert run(clock, *arguments).exit_code == 0
    before = (tmp_path / "out" / "one.key.pem").read_bytes()
    refused = run(clock, *arguments)
    assert refused.exit_code == 1
    assert "CFG-011" in refused.output
    assert (tmp_path / "out" / "one.key.pem").read_bytes() == before
    assert run(clock, *arguments, "--force").exit_code == 0
    assert (tmp_path / "out" / "one.key.pem").read_bytes() != before


def test_the_example_is_the_default(tmp_path: Path, clock: ManualClock):
    assert run(clock, "create", "--out", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out" / "opus.key.pem").stat().st_mode & 0o777 == 0o600


def test_bad_input_is_named(tmp_path: Path, clock: ManualClock):
    broken = tmp_path / "broken.toml"
    broken.write_text("x = 1")
    refused = run(clock, "create", "--out", tmp_path / "out", "--definition", broken)
    assert refused.exit_code == 1
    assert "broken.toml" in refused.output
    assert not (tmp_path / "out").exists()
    missing = run(clock, "show", tmp_path / "none.pem")
    assert missing.exit_code == 1
    assert "none.pem" in missing.output


@pytest.fixture
def example(tmp_path: Path, clock: ManualClock, monkeypatch) -> Path:
    """The example's files, named by the settings."""
    out = tmp_path / "keys"
    assert run(clock, "create", "--out", out).exit_code == 0
    for setting, file in (
        ("SIGNING_KEY_FILE", "opus.key.pem"),
        ("SIGNING_CERTIFICATE_FILE", "opus.crt.pem"),
        ("TRUSTED_CA_FILE", "ca.pem"),
        ("REVOCATION_LISTS", ""),
    ):
        monkeypatch.setenv(f"OPUS_SOAP_{setting}", str(out / file))
    monkeypatch.setenv("OPUS_SOAP_REVOCATION", "crl")
    return out


def test_check_of_our_own(example: Path, clock: ManualClock):
    checked = run(clock, "check")
    assert checked.exit_code == 0, checked.output
    for said in ("belongs to it", "1094 days left", "not revoked", "is a trusted issuer itself"):
        assert said in checked.output
    (example / "opus.key.pem").write_bytes((example / "sts.key.pem").read_bytes())
    wrong = run(clock, "check")
    assert wrong.exit_code == 1
    assert "does NOT belong" in wrong.output
    assert "1 things are wrong" in wrong.output


def test_check_of_files(example: Path, clock: ManualClock):
    bad = [example / f"{name}.crt.pem" for name in ("revoked", "expired", "wrong-usage", "unknown-ca")]
    wrong = run(clock, "check", *bad)
    assert wrong.exit_code == 1
    for said in ("REVOKED since", "EXPIRED", "another key than that issuer", "4 things are wrong"):
        assert said in wrong.output
    assert run(clock, "check", example / "case-system.crt.pem").exit_code == 0
    key = ("--key", example / "opus.key.pem")
    assert run(clock, "check", example / "case-system.crt.pem", *key).exit_code == 1


def test_check_of_what_is_no_certificate(example: Path, clock: ManualClock):
    for arguments in (["none.pem"], [example / "opus.crt.pem", "--key", example / "ca.pem"]):
        refused = run(clock, "check", *arguments)
        assert refused.exit_code == 1
        assert "CFG-0" in refused.output
        assert "Traceback" not in refused.output
