"""The demo's other processes: started with their settings, waited for, and ended with us."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

from opus_soap.errors import Both, ProcessFailed

_START_SECONDS = 60
_STOP_SECONDS = 10


class Processes:
    """A group of child processes; leaving the `with` block ends every one of them."""

    def __init__(self, log_folder: Path) -> None:
        self._logs = log_folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Processes:
        return self

    def start(self, name: str, environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
        """Run `opus-soap ARGUMENTS`; its output goes to NAME.log."""
        with (self._logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  our own program
                [sys.executable, "-P", "-m", "opus_soap", *arguments],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[name] = process
        return process

    def wait_for(self, name: str, url: str, ca_file: Path | None = None) -> None:
        """Until the process answers at `url`; raises `ProcessFailed` with the end of its log.

        `ca_file`: the CAs (PEM) that its TLS is trusted by.
        """
        trusted = ssl.create_default_context(cafile=ca_file) if ca_file else None
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if self._running[name].poll() is not None:
                break
            try:
                with urllib.request.urlopen(url, timeout=2, context=trusted):  # noqa: S310  our own address
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        log = (self._logs / f"{name}.log").read_text("utf-8", errors="replace")
        raise ProcessFailed(element=name, value=log[-2000:].strip() or Both("intet output", "no output"))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running.values():
            if process.poll() is None:
                process.terminate()
        for process in self._running.values():
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
