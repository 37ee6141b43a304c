"""Text of strangers: what of it nobody sees, and when two texts are the same to people."""

from __future__ import annotations

import unicodedata

# controls, direction marks and joiners, line separators, what no screen can show
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def is_hidden(character: str) -> bool:
    """Whether a character moves or hides others instead of showing itself."""
    return unicodedata.category(character) in _HIDDEN


def visible(text: str, *, instead: str = "\ufffd", keep: str = "") -> str:
    """The text with every hidden character replaced, but for those to `keep`."""
    return "".join(instead if is_hidden(char) and char not in keep else char for char in text)


def comparable(text: str) -> str:
    """What two texts have in common that people read as the same.

    Wide and composed forms are one, case and white space do not count, nor does what is not seen.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(char for char in plain if not char.isspace() and not is_hidden(char))
