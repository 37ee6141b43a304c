"""A running opus-soap that the peers call, the peers made once, and a liar in between."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from opus_soap.clock import SystemClock
from opus_soap.database import disconnect, proxy
from opus_soap.demo.processes import Processes
from opus_soap.demo.scene import CASE_SYSTEM, CASE_SYSTEM_NAME, Scene, prepare
from tests.interop import table
from tests.interop.liar import Liar
from tests.interop.peers import LONGEST_SECONDS, PEERS, Peer

ENABLED = "OPUS_SOAP_TEST_INTEROP"
WORK = Path(__file__).parents[2] / "build" / "interop"
ROWS = pytest.StashKey[table.Rows]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Other people's stacks are not asked on every run."""
    if not os.environ.get(ENABLED):
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="run `make interop` (other people's SOAP stacks)"))


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = {}


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """The table in docs/interop.md, when every peer was asked everything and all was as it must be."""
    rows = session.config.stash[ROWS]
    if exitstatus == 0 and table.complete(rows):
        table.write(rows)


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
        with closing(sqlite3.connect(self.scene.folder / "opus.sqlite3")) as database:
            return [text for (text,) in database.execute("SELECT header_text FROM voucher ORDER BY id")]


@pytest.fixture(scope="session")
def opus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opus]:
    """opus-soap as it is run, with one agreement of the profile `basic`."""
    folder = tmp_path_factory.mktemp("opus")
    scene = prepare(folder, SystemClock(), opus_port=0, case_port=0)
    disconnect()
    proxy.initialize(None)
    environment = scene.environment("opus") | {"OPUS_SOAP_FILES_FOLDER": str(folder / "files")}

    def command(*arguments: str) -> None:
        whole = [sys.executable, "-m", "opus_soap", *arguments]
        subprocess.run(whole, env={**os.environ, **environment}, check=True, capture_output=True)

    command("systems", "change", CASE_SYSTEM_NAME, "--profile", "basic")
    sender = ["--short", "KY01", "--name", "Kommunernes Ydelse", "--system", str(CASE_SYSTEM)]
    command("postings", "senders", "add", "KY01", *sender)
    with Processes(folder) as processes:
        processes.start("server", environment, "serve", f"--bind=127.0.0.1:{scene.opus_port}", "--workers=2")
        processes.wait_for("server", f"{scene.opus_url}/health")
        yield Opus(scene)


@pytest.fixture
def liar(opus: Opus) -> Iterator[Liar]:
    """Stands between a peer and the server, and changes the replies."""
    with Liar(opus.url) as between:
        yield between


@dataclass
class Client:
    """A peer's client, made."""

    peer: Peer
    folder: Path
    rows: table.Rows = field(repr=False)

    def __call__(self, opus: Opus, *arguments: str, url: str = "") -> subprocess.CompletedProcess[str]:
        """Call the server (at another address: through it)."""
        command = [*self.peer.command(self.folder), url or opus.url, opus.keys, *filter(None, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_SECONDS, stdin=subprocess.DEVNULL
        )

    def note(self, form: str, column: str, outcome: str) -> None:
        """For the table."""
        self.rows.setdefault((self.peer.name, form), {})[column] = outcome
        self.rows[self.peer.name, form]["version"] = self.peer.version(self.folder)


@pytest.fixture(scope="session")
def client(opus: Opus, pytestconfig: pytest.Config) -> Callable[[Peer], Client]:
    """Make a peer's client, once; skips when its stack is not there."""
    made: dict[str, Client] = {}

    def make(peer: Peer) -> Client:
        if peer.name not in made:
            if missing := peer.missing():
                packages = f" (apt-get install {' '.join(peer.packages)})" if peer.packages else ""
                pytest.skip(f"{peer.name}: not installed: {missing}{packages}")
            folder = WORK / peer.folder
            folder.mkdir(parents=True, exist_ok=True)
            peer.make(folder, opus.url)
            made[peer.name] = Client(peer, folder, pytestconfig.stash[ROWS])
        return made[peer.name]

    return make


ALL_FORMS = [
    pytest.param(peer, form, id=f"{peer.folder}-{form or 'bst'}") for peer in PEERS for form in peer.forms
]
