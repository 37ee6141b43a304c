"""A municipality of real processes for one file of postings, and the doors that the file may come by."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from opus_soap.clock import SystemClock
from opus_soap.demo.processes import Processes
from opus_soap.demo.scene import Scene, prepare

LONGEST_SECONDS = 30
SENDER = "KY01"


@dataclass
class Town:
    """Empty books, a sender, and room for the processes that a door needs."""

    folder: Path
    stack: ExitStack
    scene: Scene = field(init=False)
    processes: Processes = field(init=False)

    def __post_init__(self) -> None:
        self.scene = prepare(self.folder, SystemClock(), opus_port=0, case_port=0)
        self.processes = self.stack.enter_context(Processes(self.folder))
        self.opus("postings", "senders", "add", SENDER, "--short", SENDER, "--name", "Kommunernes Ydelse")

    @property
    def environment(self) -> dict[str, str]:
        """The settings of every process."""
        return self.scene.environment("opus") | {
            "OPUS_SOAP_POSTINGS_FOLDER": str(self.senders),
            "OPUS_SOAP_FILES_FOLDER": str(self.folder / "files"),
            "OPUS_SOAP_POSTINGS_SETTLE_SECONDS": "0",
        }

    @property
    def senders(self) -> Path:
        """Where senders have their folders."""
        return self.folder / "senders"

    def opus(self, *arguments: str, statuses: tuple[int, ...] = (0,)) -> str:
        """Run `opus-soap`; what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "opus_soap", *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
        )
        assert done.returncode in statuses, done.stderr
        return done.stdout

    def serve(self) -> str:
        """Start the server; its address."""
        bind = f"127.0.0.1:{self.scene.opus_port}"
        self.processes.start("server", self.environment, "serve", f"--bind={bind}", "--workers=1")
        self.processes.wait_for("server", f"http://{bind}/health")
        return f"http://{bind}"


def wait_for(path: Path) -> bytes:
    """A file that somebody else puts there."""
    until = time.monotonic() + LONGEST_SECONDS
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} never came"
        time.sleep(0.05)
    return path.read_bytes()


def by_command(town: Town, name: str, data: bytes) -> bytes:
    """`opus-soap postings import`."""
    (town.folder / name).write_bytes(data)
    receipt = town.folder / "receipt.xml"
    town.opus("postings", "import", str(town.folder / name), f"--receipt={receipt}", statuses=(0, 1))
    return receipt.read_bytes()


def by_folder(town: Town, name: str, data: bytes) -> bytes:
    """A watched folder."""
    town.processes.start("watch", town.environment, "postings", "watch")
    request = town.senders / SENDER / "request"
    until = time.monotonic() + LONGEST_SECONDS
    while not request.exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    (request / f"{name}.part").write_bytes(data)
    (request / f"{name}.part").rename(request / name)
    return wait_for(town.senders / SENDER / "response" / name)


def by_http(town: Town, name: str, data: bytes) -> bytes:
    """PUT to the server."""
    token = town.opus("postings", "senders", "token", SENDER).strip()
    request = urllib.request.Request(
        f"{town.serve()}/posteringer-ind/{SENDER}/{name}",
        data,
        {"Authorization": f"Bearer {token}", "Content-Type": "application/xml"},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=LONGEST_SECONDS) as answer:
        assert answer.status == 200
        receipt: bytes = answer.read()
    return receipt


# door → deliver a file by it, and get the receipt
DOORS: dict[str, Callable[[Town, str, bytes], bytes]] = {
    "command": by_command,
    "folder": by_folder,
    "http": by_http,
}
