"""The Token model in real processes: an STS, a server, and the client that docs/tokens.md shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from opus_soap.clock import SystemClock
from opus_soap.database import disconnect
from opus_soap.demo.processes import Processes
from opus_soap.demo.scene import STS, Scene, prepare
from tests.conftest import ROOT

CALLS = [sys.executable, str(ROOT / "docs/examples/call_with_token.py")]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    found = prepare(tmp_path, SystemClock(), opus_port=0, case_port=0, security_model="token")
    disconnect()
    return found


def called(scene: Scene) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [scene.opus_url, scene.sts_url, str(scene.keys)]
    return subprocess.run([*CALLS, *arguments], env=environment, capture_output=True, text=True, timeout=60)


def test_the_client_of_the_docs_gets_a_token_and_an_answer(scene: Scene):
    opus = scene.environment("opus")
    with Processes(scene.folder) as processes:
        processes.start("server", opus, "serve", "--workers", "1", "--bind", f"127.0.0.1:{scene.opus_port}")
        processes.wait_for("server", f"{scene.opus_url}/health")
        alone = called(scene)
        assert alone.returncode == 1  # nobody gives a token
        assert "ReplyMissing" in alone.stderr
        key, certificate = (str(scene.keys / f"sts.{kind}.pem") for kind in ("key", "crt"))
        where = ("--bind", f"127.0.0.1:{scene.sts_port}")
        who = ("--entity-id", STS, "--key", key, "--certificate", certificate)
        processes.start("sts", opus, "simulate", "sts", *where, *who)
        processes.wait_for("sts", f"http://127.0.0.1:{scene.sts_port}/health")
        good = called(scene)
        assert (good.returncode, good.stdout[:21]) == (0, "known, and may call: "), good.stderr
