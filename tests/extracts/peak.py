"""`python -m tests.extracts.peak DATABASE FOLDER EXTRACT`: produce it; kB of memory that took at the most."""

from __future__ import annotations

import sys
from pathlib import Path

from opus_soap.clock import ManualClock
from opus_soap.database import connect
from opus_soap.extracts import ordering
from opus_soap.extracts.producing import Producer
from opus_soap.interfaces.extract_kinds import KINDS
from tests.conftest import NOON


def memory_kb(name: str) -> int:
    """VmRSS, or VmHWM: the most so far."""
    return int(Path("/proc/self/status").read_text().partition(f"{name}:")[2].split()[0])


if __name__ == "__main__":
    database, folder, extract = sys.argv[1:]
    connect(database).connect(reuse_if_open=True)
    producer = Producer(KINDS, Path(folder) / "extracts", Path(folder) / "seal.key.pem", ManualClock(NOON))
    ordered = ordering.find_extract("999", extract)
    before = memory_kb("VmRSS")
    producer.produce(ordered, actor="test")
    print(memory_kb("VmHWM") - before)
