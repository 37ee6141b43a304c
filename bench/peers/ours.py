"""Our side: `opus-soap serve` with one process, as it is run, over books of its own.

It verifies, authorises, validates, dispatches, books (SQLite, synchronous full), archives and signs. Beside
the answers it is asked what it has done: how many vouchers its ledger has, and what its access log says of
each request.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.peers import cores
from bench.peers.driving import AnswerWrong, Endpoint, Spent
from bench.peers.messages import PATH, Sent
from bench.posting_files import MUNICIPALITY, SENDER
from opus_soap.clock import SystemClock
from opus_soap.database import disconnect
from opus_soap.demo.processes import Processes
from opus_soap.demo.scene import CASE_SYSTEM, Scene, prepare
from opus_soap.interfaces.postings_in.agreeing import agree
from opus_soap.store.models import System

LIFETIME_SECONDS = 3600  # of messages, which are signed before they are sent
# what is set otherwise than by default: messages may be old, and requests are logged
SETTINGS = {
    "OPUS_SOAP_MAX_MESSAGE_LIFETIME_SECONDS": str(LIFETIME_SECONDS),
    "OPUS_SOAP_LOG_LEVEL": "INFO",
}

Parts = Mapping[str, float]  # milliseconds by part of a request


@dataclass(frozen=True)
class OurServer:
    """The running server, and what it leaves behind."""

    scene: Scene
    session: int

    @property
    def endpoint(self) -> Endpoint:
        """Where it is called; an answer accepts every voucher, without remarks."""
        return Endpoint(
            self.scene.opus_port, PATH, self.session, lambda answer: b"AccepteretUdenBem" in answer
        )

    def send(self, messages: Sequence[Sent]) -> Spent:
        """What the messages cost; raises `AnswerWrong` unless exactly their vouchers are booked."""
        with self._booking(messages):
            return self.endpoint.send([message.data for message in messages])

    def send_singly(self, messages: Sequence[Sent]) -> tuple[list[float], list[Parts]]:
        """The same one after another: the milliseconds of each as its caller sees it, and by part."""
        with self._booking(messages):
            before = len(self._logged())
            took = self.endpoint.send_singly([message.data for message in messages])
        return took, self._logged()[before:]

    @contextmanager
    def _booking(self, messages: Sequence[Sent]) -> Iterator[None]:
        before = self._vouchers()
        yield
        grown, sent = self._vouchers() - before, sum(message.vouchers for message in messages)
        if grown != sent:
            raise AnswerWrong(f"{sent} vouchers were sent, {grown} are booked")

    def _vouchers(self) -> int:
        with closing(sqlite3.connect(self.scene.folder / "opus.sqlite3")) as books:
            counted: int = books.execute("SELECT count(*) FROM voucher").fetchone()[0]
            return counted

    def _logged(self) -> list[Parts]:
        """The parts of each message that was answered, as the access log has them."""
        lines = (self.scene.folder / "server.log").read_text("utf-8").splitlines()
        logged = (json.loads(line) for line in lines if line.startswith("{"))
        return [entry["ms"] for entry in logged if entry.get("endpoint") == PATH]


@contextmanager
def running(folder: Path) -> Iterator[OurServer]:
    """The server on the core of servers, with an agreement and empty books in the folder."""
    scene = prepare(folder, SystemClock(), opus_port=0, case_port=0)
    given = {"short": SENDER, "name": "Kommunernes Ydelse", "system": System.get(System.uuid == CASE_SYSTEM)}
    agree(MUNICIPALITY, SENDER, given, actor="bench", clock=SystemClock())
    disconnect()
    environment = {
        **scene.environment("opus"),
        **SETTINGS,
        "OPUS_SOAP_FILES_FOLDER": str(folder / "files"),
    }
    with Processes(folder) as processes:
        with cores.on(cores.SERVER):
            bind = f"--bind=127.0.0.1:{scene.opus_port}"
            process = processes.start("server", environment, "serve", bind, "--workers=1")
        processes.wait_for("server", f"{scene.opus_url}/health")
        yield OurServer(scene, session=process.pid)
