"""`python -m tests.extracts.due DATABASE FOLDER INSTANT`: run what is due then; it may be made to die."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from opus_soap.clock import ManualClock
from opus_soap.database import connect
from opus_soap.extracts.delivering import Deliverer
from opus_soap.extracts.producing import Producer
from opus_soap.extracts.schedule import run_due
from opus_soap.interfaces.extract_kinds import KINDS

if __name__ == "__main__":
    database, folder, instant = sys.argv[1:]
    connect(database).connect(reuse_if_open=True)
    clock = ManualClock(datetime.fromisoformat(instant))
    producer = Producer(KINDS, Path(folder) / "extracts", Path(folder) / "seal.key.pem", clock)
    run_due(producer, Deliverer(producer, clock))
