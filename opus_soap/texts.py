"""Text of strangers: what of it nobody sees, and when two texts are the same to people."""

from __future__ import annotations

import re
import unicodedata

# controls, surrogates, private and unassigned, line separators: what no screen shows or all obey
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Unicode's Default_Ignorable_Code_Point beyond these (fillers, selectors), and the blank of braille
_IGNORED = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DASHES = re.compile("[\u2010-\u2015\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d]")
# day (or +60: a replacement number), month, year, four digits, with at most a mark or a space between
_PERSON = re.compile(
    r"(?<![0-9])(?:0[1-9]|[12][0-9]|3[01]|6[1-9]|[78][0-9]|9[01])[ ./_-]?(?:0[1-9]|1[0-2])[ ./_-]?[0-9]{2}"
    r" ?[./_-]? ?[0-9]{4}(?![0-9])"
)
XML_BEGINNING = 200  # bytes, in which a declaration of XML ends
_XML_ENCODING = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"']*)")
_UTF_8 = ("UTF-8", "US-ASCII", "ASCII")
_TEN_DIGITS = re.compile(r"(?>\D*\d){10}")


def is_hidden(character: str) -> bool:
    """Whether a character moves or hides others instead of showing itself."""
    return unicodedata.category(character) in _HIDDEN or _IGNORED.match(character) is not None


def visible(text: str, *, instead: str = "\ufffd", keep: str = "") -> str:
    """The text with every hidden character replaced, but for those to `keep`."""
    return "".join(instead if is_hidden(char) and char not in keep else char for char in text)


def legal_xml(text: str) -> str:
    """The text with every character replaced that XML 1.0 cannot hold, bytes that are no text among them."""
    return _NOT_XML.sub("\ufffd", text)


def foreign_encoding(begin: bytes) -> str:
    """In what XML is encoded that is not UTF-8, by its first `XML_BEGINNING` bytes; empty when it is UTF-8.

    A parser would read whatever is declared, and tells it only when it has read everything. It believes a
    byte order mark, and two bytes a character, more than the declaration.
    """
    if b"\x00" in begin or begin.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16 / UTF-32"
    begin = begin.removeprefix(b"\xef\xbb\xbf")
    if not begin.startswith(b"<?xml"):
        return ""
    if b"?>" not in begin:
        return f"> {XML_BEGINNING} bytes"
    declared = _XML_ENCODING.match(begin.partition(b"?>")[0])
    encoding = declared[1].decode("ascii", "replace") if declared else "UTF-8"
    return "" if encoding.upper() in _UTF_8 else encoding[:40] or "-"


def untellable(text: str) -> str | None:
    """The first character that XML 1.0 cannot hold, such as `U+0007`; None when all of it can be told."""
    if text.isprintable():  # most texts
        return None
    found = _NOT_XML.search(text)
    return f"U+{ord(found[0]):04X}" if found else None


def comparable(text: str) -> str:
    """What two texts have in common that people read as the same.

    Wide and composed forms are one, so are hyphens and dashes; case and white space do not count, nor does
    what is not seen.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return _DASHES.sub("-", "".join(char for char in plain if not char.isspace() and not is_hidden(char)))


def names_person(text: str) -> bool:
    """Whether there is what people read as a CPR number, however it is spaced, dashed or disguised."""
    if len(text) < 10 or _TEN_DIGITS.match(text) is None:  # most texts
        return False
    if text.isascii():
        return _PERSON.search(text) is not None
    plain = "".join(char for char in unicodedata.normalize("NFKC", text) if not is_hidden(char))
    return _PERSON.search(_DASHES.sub("-", plain)) is not None
