"""opus-soap as it is run, for peers to call: one house for each security model."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opus_soap.clock import SystemClock
from opus_soap.database import disconnect, proxy
from opus_soap.demo.processes import Processes
from opus_soap.demo.scene import CASE_SYSTEM, CASE_SYSTEM_NAME, Scene, prepare


@dataclass
class Opus:
    """The server, its keys and its books."""

    scene: Scene

    @property
    def url(self) -> str:
        return self.scene.opus_url

    @property
    def keys(self) -> Path:
        return self.scene.keys

    def vouchers(self) -> list[str]:
        """The header texts of what is booked."""
        return [text for (text,) in self._asked("SELECT header_text FROM voucher ORDER BY id")]

    def archived(self) -> int:
        """How many messages the archive holds."""
        [(count,)] = self._asked("SELECT count(*) FROM archived_message")
        return count

    def _asked(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.scene.folder / "opus.sqlite3")) as database:
            return database.execute(query).fetchall()


@contextmanager
def running_opus(folder: Path, security_model: str, *change: str) -> Iterator[Opus]:
    """A server with one agreement, which is changed so, and a sender of postings."""
    scene = prepare(folder, SystemClock(), opus_port=0, case_port=0, security_model=security_model)
    disconnect()
    proxy.initialize(None)
    environment = scene.environment("opus") | {"OPUS_SOAP_FILES_FOLDER": str(folder / "files")}

    def command(*arguments: str) -> None:
        whole = [sys.executable, "-m", "opus_soap", *arguments]
        subprocess.run(whole, env={**os.environ, **environment}, check=True, capture_output=True)

    if change:
        command("systems", "change", CASE_SYSTEM_NAME, *change)
    sender = ["--short", "KY01", "--name", "Kommunernes Ydelse", "--system", str(CASE_SYSTEM)]
    command("postings", "senders", "add", "KY01", *sender)
    with Processes(folder) as processes:
        processes.start("server", environment, "serve", f"--bind=127.0.0.1:{scene.opus_port}", "--workers=2")
        processes.wait_for("server", f"{scene.opus_url}/health", scene.keys / "root.crt.pem")
        yield Opus(scene)
