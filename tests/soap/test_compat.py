"""Spyne imports without a warning in a fresh interpreter where every warning is an error."""

from __future__ import annotations

import logging
import subprocess
import sys

from opus_soap.soap import compat


def test_spyne_imports_with_every_warning_an_error():
    code = "from opus_soap.soap import compat; import spyne, spyne.util.six; print(spyne.util.six.__name__)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "six", "")


def test_installing_again_changes_nothing():
    before = sys.modules["spyne.util.six"]
    compat.install()
    assert sys.modules["spyne.util.six"] is before


def test_what_spyne_could_not_read_is_not_logged():
    """Its log does not reach the process's, which would write the value out."""
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    keep = Keep()
    logging.getLogger().addHandler(keep)
    try:
        logging.getLogger("spyne.server._base").error("010170-1234")
        logging.getLogger("opus").error("seen")
    finally:
        logging.getLogger().removeHandler(keep)
    assert [record.getMessage() for record in records] == ["seen"]
