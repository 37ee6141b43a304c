"""Messages sent as fast as they are answered, through connections that stay open."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from bench.peers import cores

CLIENTS = 2  # one waits for the server while the other writes and reads, so that its core is never idle
_HEADERS = {"Content-Type": "text/xml; charset=utf-8"}
_MOST_SECONDS = 120  # of one answer


class AnswerWrong(Exception):
    """A server refused what it must take."""


@dataclass(frozen=True)
class Spent:
    """What some messages cost: seconds until all were answered, and of them the server's processor's."""

    messages: int
    seconds: float
    worked: float

    @property
    def per_second(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def worked_ms(self) -> float:
        """Milliseconds of processor time a message."""
        return 1000 * self.worked / self.messages


@dataclass(frozen=True)
class Endpoint:
    """Where messages go, in whose session the server's processes run, and what an answer must hold."""

    port: int
    path: str
    session: int
    accepts: Callable[[bytes], bool]

    def send(self, messages: Sequence[bytes], *, clients: int = CLIENTS) -> Spent:
        """Send every message once. Raises `AnswerWrong`."""
        shares = [messages[number::clients] for number in range(clients)]
        with cores.on(cores.DRIVERS), ThreadPoolExecutor(clients) as pool:
            worked, start = cores.seconds_worked(self.session), time.perf_counter()
            for _ in pool.map(lambda share: list(self._answered(share)), shares):
                pass  # or what a thread raises is lost
            seconds = time.perf_counter() - start
            return Spent(len(messages), seconds, cores.seconds_worked(self.session) - worked)

    def send_singly(self, messages: Sequence[bytes]) -> list[float]:
        """Send one message after another; the milliseconds of each. Raises `AnswerWrong`."""
        with cores.on(cores.DRIVERS):
            return list(self._answered(messages))

    def _answered(self, messages: Sequence[bytes]) -> Iterator[float]:
        """The milliseconds of each message, through one connection."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=_MOST_SECONDS)) as connection:
            for message in messages:
                start = time.perf_counter()
                connection.request("POST", self.path, message, _HEADERS)
                reply = connection.getresponse()
                content = reply.read()
                took = 1000 * (time.perf_counter() - start)
                if reply.status != 200 or not self.accepts(content):
                    raise AnswerWrong(f"{reply.status}: {content[:2000].decode('utf-8', 'replace')}")
                yield took
