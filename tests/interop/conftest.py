"""Running houses that the peers call, the peers made once, and a liar in between."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.interop import table
from tests.interop.houses import Opus, running_opus
from tests.interop.liar import Liar
from tests.interop.peers import PEERS
from tests.interop.stacks import LONGEST_SECONDS, Peer
from tests.interop.tokens import tokens

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
    """The tables in docs/interop.md, when every peer was asked everything and all was as it must be."""
    rows = session.config.stash[ROWS]
    if exitstatus == 0:
        for one in table.TABLES:
            if one.complete(rows):
                one.write(rows)


@pytest.fixture(scope="session")
def opus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opus]:
    """opus-soap as it is run, with one agreement of the profile `basic`."""
    with running_opus(tmp_path_factory.mktemp("opus"), "x509", "--profile", "basic") as house:
        yield house


@pytest.fixture(scope="session")
def token_opus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opus]:
    """With an agreement in the Token model."""
    with running_opus(tmp_path_factory.mktemp("token"), "token") as house:
        yield house


@pytest.fixture(scope="session")
def token_files(token_opus: Opus) -> dict[str, Path]:
    """Tokens for it, good and bad."""
    return tokens(token_opus.scene, token_opus.scene.folder)


@pytest.fixture(scope="session")
def context_opus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opus]:
    """With an agreement in the Context model; it speaks TLS itself."""
    with running_opus(tmp_path_factory.mktemp("context"), "context") as house:
        yield house


@pytest.fixture
def liar(opus: Opus) -> Iterator[Liar]:
    """Stands between a peer and the server, and changes the replies."""
    with Liar(opus.url) as between:
        yield between


@pytest.fixture
def token_liar(token_opus: Opus) -> Iterator[Liar]:
    with Liar(token_opus.url) as between:
        yield between


@dataclass
class Client:
    """A peer's client, made."""

    peer: Peer
    folder: Path
    rows: table.Rows = field(repr=False)

    def __call__(self, opus: Opus, *arguments: object, url: str = "") -> subprocess.CompletedProcess[str]:
        """Call the server (at another address: through it)."""
        command = [*self.peer.command(self.folder), url or opus.url, opus.keys, *filter(None, arguments)]
        return subprocess.run(
            list(map(str, command)),
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            stdin=subprocess.DEVNULL,
        )

    def note(self, model: str, form: str, column: str, outcome: str) -> None:
        """For the table of that security model."""
        row = self.rows.setdefault((model, self.peer.name, form), {})
        row[column] = outcome
        row["version"] = self.peer.version(self.folder)


@pytest.fixture(scope="session")
def client(pytestconfig: pytest.Config) -> Callable[[Peer, Opus], Client]:
    """Make a peer's client, once; skips when its stack is not there."""
    made: dict[object, Client] = {}

    def make(peer: Peer, opus: Opus) -> Client:
        key = peer.name, peer.command
        if key not in made:
            if missing := peer.missing():
                packages = f" (apt-get install {' '.join(peer.packages)})" if peer.packages else ""
                pytest.skip(f"{peer.name}: not installed: {missing}{packages}")
            folder = WORK / peer.folder
            folder.mkdir(parents=True, exist_ok=True)
            peer.make(folder, opus.url)
            made[key] = Client(peer, folder, pytestconfig.stash[ROWS])
        return made[key]

    return make


ALL_FORMS = [
    pytest.param(peer, form, id=f"{peer.folder}-{form or 'bst'}") for peer in PEERS for form in peer.forms
]
