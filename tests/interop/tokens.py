"""Tokens as a running STS gives them: a good one, and those that the server must refuse.

python -m tests.interop.tokens simulate sts …     # that STS, two hours slow
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lxml import etree

from opus_soap.cli.main import main
from opus_soap.clock import SystemClock
from opus_soap.demo.scene import STS, Scene, free_port
from opus_soap.simulate.sts import PATH
from opus_soap.soap.contracts import entity_id
from opus_soap.wss.certificates import load_pem
from opus_soap.wss.signing import load_signer
from opus_soap.wss.sts import StsClient

ROOT = Path(__file__).parents[2]
SLOW = timedelta(hours=2)
SERVICE = entity_id("FinansbilagModtag")
ANOTHER_SERVICE = entity_id("DimensionHent")
_START_SECONDS = 60


@dataclass(frozen=True)
class Sts:
    """A running STS, and how slow its clock is."""

    scene: Scene
    url: str
    signs_with: str
    slow: timedelta

    def token(self, audience: str = SERVICE) -> bytes:
        """A token for the case system and the municipality."""
        keys = self.scene.keys
        signer = load_signer(keys / "case-system.key.pem", keys / "case-system.crt.pem", timedelta(minutes=5))
        client = StsClient(
            self.url,
            signer,
            load_pem(keys / f"{self.signs_with}.crt.pem"),
            now=lambda: datetime.now(UTC) - self.slow,
        )
        assertion = client.token(audience, self.scene.definition["municipality"]["cvr"])
        return etree.tostring(assertion, encoding="UTF-8", with_tail=False)


@contextmanager
def running_sts(scene: Scene, *, signs_with: str = "sts", slow: bool = False) -> Iterator[Sts]:
    """`opus-soap simulate sts` with that certificate; its tokens are good for one hour.

    `slow`: by a clock that is so far behind that what it gives has expired.
    """
    port = free_port(0)
    program = ["tests.interop.tokens"] if slow else ["opus_soap"]
    command = [sys.executable, "-m", *program, "simulate", "sts", f"--bind=127.0.0.1:{port}", "--hours=1"]
    command += [f"--entity-id={STS}", f"--key={scene.keys / signs_with}.key.pem"]
    command += [f"--certificate={scene.keys / signs_with}.crt.pem"]
    environment = {**os.environ, **scene.environment("opus")}
    with (scene.folder / "sts.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}/health", process)
        yield Sts(scene, f"http://127.0.0.1:{port}{PATH}", signs_with, SLOW if slow else timedelta())
    finally:
        process.terminate()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the STS did not start")


def tokens(scene: Scene, folder: Path) -> dict[str, Path]:
    """Files of tokens, by what is to be said of each."""
    with running_sts(scene) as sts:
        made = {"good": sts.token(), "another-service": sts.token(ANOTHER_SERVICE)}
    with running_sts(scene, slow=True) as sts:
        made["expired"] = sts.token()
    # the same name, the key of somebody else whom the server trusts otherwise
    with running_sts(scene, signs_with="stranger") as sts:
        made["another-sts"] = sts.token()
    files = {}
    for name, token in made.items():
        files[name] = folder / f"{name}.xml"
        files[name].write_bytes(token)
    return files


def _slowly() -> None:
    """The command line, with another clock."""
    right = SystemClock.now
    SystemClock.now = lambda self: right(self) - SLOW  # type: ignore[method-assign]
    main()


if __name__ == "__main__":
    _slowly()
