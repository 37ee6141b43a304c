"""Line and column of what was found, in one walk through the file however many vouchers are wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any, BinaryIO
from xml.parsers import expat

from opus_soap.interfaces.postings_in.reading import Place

_STEP = 256 * 1024  # bytes

# voucher, line, element, occurrence: a `Place`, in a third of the time
_Key = tuple[int, int, str, int]


class Locator:
    """Walks through a file that is well-formed with expat, which knows lines and columns of any length.

    Forwards only: places are asked for in the order of the file, some at a time.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._seen: dict[_Key, tuple[int, int]] = {}  # of the last piece: the next ones may be in it
        self._names: list[str] = []
        self._counts: list[Counter[str]] = [Counter()]
        self._document = self._line = 0
        self._parser: Any = expat.ParserCreate(namespace_separator="}")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def find(self, wanted: Collection[Place]) -> dict[Place, tuple[int, int]]:
        """Line and column (from 1); a place without an element is its LINE, or its voucher."""
        missing = {_key(place): place for place in wanted if place.document or place.element}
        last = max((place.document for place in missing.values()), default=0)
        found = {}
        while True:
            for key in missing.keys() & self._seen.keys():
                found[missing.pop(key)] = self._seen[key]
            if not missing or self._document > last or not (piece := self._file.read(_STEP)):
                return found
            self._seen.clear()
            self._parser.Parse(piece)

    def _start(self, name: str, _attributes: object) -> None:
        counts = self._counts[-1]
        counts[name] += 1
        if len(self._names) == 1:
            self._line = 0
            self._document += name == "POSTING_DOCUMENT"
        self._line += name == "LINE"
        line = self._line if name == "LINE" or "LINE" in self._names else 0
        at = (self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1)
        self._seen[self._document, line, name, counts[name]] = at
        if name in ("POSTING_DOCUMENT", "LINE"):
            self._seen[self._document, line, "", 1] = at
        self._names.append(name)
        self._counts.append(Counter())

    def _end(self, _name: str) -> None:
        self._names.pop()
        self._counts.pop()


def _key(place: Place) -> _Key:
    return place.document, place.line, place.element, place.occurrence
