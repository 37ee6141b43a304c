"""What is wrong with files of master data: where, and what; every mistake, as far as anybody reads them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opus_soap.errors import ImportRefused, OpusSoapError

MOST = 1000


@dataclass(frozen=True)
class Mistake:
    """What is wrong, and where."""

    error: OpusSoapError
    file: str
    line: int  # of the file; 0: of no line of it
    table: str = ""
    key: str = ""


@dataclass
class Mistakes:
    """Those found so far."""

    found: list[Mistake] = field(default_factory=list)

    def add(self, mistake: Mistake) -> None:
        """Note one; raises `ImportRefused` when there are more than anybody reads."""
        self.found.append(mistake)
        if len(self.found) >= MOST:
            raise ImportRefused(self.found, more=True)

    @contextmanager
    def of(self, file: str, line: int = 0, table: str = "", key: str = "") -> Iterator[None]:
        """Note what the body raises, and go on."""
        try:
            yield
        except ImportRefused:
            raise
        except OpusSoapError as error:
            self.add(Mistake(error, file, line, table, key))

    def require_none(self) -> None:
        """Raises `ImportRefused` when there are any."""
        if self.found:
            raise ImportRefused(self.found)
