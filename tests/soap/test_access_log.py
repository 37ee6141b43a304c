"""The log is JSON, one line per event, with the time in UTC."""

from __future__ import annotations

import json

import pytest
import structlog

from opus_soap.soap.access_log import Timings, configure_logging


def test_one_line_of_json_at_or_above_the_level(capsys: pytest.CaptureFixture[str]):
    configure_logging("INFO")
    try:
        log = structlog.get_logger("test")
        log.info("request", endpoint="/æ", status=200)
        log.debug("too small to see")
    finally:
        structlog.reset_defaults()
    (line,) = capsys.readouterr().out.splitlines()
    entry = json.loads(line)
    assert (entry["event"], entry["endpoint"], entry["level"]) == ("request", "/æ", "info")
    assert entry["timestamp"].endswith("Z")


def test_parts_add_up():
    timings = Timings()
    for _ in range(2):
        with timings.part("sign"):
            pass
    assert set(timings.parts) == {"sign"}
    assert timings.parts["sign"] >= 0
