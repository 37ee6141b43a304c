"""The README's first command, as a newcomer runs it."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [[], ["--security-model", "context"]], ids=["token", "context"])
def test_the_demo_books_everything_and_ends_with_status_zero(chosen: list[str]):
    run = subprocess.run(
        [sys.executable, "-m", "opus_soap", "demo", "--once", *chosen],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "15 of 15 invoices are booked" in run.stdout
    assert "all hold" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr
