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
from datetime import datetime
from pathlib import Path
from shutil import which

import pytest

from opus_soap.clock import COPENHAGEN, SystemClock
from opus_soap.demo.processes import Processes
from opus_soap.demo.scene import CASE_SYSTEM, Scene, free_port, prepare
from tests.acceptance.sftp import plain_sftp, sftp_client, wait_for_port
from tests.acceptance.soap_door import as_kept, send_vouchers, vouchers_of

LONGEST_SECONDS = 30
SENDER = "KY01"
PASSWORD = "correct horse battery"


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
    def password_file(self) -> Path:
        """A file with the sender's password."""
        place = self.folder / "password"
        place.write_text(PASSWORD)
        return place

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


def by_sftp(town: Town, name: str, data: bytes) -> bytes:
    """The SFTP server with its own eye on the folders, and paramiko."""
    port = free_port(0)
    town.opus("postings", "senders", "password", SENDER, f"--file={town.password_file}")
    server = town.processes.start(
        "sftp", town.environment, "simulate", "sftp", f"--bind=127.0.0.1:{port}", "--watch"
    )
    with sftp_client(port, SENDER, PASSWORD, server) as client:
        with client.open(f"request/{name}.part", "wb") as out:
            out.write(data)
        client.rename(f"request/{name}.part", f"request/{name}")
        until = time.monotonic() + LONGEST_SECONDS
        while name not in client.listdir("response"):
            assert time.monotonic() < until
            time.sleep(0.1)
        with client.open(f"response/{name}") as receipt:
            return bytes(receipt.read())


def by_openssh(town: Town, name: str, data: bytes) -> bytes:
    """The same, and OpenSSH's `sftp` with a key."""
    if not (which("sftp") and which("ssh-keygen")):
        pytest.skip("sftp is not installed (openssh-client)")
    port = free_port(0)
    key, batch = town.folder / "key", town.folder / "batch"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    town.opus("postings", "senders", "key", SENDER, f"{key}.pub")
    server = town.processes.start(
        "sftp", town.environment, "simulate", "sftp", f"--bind=127.0.0.1:{port}", "--watch"
    )
    wait_for_port(port, server)
    (town.folder / name).write_bytes(data)
    options = ["-q", "-b", batch, "-i", key, "-P", str(port), "-o", "StrictHostKeyChecking=no"]
    options += ["-o", f"UserKnownHostsFile={town.folder / 'known_hosts'}", "-o", "IdentitiesOnly=yes"]

    def sftp(*commands: str) -> int:
        batch.write_text("\n".join(commands))
        command = ["sftp", *options, f"{SENDER}@127.0.0.1"]
        done = subprocess.run(command, capture_output=True, timeout=LONGEST_SECONDS, cwd=town.folder)
        return done.returncode

    assert sftp(f"put {name} request/{name}.part", f"rename request/{name}.part request/{name}") == 0
    until = time.monotonic() + LONGEST_SECONDS
    while sftp(f"get response/{name} receipt.xml"):
        assert time.monotonic() < until
        time.sleep(0.2)
    return (town.folder / "receipt.xml").read_bytes()


def by_fetch(town: Town, name: str, data: bytes) -> bytes:
    """Folders on somebody else's SFTP server, fetched from there."""
    home = town.folder / "elsewhere" / SENDER
    for folder in ("request", "response", "archive", "quarantine"):
        (home / folder).mkdir(parents=True)
    (home / "request" / name).write_bytes(data)
    with plain_sftp(town.folder / "elsewhere", "opus", PASSWORD) as (port, host_key):
        (town.folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
        town.opus(
            *("postings", "fetch", SENDER, "--once", f"--folder=/{SENDER}"),
            *("--host=127.0.0.1", f"--port={port}", "--user=opus"),
            *(f"--known-hosts={town.folder / 'known_hosts'}", f"--password-file={town.password_file}"),
        )
    assert [path.name for path in (home / "archive").iterdir()] == [name]
    assert list((home / "request").iterdir()) == []
    return (home / "response" / name).read_bytes()


def by_soap(town: Town, name: str, data: bytes) -> bytes:
    """The same vouchers in a signed message, by zeep; the receipt as it is kept."""
    agreement = ["--short", SENDER, "--name", "Kommunernes Ydelse", "--system", str(CASE_SYSTEM)]
    town.opus("postings", "senders", "add", SENDER, *agreement)
    address = town.serve()
    date, second = name[:-4].rsplit("_", 2)[1:]
    stated = datetime.strptime(date + second, "%Y%m%d%H%M%S").replace(tzinfo=COPENHAGEN)
    answer = send_vouchers(address, town.scene.keys, stated, vouchers_of(data))
    assert answer.PosteringsfilNavn == name
    return as_kept(town.environment, name)


# door → deliver a file by it, and get the receipt
DOORS: dict[str, Callable[[Town, str, bytes], bytes]] = {
    "command": by_command,
    "folder": by_folder,
    "http": by_http,
    "sftp": by_sftp,
    "openssh": by_openssh,
    "fetch": by_fetch,
    "soap": by_soap,
}
