"""`opus-soap serve` takes a changed key, CA file and revocation list into use while it runs."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from opus_soap.clock import SystemClock
from opus_soap.database import disconnect
from opus_soap.demo.scene import Scene, prepare
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import load_pem
from opus_soap.wss.errors import WssError
from opus_soap.wss.replies import verify_reply
from opus_soap.wss.signing import load_signer
from tests.soap.conftest import ACTION, ENTITY_ID, PATH, ping

NAMES = ("opus", "other-case-system")


@dataclass
class Server:
    scene: Scene
    pid: int
    log: Path

    def ask(self) -> tuple[str, str]:
        """Ping, signed; returns whose key signed the reply, and the fault's code or `ok`."""
        keys = self.scene.keys
        caller = load_signer(keys / "case-system.key.pem", keys / "case-system.crt.pem", timedelta(minutes=5))
        message_id = f"urn:uuid:{uuid4()}"
        now = SystemClock().now()
        data = caller.sign(ping(), Addressing(f"{ACTION}Ping", message_id, ENTITY_ID, None, None), now=now)
        connection = http.client.HTTPConnection("127.0.0.1", self.scene.opus_port, timeout=10)
        try:
            connection.request("POST", PATH, data, {"Content-Type": "text/xml; charset=utf-8"})
            reply = connection.getresponse().read()
        finally:
            connection.close()
        code = reply.partition(b"Kode>")[2][:7].decode() or "ok"
        return next(name for name in NAMES if self._signed(reply, name, message_id)), code

    def _signed(self, reply: bytes, name: str, message_id: str) -> bool:
        [certificate] = load_pem(self.scene.keys / f"{name}.kept.pem")
        try:
            verify_reply(reply, request_message_id=message_id, pinned=[certificate], now=SystemClock().now())
        except WssError:
            return False
        return True

    def has_each_worker_answered(self) -> bool:
        """One that is still being made reads whatever keys are there; who has answered has threads."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        if not children.exists():  # where that is not told, it is not waited for
            return True
        return all(len(os.listdir(f"/proc/{pid}/task")) > 1 for pid in children.read_text().split())

    def until(self, wanted: tuple[str, str]) -> None:
        wait_for(lambda: self.ask() == wanted, self.log)


def wait_for(condition: Callable[[], bool], log: Path, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except (OSError, http.client.HTTPException, StopIteration):
            pass
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.2)


@contextmanager
def serving(folder: Path, reload_seconds: int) -> Iterator[Server]:
    scene = prepare(folder, SystemClock(), opus_port=0, case_port=0)
    disconnect()
    for name in NAMES:
        shutil.copy(scene.keys / f"{name}.crt.pem", scene.keys / f"{name}.kept.pem")
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "opus_soap", "serve", "--workers=2", "--threads=2",
             f"--bind=127.0.0.1:{scene.opus_port}"],
            env={
                "PATH": "",
                **scene.environment("opus"),
                "OPUS_SOAP_RELOAD_SECONDS": str(reload_seconds),
                "OPUS_SOAP_REVOCATION": "crl",
                "OPUS_SOAP_REVOCATION_LISTS": str(scene.keys),
            },
            stdout=stream,
            stderr=stream,
        )  # fmt: skip
    server = Server(scene, process.pid, log)
    try:
        server.until(("opus", "ok"))
        wait_for(lambda: server.ask() and server.has_each_worker_answered(), log)
        yield server
    finally:
        process.terminate()
        process.wait(30)


def replace(keys: Path, kind: str) -> None:
    shutil.copy(keys / f"other-case-system.{kind}.pem", keys / f"opus.{kind}.pem")


def test_files_that_change_are_taken_into_use(tmp_path: Path):
    with serving(tmp_path, reload_seconds=1) as server:
        keys = server.scene.keys
        replace(keys, "key")  # and the certificate is not there yet
        told = "changed files not taken into use"
        wait_for(lambda: server.ask() == ("opus", "ok") and told in server.log.read_text(), server.log)
        assert server.ask() == ("opus", "ok")
        replace(keys, "crt")
        server.until(("other-case-system", "ok"))

        away = (keys / "issuing.crl.pem").rename(keys / "issuing.away")
        server.until(("other-case-system", "WSS-055"))
        away.rename(keys / "issuing.crl.pem")
        server.until(("other-case-system", "ok"))

        (keys / "ca.pem").write_bytes((keys / "root.crt.pem").read_bytes())
        server.until(("other-case-system", "WSS-050"))
        shutil.copy(keys / "issuing.crt.pem", keys / "ca.pem")
        server.until(("other-case-system", "ok"))


def test_sighup_is_heard_at_once(tmp_path: Path):
    with serving(tmp_path, reload_seconds=3600) as server:
        for kind in ("key", "crt"):
            replace(server.scene.keys, kind)
        time.sleep(1.5)
        assert server.ask() == ("opus", "ok"), "nobody has looked"
        os.kill(server.pid, signal.SIGHUP)
        server.until(("other-case-system", "ok"))
