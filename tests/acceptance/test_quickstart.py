"""docs/quickstart.md, command by command as it stands there; only the ports are others."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from opus_soap.demo.scene import free_port
from tests.conftest import ROOT

NEEDS_THE_CHECKOUT = ("make ", ". .venv")
RUNS_ON = ("opus-soap serve", "opus-soap worker", "opus-soap simulate")
SHELL = f"""set -e; opus-soap() {{ {shlex.quote(sys.executable)} -m opus_soap "$@"; }}; """


def commands() -> Iterator[str]:
    page = (ROOT / "docs/quickstart.md").read_text("utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if not line.startswith(NEEDS_THE_CHECKOUT):
                yield line


class Reader:
    """Somebody who follows the page in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {"8080": str(free_port(0)), "8081": str(free_port(0))}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OPUS_SOAP_")},
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def follow(self, command: str) -> str:
        for told, free in self.ports.items():
            command = command.replace(f"127.0.0.1:{told}", f"127.0.0.1:{free}")
        if command.startswith(RUNS_ON):
            if "simulate" in command:
                command = command.replace("case-system ", f"case-system {self._other_opus()} ", 1)
            self.running.append(self._start(command))
            time.sleep(3)
            assert self.running[-1].poll() is None, command
            return ""
        done = subprocess.run(
            ["bash", "-c", SHELL + command.replace(" ID ", f" {self._first_invoice(command)} ")],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, command + done.stdout + done.stderr
        return done.stdout

    def _other_opus(self) -> str:
        return f"--opus-url http://127.0.0.1:{self.ports['8080']}"

    def _start(self, command: str) -> subprocess.Popen[bytes]:
        arguments = shlex.split(command, comments=True)[1:]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "opus_soap", *arguments],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def _first_invoice(self, command: str) -> str:
        return str(self.invoices()[0]["id"]) if " ID " in command else ""

    def invoices(self) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = json.loads(self.follow("opus-soap invoices list --json"))
        return rows

    def answer_one_again(self) -> str:
        """docs/connecting.md's client sends a new answer to an invoice: a correction."""
        row = next(row for row in self.invoices() if row["type"] == "invoice" and row["currency"] == "DKK")
        way = json.loads(self.follow(f"opus-soap invoices show {row['number']} --json"))["way"]
        lending = next(step["lending"] for step in way if step["event"] == "invoice.queued")
        kroner = f"{int(str(row['amount_cents'])) / 100:.2f}"
        client = ROOT / "docs/examples/answer_an_invoice.py"
        url = f"http://127.0.0.1:{self.ports['8080']}"
        done = subprocess.run(
            [sys.executable, client, url, "var/secrets", lending, kroner, "22000300", "4103"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    def stop(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            process.wait(30)


@pytest.mark.slow
def test_the_quickstart_can_be_followed(tmp_path):
    (tmp_path / "opus_soap").mkdir()
    (tmp_path / "opus_soap/simulate").symlink_to(ROOT / "opus_soap/simulate")
    reader = Reader(tmp_path)
    try:
        followed = [command for command in commands() if reader.follow(command) is not None]
        assert len(followed) == 19
        until = time.monotonic() + 60
        while {row["state"] for row in reader.invoices()} != {"booked"}:
            assert time.monotonic() < until, f"{reader.invoices()} {(tmp_path / 'log').read_text()}"
            time.sleep(1)
        said = reader.answer_one_again()
        assert said == "booked\n", said
        assert "all hold" in reader.follow("opus-soap ledger verify")
    finally:
        reader.stop()
