"""What waits for its caller at a time: so much of it, and so much of each caller.

A download lasts as long as its receiver takes to read it, an upload as long as its sender takes to write
it. Without a bound of their own, a few who are slow would have every place that callers of the SOAP
services need.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from opus_soap.errors import Both, OpusSoapError


class Shares:
    """The places of one process; `most` of all, `most_of_one` of each caller.

    `busy` is what is raised when there is none.
    """

    def __init__(self, most: int, most_of_one: int, busy: type[OpusSoapError]) -> None:
        self._most, self._most_of_one, self._busy = most, most_of_one, busy
        self._lock, self._taken = threading.Lock(), Counter[int]()

    @contextmanager
    def one(self, caller: int, of_it: Both) -> Iterator[None]:
        """Have a place until the body is over; raises at once when there is none.

        Counted by an id: another municipality may have a caller of the same name, which `of_it` tells.
        """
        with self._lock:
            if (taken := self._taken[caller]) >= self._most_of_one:
                raise self._busy(element=of_it, value=taken, expected=self._most_of_one)
            if (taken := self._taken.total()) >= self._most:
                raise self._busy(element=Both("i alt", "in all"), value=taken, expected=self._most)
            self._taken[caller] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[caller] -= 1
                if not self._taken[caller]:
                    del self._taken[caller]
