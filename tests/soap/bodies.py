"""Bodies of requests that take their time."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO


class Slow(BytesIO):
    """A body during whose reading something else happens, once."""

    def __init__(self, data: bytes, meanwhile: Callable[[], object]) -> None:
        super().__init__(data)
        self._meanwhile, self.seen = meanwhile, []

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes."""
        if not self.seen:
            self.seen.append(self._meanwhile())
        return super().read(size)
