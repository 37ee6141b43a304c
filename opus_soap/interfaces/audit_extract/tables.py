"""What a table of the extract is: its columns with names, types, meaning and source, and its JSON schema.

Rows are texts, as the CSV file has them; the schema (JSON Schema 2020-12) describes a row as an object of
texts. Names are shaped after ISO 21378 where it has the table; `OPUS_` tables are our own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

DRAFT = "https://json-schema.org/draft/2020-12/schema"
# how a value of each type is written
PATTERNS = {
    "text": r"[\s\S]*",
    "integer": r"-?\d+",
    "amount": r"-?\d+\.\d{2}",
    "percent": r"\d+\.\d{2}",
    "date": r"\d{4}-\d{2}-\d{2}",
    "time": r"\d{2}:\d{2}:\d{2}",
    "instant": r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z",
    "boolean": "true|false",
    "side": "D|C",
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "hex": r"([0-9a-f]{2})+",
}


class Column(NamedTuple):
    """A column; `source` is the table and column of the books, or how it is found."""

    name: str
    type: str  # of `PATTERNS`
    danish: str
    meaning: str
    source: str
    required: bool = True


@dataclass(frozen=True)
class Table:
    """A table: `NAME_` + name + `.csv`, beside it `.schema.json`."""

    name: str
    danish: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [column.name for column in self.columns]

    def schema(self) -> bytes:
        """The schema's bytes."""
        whole: dict[str, Any] = {
            "$schema": DRAFT,
            "$id": f"urn:opus-soap:udtraek:revisor:1:{self.name}",
            "title": self.danish,
            "description": "A row of the CSV file (UTF-8, semicolons, names in the first row), as texts. "
            + ("Our own table." if self.name.startswith("OPUS_") else "Shaped after ISO 21378."),
            "type": "object",
            "additionalProperties": False,
            "required": self.names,
            "properties": {column.name: _property(column) for column in self.columns},
            "x-order": self.names,
            "x-key": list(self.key),
        }
        return (json.dumps(whole, ensure_ascii=False, indent=2) + "\n").encode()


def _property(column: Column) -> dict[str, Any]:
    pattern = PATTERNS[column.type]
    found: dict[str, Any] = {
        "type": "string",
        "title": column.danish,
        "description": column.meaning,
        "pattern": f"^(?:{pattern})$" if column.required else f"^(?:{pattern})?$",
        "x-type": column.type,
        "x-source": column.source,
    }
    if column.required:
        found["minLength"] = 1
    return found


def text_of(values: Sequence[object]) -> list[str]:
    """A row's values as texts; None is empty."""
    return ["" if value is None else _text(value) for value in values]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
