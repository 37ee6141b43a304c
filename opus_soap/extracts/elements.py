"""Values and elements as they stand in extracts: each written in one way, whatever the kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
Tags = Sequence[tuple[str, str]]
Texts = Sequence[str | None]  # by the names of a contract; None and what is empty is left out


def escaped(text: str) -> str:
    """A text as XML has it; a carriage return stays one."""
    return text.translate(_SPECIAL)


def tags(names: Iterable[str]) -> Tags:
    """What stands before and behind the text of each element."""
    return [(f"<{name}>", f"</{name}>") for name in names]


def leaves(around: Tags, texts: Collection[str | None]) -> str:
    """An element for each text that there is."""
    whole = "".join([text for text in texts if text])
    if "&" in whole or "<" in whole or ">" in whole or "\r" in whole:  # asked of all at once: few have any
        texts = [text and escaped(text) for text in texts]
    pairs = zip(texts, around, strict=True)
    return "".join([f"{opening}{text}{closing}" for text, (opening, closing) in pairs if text])


def group(name: str, around: Tags, texts: Collection[str | None], more: str = "") -> str:
    """An element whose children are texts, and `more` behind them."""
    return f"<{name}>{leaves(around, texts)}{more}</{name}>\n"


def element(name: str, values: Mapping[str, str | None]) -> str:
    """The same by the children's names."""
    return group(name, tags(values), values.values())


def day(stored: Any) -> str | None:
    """A date as it is stored → yyyymmdd."""
    return str(stored).replace("-", "") if stored else None


def amount(ore: int) -> str:
    """`-123450` → `-1234.50`."""
    whole, rest = divmod(abs(ore), 100)
    return f"{'-' if ore < 0 else ''}{whole}.{rest:02d}"
