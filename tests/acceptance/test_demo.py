"""The README's first command, as a newcomer runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [[], ["--security-model", "context"]], ids=["token", "context"])
def test_the_demo_books_everything_and_ends_with_status_zero(chosen: list[str], tmp_path: Path):
    run = subprocess.run(
        [sys.executable, "-m", "opus_soap", "demo", "--once", "--keep", str(tmp_path / "demo"), *chosen],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "15 of 15 invoices are booked" in run.stdout
    assert "all hold" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr

    # from another terminal, as it says
    settings = tmp_path / "demo" / "settings.toml"
    for command in (["ledger", "verify"], ["invoices", "list"], ["explain", "1"]):
        looked = subprocess.run(
            [sys.executable, "-m", "opus_soap", *command],
            env={**os.environ, "OPUS_SOAP_CONFIG": str(settings)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert looked.returncode == 0, looked.stdout + looked.stderr
