"""Text of others on a terminal: no markup, no control characters, no CPR numbers."""

from __future__ import annotations

import unicodedata
from typing import Any

from rich.console import Console
from rich.text import Text

from opus_soap.errors import mask_cpr

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn")  # escapes, direction marks, what no screen can show


def shown(text: str) -> str:
    """A text as a terminal may have it: what moves the cursor or the reading direction becomes `�`."""
    plain = "".join(
        "\ufffd" if unicodedata.category(character) in _HIDDEN and character not in "\n\t" else character
        for character in text
    )
    return mask_cpr(plain)


def shown_all(value: Any) -> Any:
    """The same for every text in a structure that is printed as JSON."""
    if isinstance(value, dict):
        return {name: shown_all(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shown_all(item) for item in value]
    return shown(value) if isinstance(value, str) else value


class PlainConsole(Console):
    """A console that takes every string literally; style is said with `style=`, not in brackets."""

    def render_str(self, text: str, **options: Any) -> Text:
        """A string as `shown`, without markup or emoji codes."""
        return super().render_str(shown(text), **{**options, "markup": False, "emoji": False})
