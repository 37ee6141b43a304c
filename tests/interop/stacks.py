"""What a stack of other people's is: what it needs, and how a client in it is made and run."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = Path(__file__).parent / "peers"
LONGEST_SECONDS = 300  # npm over a slow line


class PeerFailed(Exception):
    """A peer could not be made; says what its tools said."""


@dataclass(frozen=True)
class Peer:
    """One stack and the client in it. `forms` are the ways its signature names the certificate."""

    name: str
    folder: str
    stack: str
    packages: tuple[str, ...]
    """Of Debian."""
    missing: Callable[[], str]
    """What is missing, or nothing."""
    version: Callable[[Path], str]
    command: Callable[[Path], Sequence[str | Path]]
    """The client in the folder where it was made; a URL, a folder of keys and an operation follow."""
    make: Callable[[Path, str], None] = lambda folder, url: None
    """Make the client in a folder, with the contract at the URL."""
    forms: Mapping[str, str] = field(default_factory=lambda: {"": "BinarySecurityToken"})

    @property
    def sources(self) -> Path:
        """Where its client is."""
        return SOURCES / self.folder


def run(*command: str | Path, folder: Path | None = None) -> str:
    """What a tool said; raises `PeerFailed` with that when it fails."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_SECONDS, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise PeerFailed(f"{command[0]}: {(done.stderr + done.stdout)[-2000:]}")
    return done.stdout


def programs(*names: str) -> Callable[[], str]:
    """Those of these programs and files that are not there."""
    return lambda: ", ".join(name for name in names if not (Path(name).exists() or shutil.which(name)))


def debian(package: str, beside: Callable[[], str] = lambda: "") -> Callable[[Path], str]:
    """The upstream version of a Debian package."""

    def told(_folder: Path) -> str:
        full = run("dpkg-query", "-W", "-f", "${Version}", package)
        return full.rpartition(":")[2].partition("-")[0].partition("+")[0] + beside()

    return told
