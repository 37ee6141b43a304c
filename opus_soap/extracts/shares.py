"""Downloads under way at a time: so many, and so many of each subscription.

A download lasts as long as its receiver takes to read it. Without a bound of their own, a few who read
slowly would have every place that callers of the SOAP services need.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from opus_soap.errors import Both, DownloadsBusy


class Shares:
    """The places of one process; `most` of all, `most_of_one` of each subscription."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._lock, self._taken = threading.Lock(), Counter[int]()

    @contextmanager
    def one(self, subscription: int, name: str) -> Iterator[None]:
        """Have a place until the body is over; raises `DownloadsBusy` at once when there is none.

        Counted by the subscription's id: another municipality may have one of the same name.
        """
        with self._lock:
            if self._taken[subscription] >= self._most_of_one:
                of_it = Both(f"for abonnementet {name}", f"of the subscription {name}")
                taken = self._taken[subscription]
                raise DownloadsBusy(element=of_it, value=taken, expected=self._most_of_one)
            if self._taken.total() >= self._most:
                raise DownloadsBusy(
                    element=Both("i alt", "in all"), value=self._taken.total(), expected=self._most
                )
            self._taken[subscription] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[subscription] -= 1
                if not self._taken[subscription]:
                    del self._taken[subscription]
