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
    assert "6 files" in made.output
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
