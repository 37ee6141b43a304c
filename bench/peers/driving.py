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
class Endpoint:
    """Where messages go, and what an answer must hold."""

    port: int
    path: str
    accepts: Callable[[bytes], bool]

    def send(self, messages: Sequence[bytes], *, clients: int = CLIENTS) -> float:
        """Send every message once; the seconds that it took. Raises `AnswerWrong`."""
        shares = [messages[number::clients] for number in range(clients)]
        with cores.on(cores.DRIVERS), ThreadPoolExecutor(clients) as pool:
            start = time.perf_counter()
            for _ in pool.map(lambda share: list(self._answered(share)), shares):
                pass  # or what a thread raises is lost
            return time.perf_counter() - start

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
